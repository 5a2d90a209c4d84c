"""The place of the Inspect page that is more than a chart: the map along the run, which can be pressed."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from mlp_core.training.snapshot import Snapshot
from mlp_core.views.moments import Moments
from pages.components.live_plot import pickable, picked_cell
from pages.components.part import Part
from pages.live.page import run_areas
from pages.live.runs import browser_runs
from pages.live.slots import ViewSlot

MOMENT = "inspect_moment"
"""The slider of the moment that is looked at."""
CHOICES, CHARTS = "inspect_choices", "inspect_charts"
"""The areas of what is chosen, and of the tabs."""
NOW = 100
"""Where it stands for now, in percent of the run so far."""


@dataclass(frozen=True, eq=False)
class MapSlot(ViewSlot):
    """A heat map along the run whose columns can be pressed, to look at that moment."""

    def part(self, snapshot: Snapshot) -> Part:
        """The map as it is now."""
        return pickable(super().part(snapshot), self._pick)

    def _pick(self) -> None:
        """Look at the moment that was pressed."""
        cell, moments = picked_cell(self.name), browser_runs().session.snapshot().moments
        if cell is not None and moments is not None and cell[1] < len(moments.kept):
            st.session_state[MOMENT] = percent_of(moments, cell[1])
            run_areas(CHOICES, CHARTS)


def percent_of(moments: Moments, place: int) -> int:
    """Where a moment lies in the run so far."""
    steps = moments.steps
    span = float(steps[-1] - steps[0])
    return round(NOW * float(steps[place] - steps[0]) / span) if span else NOW
