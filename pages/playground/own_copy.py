"""What to do about a public set that is not here, without the internet: a copy of one's own, or another set."""

from __future__ import annotations

import streamlit as st

from mlp_core.catalog import DATASETS
from mlp_core.catalog.datasets import DatasetEntry
from mlp_core.data import data_folder, is_present
from mlp_core.errors import UserError
from mlp_core.spec import DataSpec
from mlp_core.training.session import Session
from pages.playground.suggestions import choose_set
from pages.shared.layout import as_text
from pages.shared.link import hidden, locked

_FILES = "own-copy-files"
_SAID = "own_copy_said"
OFFERED = 6
"""Other sets that are offered at most."""


def own_copy(session: Session, entry: DatasetEntry) -> None:
    """Say which files of the set are looked for and where, and take them as an upload."""
    with st.expander("Use your own copy", icon=":material/folder_open:"):
        names = ", ".join(path.rsplit("/", 1)[-1] for path in entry.archives)
        folders = {str((data_folder() / path).parent) for path in entry.archives}
        limit = int(st.get_option("server.maxUploadSize"))
        st.markdown(
            f"Without the internet, {as_text(entry.label)} is read from its official files: **{as_text(names)}**. "
            f"Put them into the server's folder {as_text(' and '.join(sorted(folders)))} and press Download, or choose "
            f"them here. Uploads to this server have at most {limit} MB each."
        )
        files = st.file_uploader(
            "Official files", accept_multiple_files=True, key=f"{_FILES}-{entry.name}",
            help="Files with another checksum than the published one are read as well, and the page says so. What they "
            "hold is then there for everybody who uses this server.",
        )  # fmt: skip
        st.button(
            "Use these files", key="use-own-copy", icon=":material/upload_file:", disabled=not files,
            on_click=_install, args=(session, entry),
        )  # fmt: skip
        said = st.session_state.get(_SAID)
        if said is not None and said[0] == entry.name:
            st.error(as_text(said[1]), icon=":material/block:")


def _install(session: Session, entry: DatasetEntry) -> None:
    from mlp_core.data.download import install  # imports torchvision, which knows the files' sums

    st.session_state.pop(_SAID, None)
    try:
        install(entry, data_folder(), {file.name: file for file in st.session_state[f"{_FILES}-{entry.name}"]})
    except UserError as error:
        st.session_state[_SAID] = (entry.name, str(error))
    else:
        session.download()  # finds the files there


def sets_here(entry: DatasetEntry) -> None:
    """Offer the downloaded sets that this server has, and the digits that come with scikit-learn."""
    if hidden("data", "dataset") or locked("data", "dataset"):
        return
    names = [
        name
        for name, other in DATASETS.items()
        if name != entry.name and other.source == "downloaded" and is_present(DataSpec(dataset=name))
    ]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("Here already:", width="content")
        for name in [*names[: OFFERED - 1], "digits"]:
            st.button(
                as_text(DATASETS[name].label), key=f"instead-{name}", on_click=choose_set, args=(name,),
            )  # fmt: skip


def set_label(entry: DatasetEntry) -> str:
    """A set's name in a list of all, with its kind."""
    facts = entry.facts(entry.fill({}))
    kind = {"generated": "generated", "drawn": "drawn by you", "uploaded": "your file"}.get(
        entry.source, "images" if facts.holds_images else "table"
    )
    if entry.source == "downloaded" and not is_present(DataSpec(dataset=entry.name)):
        kind = f"{kind}, needs a download"
    return f"{entry.label} · {kind}"
