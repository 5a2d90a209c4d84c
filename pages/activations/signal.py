"""What each activation does to a signal on its way through ten layers."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from mlp_core import figures
from mlp_core.errors import SpecError
from mlp_core.processor import PROCESSOR
from mlp_core.spec import LayerSpec
from pages.activations.drawing import chart
from pages.shared.layout import as_text, theme

WIDTHS = (16, 32, 64, 128, 256, 512)


def signal_tab(layers: Sequence[LayerSpec]) -> None:
    """Draw variances forward and backward, and the share of units that are dead or saturated."""
    from mlp_core.activations.signal import DEFAULT, FLAT, INITIALISATIONS, LAYERS, SAMPLES, Signal, propagate

    with st.container(horizontal=True):
        width = st.selectbox("Units per layer", WIDTHS, index=2, key="signal_width", width=160)
        start = st.selectbox("Initial weights", list(INITIALISATIONS), key="signal_start", width=260,
                             index=list(INITIALISATIONS).index(DEFAULT))  # fmt: skip
    st.caption(
        f"{LAYERS} Linear layers with the activation after each, as PyTorch builds them, before any training. "
        f"{SAMPLES} samples of standard normal features go in at layer 1; standard normal gradients come back from "
        f"layer {LAYERS}."
    )
    found: dict[str, Signal] = {}
    for layer in layers:
        try:
            found[layer.entry.label] = PROCESSOR.compute(
                lambda layer=layer: propagate(layer, width, start), background=True
            )
        except SpecError as error:
            st.info(as_text(error), icon=":material/lightbulb:")
    names, signals = list(found), list(found.values())
    left, right = st.columns(2)
    with left:
        _lines("Variance of outputs", names, [signal.forward for signal in signals])
        st.caption(
            "Forward: a line that falls is a signal that fades, one that rises a signal that explodes. A good start "
            "keeps it level."
        )
    with right:
        _lines("Variance of gradients", names, [signal.backward for signal in signals])
        st.caption(
            "Backward, read from right to left. *Vanishing* gradients leave the first layers with nothing to learn "
            "from; *exploding* ones make steps that are far too long."
        )
    alone = [name for name in names if found[name].dead is not None]
    left, right = st.columns(2)
    with left:
        _shares("Dead units", alone, [found[name].dead for name in alone])
        st.caption(
            "A unit is *dead* when its slope is exactly zero for every sample: no gradient reaches its weights, and "
            "with ReLU it may never come back. Zeros for some samples only are no harm: that is *sparsity*."
        )
    with right:
        _shares("Saturated values", alone, [found[name].saturated for name in alone])
        st.caption(f"Values whose slope is below {FLAT:g}: little of the gradient passes there.")
    means = "; ".join(f"{name} {figures.readable(float(found[name].mean[-1]))}" for name in names)
    if means:
        st.caption(
            f"Mean after layer {LAYERS}: {means}. A mean away from zero is a constant that the next layer has to learn "
            "to take away (*bias shift*). An activation that keeps mean 0 and variance 1 by itself is "
            "*self-normalising*: try SELU with LeCun normal weights."
        )


def _lines(title: str, names: list[str], values: list) -> None:  # type: ignore[type-arg]
    _chart(title, names, values, log_y=True)


def _shares(title: str, names: list[str], values: list) -> None:  # type: ignore[type-arg]
    _chart(title, names, values, log_y=False)


def _chart(title: str, names: list[str], values: list, *, log_y: bool) -> None:  # type: ignore[type-arg]
    chart(
        figures.layer_signal(names, values, title=title, log_y=log_y, theme=theme(), uirevision=title),
        key=f"signal-{title.replace(' ', '-').lower()}",
        alt=figures.layer_signal_alt(names, values, title=title),
        height=290,
    )
