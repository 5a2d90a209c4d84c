"""The live tabs under the three areas: curves, confusion matrix, histograms, and every other view.

They are an area of their own: a press of a tab runs nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from mlp_core.processor import Priority
from mlp_core.views import VIEWS
from pages.live.pace import DRAWING
from pages.live.page import LivePage, run_areas
from pages.live.slots import Slot
from pages.playground.screen import OVERVIEW, Screen, screen

AREA = "views"


def live_tabs(page: LivePage, run: str, slots: Sequence[Slot], seen: Screen) -> None:
    """Draw the area; `slots` are the places of the tab that is open as the page is drawn."""

    def draw() -> None:
        nonlocal slots, seen
        if (now := screen()) != seen:
            slots, seen = page.exchange(run, slots, now.slots()["tab"]), now
        with DRAWING.turn(Priority.PRESSED):
            _tabs(page, slots, seen)

    page.area(AREA, draw)


def _tabs(page: LivePage, slots: Sequence[Slot], seen: Screen) -> None:
    """All tabs, with the views of the open one."""
    tabs = seen.tabs
    drawn = st.tabs(list(tabs), key="live_tab", on_change=_open)
    for name, tab in zip(tabs, drawn, strict=True):
        if tab.open and name == seen.tab:
            with tab:
                if name != OVERVIEW:
                    _options([view for place in tabs[name] for view in place])
                for column, slot in zip(st.columns(len(slots)), slots, strict=True):
                    with column:
                        page.mount(slot)


def _open() -> None:
    """Another tab was opened: what it shows may have to be computed, of a run that stands still as well."""
    run_areas(AREA)


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
