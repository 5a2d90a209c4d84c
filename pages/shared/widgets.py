"""Widgets made from catalog parameters: one function for every kind of parameter."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

import streamlit as st

from mlp_core.catalog.parameters import Bool, Choice, Float, Floats, Formula, Int, Ints, Parameter, Subset
from mlp_core.catalog.weighting import Weighting
from mlp_core.limits import MAX_FORMULA, MAX_TEXT
from pages.shared import editor
from pages.shared.link import hidden, locked
from pages.shared.weighting import weighting_widget

Width = int | Literal["stretch"]

MOST_SHOWN = 20
"""How long a meaning of an empty field may be to be shown in the field."""
REQUIRED = "required"
"""What a field shows that may not stay empty; access.css knows by it that nothing has to clear it."""


def parameter_widget(
    parameter: Parameter, value: Any, name: str, change: Callable[[Any], None], *, width: Width = "stretch",
    compact: bool = False, area: str = "", beside: bool = False, whose: str = "",
) -> None:  # fmt: skip
    """Show a parameter with its value, as the widget `name`; `change` gets the new one when the user sets it.

    `area` is the one that the widget starts over with, as in `editor.start`. With `beside` several numbers stand side
    by side. `whose` is what a label leaves out where a page has many such fields, as 'layer 2'.

    A teacher's link may hide or lock it by the parameter's controls. No limit is given to the browser: the catalog
    checks the value, and its sentence says more than a greyed button.
    """
    if hidden(*parameter.controls):
        return
    if isinstance(parameter, Floats):
        _floats(parameter, value, name, change, area, beside)
        return
    if isinstance(parameter, Weighting):
        weighting_widget(parameter, value, name, change, area, width)
        return
    if isinstance(parameter, Ints):
        value = ", ".join(map(str, value))
    key, first = editor.start(name, value, area)
    common: dict[str, Any] = {
        "label": f"{parameter.label} of {whose}" if whose else parameter.label,
        "key": key,
        "help": None if compact else parameter.help,
        "on_change": editor.once(lambda: change(_given(parameter, st.session_state[key])), area),
        "label_visibility": "collapsed" if compact else "visible",
        "disabled": locked(*parameter.controls),
    }
    if isinstance(parameter, Bool):
        st.toggle(value=bool(first), **common)
    elif isinstance(parameter, Choice):
        choices = [*([None] if parameter.optional else []), *parameter.choices]
        st.selectbox(
            options=choices, index=choices.index(first), width=width,
            format_func=lambda choice: parameter.none_means if choice is None else parameter.text(choice), **common,
        )  # fmt: skip
    elif isinstance(parameter, Ints):
        st.text_input(value=first, width=width, max_chars=MAX_TEXT, **common)
    elif isinstance(parameter, Subset):
        st.pills(
            options=list(parameter.choices),
            selection_mode="multi",
            default=list(first),
            format_func=parameter.choices.__getitem__,
            **common,
        )
    elif isinstance(parameter, Formula):
        st.text_input(value=first, max_chars=MAX_FORMULA, width=width, **common)
    elif isinstance(parameter, Int | Float):
        step = float(parameter.step) if isinstance(parameter, Int) else step_of(parameter, first)
        meaning = parameter.none_means if len(parameter.none_means) <= MOST_SHOWN else "auto"
        # Whole numbers too: a browser cuts 3.7 to 3 in a field of integers, and says nothing.
        st.number_input(
            value=_emptied(key, first), step=step, placeholder=meaning if parameter.optional else REQUIRED, format="%g",
            width=width, **common,
        )  # fmt: skip


def _given(parameter: Parameter, value: Any) -> Any:
    """What a widget holds, as the parameter takes it; text that is no list of numbers stays text, and is refused."""
    if isinstance(parameter, Bool) and parameter.optional:
        return value or None
    if isinstance(parameter, Int) and isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(parameter, Ints):
        return value
    parts = [part.strip() for part in str(value).replace(";", ",").split(",") if part.strip()]
    return [int(part) for part in parts] if all(part.isdecimal() for part in parts) else value


def _emptied(key: str, first: Any) -> None:
    """Make a number field start with a value and yet not begin with it: one that does goes back to it when it is
    emptied, whatever was typed there since.

    The value goes into the state of a key that the browser has not seen yet, so it cannot overtake what is typed.
    """
    if first is not None and key not in st.session_state:
        st.session_state[key] = float(first)


def _floats(parameter: Floats, values: tuple[float, ...], name: str, change: Callable[[Any], None], area: str,
            beside: bool) -> None:  # fmt: skip
    places = st.columns(len(values), gap="small") if beside else [st.container() for _ in values]
    for index, (label, place) in enumerate(zip(parameter.labels, places, strict=True)):

        def change_one(new: float, index: int = index) -> None:
            change((*values[:index], new, *values[index + 1 :]))

        element = Float(
            name=parameter.name,
            label=f"{parameter.label}: {label}",
            help=parameter.help,
            default=parameter.default[index],
            step=parameter.element.step,
            controls=parameter.controls,
        )
        with place:
            parameter_widget(element, values[index], f"{name}-{index}", change_one, area=area)


def step_of(parameter: Float, value: float) -> float:
    """How far + and − go: the parameter's step, or one unit of the leading digit on a logarithmic one."""
    if not parameter.log or value <= 0:
        return parameter.step if not parameter.log else 1e-4
    exponent = math.floor(math.log10(value) + 1e-9)
    leading = value / 10.0**exponent
    return float(10.0 ** (exponent if leading > 1.5 else exponent - 1))
