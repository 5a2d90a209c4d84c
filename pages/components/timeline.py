"""A slider over the checkpoints of a run, with the way back to now and the way on from there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import streamlit as st

from pages.components.assets import loader
from pages.components.part import Part

_MOUNT = st.components.v2.component("timeline", js=loader("timeline.js"))


def timeline(data: dict[str, Any], *, key: str) -> Part:
    """The slider now: `steps` (those of the checkpoints), `step` (shown) of `end` (done), `fork` (where the run went on
    from another, or None), `trains`, `note` (a sentence where there is no slider), and `before` (one on what came
    before the first checkpoint, or '')."""
    return Part(_MOUNT, key, data)


def with_actions(part: Part, acted: Callable[[dict[str, Any]], None], *, locked: bool) -> Part:
    """The part as it is mounted: `acted` gets a dict with 'kind', 'look' or 'fork', and 'step', None for now.

    Where it is `locked`, one can look, and nothing goes on from there.
    """

    def act() -> None:
        done = getattr(st.session_state.get(part.key), "act", None)
        if isinstance(done, dict) and isinstance(done.get("kind"), str):
            acted(done)

    return replace(part, data={**part.data, "locked": locked}, options={"on_act_change": act})
