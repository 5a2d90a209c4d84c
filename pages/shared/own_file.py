"""A file of the user's that is read: how far that is, a way to stop it, and a way to start it again."""

from __future__ import annotations

import streamlit as st

from mlp_core.data import is_present
from mlp_core.training.session import Session
from mlp_core.training.snapshot import Snapshot
from pages.shared.layout import as_text

TICK_SECONDS = 0.5


def read_button(session: Session, snapshot: Snapshot) -> None:
    """Offer to read a file that was brought meanwhile, or whose reading was stopped; draws nothing otherwise."""
    if snapshot.status != "needs download" or snapshot.experiment is None:
        return
    data = snapshot.experiment.data
    if data.entry.source == "uploaded" and is_present(data):
        st.button("Read the file", key="read-file", icon=":material/upload_file:", on_click=session.download)


def reading(session: Session) -> None:
    """How far the data is read, with a way to stop; the page is drawn again at the end."""

    def tick() -> None:
        now = session.snapshot()
        if now.status != "preparing":
            st.rerun()
        what, share = now.progress or ("Reading the data", None)
        st.progress(share or 0.0, text=as_text(what))
        st.button("Cancel", key="cancel-reading", on_click=session.cancel_download)

    st.fragment(tick, run_every=TICK_SECONDS, key="reading")()
