"""The passes through a run's network in evaluation mode, and the figures of a test pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from mlp_core.data.dataset import PartName
from mlp_core.limits import MAX_PASS_NUMBERS
from mlp_core.run.answers import predicted_class, probabilities
from mlp_core.run.build import Run, build_model
from mlp_core.run.criterion import batch_weight
from mlp_core.run.nogil import copies

EVALUATION_BATCH = 1000
"""Samples per batch of a test pass: the batch size of the test loader in an equivalent script."""


@dataclass(frozen=True, eq=False)
class TestResult:
    """The figures of a pass over a part of the data."""

    __test__ = False  # not a test class, whatever its name says to pytest

    loss: float
    """Average loss per sample, by the weights of their classes where the loss is such an average."""
    accuracy: float | None
    """Share of right answers in [0, 1]; None in regression."""
    confusion: np.ndarray | None
    """Counts int64 (K, K), true classes in rows; None in regression."""


def confusion_matrix(true: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Counts int64 (classes, classes) of true class (row) against predicted class (column)."""
    return np.bincount(true * classes + predicted, minlength=classes * classes).reshape(classes, classes)


class Passes(Protocol):
    """What is asked of a run's network in evaluation mode, for inputs as the data set holds them (N, ...)."""

    def outputs(self, x: Tensor) -> Tensor:
        """The network's outputs (N, outputs)."""
        ...

    def tested(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """The loss against targets `y`, a scalar, and predicted class indices int64 (N,)."""
        ...

    def classified(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Class probabilities float32 (N, K) and predicted class indices int64 (N,)."""
        ...

    def histograms(self, tensors: Sequence[Tensor], bins: int) -> list[tuple[Tensor, float, float]]:
        """For each tensor: counts float64 (bins,) of its finite values, and the range that the bins divide."""
        ...

    def neurons(self, x: Tensor, layers: Sequence[str]) -> Tensor:
        """What the layers of these names put out, side by side (N, sum of their widths)."""
        ...

    def still(self) -> Passes:
        """The same passes through a copy of the network as it is now, which training does not change."""
        ...


def in_pieces(run: Run, outputs: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """The outputs for inputs, of so few at a time that all layers together put out `MAX_PASS_NUMBERS` at most."""
    rows = max(1, MAX_PASS_NUMBERS // sum(layer.out_features for layer in run.plan.walk()))
    if len(x) <= rows:
        return outputs(x)
    return torch.cat([outputs(x[start : start + rows]) for start in range(0, len(x), rows)])


class PlainPasses:
    """The reference: PyTorch's operators one after the other."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def outputs(self, x: Tensor) -> Tensor:
        """The network's outputs (N, outputs)."""
        model = self._run.model
        was_training = model.training
        model.eval()
        with torch.no_grad():
            outputs = in_pieces(self._run, lambda piece: model(self._run.scaled(piece)), x)
        model.train(was_training)
        return outputs

    def tested(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """The loss against targets `y`, a scalar, and predicted class indices int64 (N,)."""
        outputs = self.outputs(x)
        return self._run.loss(outputs, y), predicted_class(outputs, self._run.experiment.loss.entry)

    def classified(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Class probabilities float32 (N, K) and predicted class indices int64 (N,)."""
        outputs, loss = self.outputs(x), self._run.experiment.loss.entry
        return probabilities(outputs, loss), predicted_class(outputs, loss)

    def histograms(self, tensors: Sequence[Tensor], bins: int) -> list[tuple[Tensor, float, float]]:
        """For each tensor: counts float64 (bins,) of its finite values, and the range that the bins divide."""
        return [histogram(tensor.detach(), bins) for tensor in tensors]

    def neurons(self, x: Tensor, layers: Sequence[str]) -> Tensor:
        """What the layers of these names put out, side by side (N, sum of their widths)."""
        model = self._run.model
        was_training = model.training
        model.eval()
        with torch.no_grad():
            found = layer_outputs(model, layers, self._run.scaled(x))
        model.train(was_training)
        return found

    def still(self) -> PlainPasses:
        """The same passes through a copy of the network as it is now, which training does not change."""
        return PlainPasses(still(self._run))


def layer_outputs(model: nn.Module, layers: Sequence[str], x: Tensor) -> Tensor:
    """What the layers of these names put out while the model answers inputs, side by side (N, sum of their widths)."""
    found: dict[str, Tensor] = {}

    def keep(name: str) -> Callable[[nn.Module, object, Tensor], None]:
        def hook(module: nn.Module, inputs: object, output: Tensor) -> None:
            found[name] = output

        return hook

    handles = [model.get_submodule(name).register_forward_hook(keep(name)) for name in layers]
    try:
        model(x)
    finally:
        for handle in handles:
            handle.remove()
    return torch.cat([found[name] for name in layers], dim=1)


def histogram(values: Tensor, bins: int) -> tuple[Tensor, float, float]:
    """Counts float64 (bins,) of the finite values, and the range that the bins divide: theirs, or [-1, 1] for none.

    A range of one value is widened by a half on both sides, as NumPy does. Written in what TorchScript compiles.
    """
    finite = values.reshape(-1)
    finite = finite[torch.isfinite(finite)].double()
    low, high = -1.0, 1.0
    if finite.numel() > 0:
        low, high = float(finite.min().item()), float(finite.max().item())
        if low == high:
            low, high = low - 0.5, high + 0.5
    return torch.histc(finite, bins, low, high).cpu(), low, high


def still(run: Run) -> Run:
    """The run with a copy of its network, which training does not change; all else is shared."""
    tensors = run.model.state_dict()
    with torch.device("meta"):
        model = build_model(run.plan)
    values = copies([tensor.detach() for tensor in tensors.values()])
    model.load_state_dict(dict(zip(tensors, values, strict=True)), assign=True)
    found = copy(run)
    found.model, found.passes = model, None
    return found


def passes_of(run: Run) -> Passes:
    """What to ask: the passes that an engine has compiled for the run, else the plain ones."""
    found: Passes = run.passes or PlainPasses(run)
    return found


def evaluate(run: Run, part: PartName = "test", most: int | None = None) -> TestResult:
    """One pass over the samples of a part, in batches of `EVALUATION_BATCH`; of so many evenly spaced ones at most,
    where that is given. Draws no random number."""
    passes = passes_of(run)
    inputs, targets = run.part(part)
    true = run.dataset.part(part)[1]
    if most is not None and len(inputs) > most:
        chosen = np.linspace(0, len(inputs) - 1, most).round().astype(np.int64)
        at = torch.from_numpy(chosen).to(inputs.device)
        inputs, targets, true = inputs[at], targets[at], true[chosen]
    classes = len(run.dataset.facts.class_names)
    total = counted = 0.0
    confusion = np.zeros((classes, classes), dtype=np.int64)
    for start in range(0, len(inputs), EVALUATION_BATCH):
        rows = slice(start, start + EVALUATION_BATCH)
        x, y = inputs[rows], targets[rows]
        loss, guesses = passes.tested(x, y)
        weight = batch_weight(run.experiment.loss, run.loss, y)
        total += loss.item() * weight
        counted += weight
        if classes:
            confusion += confusion_matrix(true[rows], guesses.cpu().numpy(), classes)
    loss_per_sample = total / counted
    if not classes:
        return TestResult(loss_per_sample, None, None)
    return TestResult(loss_per_sample, float(np.trace(confusion)) / len(inputs), confusion)
