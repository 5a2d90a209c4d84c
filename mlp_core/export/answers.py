"""From outputs to class probabilities, one function per link of a loss (`mlp_core.catalog.losses`).

They say what `mlp_core.run.metrics.probabilities` says, each in its shortest form: their text goes into the
`model.py` of a bundle, and their operators into ONNX graphs.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def softmax_probabilities(outputs: Tensor) -> Tensor:
    """Class probabilities from one output per class: positive, and 1 together."""
    return outputs.softmax(dim=1)


def sigmoid_probabilities(outputs: Tensor) -> Tensor:
    """Class probabilities from one output per yes/no question."""
    return as_classes(outputs.sigmoid())


def identity_probabilities(outputs: Tensor) -> Tensor:
    """Class probabilities from outputs that should be 0 or 1 already."""
    return as_classes(outputs.clamp(0.0, 1.0))


def as_classes(chances: Tensor) -> Tensor:
    """Independent chances as probabilities of classes: one chance is that of the second of two classes."""
    if chances.shape[1] == 1:
        return torch.cat([1.0 - chances, chances], dim=1)
    total = chances.sum(dim=1, keepdim=True)
    even = torch.full_like(chances, 1.0 / chances.shape[1])
    return torch.where(total > 0, chances / total, even)


PROBABILITIES: dict[str, Callable[[Tensor], Tensor]] = {
    "softmax": softmax_probabilities,
    "sigmoid": sigmoid_probabilities,
    "identity": identity_probabilities,
}
"""The function of each link."""
