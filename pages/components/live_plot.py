"""A chart that is updated in place, many times a second: on a canvas, or by Plotly where somebody wants its tools."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import streamlit as st

from pages.components.assets import loader
from pages.components.part import Part

# Not isolated: Plotly puts its styles into the head of the document, where a shadow root would not see them.
_MOUNT = st.components.v2.component("live_plot", js=loader("live_plot.js"), isolate_styles=False)


def plot(figure: dict[str, Any], *, key: str, height: int, alt: str) -> Part:
    """`figure` (a dict of `mlp_core.figures`), `height` pixels high over the whole width.

    Zoom, pan and hidden legend entries stay while `figure["layout"]["uirevision"]` stays; another value
    resets them. `alt` says the same in words. Text, grid and background follow the page's theme.
    """
    # The browser sends the trigger when the page turns dark or light: the rerun draws in the other colours.
    data = {"figure": figure, "alt": alt, "height": height}
    return Part(_MOUNT, key, data, {"on_theme_change": _nothing})


def pickable(part: Part, picked: Callable[[], None]) -> Part:
    """The chart of a heat map with cells, or of points with `ids`, that can be pressed: `picked` is called then, and
    finds with `picked_cell` or `picked_id` which."""
    return replace(part, data={**part.data, "pick": True}, options={**part.options, "on_pick_change": picked})


def picked_cell(key: str) -> tuple[int, int] | None:
    """The row and column that was pressed, from 0, in the chart of that key; None for anything else."""
    found = getattr(st.session_state.get(key), "pick", None)
    whole = isinstance(found, list | tuple) and len(found) == 2 and all(isinstance(part, int) for part in found)
    return (found[0], found[1]) if whole else None


def picked_id(key: str) -> str | None:
    """The one of its trace's `ids` that the point has that was pressed; None for anything else."""
    found = getattr(st.session_state.get(key), "pick", None)
    return found if isinstance(found, str) else None


def _nothing() -> None:
    """A trigger needs a callback; the rerun is all that is wanted."""
