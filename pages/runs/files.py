"""Runs as a file: down, and up again."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from mlp_core.errors import UserError
from mlp_core.store.keeper import RunKeeper
from pages.shared.layout import as_text

_UPLOADS, _SAID = "runs_uploads", "runs_upload_said"


def download(keeper: RunKeeper, runs: Sequence[str]) -> None:
    """A button that gives these runs as one file, which is made when it is pressed."""

    def made() -> bytes:
        from mlp_core.store.archive import write_runs

        return write_runs(keeper.queue.store, keeper.owner, runs)

    name = f"run-{runs[0][:8]}.zip" if len(runs) == 1 else f"{len(runs)}-runs.zip"
    st.download_button(
        "Download", made, name, "application/zip", key="runs-download", icon=":material/download:", on_click="ignore",
        help="Record, curves, settings and weights in one file, which Upload reads again anywhere.",
    )  # fmt: skip


def taking(keeper: RunKeeper) -> None:
    """A field for such a file."""
    with st.popover("Upload", icon=":material/upload:"):
        key = f"runs-upload-{st.session_state.get(_UPLOADS, 0)}"
        st.file_uploader("A file that Download has made", type=["zip"], key=key, on_change=_take, args=(keeper, key))
        if said := st.session_state.get(_SAID):
            good, message = said
            (st.success if good else st.error)(as_text(message))


def _take(keeper: RunKeeper, key: str) -> None:
    from mlp_core.store.archive import keep, read_runs

    uploaded = st.session_state[key]
    if uploaded is None:
        return
    try:
        kept = keep(keeper.queue.store, keeper.owner, read_runs(uploaded.getvalue()))
        st.session_state[_SAID] = True, f"{len(kept)} run{'s are' if len(kept) > 1 else ' is'} kept."
    except UserError as error:
        st.session_state[_SAID] = False, str(error)
    st.session_state[_UPLOADS] = st.session_state.get(_UPLOADS, 0) + 1  # the field is empty again
