"""Gradients of single weights by central differences, on a copy of the network in float64.

The same random draws are made as in the pass on the tape: layers that work element by element keep what they did to
each value, and all others draw from the same stream again.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from contextlib import nullcontext

import torch
from torch import Tensor, nn

from mlp_core.one_step.places import WeightPlace
from mlp_core.one_step.records import NumericCheck
from mlp_core.one_step.tape import Tape
from mlp_core.run.build import Run
from mlp_core.run.objective import objective

STEP = 6e-6
"""How far a weight near 1 or smaller is moved: about the cube root of the smallest step between float64 numbers near
1, where rounding and curvature do equally little."""


class _Drawn(nn.Module):
    """A layer whose draws are those of the tape: it goes on as a straight line from each value that it saw there."""

    def __init__(self, module: nn.Module, x: Tensor, output: Tensor, slope: Tensor) -> None:
        super().__init__()
        self.module = module
        self.x, self.output, self.slope = x.detach(), output.detach(), slope.detach()

    def forward(self, x: Tensor) -> Tensor:
        self.module(self.x)  # makes the draws, so that the layers after it find the stream where it was
        return self.output.double() + self.slope.double() * (x - self.x.double())


class DoublePrecision:
    """The network, the loss and the mini-batch of a tape in float64."""

    def __init__(self, run: Run, tape: Tape) -> None:
        """Call while the run's weights, buffers and random numbers are as they were before the pass on the tape."""
        self._run = run
        self._model = copy.deepcopy(run.model).double().requires_grad_(True)
        for layer in run.plan.walk():
            if layer.spec.entry.random and layer.name in tape.slopes:
                outer, _, own = layer.name.rpartition(".")
                drawn = _Drawn(run.model.get_submodule(layer.name), tape.inputs[layer.name],
                               tape.outputs[layer.name], tape.slopes[layer.name])  # fmt: skip
                setattr(self._model.get_submodule(outer), own, drawn)
        self._loss = copy.deepcopy(run.loss).double()
        self._x = tape.x.detach().double()
        self._y = tape.y.double() if tape.y.is_floating_point() else tape.y
        self._stream = run.stream.state()
        self._buffers = {name: buffer.clone() for name, buffer in self._model.named_buffers()}
        self._parameters = dict(self._model.named_parameters())
        if self._parameters:
            found = torch.autograd.grad(self._objective(), list(self._parameters.values()), allow_unused=True)
            self._gradients = dict(zip(self._parameters, found, strict=True))

    def check(self, place: WeightPlace) -> NumericCheck:
        """The gradient of a weight, from the objective on both sides of it."""
        parameter = self._parameters[place.parameter]
        value = parameter.detach()[place.index].item()
        step = STEP * max(1.0, abs(value))
        found = []
        with torch.no_grad():
            for moved in (value - step, value + step):
                parameter[place.index] = moved
                found.append(self._objective().item())
            parameter[place.index] = value
        gradient = self._gradients[place.parameter]
        return NumericCheck(
            step=step,
            loss_below=found[0],
            loss_above=found[1],
            autograd=0.0 if gradient is None else gradient[place.index].item(),
        )

    def _objective(self) -> Tensor:
        run = self._run
        for name, buffer in self._model.named_buffers():
            buffer.copy_(self._buffers[name])
        run.stream.restore(self._stream)
        with run.stream.lend() if run.draws_in_training else nullcontext():
            outcome = self._model(self._x)
        run.stream.restore(self._stream)
        return objective(self._loss(outcome, self._y), self._model.parameters(), run.experiment.training)


def numeric_checks(doubled: DoublePrecision, places: Sequence[WeightPlace]) -> list[NumericCheck]:
    """A check of each weight."""
    return [doubled.check(place) for place in places]
