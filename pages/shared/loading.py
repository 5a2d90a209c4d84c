"""Data on their way: how far they are, and a way to give them up."""

from __future__ import annotations

import streamlit as st

from mlp_core.training.session import Session
from mlp_core.training.snapshot import Snapshot
from pages.shared import editor
from pages.shared.layout import as_text

LOOK_SECONDS = 0.5
"""Between two updates of the progress."""


def loading(session: Session, snapshot: Snapshot, *, redraws: bool = False) -> None:
    """What of the data has arrived, and Cancel; draws nothing when none are under way.

    With `redraws`, the page is drawn again when they are there: one that does not follow its runs by itself.
    """

    def tick() -> None:
        now = session.snapshot()
        if now.progress is not None:
            what, share = now.progress
            st.progress(min(1.0, share or 0.0), text=as_text(what))
            st.button("Cancel", key="cancel_download", on_click=_cancel, args=(session,))
        elif redraws and now.status != "preparing":
            st.rerun()

    if snapshot.progress is not None or (redraws and snapshot.status == "preparing"):
        st.fragment(tick, run_every=LOOK_SECONDS, key="download_progress")()


def _cancel(session: Session) -> None:
    """Go back to the experiment whose run is at hand, where there is one."""
    session.cancel_download()
    kept = session.experiment
    if kept is not None and kept != editor.experiment():
        editor.replace(kept)
