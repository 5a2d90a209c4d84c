"""What is on screen and how, as plain values: read in a run of the page, used wherever its moving parts are made."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from pages.shared.layout import Theme, theme
from pages.shared.link import hidden

OVERVIEW, CURVES, CONFUSION, WEIGHTS, GRADIENTS = "Overview", "Curves", "Confusion matrix", "Weights", "Gradients"
POINTS = {"both": "both", "training": "train", "test": "test"}


@dataclass(frozen=True)
class Shown:
    """The choices that a reader has made of how things are drawn, and what a link leaves out."""

    theme: Theme
    tab: str
    log_loss: bool
    smoothing: float
    normalise: bool
    points: str
    discretise: bool
    test: bool
    output: bool
    views: bool

    @property
    def tabs(self) -> list[str]:
        """The tabs that there are."""
        return [OVERVIEW, CURVES, *([CONFUSION] if self.test else []), WEIGHTS, GRADIENTS]


def shown() -> Shown:
    """As the page is now; call in a run of the page."""
    state = st.session_state
    test = not hidden("test")
    tab = state.get("live_tab") or OVERVIEW
    return Shown(
        theme=theme(),
        tab=OVERVIEW if tab == CONFUSION and not test else tab,
        log_loss=bool(state.get("log_loss")),
        smoothing=float(state.get("smoothing") or 0.0),
        normalise=bool(state.get("normalise")),
        points=POINTS[state.get("show_points") or "both"],
        discretise=bool(state.get("discretise")),
        test=test,
        output=not hidden("output"),
        views=not hidden("views"),
    )
