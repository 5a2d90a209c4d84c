"""What activations cost on this machine, measured when somebody presses the button."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from mlp_core import figures
from mlp_core.catalog import ACTIVATIONS
from mlp_core.errors import SpecError
from mlp_core.spec import LayerSpec
from pages.activations.drawing import chart
from pages.shared.layout import as_text, theme

if TYPE_CHECKING:
    from mlp_core.activations.cost import Cost

_COSTS = "activations_costs"
CHOSEN, ALL = "Those chosen above", "All"


def cost_tab(layers: Sequence[LayerSpec]) -> None:
    """Draw the button, and the costs that were measured last."""
    from mlp_core.activations.cost import CALLS, FEATURES, ROUNDS, SAMPLES, measure

    with st.container(horizontal=True, vertical_alignment="bottom"):
        which = st.segmented_control("Measure", [CHOSEN, ALL], default=CHOSEN, required=True, key="cost_which")
        pressed = st.button("Measure", key="measure-costs", icon=":material/timer:", type="primary")
    if pressed:
        wanted = layers if which == CHOSEN else [_with_defaults(name, layers) for name in ACTIVATIONS]
        progress = st.progress(0.0, text="Measuring…")
        try:
            for done, costs in enumerate(measure(wanted), start=1):
                st.session_state[_COSTS] = costs
                progress.progress(done / ROUNDS, text=f"Measuring… round {done} of {ROUNDS}")
        except SpecError as error:
            st.info(as_text(error), icon=":material/lightbulb:")
        progress.empty()
    shown: list[Cost] = st.session_state.get(_COSTS, [])
    names = [cost.layer.entry.label for cost in shown]
    forward, backward = [cost.forward for cost in shown], [cost.backward for cost in shown]
    chart(
        figures.activation_costs(names, forward, backward, theme=theme()),
        key="activation-costs",
        alt=figures.activation_costs_alt(names, forward, backward),
        height=110 + 34 * max(3, len(shown)),
    )
    st.caption(
        f"Measured here and now: {CALLS} passes forward and backward over {SAMPLES} × {FEATURES} numbers by PyTorch's "
        f"own module on one thread, each activation once in a round, {ROUNDS} rounds. Each bar is the median of the "
        "rounds' ratios to ReLU. Only processor time counts, so that other work on the machine disturbs little; other "
        "people's runs go on meanwhile."
    )
    if shown:
        relu = shown[0]
        st.caption(
            f"ReLU itself took {relu.forward_ns:.2g} ns a number forward and {relu.backward_ns:.2g} ns backward. In a "
            "whole network the Linear layers usually take longer than any activation."
        )


def _with_defaults(name: str, layers: Sequence[LayerSpec]) -> LayerSpec:
    """The activation as it is compared, else with its defaults."""
    return next((layer for layer in layers if layer.type == name), LayerSpec(type=name))
