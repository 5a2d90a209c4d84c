"""Widgets for how much classes count: all alike, balanced, or numbers that are typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from mlp_core.catalog.weighting import ClassWeights, Weighting
from pages.shared import editor
from pages.shared.layout import as_text
from pages.shared.link import locked

NUMBERS = "numbers"
"""The choice of numbers that are typed."""
_MOST_NAMED = 8
"""So many classes at most are named beside the field that holds their weights."""


def weighting_widget(
    parameter: Weighting, value: Any, name: str, change: Callable[[Any], None], area: str = "", width: Any = "stretch"
) -> None:
    """Show how classes are weighed, as the widgets `name` and `name`-numbers; `change` gets the new value."""
    typed = value is not None and value not in parameter.choices
    key, first = editor.start(name, NUMBERS if typed else value, area)
    disabled = locked(*parameter.controls)
    options = [*parameter.choices, NUMBERS]

    def choose() -> None:
        chosen = st.session_state[key]
        change(_alike(parameter) if chosen == NUMBERS else chosen)

    st.selectbox(
        parameter.label, options, index=options.index(first), key=key, help=parameter.help, width=width,
        on_change=editor.once(choose, area), disabled=disabled,
        format_func=lambda option: parameter.choices.get(option, option),
    )  # fmt: skip
    if not typed:
        return
    numbers = value if isinstance(value, tuple) else (value,)
    field, text = editor.start(f"{name}-{NUMBERS}", ", ".join(map(_written, numbers)), area)
    st.text_input(
        _label(parameter), value=text, key=field, width=width, disabled=disabled,
        help="Numbers above 0; the larger, the more a sample counts. Press Enter to use them.",
        on_change=editor.once(lambda: change(_read(parameter, st.session_state[field])), area),
    )  # fmt: skip


def _classes() -> tuple[str, ...]:
    return editor.experiment().data.facts.class_names


def _alike(parameter: Weighting) -> Any:
    """Numbers to begin with, by which all count alike."""
    return (1.0,) * len(_classes()) if isinstance(parameter, ClassWeights) else 1.0


def _label(parameter: Weighting) -> str:
    """What the field holds, with the order of its numbers."""
    if not isinstance(parameter, ClassWeights):
        return f"{parameter.label}: number"
    names = [str(name) for name in _classes()]
    more = ", …" if len(names) > _MOST_NAMED else ""
    return as_text(f"{parameter.label} of {', '.join(names[:_MOST_NAMED])}{more}")


def _written(number: float) -> str:
    return repr(number).removesuffix(".0")


def _read(parameter: Weighting, text: str) -> Any:
    """The numbers of a text; a text that holds none stays what it is, and is refused."""
    parts = text.replace(";", " ").replace(",", " ").split()
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        return text
    if isinstance(parameter, ClassWeights):
        return numbers
    return numbers[0] if len(numbers) == 1 else text
