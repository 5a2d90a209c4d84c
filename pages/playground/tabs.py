"""The live tabs under the three areas: curves, confusion matrix, histograms, and every other view."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from mlp_core.views import VIEWS
from pages.live.page import LivePage
from pages.live.slots import Slot
from pages.playground.screen import OVERVIEW, Screen


def live_tabs(page: LivePage, slots: Sequence[Slot], screen: Screen) -> None:
    """Draw the tab that is open; `slots` are its places."""
    tabs = screen.tabs
    for name, tab in zip(tabs, st.tabs(list(tabs), key="live_tab", on_change="rerun"), strict=True):
        if tab.open and name == screen.tab:
            with tab:
                if name != OVERVIEW:
                    _options([view for place in tabs[name] for view in place])
                for column, slot in zip(st.columns(len(slots)), slots, strict=True):
                    with column:
                        page.mount(slot)


def _options(views: Sequence[str]) -> None:
    """What a reader may set for these views, and how to read one that stands alone."""
    wanted = [option for view in views for option in VIEWS[view].options]
    if wanted:
        with st.container(horizontal=True):
            for option in wanted:
                _WIDGETS[option]()
    if len(views) == 1 and (text := VIEWS[views[0]].help):
        st.caption(text)


def _log_loss() -> None:
    st.toggle("Logarithmic loss", key="log_loss")


def _smoothing() -> None:
    st.slider("Smoothing", 0.0, 0.99, 0.0, 0.01, key="smoothing", width=220,
              help="Averages the train curve over its past; the raw curve stays in grey.")  # fmt: skip


def _normalise() -> None:
    st.toggle("Share of the true class", key="normalise", help="Percent of each row instead of counts.")


_WIDGETS: Mapping[str, Callable[[], None]] = {
    "log_loss": _log_loss,
    "smoothing": _smoothing,
    "normalise": _normalise,
}
"""The widget of each field of `Options` that a tab may offer."""
