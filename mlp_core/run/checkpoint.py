"""Copies of a run's state, to go back to the last sound weights when the loss breaks."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from mlp_core.run.batches import Position
from mlp_core.run.build import Run
from mlp_core.run.nogil import assign, copies


@dataclass(frozen=True)
class Checkpoint:
    """Everything that the next steps of a run depend on."""

    tensors: list[Tensor]
    """Copies of weights, buffers, gradients and tensors of the optimizer, in this order."""
    optimizer: dict[str, Any]
    """The optimizer's state dict, with the index into `tensors` in place of each tensor."""
    has_gradient: list[bool]
    """Whether each parameter has a gradient."""
    trains: tuple[bool, ...]
    """Whether each parameter is trained; the optimizer knows only those that are."""
    stream: tuple[Tensor, Tensor | None]
    """The state of the run's random numbers."""
    batch_size: int
    """Samples of a batch."""
    order: Tensor | None
    """The order of the samples in the current epoch; None before the first."""
    position: Position
    """Where the run stood."""
    scheduler: dict[str, Any] | None
    """The scheduler's state dict, where there is one."""


def save(run: Run) -> Checkpoint:
    """A detached copy of the run's state, made in one call that does not hold the GIL."""
    tensors = [*run.model.parameters(), *run.model.buffers()]
    gradients = [parameter.grad for parameter in run.model.parameters()]
    tensors += [gradient for gradient in gradients if gradient is not None]
    optimizer = _without_tensors(run.optimizer.state_dict(), tensors)
    return Checkpoint(
        tensors=copies(tensors),
        optimizer=optimizer,
        has_gradient=[gradient is not None for gradient in gradients],
        trains=run.trains,
        stream=run.stream.state(),
        batch_size=run.batches.batch_size,
        order=run.batches.state(),
        position=replace(run.position),
        scheduler=None if run.scheduler is None else deepcopy(run.scheduler.state_dict()),
    )


def copied_state(optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """The optimizer's state dict with copies of its tensors, for another optimizer to load."""
    tensors: list[Tensor] = []
    state = _without_tensors(optimizer.state_dict(), tensors)
    found: dict[str, Any] = _with_tensors(state, copies(tensors))
    return found


def _without_tensors(value: Any, tensors: list[Tensor]) -> Any:
    """A copy of nested plain values; each tensor goes to the end of `tensors`, and a `At` stands for it."""
    if isinstance(value, Tensor):
        tensors.append(value)
        return At(len(tensors) - 1)
    if isinstance(value, dict):
        return {key: _without_tensors(item, tensors) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_without_tensors(item, tensors) for item in value)
    return value


def _with_tensors(value: Any, tensors: list[Tensor]) -> Any:
    if isinstance(value, At):
        return tensors[value.index]
    if isinstance(value, dict):
        return {key: _with_tensors(item, tensors) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_with_tensors(item, tensors) for item in value)
    return value


@dataclass
class Parts:
    """The tensors of a checkpoint by what they are of."""

    parameters: list[Tensor]
    """The parameters, in the model's order."""
    buffers: list[Tensor]
    """Its buffers."""
    gradients: list[Tensor | None]
    """The gradient of each parameter; None where it has none."""
    optimizer: dict[str, Any]
    """The optimizer's state dict."""


def parts(checkpoint: Checkpoint, buffers: int) -> Parts:
    """A checkpoint of a model with so many buffers, taken apart; no tensor is copied."""
    count, tensors = len(checkpoint.has_gradient), checkpoint.tensors
    gradients = iter(tensors[count + buffers :])
    return Parts(
        parameters=tensors[:count],
        buffers=tensors[count : count + buffers],
        gradients=[next(gradients) if has_gradient else None for has_gradient in checkpoint.has_gradient],
        optimizer=_with_tensors(checkpoint.optimizer, tensors),
    )


def with_parts(checkpoint: Checkpoint, found: Parts, trains: tuple[bool, ...]) -> Checkpoint:
    """The checkpoint with other tensors, which may be of another network."""
    tensors = [*found.parameters, *found.buffers, *(each for each in found.gradients if each is not None)]
    optimizer = _without_tensors(found.optimizer, tensors)
    return replace(
        checkpoint,
        tensors=tensors,
        optimizer=optimizer,
        has_gradient=[each is not None for each in found.gradients],
        trains=trains,
    )


@dataclass(frozen=True)
class At:
    """Stands for a tensor."""

    index: int
    """Its place among the tensors."""


def restore(run: Run, checkpoint: Checkpoint) -> None:
    """Put the run back to where the checkpoint was saved; the checkpoint can be used again."""
    tensors = copies(checkpoint.tensors)
    parameters = list(run.model.parameters())
    kept = [*parameters, *run.model.buffers()]
    assign(list(zip(kept, tensors, strict=False)))
    if checkpoint.trains != run.trains:
        run.trains = checkpoint.trains
    gradients = iter(tensors[len(kept) :])
    for parameter, has_gradient in zip(parameters, checkpoint.has_gradient, strict=True):
        parameter.grad = next(gradients).to(parameter.device) if has_gradient else None
    if len(checkpoint.optimizer["param_groups"]) == len(run.optimizer.param_groups):  # else it is only looked at
        run.optimizer.load_state_dict(_with_tensors(checkpoint.optimizer, tensors))
    if run.scheduler is not None and checkpoint.scheduler is not None:
        run.scheduler.load_state_dict(deepcopy(checkpoint.scheduler))
    run.stream.restore(checkpoint.stream)
    if checkpoint.batch_size != run.batches.batch_size:
        run.batches.set_size(checkpoint.batch_size)
    run.batches.restore(None if checkpoint.order is None else checkpoint.order.to(run.batches.x.device))
    run.position = replace(checkpoint.position)
