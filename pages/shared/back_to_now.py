"""The way back to the newest weights, on pages that show an earlier moment of the run because the slider does."""

from __future__ import annotations

import streamlit as st

from mlp_core.training.session import Session
from mlp_core.training.snapshot import Snapshot

SOON_SECONDS = 0.2
"""How long a press waits for the newest weights; what takes longer comes with a tick."""


def back_to_now(session: Session, snapshot: Snapshot) -> None:
    """A button that shows the run as it is now; nothing where it is shown so."""
    if snapshot.looks_back:
        st.button(
            "Back to now", key="back_to_now", icon=":material/history:", on_click=_back, args=(session,),
            help=f"Step {snapshot.step:,} of {snapshot.run_step:,} is looked at, as on the Playground's slider.",
        )  # fmt: skip


def _back(session: Session) -> None:
    session.look_at(None)
    session.wait(lambda now: not now.looks_back, SOON_SECONDS)
