"""What can be wrong in a run, one row for each thing, always at the same place; what is wrong has a button to try."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import streamlit as st

from pages.components.assets import loader
from pages.components.part import Part

_MOUNT = st.components.v2.component("health_board", js=loader("health_board.js"))


def health_board(checks: Sequence[Mapping[str, str]], *, alt: str, key: str) -> Part:
    """One row per mapping with 'name', 'label', 'level' ('good', 'warning' or 'bad'), 'sentence', 'why', 'remedy' and
    'fix', what a button says; '' for no button. `alt` says in words what is wrong."""
    return Part(_MOUNT, key, {"checks": list(map(dict, checks)), "alt": alt})


def with_remedies(part: Part, tried: Callable[[str], None], *, disabled: bool = False) -> Part:
    """The board with buttons that may be pressed: `tried` is called with the name of the row."""

    def press() -> None:
        name = getattr(st.session_state.get(part.key), "tried", None)
        if isinstance(name, str):
            tried(name)

    return replace(part, data={**part.data, "disabled": disabled}, options={"on_tried_change": press})
