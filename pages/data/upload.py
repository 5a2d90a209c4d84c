"""Bringing a table: saved and looked through with progress, then made the experiment's data."""

from __future__ import annotations

import streamlit as st

from mlp_core.catalog.tables import Table, TableFile, table_of
from mlp_core.data import Progress, data_folder
from mlp_core.data.inspection import Inspection, add_table, open_table, propose
from mlp_core.errors import UserError
from mlp_core.limits import MAX_TABLE_ROWS, MAX_UPLOAD_BYTES
from pages.live import runs
from pages.shared import editor
from pages.shared.layout import as_text
from pages.shared.link import locked
from pages.shared.own_table import adopt, know, known

HANDLED, SAID = "table_handled", "table_said"


def upload_area() -> None:
    """The field for a file, and what became of the last one."""
    uploaded = st.file_uploader(
        "Bring a table (CSV or Parquet)", type=["csv", "tsv", "txt", "parquet"], key="upload-table",
        disabled=locked("data", "dataset"), max_upload_size=MAX_UPLOAD_BYTES // 1_000_000,
        help=f"At most {MAX_UPLOAD_BYTES / 1e6:,.0f} MB and {MAX_TABLE_ROWS:,} rows. It stays on this server, by its "
        "content's sum: who has the link to your experiment can train on it, and nobody sees a list.",
    )  # fmt: skip
    if uploaded is None or st.session_state.get(HANDLED) == uploaded.file_id:
        for sentence in st.session_state.get(SAID, ()):
            st.caption(as_text(sentence))
        return
    st.session_state[HANDLED], st.session_state[SAID] = uploaded.file_id, ()
    bar = st.progress(0.0, text=as_text(f"Reading {uploaded.name}"))
    st.button("Cancel", key="cancel-upload")  # a press ends this run of the page at the next step of the bar
    try:
        inspection, removed = add_table(uploaded, uploaded.name, data_folder(), progress=lambda now: _show(bar, now))
        know(inspection)
        _use(inspection)
        st.session_state[SAID] = removed
    except UserError as error:
        editor.say("data", str(error))
    st.rerun()


def _use(inspection: Inspection) -> None:
    """Make the file's table the experiment's; a file that the experiment asks for goes with the table it has."""
    table = table_of(editor.experiment().data.params) if editor.experiment().data.dataset == "table" else None
    if table is None or table.file != inspection.file():
        adopt(propose(inspection))
    else:
        runs.browser_runs().session.download()  # looks for the file once more


def inspection_of(table: Table) -> Inspection | None:
    """What the table's file holds; None where it is not there, which is said."""
    if (found := known(table)) is not None:
        return found
    try:
        found = read_again(table.file)
    except UserError as error:
        st.warning(as_text(error), icon=":material/upload_file:")
        return None
    know(found)
    return found


def read_again(file: TableFile) -> Inspection:
    """Look through a file of the data folder with progress; raises `UserError`."""
    bar = st.progress(0.0, text=as_text(f"Reading {file.name}"))
    try:
        return open_table(file, data_folder(), progress=lambda now: _show(bar, now))
    finally:
        bar.empty()


def _show(bar: st.delta_generator.DeltaGenerator, progress: Progress) -> None:
    share = min(1.0, progress.done_bytes / progress.total_bytes) if progress.total_bytes else 0.0
    bar.progress(share, text=as_text(progress.what))
