"""Figures of every layer as a training step sees it: weights, gradients, activations, and what an update would change.

All of it is measured on a copy of the network and of the optimizer, with one batch: the run stays as it is, its
gradients, buffers and random numbers included.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mlp_core.catalog.activation_facts import ActivationFacts
from mlp_core.health.statistics import SATURATION_MARGIN, LayerStatistics
from mlp_core.plan import LayerPlan
from mlp_core.run.build import Run, make_optimizer
from mlp_core.run.checkpoint import copied_state
from mlp_core.run.metrics import still
from mlp_core.run.nogil import copies, held, unoptimised
from mlp_core.run.objective import clip, penalty
from mlp_core.run.randomness import RandomStream

SAMPLES = 256
"""Training samples that are looked at, at most."""
MOST_WORK = 50_000_000
"""Weights times samples, at most: a large network is looked at with fewer samples."""
COPY_TOLERANCE = 1e-5
"""Neurons are copies whose weights differ by less than this share of the largest."""

__all__ = ["LayerStatistics", "layer_statistics"]


@dataclass(frozen=True, eq=False)
class OwnTensors:
    """Copies of a layer's own numbers, without those of layers inside it."""

    weights: list[Tensor]
    """Its weights."""
    biases: list[Tensor]
    """Its biases."""
    gradients: list[Tensor]
    """The gradients of its weights; none where they have none."""


@dataclass(frozen=True, eq=False)
class Measurement:
    """What every layer did in one training step on a copy; all lists are in the order of `run.plan.walk()`."""

    layers: list[LayerPlan]
    """The layers."""
    inputs: list[Tensor]
    """What came in, (N, in_features) each."""
    outputs: list[Tensor]
    """What went out, (N, out_features) each."""
    signals: list[Tensor | None]
    """The gradients by what went out; None where none came back."""
    own: list[OwnTensors]
    """The numbers of each layer before the update."""
    updates: list[list[Tensor]]
    """What the update added to the weights of each."""


def layer_statistics(run: Run, samples: int = SAMPLES) -> tuple[LayerStatistics, ...]:
    """The figures of every layer, in the order of `run.plan.walk()`, layers inside of others too; see `measure`."""
    return statistics_of(measure(run, samples))


def measure(run: Run, samples: int = SAMPLES) -> Measurement:
    """One training step on a copy, with at most so many training samples, evenly spaced among all.

    It is made in training mode, with random numbers of its own, so that the same weights always give the same figures.
    The update is one that the optimizer, with its state and its learning rate, makes from the gradient of these
    samples.
    """
    count = max(2, min(samples, MOST_WORK // max(1, run.plan.parameters)))
    rows = torch.linspace(0, len(run.batches.x) - 1, min(count, len(run.batches.x)), dtype=torch.float64).round().long()
    rows = rows.to(run.device)
    x, y = run.scaled(run.batches.x[rows]), run.batches.y[rows]
    copy = still(run)
    copy.model.train(run.model.training)
    for parameter, original in zip(copy.model.parameters(), run.model.parameters(), strict=True):
        parameter.requires_grad_(original.requires_grad)
    layers = list(run.plan.walk())
    inputs, outputs, gradients = _pass(copy, layers, x, y)
    own = [_own(copy.model.get_submodule(layer.name)) for layer in layers]
    before = [_copied(*parameters) for parameters in own]
    updates: list[list[Tensor]] = [[] for _ in layers]
    with suppress(ArithmeticError):  # some parameters of some optimizers divide by zero: then there is no update
        _update(copy, run, x, y)
        updates = [
            [new.detach() - old for new, old in zip(weights, kept.weights, strict=True)]
            for (weights, _), kept in zip(own, before, strict=True)
        ]
    return Measurement(layers, inputs, outputs, gradients, before, updates)


# Measuring


def _pass(
    copy: Run, layers: Sequence[LayerPlan], x: Tensor, y: Tensor
) -> tuple[list[Tensor], list[Tensor], list[Tensor | None]]:
    """Inputs and outputs of every layer, and the gradients by these outputs; the parameters get their gradients."""
    seen: dict[str, tuple[Tensor, Tensor]] = {}

    def keep(name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        def hook(module: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> None:
            seen[name] = given[0], output

        return hook

    handles = [copy.model.get_submodule(layer.name).register_forward_hook(keep(layer.name)) for layer in layers]
    parameters = [parameter for parameter in copy.model.parameters() if parameter.requires_grad]
    try:
        with torch.enable_grad(), _randomness(copy):
            loss = _objective(copy, x, y)
    finally:
        for handle in handles:
            handle.remove()
    outputs = [seen[layer.name][1] for layer in layers]
    reached = [output for output in outputs if output.requires_grad]
    found = torch.autograd.grad(loss, [*parameters, *reached], allow_unused=True) if loss.requires_grad else ()
    for parameter, gradient in zip(parameters, found, strict=False):
        parameter.grad = gradient
    signals = iter(found[len(parameters) :])
    return (
        [seen[layer.name][0].detach() for layer in layers],
        [output.detach() for output in outputs],
        [next(signals, None) if output.requires_grad else None for output in outputs],
    )


def _objective(copy: Run, x: Tensor, y: Tensor) -> Tensor:
    loss: Tensor = copy.loss(copy.model(x), y)
    training = copy.experiment.training
    if training.penalized:
        loss = loss + penalty([p for p in copy.model.parameters() if p.ndim > 1], training)
    return loss


def _randomness(copy: Run) -> Any:
    """Random numbers that are no run's own, where the model draws any."""
    return RandomStream(0, copy.device).lend() if copy.draws_in_training else nullcontext()


def _update(copy: Run, run: Run, x: Tensor, y: Tensor) -> None:
    """Let the optimizer make its next update of the copy, from the gradients that it has."""
    parameters = [parameter for parameter in copy.model.parameters() if parameter.requires_grad]
    optimizer = make_optimizer(run.experiment.optimizer, parameters)
    optimizer.load_state_dict(copied_state(run.optimizer))
    if not run.experiment.optimizer.entry.closure:
        clip(parameters, run.experiment.training)
        optimizer.step()
        return

    def closure() -> Tensor:
        optimizer.zero_grad()
        with torch.enable_grad(), _randomness(copy):
            loss = _objective(copy, x, y)
            loss.backward()  # type: ignore[no-untyped-call]
        clip(parameters, run.experiment.training)
        return loss

    gradients = [parameter.grad for parameter in parameters]
    optimizer.step(closure)  # type: ignore[arg-type]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient


def _own(module: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Weights and biases of a layer, without those of layers inside of it.

    A layer of the catalog that is made of modules of PyTorch's counts as one.
    """
    own = module.named_parameters(recurse=not isinstance(module, nn.Sequential))
    weights: list[nn.Parameter] = []
    biases: list[nn.Parameter] = []
    for name, parameter in own:
        (biases if name.endswith("bias") else weights).append(parameter)
    return weights, biases


# Figures


def _copied(weights: Sequence[nn.Parameter], biases: Sequence[nn.Parameter]) -> OwnTensors:
    gradients = [weight.grad for weight in weights if weight.grad is not None]
    found = iter(copies([*weights, *biases, *gradients]))
    return OwnTensors([next(found) for _ in weights], [next(found) for _ in biases], list(found))


def statistics_of(found: Measurement) -> tuple[LayerStatistics, ...]:
    """The figures of every layer of a measurement."""
    layers, inputs, outputs, signals, own = found.layers, found.inputs, found.outputs, found.signals, found.own
    asked: list[Tensor] = []

    def ask(tensors: Sequence[Tensor | None]) -> int | None:
        """The row of `moments` with the figures of all numbers of some tensors; None where there are none."""
        flat = [tensor.detach().reshape(-1) for tensor in tensors if tensor is not None]
        if not flat:
            return None
        asked.append(flat[0] if len(flat) == 1 else torch.cat(flat))
        return len(asked) - 1

    rows = [
        (ask(kept.weights), ask(kept.biases), ask(kept.gradients), ask(update), ask([signal]), ask([output]))
        for kept, update, signal, output in zip(own, found.updates, signals, outputs, strict=True)
    ]
    facts = [_facts(layer) for layer in layers]
    ends = [_ends(known) for known in facts]
    projected = [_projected(kept) if _is_matrix(kept, layer) else None for layer, kept in zip(layers, own, strict=True)]
    with torch.no_grad(), unoptimised():
        code = _compiled()
        moments = code.moments(held(asked)).cpu().tolist()
        units = code.units(
            held(list(inputs)), held(list(outputs)), [_gets_stuck(known) for known in facts],
            [low for low, _ in ends], [high for _, high in ends],
        ).cpu().tolist()  # fmt: skip
    return tuple(
        replace(
            _layer(layer, [None if row is None else moments[row] for row in of], unit, known, projection, kept),
            samples=len(inputs[0]),
        )
        for layer, of, unit, known, projection, kept in zip(layers, rows, units, facts, projected, own, strict=True)
    )


def _layer(
    layer: LayerPlan,
    rows: Sequence[list[float] | None],
    unit: list[float],
    facts: ActivationFacts | None,
    projection: Tensor | None,
    own: OwnTensors,
) -> LayerStatistics:
    weight, bias, gradient, update, signal, output = rows
    assert output is not None
    shift, dead, saturated = unit
    return LayerStatistics(
        path=layer.path,
        name=layer.name,
        type=layer.spec.type,
        width=layer.out_features,
        parameters=sum(tensor.numel() for tensor in (*own.weights, *own.biases)),
        weight_mean=None if weight is None else weight[0],
        weight_std=None if weight is None else weight[1],
        weight_norm=None if weight is None else weight[2],
        bias_mean=None if bias is None else bias[0],
        bias_std=None if bias is None else bias[1],
        gradient_norm=None if gradient is None else gradient[2],
        gradient_mean=None if gradient is None else gradient[3],
        signal_norm=None if signal is None else signal[2],
        activation_mean=output[0],
        activation_std=output[1],
        activation_largest=output[4],
        shift=None if math.isnan(shift) else shift,
        dead_share=dead if _gets_stuck(facts) else None,
        saturated_share=saturated if facts is not None and facts.family == "S-curve" else None,
        update_size=None if weight is None or update is None or weight[2] == 0 else update[2] / weight[2],
        update_ratio=None if weight is None or update is None or weight[1] == 0 else update[1] / weight[1],
        copies=None if projection is None else _copies(projection.cpu().numpy()),
    )


def _facts(layer: LayerPlan) -> ActivationFacts | None:
    entry = layer.spec.entry
    return None if entry.facts is None else entry.facts(layer.spec.params)


def _gets_stuck(facts: ActivationFacts | None) -> bool:
    """Whether a unit can lie on a flat part for every sample, other than at the ends of an S-curve."""
    if facts is None or not facts.elementwise or facts.family in ("S-curve", "linear"):
        return False
    return facts.saturates != "nowhere" or facts.family == "shrinkage"


def _ends(facts: ActivationFacts | None) -> tuple[float, float]:
    """Outputs of an S-curve below the first or above the second are saturated."""
    if facts is None or facts.family != "S-curve":
        return -math.inf, math.inf
    margin = SATURATION_MARGIN * (facts.high - facts.low)
    return facts.low + margin, facts.high - margin


def _is_matrix(own: OwnTensors, layer: LayerPlan) -> bool:
    """Whether a layer has one weight matrix with a row for each of its neurons."""
    return len(own.weights) == 1 and own.weights[0].dim() == 2 and len(own.weights[0]) == layer.out_features


@lru_cache(maxsize=32)
def _directions(inputs: int, device: str) -> Tensor:
    """Four random directions in the space of a neuron's weights and its bias, float32 (inputs + 1, 4)."""
    return torch.randn(inputs + 1, 4, generator=torch.Generator().manual_seed(0)).to(device)


def _projected(own: OwnTensors) -> Tensor:
    """Weights and bias of every neuron along four directions, float32 (neurons, 4): equal for equal neurons."""
    (weight,) = own.weights
    directions = _directions(weight.shape[1], str(weight.device))
    found = weight @ directions[:-1]
    return found + own.biases[0][:, None] * directions[-1] if own.biases else found


def _copies(projections: np.ndarray) -> int:
    """How many rows equal another one, the first of each kind not counted."""
    if not np.isfinite(projections).all():
        return 0
    tolerance = COPY_TOLERANCE * max(float(np.abs(projections).max()), 1e-30)
    ordered = projections[np.lexsort(np.round(projections / tolerance).T[::-1])]
    return int((np.abs(np.diff(ordered, axis=0)) <= tolerance).all(axis=1).sum())


_SOURCE = """
def moments(tensors: List[Tensor]) -> Tensor:
    rows: List[Tensor] = []
    for tensor in tensors:
        values = tensor.double()
        size = torch.abs(values)
        norm = torch.sqrt(torch.square(values).sum())
        rows.append(torch.stack([values.mean(), values.std(unbiased=False), norm, size.mean(), size.max()]))
    return torch.stack(rows)

def units(
    inputs: List[Tensor], outputs: List[Tensor], sticks: List[bool], lows: List[float], highs: List[float]
) -> Tensor:
    rows: List[Tensor] = []
    for given, output, stick, low, high in zip(inputs, outputs, sticks, lows, highs):
        mean = output.mean(dim=0)
        spread = output.std(dim=0, unbiased=False)
        varies = spread > 1e-6 * (torch.abs(mean) + 1e-30)
        shift = (torch.abs(mean[varies]) / spread[varies]).median()
        dead = torch.zeros_like(shift)
        if stick:
            fixed = output.amax(dim=0) == output.amin(dim=0)
            moved = given.amax(dim=0) > given.amin(dim=0)
            dead = (fixed & (moved | (output[0] == 0))).float().mean()
        saturated = ((output <= low) | (output >= high)).float().mean()
        rows.append(torch.stack([shift, dead, saturated]))
    return torch.stack(rows)
"""


@cache
def _compiled() -> Any:
    return torch.jit.CompilationUnit(_SOURCE)
