"""The forward and the backward pass of one mini-batch, with what each layer saw still in autograd's graph."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from mlp_core.activations.response import elementwise
from mlp_core.plan import LayerPlan
from mlp_core.run.build import Run
from mlp_core.run.objective import objective


@dataclass
class Tape:
    """Tensors of one pass. They belong to autograd's graph, so nothing may be updated while they are used."""

    x: Tensor
    """(n, ...) the inputs, a leaf that requires a gradient."""
    y: Tensor
    """The targets."""
    order: list[str] = field(default_factory=list)
    """Names of the layers in the order in which they were finished."""
    inputs: dict[str, Tensor] = field(default_factory=dict)
    """What came into each layer by its name."""
    outputs: dict[str, Tensor] = field(default_factory=dict)
    """What went out."""
    outcome: Tensor = field(default_factory=lambda: torch.empty(0))
    """(n, outputs) what the network says."""
    loss: Tensor = field(default_factory=lambda: torch.empty(0))
    """The loss, a scalar."""
    total: Tensor = field(default_factory=lambda: torch.empty(0))
    """The objective, a scalar, whose gradients these are:"""
    output_gradients: dict[str, Tensor] = field(default_factory=dict)
    """By the output of each layer."""
    input_gradient: Tensor = field(default_factory=lambda: torch.empty(0))
    """By the inputs."""
    gradients: dict[str, Tensor] = field(default_factory=dict)
    """By each parameter."""
    slopes: dict[str, Tensor] = field(default_factory=dict)
    """Derivative of each output of a layer that works element by element."""


def record(run: Run, x: Tensor, y: Tensor) -> Tape:
    """Run forward and backward once, as a training step does. Draws random numbers, and moves running averages.

    Frozen layers get gradients too, to look at: whoever called restores the run.
    """
    model: nn.Module = run.model
    model.requires_grad_(True)
    tape = Tape(x=run.scaled(x).detach().clone().requires_grad_(True), y=y)
    layers = {layer.name: layer for layer in run.plan.walk()}
    names = [*(["0"] if run.plan.flatten else []), *layers]
    handles = [model.get_submodule(name).register_forward_hook(_keeper(tape, name)) for name in names]
    try:
        with run.stream.lend() if run.draws_in_training else nullcontext():
            tape.outcome = model(tape.x)
    finally:
        for handle in handles:
            handle.remove()
    tape.loss = run.loss(tape.outcome, y)
    tape.total = objective(tape.loss, model.parameters(), run.experiment.training)
    _differentiate(tape, dict(model.named_parameters()))
    for name in tape.order:
        if name not in layers or alone(layers[name]):
            tape.slopes[name] = _gradient(tape.outputs[name], tape.inputs[name], torch.ones_like(tape.outputs[name]))
    return tape


def alone(layer: LayerPlan) -> bool:
    """Whether every output of the layer depends on one input alone, in training too."""
    entry = layer.spec.entry
    return not entry.mixes_batch and not entry.holds_layers and elementwise(layer.spec)


def _keeper(tape: Tape, name: str) -> Any:
    def keep(module: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> Tensor:
        # A layer that hands its input on gets an output of its own, or the gradients of both would be one.
        output = output.view_as(output) if output is given[0] else output
        tape.order.append(name)
        tape.inputs[name], tape.outputs[name] = given[0], output
        return output

    return keep


def _differentiate(tape: Tape, parameters: dict[str, nn.Parameter]) -> None:
    """Every gradient of the objective."""
    wanted = [tape.x, *(tape.outputs[name] for name in tape.order), *parameters.values()]
    found = torch.autograd.grad(tape.total, wanted, retain_graph=True, allow_unused=True)
    filled = [
        torch.zeros_like(of) if gradient is None else gradient for of, gradient in zip(wanted, found, strict=True)
    ]
    tape.input_gradient = filled[0]
    tape.output_gradients = dict(zip(tape.order, filled[1:], strict=False))
    tape.gradients = dict(zip(parameters, filled[1 + len(tape.order) :], strict=True))


def _gradient(output: Tensor, by: Tensor, upstream: Tensor) -> Tensor:
    (found,) = torch.autograd.grad(output, by, upstream, retain_graph=True, allow_unused=True)
    return torch.zeros_like(by) if found is None else found


def array(tensor: Tensor | None) -> Any:
    """A copy as a NumPy array that nobody else has."""
    assert tensor is not None
    return tensor.detach().cpu().numpy().copy()
