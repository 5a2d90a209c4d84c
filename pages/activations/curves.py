"""Curves and slopes of the activations that are compared."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from mlp_core import figures
from mlp_core.errors import SpecError
from mlp_core.spec import LayerSpec
from pages.activations.drawing import chart
from pages.shared.layout import as_text, theme

REACHES = (2, 4, 6, 10, 30)
"""How far from zero inputs may go."""


def curves(layers: Sequence[LayerSpec]) -> None:
    """Draw the outputs and the slopes; functions of all features get pictures of their own."""
    from mlp_core.activations.response import FEATURES, REST, Response, cut_at, elementwise, respond

    reach = st.segmented_control(
        "Inputs from zero up to", REACHES, default=6, key="activations_reach", required=True,
        format_func=lambda reach: f"±{reach}",
    )  # fmt: skip
    layers = _computed(layers, reach)
    alone = [layer for layer in layers if elementwise(layer)]
    answers = [cut_at(respond(layer, -reach, reach), _jumps(layer)) for layer in alone]
    if alone or not layers:
        left, right = st.columns(2)
        with left:
            _picture([layer.entry.label for layer in alone], answers, "output", slopes=False)
        with right:
            _picture([layer.entry.label for layer in alone], answers, "slope", slopes=True)
        st.caption(
            "Where the slope is near zero the activation *saturates*: a gradient that comes back through it is "
            "multiplied by that slope, so what lies before learns slowly or not at all."
        )
    for layer in layers:
        if layer not in alone:
            answer = respond(layer, -reach, reach)
            rest = ", ".join(f"{value:g}" for value in REST[1:])
            st.markdown(f"**{layer.entry.label}** looks at all features of a sample together.")
            names = [f"output {index + 1}" for index in range(answer.values.shape[1])]
            each = [
                Response(answer.x, answer.values[:, [index]], answer.slopes[:, [index]], elementwise=False)
                for index in range(len(names))
            ]
            left, right = st.columns(2)
            with left:
                _picture(names, each, "output", slopes=False, key=layer.type)
            with right:
                _picture(names, each, "slope", slopes=True, key=layer.type)
            st.caption(f"A sample of {FEATURES} features: the first one moves, the others stay at {rest}.")


def _computed(layers: Sequence[LayerSpec], reach: float) -> list[LayerSpec]:
    """Those that can be drawn; of the others the page says why they cannot."""
    from mlp_core.activations.response import respond

    found = []
    for layer in layers:
        try:
            respond(layer, -reach, reach)
        except SpecError as error:
            st.info(as_text(error), icon=":material/lightbulb:")
        else:
            found.append(layer)
    return found


def _jumps(layer: LayerSpec) -> tuple[float, ...]:
    facts = layer.entry.facts
    if facts is None:
        return ()
    found = facts(layer.params)
    return (*found.jumps, *(found.kinks if found.piecewise_linear else ()))


def _picture(names: list[str], answers: list, title: str, *, slopes: bool, key: str = "all") -> None:  # type: ignore[type-arg]
    lines = [(answer.slopes if slopes else answer.values)[:, 0] for answer in answers]
    places = [answer.x for answer in answers]
    chart(
        figures.activation_curves(names, places, lines, title=title, theme=theme(), uirevision=f"{key}-{title}"),
        key=f"activation-{title}-{key}",
        alt=figures.activation_curves_alt(names, places, lines, title=title),
    )
