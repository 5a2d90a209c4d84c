"""Whether a network is as often right as it is sure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BINS = 10
"""Intervals of equal width that confidences are divided into."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """Samples by the confidence of their answers, in `BINS` intervals of [0, 1]."""

    counts: NDArray[np.int64]
    """(BINS,) samples in each interval."""
    right: NDArray[np.int64]
    """(BINS,) those of them that are predicted right."""
    confidence: Floats
    """(BINS,) the mean confidence in each interval; NaN in an empty one."""
    accuracy: Floats
    """(BINS,) the share of right answers in each interval; NaN in an empty one."""

    @property
    def error(self) -> float:
        """The expected calibration error: the mean of |accuracy - confidence| over the intervals, weighted by samples.

        Guo, Pleiss, Sun and Weinberger, On Calibration of Modern Neural Networks (2017), equation 3.
        """
        known = self.counts > 0
        gaps = np.abs(self.accuracy[known] - self.confidence[known])
        return float(gaps @ self.counts[known] / self.counts.sum())


def bin_of(confidence: Floats) -> NDArray[np.int64]:
    """The interval (N,) that each confidence falls into, as `sklearn.calibration.calibration_curve` divides them."""
    return np.searchsorted(np.linspace(0.0, 1.0, BINS + 1)[1:-1], confidence)


def calibration(right: NDArray[np.bool_], confidence: Floats) -> Calibration:
    """The calibration of answers (N,), N at least 1, that are right or not."""
    bins = bin_of(confidence)
    counts = np.bincount(bins, minlength=BINS)
    hits = np.bincount(bins, weights=right, minlength=BINS)
    sums = np.bincount(bins, weights=confidence, minlength=BINS)
    with np.errstate(invalid="ignore"):
        return Calibration(counts, hits.astype(np.int64), sums / counts, hits / counts)


def calibration_error(gaps: Floats, bins: NDArray[np.int64]) -> float:
    """The expected calibration error of samples (N,): `gaps` is whether each is right, less its confidence."""
    return float(np.abs(np.bincount(bins, weights=gaps, minlength=BINS)).sum() / len(gaps))
