"""The loss of a run, with the weights of classes that its training part decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mlp_core.catalog import load_object
from mlp_core.catalog.weighting import BALANCED, ClassWeights, PositiveWeight, Weighting
from mlp_core.spec import LossSpec


def criterion(params: Mapping[str, Any], loss: LossSpec) -> nn.Module:
    """The loss as a module, from its parameters as `decided` gives them."""
    numbers = {
        name: torch.tensor(value, dtype=torch.float32) if value is not None else None
        for name, value in weights_of(params, loss).items()
    }
    made: nn.Module = load_object(loss.entry.target)(**{**params, **numbers})
    return made


def decided(loss: LossSpec, targets: Tensor, outputs: int) -> dict[str, Any]:
    """The parameters of a loss with numbers in the place of 'balanced'.

    `targets` are those of the training part as the loss takes them: int64 (N,) or float32 (N, outputs). Every number
    is one that float32 holds, so that it is the same in a run and in an exported script.
    """
    found = dict(loss.params)
    for parameter in loss.entry.parameters:
        value = found[parameter.name]
        match parameter:
            case ClassWeights() if value is not None:
                found[parameter.name] = _short(class_weights(targets, outputs) if value == BALANCED else value)
            case PositiveWeight() if value is not None:
                numbers = positive_weights(targets) if value == BALANCED else [value] * outputs
                found[parameter.name] = _short(numbers)
    return found


def weights_of(params: Mapping[str, Any], loss: LossSpec) -> dict[str, Any]:
    """Those of a loss's parameters that are a tensor in PyTorch: as `decided`, numbers for each class or output."""
    return {p.name: params[p.name] for p in loss.entry.parameters if isinstance(p, Weighting)}


def class_weights(labels: Tensor, classes: int) -> NDArray[np.float64]:
    """n / (k · n_c) for each class (classes,), as scikit-learn's `compute_class_weight('balanced')`.

    n_c are the labels int64 (N,) of class c, and k the classes that there are any of; a class without any weighs 1.
    """
    counts = np.bincount(labels.cpu().numpy(), minlength=classes)
    present = np.count_nonzero(counts)
    return np.where(counts > 0, len(labels) / (present * np.maximum(counts, 1)), 1.0)


def positive_weights(targets: Tensor) -> NDArray[np.float64]:
    """Targets of 0 over targets of 1 for each column (outputs,), as PyTorch's documentation of `pos_weight` has it.

    `targets` are float32 (N, outputs). A column of one value weighs 1.
    """
    ones = targets.cpu().numpy().sum(axis=0, dtype=np.float64)
    zeros = len(targets) - ones
    return np.where((ones > 0) & (zeros > 0), zeros / np.maximum(ones, 1), 1.0)


def _short(numbers: Sequence[float] | NDArray[np.float64]) -> tuple[float, ...]:
    """The nearest numbers of float32, each as the shortest decimal that means it."""
    return tuple(_shortest(np.float32(number)) for number in numbers)


def _shortest(number: np.float32) -> float:
    short = float(str(number))
    return short if np.float32(short) == number else float(number)


def batch_weight(loss: LossSpec, module: nn.Module, targets: Tensor) -> float:
    """What a batch's loss counts for in a mean over batches, so that the mean is that of one large batch.

    Its samples; for a loss that is divided by the sum of their class weights, that sum.
    """
    weight = getattr(module, "weight", None)
    if weight is None or not loss.entry.weighted_mean:
        return len(targets)
    return float(weight[targets].sum().item())
