"""A square to draw on, with a pointer, a finger or the keyboard."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.components.assets import loader, packed

_MOUNT = st.components.v2.component("sketch", js=loader("sketch.js"))


def sketch(*, key: str, label: str) -> Any:
    """Draws the square, and returns what was drawn: strokes of points [x, y] from 0 to 1, y downwards; None for none.

    A browser may send anything: `mlp_core.evaluation.drawing.read_strokes` checks it.
    """
    state = _MOUNT(key=key, data=packed({"label": label}), on_strokes_change=_nothing)
    return getattr(state, "strokes", None)


def _nothing() -> None:
    """Streamlit takes values of a component with a callback only; the run that follows is all that is wanted."""
