"""What views compute from a run, only while somebody looks: histograms, decision boundary, sample predictions.

Each function makes plain arrays, so that what leaves the training thread is a copy. This module needs PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from mlp_core.data import features_of, sample_points
from mlp_core.data.parts import PARTS
from mlp_core.limits import SHOWN_SAMPLES
from mlp_core.run.build import Run
from mlp_core.run.metrics import passes_of
from mlp_core.run.values import values_of
from mlp_core.views.line import extent, in_units, standardised_inputs, true_values
from mlp_core.views.outputs import FIT_POINTS
from mlp_core.views.view import Arrays

BINS = 40
GRID = 60
"""Points per side of a decision boundary's grid."""
MEASURED = 2000
"""Training samples that the accuracy on them is measured with, at most."""
SCATTER = 400
"""Samples of each part in a predicted-against-actual plot."""


def _histograms(run: Run, pick: Callable[[Tensor], Tensor | None]) -> Arrays:
    names, tensors = [], []
    for layer in run.plan.walk():
        weight = getattr(run.model.get_submodule(layer.name), "weight", None)
        values = None if weight is None else pick(weight)
        if values is not None:
            names.append(f"{layer.number} {layer.spec.type}")
            tensors.append(values)
    found = passes_of(run).histograms(tensors, BINS)
    return {
        "names": names,
        "counts": [counts.numpy().astype(np.int32) for counts, _, _ in found],
        "edges": [np.linspace(low, high, BINS + 1, dtype=np.float32) for _, low, high in found],
    }


def weights(run: Run) -> Arrays:
    """Histograms of every layer's weights: names, counts and edges, one of each per layer, inner ones too."""
    return _histograms(run, lambda weight: weight)


def gradients(run: Run) -> Arrays:
    """Histograms of the last step's weight gradients; empty before the first step."""
    return _histograms(run, lambda weight: weight.grad)


def boundary(run: Run) -> Arrays:
    """The network over the plane, for sets of two features.

    'grid' is float32 (GRID, GRID): probability of class 1 of two, or the value in regression. With more classes
    'grid' holds the winning class and 'confidence' its probability. With classes, 'wrong' says for each part which
    samples are answered wrong, bool (N,).
    """
    inputs = _plane(tuple(run.experiment.data.params["features"])).to(run.device)
    passes = passes_of(run)
    if not run.dataset.facts.class_names:
        return {"grid": _square(values_of(run, passes.outputs(inputs)).predicted[:, 0])}
    chances = passes.classified(inputs)[0].cpu().numpy()
    wrong = _wrong(run)
    if chances.shape[1] == 2:
        return {"grid": _square(chances[:, 1]), "wrong": wrong}
    return {"grid": _square(chances.argmax(axis=1)), "confidence": _square(chances.max(axis=1)), "wrong": wrong}


def _wrong(run: Run) -> dict[str, np.ndarray]:
    """Which samples of each part are answered wrong, bool (N,) each."""
    passes, found = passes_of(run), {}
    for name, part in PARTS.items():
        if part.exists(run.dataset):
            found[name] = passes.classified(run.part(part.name)[0])[1].cpu().numpy() != part.arrays(run.dataset)[1]
    return found


def train_accuracy(run: Run) -> Arrays:
    """How many of the first `MEASURED` training samples are answered right: 'accuracy' from 0 to 1, 'samples'."""
    guesses = passes_of(run).classified(run.part("train")[0][:MEASURED])[1].cpu().numpy()
    right = guesses == run.dataset.y_train[: len(guesses)]
    return {"accuracy": float(right.mean()), "samples": len(right)}


@lru_cache(maxsize=16)
def _plane(features: tuple[str, ...]) -> Tensor:
    """Inputs float32 (GRID², F) of the grid's points, shared by all runs; nothing writes to them."""
    return torch.from_numpy(features_of(sample_points(GRID), features))


def _square(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float32).reshape(GRID, GRID)


def samples(run: Run) -> Arrays:
    """Predictions for the first test samples: 'predicted' and 'true' int (n,), 'probability' float32 (n,)."""
    chances, guesses = (found.cpu().numpy() for found in passes_of(run).classified(run.x_test[:SHOWN_SAMPLES]))
    return {
        "predicted": guesses,
        "true": run.dataset.y_test[:SHOWN_SAMPLES],
        "probability": chances[np.arange(len(guesses)), guesses],
    }


def regression(run: Run) -> Arrays:
    """Predicted against actual first target, in the data's own unit: float32 arrays for training and test."""
    data = run.dataset
    passes = passes_of(run)
    view: Arrays = {}
    for part, x, y in (("train", run.batches.x, data.y_train), ("test", run.x_test, data.y_test)):
        predicted = values_of(run, passes.outputs(x[:SCATTER])).predicted[:, 0]
        view[part] = (in_units(data, y[:SCATTER, 0]), predicted.astype(np.float32))
    return view


def fit(run: Run) -> Arrays:
    """The network as a function of its one input, in the data's own units.

    'x' and 'predicted' are float32 (FIT_POINTS,), over the range of the samples and a tenth more on either side;
    'deviation' likewise the standard deviation that the network gives its values, None where it gives none; 'true' is
    the function that the samples follow, where the set knows it.
    """
    data = run.dataset
    low, high = extent(data)
    x = np.linspace(low, high, FIT_POINTS)
    inputs = torch.from_numpy(standardised_inputs(data, x)).to(run.device)
    found = values_of(run, passes_of(run).outputs(inputs))
    return {
        "x": x.astype(np.float32),
        "predicted": found.predicted[:, 0].astype(np.float32),
        "deviation": None if found.deviation is None else found.deviation[:, 0].astype(np.float32),
        "true": true_values(data, x),
    }
