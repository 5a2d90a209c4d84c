"""What pages beside the Playground show around their own parts: how the run is, its slider, and its buttons."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from mlp_core.training.session import Session
from mlp_core.training.snapshot import Snapshot
from pages.live.page import LivePage, Snapshots
from pages.playground.control_bar import best_weights, main_action
from pages.playground.status import message
from pages.playground.time_travel import TimeSlot, time_travel
from pages.shared.loading import loading
from pages.shared.verdict import Verdict


def run_head(
    page: LivePage, session: Session, snapshot: Snapshot, verdict: Verdict, times: Sequence[TimeSlot]
) -> None:
    """What there is to say of the run, and the slider over it."""
    page.notice()
    loading(session, snapshot)
    message(session, snapshot, verdict.permits(snapshot))
    if snapshot.dataset is None and snapshot.status == "preparing":
        st.caption("The network is being built.")
    time_travel(page, times, session)


def run_buttons(page: LivePage, run: str, session: Session, verdict: Verdict) -> None:
    """The buttons of the run; the page follows it from then on."""

    def pressed(now: Snapshots) -> None:
        with st.container(horizontal=True, gap="xsmall", width="content"):
            main_action(session, verdict.permits(now[run]))
            best_weights(session, now[run])

    page.follow(pressed)
