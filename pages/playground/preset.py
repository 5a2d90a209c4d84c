"""The choice of a preset, and what was changed since. Any edit changes that, so both are areas of their own."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from mlp_core.changes import changes
from mlp_core.presets import PRESETS
from pages.live.page import LivePage, run_areas
from pages.shared import editor, undo
from pages.shared.layout import as_text
from pages.shared.link import hidden, locked

PRESET = "preset"
"""The area's name, and what a link calls it."""
CHANGES = "changes"
"""The area that says what was changed."""
NAMED = 2
"""Changes that are named at most."""
_BASE, _SHOWN = "base_preset", "changes_shown"


def preset_area(page: LivePage) -> None:
    """Draw the choice."""
    st.session_state[_SHOWN] = False
    if not hidden(PRESET):
        page.area(PRESET, _choice)


def edit_alone(area: str, edit: Callable[[], None]) -> None:
    """In a callback of an area: make an edit, after which nothing runs but the area and what shows the preset."""
    before, said, could = editor.preset_name(), _changed(), undo.possible()
    edit()
    ways = [undo.EDITS] if undo.possible() != could else []
    if hidden(PRESET):
        run_areas(area, *ways)
        return
    shown = st.session_state.get(_SHOWN, False)
    others = [*ways, PRESET] if editor.preset_name() != before else ways
    run_areas(area, *others, *([CHANGES] if shown and _changed() != said else []))


def changes_area(page: LivePage) -> None:
    """Say what differs from the preset that was chosen last, and take it back at a press."""
    st.session_state[_SHOWN] = not hidden(PRESET)
    if not hidden(PRESET):
        page.area(CHANGES, _changes)


def _changed() -> list[str]:
    """What differs from the preset that was last there unchanged; nothing where none was."""
    current = editor.experiment()
    name = editor.preset_name()
    if name is not None:
        st.session_state[_BASE] = name
        return []
    base = st.session_state.get(_BASE)
    return [] if base is None else changes(PRESETS[base].experiment, current)


def _changes() -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="changed"):
        found = _changed()
        if not found:
            return
        more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
        st.caption(f"Changed: {as_text(', '.join(found[:NAMED]))}{more}", width="content")
        label = PRESETS[st.session_state[_BASE]].label
        st.button(
            "Undo" if len(found) == 1 else "Undo all", key="undo-changes", type="tertiary", icon=":material/undo:",
            disabled=locked(PRESET), on_click=_undo,
            help=f"Back to the preset {as_text(label)}: {as_text('; '.join(found))}.",
        )  # fmt: skip


def _undo() -> None:
    base = st.session_state.get(_BASE)
    if base in PRESETS:
        undo.back_to(PRESETS[base].experiment)
        st.rerun()


def _choice() -> None:
    current = editor.preset_name()
    st.session_state[_BASE] = current or st.session_state.get(_BASE)
    key, first = editor.start(f"preset-{current}", current)
    st.selectbox(
        "Preset", list(PRESETS), index=None if first is None else list(PRESETS).index(first), key=key, width=150,
        label_visibility="collapsed",
        placeholder=_placeholder(), disabled=locked(PRESET),
        format_func=lambda name: PRESETS[name].label,
        on_change=editor.once(lambda: _choose(current, st.session_state[key])),
        help="A ready experiment: choosing one fills every control, and brings you back from any dead end.",
    )  # fmt: skip


def _placeholder() -> str:
    base = st.session_state.get(_BASE)
    return "Preset" if base is None else f"{PRESETS[base].label}, changed"


def _choose(shown: str | None, name: str | None) -> None:
    if name and shown == editor.preset_name():  # else the widget is one that edits have put away since
        editor.edit("controls", lambda old: PRESETS[name].experiment)
        st.rerun()
