"""Which activations are compared, and with which parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from mlp_core.catalog import ACTIVATIONS
from mlp_core.errors import ParameterError, SpecError
from mlp_core.plan import last_linear
from mlp_core.spec import LayerSpec
from pages.shared.editor import experiment, start, start_over
from pages.shared.widgets import parameter_widget

MOST = 6
"""Activations at once: more lines in a picture are not told apart."""
_CHOSEN = "activations_chosen"
_PARAMS = "activations_params"
_REFUSED = "activations_refused"


def chosen() -> tuple[LayerSpec, ...]:
    """The activations that are compared, with their parameters; draws nothing."""
    return tuple(LayerSpec(type=name, params=_params().get(name, {})) for name in _names())


def parameters() -> None:
    """Draw the choice, and a widget for every parameter of what is chosen."""
    options = list(ACTIVATIONS)
    key, first = start("activations_pills", _names())
    picked = st.pills(
        "Compare", options, selection_mode="multi", default=first, key=key,
        format_func=lambda name: ACTIVATIONS[name].label,
        help=f"At most {MOST} at once. At the start: those of your network, and ReLU.",
    )  # fmt: skip
    if len(picked) > MOST:
        st.info(f"The first {MOST} are shown. Take one away to see another.", icon=":material/lightbulb:")
    st.session_state[_CHOSEN] = [name for name in picked if name in ACTIVATIONS]
    with_parameters = [name for name in _names() if ACTIVATIONS[name].parameters]
    if with_parameters:
        with st.container(horizontal=True, key="activations-parameters"):
            for name in with_parameters:
                _widgets(name, LayerSpec(type=name, params=_params().get(name, {})).params)
    if message := st.session_state.get(_REFUSED, ""):
        st.error(message, icon=":material/block:")


def _widgets(name: str, params: Mapping[str, Any]) -> None:
    with st.container(border=True, width=300):
        st.markdown(f"**{ACTIVATIONS[name].label}**")
        for parameter in ACTIVATIONS[name].parameters:
            parameter_widget(
                parameter, params[parameter.name], f"activations-{name}-{parameter.name}",
                lambda value, key=parameter.name: _set(name, key, value),
            )  # fmt: skip


def _set(name: str, parameter: str, value: Any) -> None:
    """Take a value, or say why not; the one before stays in use then."""
    new = {**_params().get(name, {}), parameter: value}
    try:
        LayerSpec(type=name, params=new)
    except SpecError as error:
        st.session_state[_REFUSED] = error.on_page(name) if isinstance(error, ParameterError) else str(error)
        start_over()  # the widget shows the value in use again
    else:
        st.session_state[_PARAMS] = {**_params(), name: new}
        st.session_state[_REFUSED] = ""


def _params() -> dict[str, dict[str, Any]]:
    """What the user has set, by activation; at first, what the network has."""
    if _PARAMS not in st.session_state:
        st.session_state[_PARAMS] = {
            layer.type: dict(layer.params) for _, layer in experiment().walk() if layer.type in ACTIVATIONS
        }
    found: dict[str, dict[str, Any]] = st.session_state[_PARAMS]
    return found


def _names() -> list[str]:
    if _CHOSEN not in st.session_state:
        layers = experiment().layers
        hidden = layers[: last_linear(layers)]
        used = [layer.type for layer in hidden if layer.type in ACTIVATIONS]
        st.session_state[_CHOSEN] = list(dict.fromkeys(("ReLU", *used, "GELU")))[:MOST]
    found: list[str] = st.session_state[_CHOSEN]
    return found[:MOST]
