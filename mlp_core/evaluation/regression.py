"""The report on predicted values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp_core.evaluation.classes import UndefinedFigure
from mlp_core.evaluation.intervals import Interval, bootstrap, percentiles
from mlp_core.evaluation.slices import Slices, finish

Floats = NDArray[np.float64]

FIGURES = ("r2", "mae", "rmse")
BAND = 2
"""Standard deviations within which a sample counts as covered: of a normal distribution, 95.4 in 100 are."""


@dataclass(frozen=True, eq=False)
class TargetFigures:
    """The figures of one target, in its own unit. One that is undefined is None."""

    name: str
    """The target."""
    r2: float | None
    """The share of the targets' variance that the predictions explain; below 0, the mean would be a better answer."""
    mae: float | None
    """The mean absolute error."""
    rmse: float | None
    """The root of the mean squared error."""
    intervals: Mapping[str, Interval | None]
    """The bootstrap interval of each figure."""
    deviation: float | None = None
    """The mean of the standard deviations that the network gives its values; None where it gives none."""
    coverage: float | None = None
    """The share of samples that lie within `BAND` such deviations of their prediction: 0.954 where they are right and
    errors are normal."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        intervals = {name: None if one is None else list(one) for name, one in self.intervals.items()}
        given = {"deviation": self.deviation, "coverage": self.coverage} if self.deviation is not None else {}
        return {"target": self.name, **{name: getattr(self, name) for name in FIGURES}, "intervals": intervals, **given}


@dataclass(frozen=True, eq=False)
class RegressionReport:
    """How good the predicted values of N samples are. Intervals are of 95 percent."""

    samples: int
    """How many samples there are."""
    unit: str
    """The unit of the targets; '' for none."""
    targets: tuple[TargetFigures, ...]
    """The figures of each target."""
    mean: TargetFigures
    """The mean of each figure over the targets."""
    undefined: tuple[UndefinedFigure, ...]
    """The figures that there are not, with the reason; the class is the target's name."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON: no NaN, None for what is not defined."""
        mean = self.mean.as_dict()
        return {
            "task": "regression",
            "samples": self.samples,
            "unit": self.unit,
            **{name: mean[name] for name in (*FIGURES, "intervals")},
            "per_target": [target.as_dict() for target in self.targets],
            "undefined": [one.as_dict() for one in self.undefined],
        }


def regression_report(
    actual: NDArray[Any],
    predicted: NDArray[Any],
    target_names: Sequence[str],
    unit: str = "",
    *,
    deviation: NDArray[Any] | None = None,
) -> RegressionReport:
    """The report on values (N, T) in the data's own unit, N at least 1.

    `deviation` (N, T) are the standard deviations that the network gives its values, where it gives any.
    """
    return finish(regression_slices(actual, predicted, target_names, unit, deviation=deviation))


def regression_slices(
    actual: NDArray[Any],
    predicted: NDArray[Any],
    target_names: Sequence[str],
    unit: str = "",
    *,
    deviation: NDArray[Any] | None = None,
) -> Slices[RegressionReport]:
    """The same in slices."""
    true, guess = actual.astype(np.float64), predicted.astype(np.float64)
    undefined: list[UndefinedFigure] = []
    samples, targets = true.shape
    finite = bool(np.isfinite(guess).all())
    if finite:
        point = _figures(true, guess, undefined, target_names)
        yield
        resampled = yield from bootstrap(lambda places: _resampled(true[places], guess[places]), samples, targets)
        resampled[:, 0, np.isnan(point[0])] = np.nan
    else:
        point = np.full((len(FIGURES), targets), np.nan)
        resampled = np.full((1, *point.shape), np.nan)
        reason = "the network's outputs are not all finite numbers"
        undefined += [UndefinedFigure(name, None, reason) for name in FIGURES]
    found = [_of_target(name, point[:, i], resampled[:, :, i]) for i, name in enumerate(target_names)]
    mean = _of_target("mean", point.mean(axis=1), resampled.mean(axis=2))
    if deviation is not None and finite:
        inside = np.abs(guess - true) <= BAND * deviation
        found = [_with_deviation(one, deviation[:, i], inside[:, i]) for i, one in enumerate(found)]
        mean = _with_deviation(mean, deviation, inside)
    return RegressionReport(samples, unit, tuple(found), mean, tuple(undefined))


def _figures(true: Floats, guess: Floats, undefined: list[UndefinedFigure], names: Sequence[str]) -> Floats:
    """The figures (3, T); R² is NaN where there is no variance to explain."""
    from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

    given = {"y_true": true, "y_pred": guess, "multioutput": "raw_values"}
    explained = np.full(true.shape[1], np.nan)
    for column, name in enumerate(names):
        if len(true) < 2 or np.ptp(true[:, column]) == 0:
            undefined.append(UndefinedFigure("r2", name, "all its values are the same"))
        else:
            explained[column] = r2_score(true[:, column], guess[:, column])
    return np.stack([explained, mean_absolute_error(**given), np.sqrt(mean_squared_error(**given))])


def _resampled(true: Floats, guess: Floats) -> Floats:
    """The same of a resample; R² is NaN where all its targets are equal."""
    errors, spread = guess - true, true - true.mean(axis=0)
    missed, total = (errors**2).sum(axis=0), (spread**2).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        explained = np.where(np.ptp(true, axis=0) > 0, 1 - missed / total, np.nan)
    return np.stack([explained, np.abs(errors).mean(axis=0), np.sqrt(missed / len(true))])


def _of_target(name: str, point: Floats, resampled: Floats) -> TargetFigures:
    values = {figure: None if np.isnan(value) else float(value) for figure, value in zip(FIGURES, point, strict=True)}
    intervals = {figure: percentiles(resampled[:, place]) for place, figure in enumerate(FIGURES)}
    return TargetFigures(name, values["r2"], values["mae"], values["rmse"], intervals)


def _with_deviation(target: TargetFigures, deviation: NDArray[Any], inside: NDArray[np.bool_]) -> TargetFigures:
    return replace(target, deviation=float(deviation.mean()), coverage=float(inside.mean()))
