"""How exact a figure is: intervals that cover the true value in 95 of 100 test sets of the same size."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Interval = tuple[float, float]
Floats = NDArray[np.float64]

LEVEL = 0.95
"""The share of test sets in which an interval covers the true value."""
SEED = 0
"""Of the resampling: the same answers give the same intervals."""
MATRIX_RESAMPLES = 1000
"""Resamples of a confusion matrix."""
SAMPLE_RESAMPLES = 200
"""Resamples of single samples, which cost more."""
BIG, BIG_RESAMPLES = 20_000, 100
"""From how many samples on, and how many resamples then."""

_NORMAL_QUANTILE = 1.959963984540054


def wilson(right: int, total: int) -> Interval | None:
    """The interval of a share of `total` independent trials (Wilson, 1927); None without trials."""
    if total == 0:
        return None
    z2, p = _NORMAL_QUANTILE**2, right / total
    centre = (p + z2 / (2 * total)) / (1 + z2 / total)
    half = _NORMAL_QUANTILE / (1 + z2 / total) * math.sqrt(p * (1 - p) / total + z2 / (4 * total**2))
    # The share lies in its interval; rounding must not say otherwise where it is 0 or 1.
    return max(0.0, min(p, centre - half)), min(1.0, max(p, centre + half))


def resampled_matrices(confusion: NDArray[np.int64], resamples: int = MATRIX_RESAMPLES) -> NDArray[np.int64]:
    """Confusion matrices (resamples, K, K) of samples drawn anew with replacement.

    Drawing pairs of true and predicted class is drawing cells: a multinomial draw of the whole matrix at once.
    """
    cells = confusion.ravel()
    kept = np.flatnonzero(cells)
    drawn = np.zeros((resamples, cells.size), dtype=np.int64)
    if len(kept):
        total = int(cells.sum())
        drawn[:, kept] = np.random.default_rng(SEED).multinomial(total, cells[kept] / total, size=resamples)
    return drawn.reshape(resamples, *confusion.shape)


def resampled_weights(samples: int) -> Iterator[Floats]:
    """How often each of so many samples is drawn, (samples,), for one resample after the other."""
    generator = np.random.default_rng(SEED)
    for _ in range(SAMPLE_RESAMPLES if samples < BIG else BIG_RESAMPLES):
        yield np.bincount(generator.integers(samples, size=samples), minlength=samples).astype(np.float64)


def bootstrap(figures: Callable[[Floats], NDArray[Any]], samples: int) -> NDArray[Any]:
    """Figures (F,) of weighted samples, as (resamples, F) for resamples."""
    return np.stack([figures(weights) for weights in resampled_weights(samples)])


def percentiles(resamples: NDArray[Any]) -> Interval | None:
    """The percentile interval of a figure (resamples,), without those in which it is undefined (NaN); None if in all.

    Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
    """
    known = resamples[np.isfinite(resamples)]
    if not len(known):
        return None
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
