"""A set of one input and a value: its samples, range and true function, in the units of the data."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp_core.catalog import load_object
from mlp_core.data.dataset import Dataset

Floats = NDArray[np.float32]

MARGIN = 0.1
"""How far a curve goes beyond the samples, as a share of their range: what a network does there is worth seeing."""


def inputs_of(data: Dataset, x: NDArray[Any]) -> Floats:
    """The one input (N,) of samples as the network takes them (N, 1), in the unit of the data."""
    x = x[:, 0]
    if data.feature_mean is not None and data.feature_std is not None:
        x = x * data.feature_std[0] + data.feature_mean[0]
    return x.astype(np.float32)


def standardised_inputs(data: Dataset, x: NDArray[Any]) -> Floats:
    """The inverse of `inputs_of`."""
    if data.feature_mean is not None and data.feature_std is not None:
        x = (x - data.feature_mean[0]) / data.feature_std[0]
    return x.astype(np.float32)[:, None]


def in_units(data: Dataset, y: NDArray[Any]) -> Floats:
    """Values (N,) of the first target as the network gives them, in the unit of the data."""
    if data.target_mean is not None and data.target_std is not None:
        y = y * data.target_std[0] + data.target_mean[0]
    return y.astype(np.float32)


def extent(data: Dataset) -> tuple[float, float]:
    """The range of the input that a curve is drawn over."""
    both = np.concatenate([inputs_of(data, data.x_train), inputs_of(data, data.x_test)])
    low, high = float(both.min()), float(both.max())
    margin = MARGIN * (high - low) or 1.0
    return low - margin, high + margin


def true_values(data: Dataset, x: NDArray[np.float64]) -> Floats | None:
    """The function that the samples follow but for noise, at each x; None where the set knows none."""
    if not data.spec.entry.truth:
        return None
    found: NDArray[np.float64] = load_object(data.spec.entry.truth)(data.spec.params, x)
    return np.where(np.isfinite(found), found, np.nan).astype(np.float32)
