"""From a network's outputs to classes and their probabilities, or to values and how far they may be off.

The text of the functions named in `PROBABILITIES` and `ESTIMATES`, and of `standard_deviations`, goes into the
`model.py` of a bundle, and the operators of the first into ONNX graphs.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812  # as scripts call it
from torch import Tensor

from mlp_core.catalog.losses import LossEntry
from mlp_core.spec import LossSpec


def predicted_class(outputs: Tensor, loss: LossEntry) -> Tensor:
    """Class indices int64 (N,) from the network's outputs (N, outputs).

    With several outputs the largest wins; a single one is compared with the loss's threshold.
    """
    if outputs.shape[1] > 1:
        return outputs.argmax(dim=1)
    return (outputs[:, 0] > loss.threshold).to(torch.int64)


def probabilities(outputs: Tensor, loss: LossEntry) -> Tensor:
    """Class probabilities float32 (N, K), rows summing to 1, from outputs (N, outputs)."""
    return PROBABILITIES[loss.link](outputs)


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
    """Independent chances as probabilities of classes, by dividing them by their sum.

    A single chance is that of the second of two classes.
    """
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
"""The function of each link of a loss."""


def predicted_values(outputs: Tensor, loss: LossSpec) -> Tensor:
    """Predicted values (N, T) of a regression as the loss sees targets, from outputs (N, outputs)."""
    return ESTIMATES[loss.entry.estimate(loss.params)](outputs)


def predicts_deviations(loss: LossSpec) -> bool:
    """Whether the network gives each value a standard deviation."""
    return loss.entry.estimate(loss.params) == "mean"


def predicted_deviations(outputs: Tensor, loss: LossSpec) -> Tensor | None:
    """The standard deviation (N, T) that the network gives each of its values; None where it gives none."""
    if not predicts_deviations(loss):
        return None
    return standard_deviations(outputs, loss.params["eps"])


def plain_values(outputs: Tensor) -> Tensor:
    """The predicted values are the outputs."""
    return outputs


def exp_values(outputs: Tensor) -> Tensor:
    """The predicted values, of which the outputs are the logarithms."""
    return outputs.exp()


def mean_values(outputs: Tensor) -> Tensor:
    """The predicted values: the first half of the outputs, which variances follow."""
    return outputs.chunk(2, dim=1)[0]


def standard_deviations(outputs: Tensor, eps: float) -> Tensor:
    """The standard deviation of each value, from the second half of the outputs."""
    return (F.softplus(outputs.chunk(2, dim=1)[1]) + eps).sqrt()


ESTIMATES: dict[str, Callable[[Tensor], Tensor]] = {
    "identity": plain_values,
    "exp": exp_values,
    "mean": mean_values,
}
"""The function of each way in which outputs become values."""
