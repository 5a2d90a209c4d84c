"""What every page says of runs that could not be saved yet: a link in the navigation's row, and why."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.live.runs import BrowserRuns
from pages.shared.layout import as_text

RUNS_PAGE = Path(__file__).parents[1] / "runs" / "page.py"


LOOK_SECONDS = 5.0
"""Between two looks at what waits."""


def not_saved(runs: BrowserRuns) -> None:
    """Draw it where something waits because saving has failed; nothing else."""
    keeper = runs.keeper
    if keeper is None or not keeper.waiting.reason:
        return

    def tick() -> None:
        waiting = keeper.waiting
        if not waiting.reason:
            st.rerun()
        st.page_link(
            str(RUNS_PAGE), label="Not saved", icon=":material/sync_problem:",
            help=as_text(waiting.sentence),
        )  # fmt: skip

    with st.container(key="not-saved"):
        st.fragment(tick, run_every=LOOK_SECONDS, key="not-saved")()
