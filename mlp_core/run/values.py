"""Predicted values of a regression in the unit of the data, from a run's outputs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mlp_core.run.answers import predicted_deviations, predicted_values
from mlp_core.run.build import Run

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Values:
    """What a network says about N samples."""

    predicted: Floats
    """(N, T) the value of each target."""
    deviation: Floats | None
    """(N, T) the standard deviation that the network gives each; None where its loss asks for none."""


def values_of(run: Run, outputs: Tensor) -> Values:
    """The values of outputs (N, outputs)."""
    loss, data = run.experiment.loss, run.dataset
    deviations = predicted_deviations(outputs, loss)
    values = predicted_values(outputs, loss).cpu().numpy().astype(np.float64)
    deviation = None if deviations is None else deviations.cpu().numpy().astype(np.float64)
    if data.target_mean is not None and data.target_std is not None and not loss.entry.counts:
        values = values * data.target_std + data.target_mean
        deviation = None if deviation is None else deviation * data.target_std
    return Values(values, deviation)
