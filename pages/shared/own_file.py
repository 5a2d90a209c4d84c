"""A file of the user's whose reading was stopped: a way to start it again."""

from __future__ import annotations

import streamlit as st

from mlp_core.data import is_present
from mlp_core.training.session import Session
from mlp_core.training.snapshot import Snapshot


def read_button(session: Session, snapshot: Snapshot) -> None:
    """Offer to read a file that was brought meanwhile, or whose reading was stopped; draws nothing otherwise."""
    if snapshot.status not in ("needs download", "failed") or snapshot.dataset or snapshot.experiment is None:
        return
    data = snapshot.experiment.data
    if data.entry.source == "uploaded" and is_present(data):
        st.button("Read the file", key="read-file", icon=":material/upload_file:", on_click=session.download)
