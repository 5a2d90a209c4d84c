"""One layer in the step: forward, backward, update."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.one_step.tables import heat_map, number, table

if TYPE_CHECKING:
    from mlp_core.one_step.records import LayerStep, OneStep, ParameterStep

_LINEAR = (
    r"\frac{\partial L}{\partial W} = \delta^\top x,\qquad \frac{\partial L}{\partial b} = \sum_s \delta_s,\qquad "
    r"\frac{\partial L}{\partial x} = \delta\,W,\qquad \delta = \frac{\partial L}{\partial y}"
)
_ALONE = r"\frac{\partial L}{\partial x} = \frac{\partial L}{\partial y} \odot f'(x)"
_WHOLE = (
    r"\frac{\partial L}{\partial x} = \Big(\frac{\partial y}{\partial x}\Big)^{\!\top} "
    r"\frac{\partial L}{\partial y}"
)


def forward(step: OneStep, layer: LayerStep) -> None:
    """Draw what comes in, what the layer has, and what goes out."""
    if layer.formula:
        st.latex(layer.formula)
    left, right = st.columns(2)
    with left:
        heat_map("Input x", layer.inputs, key=f"one-step-in-{layer.name}", columns="input")
    with right:
        heat_map("Output y", layer.outputs, key=f"one-step-out-{layer.name}")
    _parameters(step, layer, lambda parameter: [(parameter.name, parameter.before, "now")])


def backward(step: OneStep, layer: LayerStep) -> None:
    """Draw the gradient that arrives, and what it becomes."""
    alone = layer.slopes is not None
    st.latex(_LINEAR if layer.type == "Linear" else _ALONE if alone else _WHOLE)
    if layer.type != "Linear" and not alone:
        st.caption("The Jacobian is never written down: autograd multiplies by it (a vector–Jacobian product).")
    left, right = st.columns(2)
    with left:
        heat_map("dL/dy arrives", layer.gradient, key=f"one-step-gradient-{layer.name}")
    with right:
        if layer.slopes is not None:
            heat_map("Slopes f'(x)", layer.slopes, key=f"one-step-slopes-{layer.name}")
        else:
            heat_map("Input x", layer.inputs, key=f"one-step-back-in-{layer.name}", columns="input")
    _parameters(step, layer, lambda parameter: [(f"dL/d({parameter.name})", parameter.gradient, "gradient")])
    if layer is step.layers[0]:
        heat_map("dL/d(data): nothing is done with it", step.input_gradient, key="one-step-input-gradient",
                 columns="feature")  # fmt: skip


def update(step: OneStep, layer: LayerStep) -> None:
    """Draw what the optimizer makes of the gradients."""
    taken = step.update
    st.markdown(f"**{taken.label}** with learning rate {number(float(str(taken.settings['lr'])))}:")
    st.latex(taken.formula)
    for sentence in _sentences(step):
        st.markdown(sentence)
    if not taken.done:
        return

    def maps(parameter: ParameterStep) -> list[tuple[str, object, str]]:
        return [
            (f"Gradient used for {parameter.name}", parameter.used, "used"),
            (f"Change of {parameter.name}", parameter.change, "change"),
        ]

    _parameters(step, layer, maps, columns=2)
    for parameter in step.parameters:
        if parameter.layer == layer.name:
            _state(parameter)


def _sentences(step: OneStep) -> list[str]:
    """What else happens between gradient and update."""
    taken, found = step.update, []
    if any(parameter.held is not None for parameter in step.parameters):
        found.append("Gradients of earlier mini-batches were still there: this one's are added to them.")
    if not taken.done:
        found.append("Nothing is updated yet: gradients of more mini-batches are awaited.")
    if taken.max_norm is not None:
        scale = min(1.0, taken.max_norm / (taken.norm + 1e-6))
        found.append(f"All gradients together have the norm {number(taken.norm)}; clipping to {number(taken.max_norm)} "
                     f"multiplies them by {number(scale)}.")  # fmt: skip
    if taken.max_value is not None:
        found.append(f"Every number of a gradient is clipped to at most {number(taken.max_value)} in size.")
    if taken.evaluations > 1:
        found.append(f"It asked for loss and gradient {taken.evaluations} times; the gradient shown is the first.")
    if taken.next_learning_rate != taken.settings["lr"]:
        found.append(f"The schedule makes the next learning rate {number(taken.next_learning_rate)}.")
    return found


def _parameters(step: OneStep, layer: LayerStep, maps: object, columns: int = 1) -> None:
    """Draw heat maps of each parameter of the layer."""
    assert callable(maps)
    own = [step.parameter(name) for name in layer.parameters]
    places = st.columns(2) if columns == 1 and len(own) > 1 else [st.container()] * max(1, len(own))
    for at, parameter in enumerate(own):
        drawn = maps(parameter)
        inner = st.columns(columns) if columns > 1 else [places[at % len(places)]]
        for (title, values, key), place in zip(drawn, inner, strict=True):
            with place:
                matrix = values.ndim > 1
                heat_map(title, values, key=f"one-step-{key}-{parameter.name}", rows="neuron",
                         columns="input" if matrix else "neuron")  # fmt: skip


def _state(parameter: ParameterStep) -> None:
    """Draw what the optimizer keeps for a parameter, before and after."""
    after = parameter.state_after
    if not after:
        st.caption(f"The optimizer keeps nothing for {parameter.name}.")
        return
    with st.expander(f"What the optimizer keeps for {parameter.name}"):
        numbers = {name: value for name, value in after.items() if isinstance(value, float)}
        if numbers:
            before = [parameter.state_before.get(name) for name in numbers]
            table({"name": list(numbers), "before": ["none" if v is None else number(v) for v in before],
                   "after": [number(value) for value in numbers.values()]})  # fmt: skip
        for name, value in after.items():
            if isinstance(value, float):
                continue
            left, right = st.columns(2)
            earlier = parameter.state_before.get(name)
            with left:
                if earlier is None or isinstance(earlier, float):
                    st.markdown(f"**{name} before**: none yet")
                else:
                    heat_map(f"{name} before", earlier, key=f"one-step-before-{name}-{parameter.name}", rows="neuron",
                             columns="input" if earlier.ndim > 1 else "neuron")  # fmt: skip
            with right:
                heat_map(f"{name} after", value, key=f"one-step-after-{name}-{parameter.name}", rows="neuron",
                         columns="input" if value.ndim > 1 else "neuron")  # fmt: skip
