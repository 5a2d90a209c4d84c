"""Copies of a run's state, to go back to the last sound weights when the loss breaks."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import Any

import torch

from mlp_core.batches import Position
from mlp_core.build import Run


@dataclass(frozen=True)
class Checkpoint:
    """Everything that the next steps of a run depend on."""

    model: dict[str, Any]
    optimizer: dict[str, Any]
    gradients: list[torch.Tensor | None]
    stream: tuple[torch.Tensor, torch.Tensor | None]
    order: torch.Tensor | None
    position: Position


def save(run: Run) -> Checkpoint:
    """A detached copy of the run's state."""
    return Checkpoint(
        model={name: value.detach().clone() for name, value in run.model.state_dict().items()},
        optimizer=copy.deepcopy(run.optimizer.state_dict()),
        gradients=[None if p.grad is None else p.grad.clone() for p in run.model.parameters()],
        stream=run.stream.state(),
        order=run.batches.state(),
        position=replace(run.position),
    )


def restore(run: Run, checkpoint: Checkpoint) -> None:
    """Put the run back to where the checkpoint was saved; the checkpoint can be used again."""
    run.model.load_state_dict(checkpoint.model)
    run.optimizer.load_state_dict(copy.deepcopy(checkpoint.optimizer))
    for parameter, gradient in zip(run.model.parameters(), checkpoint.gradients, strict=True):
        parameter.grad = None if gradient is None else gradient.clone()
    run.stream.restore(checkpoint.stream)
    run.batches.restore(checkpoint.order)
    run.position = replace(checkpoint.position)
