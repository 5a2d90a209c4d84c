"""What a page that does not move says while a run goes on, with the way to it."""

from __future__ import annotations

import streamlit as st

from pages.live.runs import BrowserRuns
from pages.shared.verdict import PLAYGROUND_PAGE, RACE_PAGE


def goes_on(runs: BrowserRuns) -> None:
    """A link in the navigation's row while one of them trains; the page is drawn again when that ends."""
    if runs.trains:
        with st.container(key="goes-on"):
            if any(session.snapshot().trains for session in runs.values()):
                st.page_link(
                    str(PLAYGROUND_PAGE), label="Training", icon=":material/play_circle:",
                    help="A run goes on. Go to it in the Playground.",
                )  # fmt: skip
            else:
                st.page_link(str(RACE_PAGE), label="Racing", icon=":material/sports_score:",
                             help="A race goes on. Go to it.")  # fmt: skip
