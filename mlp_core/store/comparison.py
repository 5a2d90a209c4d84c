"""Several runs side by side: their curves on one axis, and the settings in which they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from mlp_core.figures import Curve
from mlp_core.store.settings import Scalar
from mlp_core.training.record import RunRecord

Unit = Literal["step", "epoch", "seconds", "samples"]
Measure = Literal["train_loss", "test_loss", "test_accuracy", "validation_loss", "validation_accuracy"]

MEASURES: Mapping[Measure, str] = {
    "train_loss": "Training loss",
    "test_loss": "Test loss",
    "test_accuracy": "Test accuracy",
    "validation_loss": "Validation loss",
    "validation_accuracy": "Validation accuracy",
}
"""What a run has a curve of."""


def curve_of(record: RunRecord, measure: Measure) -> Curve:
    """A curve of a run by its steps; empty where it has none."""
    curves = record.curves
    if curves is None:
        return Curve.of([], [])
    if measure == "train_loss":
        loss = curves.train_loss
        return Curve(loss.steps, loss.mean, loss.low, loss.high)
    rows = curves.evaluations if measure.startswith("test") else curves.validations
    values = rows[:, 1 if measure.endswith("loss") else 2]
    known = np.isfinite(values)
    return Curve.of(rows[known, 0], values[known])


def steps_per(record: RunRecord, unit: Unit) -> float:
    """Steps of a unit of the run, on average over it."""
    whole = {"step": record.step, "epoch": _epochs(record), "seconds": record.seconds, "samples": record.samples}
    return record.step / whole[unit] if whole[unit] else 1.0


def _epochs(record: RunRecord) -> float:
    """Epochs of the run, a part of one included where the newest pass tells."""
    last = record.last
    if record.epoch and last is not None and last.epoch == record.epoch and last.step and last.epoch:
        return record.step * last.epoch / last.step if last.step < record.step else float(record.epoch)
    return float(record.epoch)


def differing(settings: Sequence[Mapping[str, Scalar]]) -> list[str]:
    """The paths of settings that are not the same in all of them, in the order in which they appear."""
    paths = dict.fromkeys(path for each in settings for path in each)
    return [path for path in paths if len({repr(each.get(path)) for each in settings}) > 1]
