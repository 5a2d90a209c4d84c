"""Bringing a table: saved and looked through with progress, then made the experiment's data."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from mlp_core.catalog.tables import Table, TableFile
from mlp_core.data import Progress, data_folder
from mlp_core.data.inspection import Inspection, add_table, open_table, propose
from mlp_core.data.uploads import IN_USE_SECONDS
from mlp_core.errors import UserError
from mlp_core.limits import MAX_TABLE_ROWS, MAX_UPLOAD_BYTES, MAX_UPLOADS_BYTES
from mlp_core.problems import with_data
from mlp_core.spec import DataSpec
from pages.shared import editor
from pages.shared.layout import as_text
from pages.shared.link import locked

HANDLED, KNOWN, SAID = "table_handled", "table_inspection", "table_said"


def upload_area() -> None:
    """The field for a file, and what became of the last one."""
    uploaded = st.file_uploader(
        "Bring a table (CSV or Parquet)", type=["csv", "tsv", "txt", "parquet"], key="upload-table",
        disabled=locked("data", "dataset"), max_upload_size=MAX_UPLOAD_BYTES // 1_000_000,
        help=f"At most {MAX_UPLOAD_BYTES / 1e6:,.0f} MB and {MAX_TABLE_ROWS:,} rows. It stays on this server, by its "
        "content's sum: who has the link to your experiment can train on it, and nobody sees a list. All uploads "
        f"together may take {MAX_UPLOADS_BYTES / 1e6:,.0f} MB; those that nobody used for "
        f"{IN_USE_SECONDS / 3600:.0f} hours make room for new ones.",
    )  # fmt: skip
    if uploaded is None or st.session_state.get(HANDLED) == uploaded.file_id:
        for sentence in st.session_state.get(SAID, ()):
            st.caption(as_text(sentence))
        return
    st.session_state[HANDLED], st.session_state[SAID] = uploaded.file_id, ()
    bar = st.progress(0.0, text=as_text(f"Reading {uploaded.name}"))
    st.button("Cancel", key="cancel-upload")  # a press ends this run of the page at the next step of the bar
    # Said if this run ends on the way, by Cancel, or by whatever else is pressed.
    st.session_state[SAID] = (f"{uploaded.name} was not read to the end, and nothing of it was kept.",)
    try:
        inspection, removed = add_table(
            uploaded, uploaded.name, data_folder(), progress=lambda now: _show(bar, now),
            copied=lambda: _let_go(uploaded),
        )  # fmt: skip
        st.session_state[KNOWN] = inspection
        adopt(propose(inspection))
        st.session_state[SAID] = removed
    except UserError as error:
        st.session_state[SAID] = ()
        editor.say("data", str(error))
    finally:
        _let_go(uploaded)
    st.rerun()


def _let_go(uploaded: UploadedFile) -> None:
    """Have Streamlit forget the file's bytes, which it holds as long as the page is open: the data folder has them."""
    context = get_script_run_ctx()
    remove = getattr(context.uploaded_file_mgr, "remove_file", None) if context is not None else None
    if remove is not None:
        remove(context.session_id, uploaded.file_id)
    uploaded.close()


def adopt(table: Table) -> None:
    """Make a table the experiment's data; raises `SpecError`."""
    old = editor.experiment()
    kept = {"scaling": old.data.params["scaling"]} if old.data.dataset == "table" else {}
    data = DataSpec(
        dataset="table", params={**kept, "table": table.values()}, test_fraction=old.data.test_fraction,
        seed=old.data.seed,
    )  # fmt: skip
    editor.adopt(with_data(old, data))


def inspection_of(table: Table) -> Inspection | None:
    """What the table's file holds; None where it is not there, which is said."""
    known: Inspection | None = st.session_state.get(KNOWN)
    if known is not None and known.file() == table.file:
        return known
    try:
        found = read_again(table.file)
    except UserError as error:
        st.warning(as_text(error), icon=":material/upload_file:")
        return None
    st.session_state[KNOWN] = found
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
