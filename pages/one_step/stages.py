"""The step stage by stage: data, forward, loss, backward, update."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from mlp_core.catalog.facts import DataFacts
from mlp_core.data import Dataset
from mlp_core.data.pixel_rows import pictures_of
from mlp_core.spec import layer_number
from pages.components.image_grid import enlarged, sprite
from pages.one_step.layers import backward, forward, update
from pages.one_step.moment import Moment
from pages.one_step.tables import MOST_ROWS, heat_map, number, table
from pages.shared.layout import as_text

if TYPE_CHECKING:
    from mlp_core.one_step.records import OneStep

_STAGE = "one_step_stage"
MOST_PICTURES = 10
"""Samples that are shown as pictures."""
PICTURE = 84
"""The width of a picture, in pixels."""


@dataclass(frozen=True)
class Stage:
    """One stage of the step."""

    name: str
    """What the slider calls it."""
    draw: Callable[[], None]
    """Draws it."""


def stages_tab(step: OneStep, now: Moment) -> None:
    """Draw the slider with Back and Next, and the stage that it stands at."""
    for note in step.notes:
        st.info(as_text(note), icon=":material/info:")
    stages = _stages(step, now)
    at = _choose([stage.name for stage in stages])
    st.markdown(f"#### {as_text(stages[at].name)}")
    stages[at].draw()


def _stages(step: OneStep, now: Moment) -> list[Stage]:
    facts = now.experiment.data.facts
    updated = [layer for layer in step.layers if layer.parameters]
    return [
        Stage("Data", lambda: _data(step, now.run.dataset)),
        *(Stage(f"Forward · {layer_number(layer.path)} {layer.label}", lambda layer=layer: forward(step, layer))
          for layer in step.layers),
        Stage("Loss", lambda: _loss(step, facts)),
        *(Stage(f"Backward · {layer_number(layer.path)} {layer.label}", lambda layer=layer: backward(step, layer))
          for layer in reversed(step.layers)),
        *(Stage(f"Update · {layer_number(layer.path)} {layer.label}", lambda layer=layer: update(step, layer))
          for layer in updated),
    ]  # fmt: skip


def _choose(names: Sequence[str]) -> int:
    """Draw Back, slider and Next; gives the position of the stage."""
    at = min(st.session_state.get(_STAGE, 0), len(names) - 1)
    key = f"one_step_slider-{hash(tuple(names))}"
    if st.session_state.get(key) != names[at]:
        st.session_state[key] = names[at]

    def go(to: int) -> None:
        st.session_state[_STAGE] = to

    with st.container(horizontal=True, vertical_alignment="center", key="one-step-stages"):
        st.button("Back", key="one_step_back", icon=":material/arrow_back:", disabled=at == 0, on_click=go,
                  args=(at - 1,))  # fmt: skip
        st.select_slider("Stage", names, key=key, label_visibility="collapsed",
                         on_change=lambda: go(names.index(st.session_state[key])))  # fmt: skip
        st.button("Next", key="one_step_next", icon=":material/arrow_forward:", type="primary",
                  disabled=at == len(names) - 1, on_click=go, args=(at + 1,))  # fmt: skip
    return at


def _data(step: OneStep, dataset: Dataset) -> None:
    count, facts = len(step.inputs), dataset.facts
    st.markdown(f"{count} samples, as the network takes them, with their targets.")
    if facts.picture_shape:
        _pictures(step, dataset)
    names = dataset.feature_names if len(dataset.feature_names) == step.inputs[0].size else None
    left, right = st.columns([2, 1])
    with left:
        heat_map("Inputs x", step.inputs, key="one-step-inputs", columns="feature", column_names=names)
    with right:
        st.markdown("**Targets**")
        table({"sample": [str(i) for i in range(min(count, MOST_ROWS))],
               "target": [target_words(step, i, facts) for i in range(min(count, MOST_ROWS))]})  # fmt: skip


def _pictures(step: OneStep, dataset: Dataset) -> None:
    inputs = step.inputs[:MOST_PICTURES]
    if dataset.facts.holds_images:  # the step has them as the network takes them, from 0 to 1
        inputs = np.rint(inputs * 255).clip(0, 255).astype(np.uint8)
    pictures = [sprite(enlarged(picture, PICTURE)[None]) for picture in pictures_of(dataset, inputs)]
    words = [as_text(target_words(step, i, dataset.facts)) for i in range(len(pictures))]
    st.image(pictures, caption=words, width=PICTURE)


def target_words(step: OneStep, sample: int, facts: DataFacts) -> str:
    """The target of a sample as the loss takes it, with the name of the class where it is an index."""
    target = np.atleast_1d(step.loss.targets[sample])
    if np.issubdtype(target.dtype, np.integer) and facts.classifies:
        names = [str(name) for name in facts.class_names]
        at = int(target[0])
        return f"{at} ({names[at]})" if at < len(names) and names[at] != str(at) else str(at)
    return ", ".join(number(float(value)) for value in target[:4]) + (", …" if len(target) > 4 else "")


def _loss(step: OneStep, facts: DataFacts) -> None:
    loss, last = step.loss, step.layers[-1]
    st.markdown(f"**{loss.label}** of each sample, from the network's outputs and the targets:")
    st.latex(loss.formula)
    count = len(loss.each)
    divisor = f"{count}" if loss.divisor == count else rf"\underbrace{{{loss.divisor:.6g}}}_{{\text{{class weights}}}}"
    left, right = st.columns(2)
    with left:
        heat_map("Outputs z", last.outputs, key="one-step-loss-outputs", columns="output")
    with right:
        heat_map("dL/dz, where backward begins", last.gradient, key="one-step-loss-gradient", columns="output")
    rows = range(min(count, MOST_ROWS))
    table({"sample": [str(i) for i in rows], "target": [target_words(step, i, facts) for i in rows],
           "loss of the sample": [number(loss.each[i], 5) for i in rows]})  # fmt: skip
    if count > MOST_ROWS:
        st.caption(f"Not shown: {count - MOST_ROWS:,} more samples.")
    st.latex(rf"\text{{loss}} = \frac{{{loss.each.sum():.6g}}}{{{divisor}}} = {loss.mean:.6g}")
    if loss.objective != loss.value:
        st.latex(rf"L = \frac{{{loss.value:.6g} + \overbrace{{{loss.penalty:.6g}}}^{{\text{{penalties}}}}}}"
                 rf"{{{loss.accumulated_batches}}} = {loss.objective:.6g}")  # fmt: skip
    st.caption(f"PyTorch's own loss of the batch: {number(loss.value, 6)}.")
