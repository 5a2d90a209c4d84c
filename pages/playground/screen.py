"""What is on the Playground's screen and how, as plain values: read in a run of the page, used by its moving parts."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import streamlit as st

from mlp_core.views import VIEWS, Options
from mlp_core.views.health import HEALTH, LAYERS
from pages.live.slots import HEIGHT, Slot, ViewSlot, output_views
from pages.playground.diagram import NetworkSlot
from pages.playground.health import health_slot
from pages.playground.status import StripSlot
from pages.playground.time_travel import TimeSlot
from pages.shared.editor import NETWORK
from pages.shared.layout import theme
from pages.shared.link import hidden

FORM, PICTURE, LIST = "network_form", "Diagram", "List"
"""The key of the choice how the network is shown, and what can be chosen."""
USUAL_FORM = PICTURE
"""What is shown until a reader chooses."""
OUTPUT_HEIGHT, CURVE_HEIGHT = 320, 230
"""In pixels; on a large screen the style sheet makes them as high as fits."""
LARGE = 430
"""The height of a chart that has a tab of its own."""
TABLE = 500
"""The height of the table of layers, beside the list of what can be wrong, in pixels."""
POINTS = {"both": "both", "training": "train", "test": "test"}
OVERVIEW, CURVES = "Overview", "Curves"
_CURVES = ("loss", "accuracy", "learning_rate")
_HEALTH = (HEALTH, LAYERS)
_TABS: dict[str, tuple[tuple[str, ...], ...]] = {
    OVERVIEW: (("confusion",), ("weights",), ("learning_rate",)),
    CURVES: tuple((name,) for name in _CURVES),
    VIEWS[HEALTH].label: tuple((name,) for name in _HEALTH),
}
"""Tabs that show several views: for each place the alternatives, of which the first that applies is shown."""


@dataclass(frozen=True)
class Screen:
    """What a reader has chosen to see, and what a link leaves out."""

    options: Options
    """How views are drawn."""
    tab: str
    """The open tab."""
    output: bool
    """Whether there is an output area."""
    views: bool
    """Whether there are tabs of live views."""
    picture: bool = True
    """Whether the network is shown as a picture."""
    shown_neurons: dict[int, tuple[int, ...]] = field(default_factory=dict)
    """The neurons that a reader has chosen to see of wide columns."""

    @property
    def tabs(self) -> dict[str, tuple[tuple[str, ...], ...]]:
        """The views of every tab by the tab's name. A view that stands in no tab yet gets one of its own."""
        here = [view for view in VIEWS.values() if view.page == "playground"]
        shown = [view for view in here if self.options.test or not view.needs_test]
        own = {view.label: ((view.name,),) for view in shown if not view.output and view.name not in _CURVES + _HEALTH}
        names = {view.name for view in shown}
        places = {
            tab: tuple(tuple(name for name in place if name in names) for place in places)
            for tab, places in _TABS.items()
        }
        return {tab: tuple(place for place in found if place) for tab, found in (places | own).items()}

    def slots(self) -> dict[str, list[Slot]]:
        """The places on the screen whose content moves, by area."""
        output = ViewSlot("output-view", output_views(), self.options, OUTPUT_HEIGHT, label="The output")
        return {
            "strip": [StripSlot(self.options)],
            NETWORK: [NetworkSlot(self.options.theme, self.shown_neurons)] if self.picture else [],
            "output": [output] if self.output else [],
            "curve": [ViewSlot("overview-loss", ("progress",), self._glance(), CURVE_HEIGHT)] if self.views else [],
            "tab": self._tab_slots() if self.views else [],
            "time": [TimeSlot()] if self.views else [],
        }

    def _glance(self) -> Options:
        """The options of views that are seen at a glance, without what a reader has set in a tab."""
        return Options(theme=self.options.theme, test=self.options.test)

    def _tab_slots(self) -> list[Slot]:
        places = self.tabs[self.tab]
        height = TABLE if (LAYERS,) in places else HEIGHT if len(places) > 1 else LARGE
        prefix = f"{self.tab.lower()}-" if len(places) > 1 else ""
        # What readers set for one view is set in that view's own tab.
        options = self._glance() if self.tab == OVERVIEW else self.options
        return [health_slot(ViewSlot(f"{prefix}{place[0]}", place, options, height)) for place in places]


def screen() -> Screen:
    """As the page is now; call in a run of the page."""
    state = st.session_state
    options = Options(
        theme=theme(),
        test=not hidden("test"),
        log_loss=bool(state.get("log_loss")),
        smoothing=float(state.get("smoothing") or 0.0),
        normalise="true" if state.get("normalise") else "",
        points=POINTS[state.get("show_points") or "both"],  # type: ignore[arg-type]
        discretise=bool(state.get("discretise")),
    )
    found = Screen(
        options,
        state.get("live_tab") or OVERVIEW,
        output=not hidden("output"),
        views=not hidden("views"),
        picture=not hidden(NETWORK) and (state.get(FORM) or USUAL_FORM) == PICTURE,
        shown_neurons=state.setdefault("shown_neurons", {}),
    )
    return found if found.tab in found.tabs else replace(found, tab=OVERVIEW)
