"""How the landscape is cut out: what the reader has chosen, and the widgets for it."""

from __future__ import annotations

from typing import Any

import streamlit as st

from mlp_core.catalog.landscape import DIRECTIONS, LANDSCAPE
from mlp_core.data.dataset import Dataset
from mlp_core.data.parts import PARTS
from mlp_core.errors import SpecError
from pages.shared.editor import once, start, start_over
from pages.shared.link import hidden
from pages.shared.widgets import parameter_widget

_CHOSEN = "landscape_chosen"
_REFUSED = "landscape_refused"
_PARTS = "parts"
NUMBERS = ("span", "size", "samples", "seed")
"""Parameters with a field each."""


def parameters() -> dict[str, Any]:
    """The parameters of `LANDSCAPE` as they are chosen; draws nothing."""
    return LANDSCAPE.fill({name: value for name, value in _held().items() if name != _PARTS})


def parts_of(dataset: Dataset) -> list[str]:
    """The parts that may be looked at."""
    return [name for name in ("train", "validation", "test")
            if PARTS[name].exists(dataset) and not (name == "test" and hidden("test"))]  # fmt: skip


def parts(dataset: Dataset) -> tuple[str, ...]:
    """Those that are looked at: at first the training part and the test part."""
    known = parts_of(dataset)
    wanted = _held().get(_PARTS, ("train", "test"))
    return tuple(name for name in known if name in wanted) or (known[0],)


def choices(dataset: Dataset) -> None:
    """Draw the widgets."""
    current = parameters()
    directions = LANDSCAPE.parameter("directions")
    key, first = start("landscape-directions", current["directions"])
    st.segmented_control(
        directions.label, list(DIRECTIONS), default=first, key=key, required=True,
        format_func=DIRECTIONS.__getitem__, help=directions.help,
        on_change=once(lambda: _set("directions", st.session_state[key])),
    )  # fmt: skip
    known = parts_of(dataset)
    if len(known) > 1:
        shown, given = start("landscape-parts", list(parts(dataset)))
        st.pills(
            "Parts", known, selection_mode="multi", default=given, key=shown,
            format_func=lambda name: PARTS[name].label,
            on_change=once(lambda: _hold(_PARTS, tuple(st.session_state[shown]))),
            help="The loss on training samples is what training makes small. The test part shows whether its valleys "
            "lie in the same place.",
        )  # fmt: skip
    for name in NUMBERS:
        parameter = LANDSCAPE.parameter(name)
        parameter_widget(
            parameter, current[name], f"landscape-{name}", lambda value, name=name: _set(name, value), width=118
        )


def refusal() -> str:
    """Why the last value was not taken; '' where it was."""
    found: str = st.session_state.get(_REFUSED, "")
    return found


def _set(name: str, value: Any) -> None:
    """Take a value, or say why not; the one before stays in use then."""
    try:
        LANDSCAPE.fill({name: value}, "the loss landscape")
    except SpecError as error:
        st.session_state[_REFUSED] = str(error)
        start_over()
    else:
        _hold(name, value)


def _hold(name: str, value: Any) -> None:
    st.session_state[_CHOSEN] = {**_held(), name: value}
    st.session_state[_REFUSED] = ""


def _held() -> dict[str, Any]:
    found: dict[str, Any] = st.session_state.get(_CHOSEN, {})
    return found
