"""The choice of a preset. Any edit may make of a preset something changed, so the choice is an area of its own."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from mlp_core.presets import PRESETS
from pages.live.page import LivePage, run_areas
from pages.shared import editor
from pages.shared.link import hidden, locked

PRESET = "preset"
"""The area's name, and what a link calls it."""


def preset_area(page: LivePage) -> None:
    """Draw the choice."""
    if not hidden(PRESET):
        page.area(PRESET, _choice)


def edit_alone(area: str, edit: Callable[[], None]) -> None:
    """In a callback of an area: make an edit, after which nothing runs but the area and what shows the preset."""
    before = editor.preset_name()
    edit()
    changed = editor.preset_name() != before and not hidden(PRESET)
    run_areas(area, *([PRESET] if changed else []))


def _choice() -> None:
    current = editor.preset_name()
    key, first = editor.start(f"preset-{current}", current)
    st.selectbox(
        "Preset", list(PRESETS), index=None if first is None else list(PRESETS).index(first), key=key, width=150,
        label_visibility="collapsed",
        placeholder="changed", disabled=locked(PRESET),
        format_func=lambda name: PRESETS[name].label,
        on_change=editor.once(lambda: _choose(current, st.session_state[key])),
        help="A ready experiment: choosing one fills every control, and brings you back from any dead end.",
    )  # fmt: skip


def _choose(shown: str | None, name: str | None) -> None:
    if name and shown == editor.preset_name():  # else the widget is one that edits have put away since
        editor.edit("controls", lambda old: PRESETS[name].experiment)
        st.rerun()
