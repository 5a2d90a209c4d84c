"""What is known of each activation: its formula, facts, advice."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from mlp_core.catalog.activation_facts import ActivationFacts
from mlp_core.spec import LayerSpec

MEANINGS = {
    "Range": "All outputs lie in this interval; a round bracket means that the end itself never comes out.",
    "Derivative": "Whether there is one everywhere. At a kink PyTorch takes the slope of one side.",
    "Monotonic": "A larger input never gives a smaller output.",
    "Saturates": "Where the slope fades to zero, far from zero: gradients stop there.",
    "At zero": "What comes out for 0. Anything but 0 adds a constant to what the next layer sees.",
    "Zero-centred": "Standard normal inputs give outputs of mean 0. Else the mean moves from layer to layer: bias "
    "shift.",
    "Self-normalising": "Layers of it bring mean and variance back to 0 and 1 by themselves, with weights of variance "
    "1 / width.",
}
"""What each fact means, in a sentence."""


def facts_tab(layers: Sequence[LayerSpec]) -> None:
    """Draw a table of facts, and formula and advice of each activation."""
    known = [(layer, layer.entry.facts(layer.params)) for layer in layers if layer.entry.facts is not None]
    if not layers:
        st.info("Choose an activation above.", icon=":material/lightbulb:")
        return
    if known:
        table = pd.DataFrame({layer.entry.label: _row(found) for layer, found in known})
        table.index.name = "Fact"
        st.table(table)
        with st.expander("What these words mean"):
            st.markdown("\n".join(f"- **{name}**: {meaning}" for name, meaning in MEANINGS.items()))
    for layer in layers:
        _card(layer)


def _row(found: ActivationFacts) -> dict[str, str]:
    """The facts in words."""
    return {
        "Family": found.family,
        "Range": found.range,
        "Derivative": found.differentiability,
        "Made of straight lines": _yes(found.piecewise_linear),
        "Monotonic": _yes(found.monotonic),
        "Saturates": found.saturates,
        "At zero": f"{found.at_zero:.4g}".replace("-", "−") if found.elementwise else "depends on all features",
        "Zero-centred": _yes(found.zero_centred),
        "Self-normalising": _yes(found.self_normalising),
    }


def _yes(fact: bool) -> str:
    return "yes" if fact else "no"


def _card(layer: LayerSpec) -> None:
    entry = layer.entry
    with st.container(border=True):
        st.markdown(f"**{entry.label}**: {entry.summary}")
        if entry.formula:
            st.latex(entry.formula)
        left, right = st.columns(2)
        if entry.advantages:
            left.markdown("**For it**\n" + "".join(f"\n- {sentence}" for sentence in entry.advantages))
        if entry.disadvantages:
            right.markdown("**Against it**\n" + "".join(f"\n- {sentence}" for sentence in entry.disadvantages))
        st.markdown(f"**When to use it.** {entry.when} **Cost.** {entry.cost}")
