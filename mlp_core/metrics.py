"""From outputs to predictions, and the figures of a test pass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mlp_core.build import Run
from mlp_core.catalog.losses import LossEntry

EVALUATION_BATCH = 1000
"""Samples per batch of a test pass: the batch size of the test loader in an equivalent script."""


@dataclass(frozen=True, eq=False)
class TestResult:
    """Average loss per sample, share of right answers in [0, 1], and counts int64 (K, K), true classes in rows.

    The latter two are None in regression.
    """

    __test__ = False  # not a test class, whatever its name says to pytest

    loss: float
    accuracy: float | None
    confusion: np.ndarray | None


def predicted_class(outputs: Tensor, loss: LossEntry) -> Tensor:
    """Class indices int64 (N,) from the network's outputs (N, outputs).

    With several outputs the largest wins; a single one is compared with probability one half.
    """
    if outputs.shape[1] > 1:
        return outputs.argmax(dim=1)
    threshold = 0.0 if loss.link == "sigmoid" else 0.5
    return (outputs[:, 0] > threshold).to(torch.int64)


def probabilities(outputs: Tensor, loss: LossEntry) -> Tensor:
    """Class probabilities float32 (N, K), rows summing to 1, from outputs (N, outputs).

    Independent yes/no outputs (sigmoid, or numbers in [0, 1]) of more than one class are divided by their sum.
    """
    if loss.link == "softmax":
        return outputs.softmax(dim=1)
    chances = outputs.sigmoid() if loss.link == "sigmoid" else outputs.clamp(0.0, 1.0)
    if outputs.shape[1] == 1:
        return torch.cat([1.0 - chances, chances], dim=1)
    total = chances.sum(dim=1, keepdim=True)
    return torch.where(total > 0, chances / total, torch.full_like(chances, 1.0 / chances.shape[1]))


def confusion_matrix(true: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Counts int64 (classes, classes) of true class (row) against predicted class (column)."""
    return np.bincount(true * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def outputs_of(run: Run, x: Tensor) -> Tensor:
    """The network's outputs (N, outputs) in evaluation mode, for inputs as the data set holds them."""
    was_training = run.model.training
    run.model.eval()
    with torch.no_grad():
        outputs: Tensor = run.model(run.scaled(x))
    run.model.train(was_training)
    return outputs


def evaluate(run: Run) -> TestResult:
    """One pass over the test samples, in batches of `EVALUATION_BATCH`. Draws no random number."""
    entry = run.experiment.loss.entry
    classes = len(run.dataset.class_names)
    total = 0.0
    confusion = np.zeros((classes, classes), dtype=np.int64)
    for start in range(0, len(run.x_test), EVALUATION_BATCH):
        rows = slice(start, start + EVALUATION_BATCH)
        outputs, y = outputs_of(run, run.x_test[rows]), run.y_test[rows]
        total += run.loss(outputs, y).item() * len(y)
        if classes:
            guesses = predicted_class(outputs, entry).cpu().numpy()
            confusion += confusion_matrix(run.dataset.y_test[rows], guesses, classes)
    loss = total / len(run.x_test)
    if not classes:
        return TestResult(loss, None, None)
    return TestResult(loss, float(np.trace(confusion)) / len(run.x_test), confusion)
