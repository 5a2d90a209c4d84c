"""Bringing a file: saved and looked through with progress, then made the experiment's data."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO

import streamlit as st

from mlp_core.catalog.tables import Table, TableFile, table_of
from mlp_core.data import data_folder
from mlp_core.data.inspection import Inspection, add_table, open_table, propose
from mlp_core.data.uploads import IN_USE_SECONDS
from mlp_core.data.waiting import Report
from mlp_core.errors import UserError
from mlp_core.limits import MAX_TABLE_ROWS, MAX_UPLOAD_BYTES, MAX_UPLOADS_BYTES
from mlp_core.training.session import Session
from pages.data import images
from pages.data.reading import progress_bar
from pages.shared import editor
from pages.shared.layout import as_text
from pages.shared.link import locked
from pages.shared.own_table import adopt, know, known, on_table
from pages.shared.uploads import done, take

FIELD, SAID = "upload-file", "upload_said"


def upload_area(session: Session) -> None:
    """The field for a file, and what became of the last one; the session trains on it."""
    upload = take(FIELD)
    st.file_uploader(
        "Bring a table (CSV or Parquet) or images (zip)", type=["csv", "tsv", "txt", "parquet", "zip"],
        key=FIELD, disabled=locked("data", "dataset"), max_upload_size=MAX_UPLOAD_BYTES // 1_000_000,
        help=f"At most {MAX_UPLOAD_BYTES / 1e6:,.0f} MB. A table has at most {MAX_TABLE_ROWS:,} rows. A zip holds PNG "
        "or JPEG images in a folder for each class, which may lie in folders 'train' and 'test', or images and a CSV "
        "file with the columns 'file' and 'label'. What you bring stays on this server, by its content's sum: who has "
        "the link to your experiment can train on it, and nobody sees a list. All uploads together may take "
        f"{MAX_UPLOADS_BYTES / 1e6:,.0f} MB; those that nobody used for {IN_USE_SECONDS / 3600:.0f} hours make room "
        "for new ones.",
    )  # fmt: skip
    if upload is None:
        for sentence in st.session_state.get(SAID, ()):
            st.caption(as_text(sentence))
        return
    st.session_state[SAID] = ()
    before = editor.experiment()
    with progress_bar(upload.name) as show:
        st.button("Cancel", key="cancel-upload")  # a press ends this run of the page at the next step of the bar
        # Said if this run ends on the way, by Cancel, or by whatever else is pressed.
        st.session_state[SAID] = (f"{upload.name} was not read to the end, and nothing of it was kept.",)
        try:
            bring = images.bring if upload.name.lower().endswith(".zip") else _bring_table
            st.session_state[SAID] = bring(upload.content, upload.name, show, lambda: done(FIELD))
            if editor.experiment() == before:  # it asked for this very file, which was not there
                session.download()
        except UserError as error:
            st.session_state[SAID] = ()
            editor.say("data", str(error))
        finally:
            done(FIELD)
    st.rerun()


def _bring_table(source: IO[bytes], name: str, show: Report, copied: Callable[[], None]) -> tuple[str, ...]:
    """Make an uploaded table the experiment's data; returns what is to be said of it. Raises `UserError`.

    `copied` is called as soon as the file is in the data folder.
    """
    current = editor.experiment()
    wanted = table_of(current.data.params) if current.data.dataset == "table" else None

    def is_new(found: Inspection) -> bool:
        return wanted is None or wanted.file != found.file()  # a file that was asked for goes with the table it has

    def accept(found: Inspection) -> None:
        if is_new(found):
            on_table(current, propose(found))

    inspection, removed = add_table(source, name, data_folder(), progress=show, copied=copied, accept=accept)
    know(inspection)
    if is_new(inspection):
        adopt(propose(inspection))
    return removed


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
    with progress_bar(file.name) as show:
        return open_table(file, data_folder(), progress=show)
