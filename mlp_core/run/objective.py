"""What a step makes small: the loss with the penalties on weights, shared between the mini-batches of an update."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from mlp_core.spec import TrainingSpec


def objective(loss: Tensor, parameters: Iterable[Tensor], training: TrainingSpec) -> Tensor:
    """The scalar whose gradient a mini-batch adds, from its loss, which is the one that is shown."""
    if training.penalized:
        loss = loss + penalty([p for p in parameters if p.ndim > 1], training)
    return loss / training.accumulate_grad_batches if training.accumulate_grad_batches > 1 else loss


def penalty(weights: list[Tensor], training: TrainingSpec) -> Tensor | float:
    """The penalty on matrices of weights, a scalar: biases and the weights of normalisation are left out, as is usual.

    The exported scripts spell it out in the same order, so that gradients are the same bits.
    """
    found: Tensor | float = 0.0
    if training.l1_penalty > 0:
        found = training.l1_penalty * sum(p.abs().sum() for p in weights)
    if training.l2_penalty > 0:
        second = training.l2_penalty * sum(p.square().sum() for p in weights)
        found = found + second if training.l1_penalty > 0 else second
    return found


def clip(parameters: Iterable[Tensor], training: TrainingSpec) -> None:
    """Clip gradients in place, where the experiment says so."""
    if training.max_grad_norm is not None:
        torch.nn.utils.clip_grad_norm_(parameters, training.max_grad_norm)
    if training.max_grad_value is not None:
        torch.nn.utils.clip_grad_value_(parameters, training.max_grad_value)
