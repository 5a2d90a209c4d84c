"""What is in the background of a tab: how far it is, with a way to call it off, and what it has found so far."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import streamlit as st

from pages.live.runs import BrowserRuns

LOOK_SECONDS = 0.7
"""Between two looks at work that goes on."""


class Work(Protocol):
    """What can be followed."""

    @property
    def running(self) -> bool:
        """Whether it goes on."""

    @property
    def progress(self) -> float:
        """The share that is done, from 0 to 1."""

    def cancel(self) -> None:
        """Call it off."""


def follow(runs: BrowserRuns, name: str, work: Work, text: Callable[[], str], draw: Callable[[], None]) -> None:
    """Draw it again and again while it goes on; the page once more at its end."""
    drawn = work.running

    def tick() -> None:
        runs.lease.renew()
        if work.running != drawn:
            st.rerun()
        if drawn:
            with st.container(horizontal=True, vertical_alignment="center", key=f"tune-{name}-progress"):
                st.progress(min(1.0, work.progress), text=text())
                st.button("Cancel", key=f"tune-{name}-cancel", icon=":material/close:", on_click=work.cancel)
        draw()

    st.fragment(tick, run_every=LOOK_SECONDS if drawn else None, key=f"tune-{name}-area")()
