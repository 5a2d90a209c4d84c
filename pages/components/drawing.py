"""A plane on which points are placed, sprayed and erased, by pointer, finger or keyboard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from pages.components.assets import loader, packed

_MOUNT = st.components.v2.component("drawing", js=loader("drawing.js"))

Triple = tuple[int, int, int]


def drawing(
    points: Sequence[Triple],
    *,
    names: Sequence[str] | None,
    colours: Sequence[str],
    wall: int,
    limit: int,
    answered: int,
    disabled: bool,
    key: str,
    on_drawn: Callable[[object, int], None],
) -> None:
    """Show `points` (x₁ and x₂ in hundredths, and a class or a value in hundredths) and let the user change them.

    `names` are those of the classes; None where points have values, and `colours` are then the stops of their scale
    from -1 to 1. Coordinates reach from -`wall` to `wall`. After every stroke `on_drawn` gets what the browser sent, a
    list of three numbers per point where all is well, and the stroke's number. `answered` is the number of the last
    stroke that `points` contains: what the server says before it has heard of a later stroke is not shown.
    """

    def drawn() -> None:
        sent = st.session_state[key].drawn
        if isinstance(sent, dict) and isinstance(sent.get("number"), int):
            on_drawn(_triples(sent.get("points")), sent["number"])

    data: dict[str, Any] = {
        "points": [number for point in points for number in point],
        "names": None if names is None else list(names),
        "colours": list(colours),
        "wall": wall,
        "limit": limit,
        "answered": answered,
        "disabled": disabled,
    }
    _MOUNT(key=key, data=packed(data), on_drawn_change=drawn)


def _triples(sent: object) -> object:
    """Three numbers a point from a flat list of whole numbers; anything else as it is, for the catalog to refuse."""
    if not isinstance(sent, list) or len(sent) % 3:
        return sent
    return tuple((sent[place], sent[place + 1], sent[place + 2]) for place in range(0, len(sent), 3))
