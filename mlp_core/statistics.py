"""Views into a run, computed only when somebody looks: histograms, decision boundary, sample predictions.

Each view is a function from a run to plain arrays, so that what leaves the training thread is a copy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mlp_core.build import Run
from mlp_core.data import features_of, sample_points
from mlp_core.limits import SHOWN_SAMPLES
from mlp_core.metrics import outputs_of, predicted_class, probabilities

BINS = 40
GRID = 60
"""Points per side of a decision boundary's grid."""
SCATTER = 400
"""Samples of each part in a predicted-against-actual plot."""

View = dict[str, Any]


def histogram(values: Tensor, bins: int = BINS) -> tuple[np.ndarray, np.ndarray]:
    """Counts int32 (bins,) and edges float32 (bins + 1,) over the range of the finite values."""
    finite = values.detach().reshape(-1)
    finite = finite[torch.isfinite(finite)]
    if finite.numel() == 0:
        return np.zeros(bins, dtype=np.int32), np.linspace(-1, 1, bins + 1, dtype=np.float32)
    low, high = float(finite.min()), float(finite.max())
    if low == high:
        low, high = low - 0.5, high + 0.5
    counts = torch.histc(finite.double().cpu(), bins=bins, min=low, max=high)
    return counts.numpy().astype(np.int32), np.linspace(low, high, bins + 1, dtype=np.float32)


def _histograms(run: Run, pick: Callable[[Tensor], Tensor | None]) -> View:
    names, counts, edges = [], [], []
    for layer in run.plan.layers:
        weight = getattr(run.model.get_submodule(layer.name), "weight", None)
        values = None if weight is None else pick(weight)
        if values is not None:
            found = histogram(values)
            names.append(f"{layer.name} {layer.spec.type}")
            counts.append(found[0])
            edges.append(found[1])
    return {"names": names, "counts": counts, "edges": edges}


def weights(run: Run) -> View:
    """Histograms of every layer's weights: names, counts and edges, one of each per layer."""
    return _histograms(run, lambda weight: weight)


def gradients(run: Run) -> View:
    """Histograms of the last step's weight gradients; empty before the first step."""
    return _histograms(run, lambda weight: weight.grad)


def boundary(run: Run) -> View:
    """The network over the plane, for sets of two features.

    'grid' is float32 (GRID, GRID): probability of class 1 of two, or the value in regression. With more classes
    'grid' holds the winning class and 'confidence' its probability.
    """
    inputs = features_of(sample_points(GRID), run.experiment.data.params["features"])
    outputs = outputs_of(run, torch.from_numpy(inputs).to(run.device))
    if not run.dataset.class_names:
        return {"grid": _square(outputs[:, 0])}
    chances = probabilities(outputs, run.experiment.loss.entry)
    if chances.shape[1] == 2:
        return {"grid": _square(chances[:, 1])}
    best = chances.max(dim=1)
    return {"grid": _square(best.indices), "confidence": _square(best.values)}


def _square(values: Tensor) -> np.ndarray:
    return values.cpu().numpy().astype(np.float32).reshape(GRID, GRID)


def samples(run: Run) -> View:
    """Predictions for the first test samples: 'predicted' and 'true' int (n,), 'probability' float32 (n,)."""
    outputs = outputs_of(run, run.x_test[:SHOWN_SAMPLES])
    guesses = predicted_class(outputs, run.experiment.loss.entry)
    chances = probabilities(outputs, run.experiment.loss.entry)
    return {
        "predicted": guesses.cpu().numpy(),
        "true": run.dataset.y_test[:SHOWN_SAMPLES],
        "probability": chances.gather(1, guesses[:, None])[:, 0].cpu().numpy(),
    }


def regression(run: Run) -> View:
    """Predicted against actual first target, in the data's own unit: float32 arrays for training and test."""
    data = run.dataset
    view: View = {}
    for part, x, y in (("train", run.batches.x, data.y_train), ("test", run.x_test, data.y_test)):
        predicted = outputs_of(run, x[:SCATTER])[:, 0].cpu().numpy()
        actual = y[:SCATTER, 0]
        if data.target_mean is not None and data.target_std is not None:
            predicted = predicted * data.target_std[0] + data.target_mean[0]
            actual = actual * data.target_std[0] + data.target_mean[0]
        view[part] = (actual.astype(np.float32), predicted.astype(np.float32))
    return view


VIEWS: dict[str, Callable[[Run], View]] = {
    "weights": weights,
    "gradients": gradients,
    "boundary": boundary,
    "samples": samples,
    "regression": regression,
}
"""What a session can be asked to watch."""
