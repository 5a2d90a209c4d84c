"""How exact a figure is: intervals that cover the true value in 95 of 100 test sets of the same size."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp_core.evaluation.slices import Slices

Interval = tuple[float, float]
Places = NDArray[np.int64]

LEVEL = 0.95
"""The share of test sets in which an interval covers the true value."""
SEED = 0
"""Of the resampling: the same answers give the same intervals."""
MATRIX_RESAMPLES = 1000
"""Resamples of a confusion matrix."""
MANY_CLASSES, FEWER_RESAMPLES = 30, 200
"""From how many classes on, and how many resamples of the matrix then, which has a cell for each two of them."""
SAMPLE_RESAMPLES = 200
"""Resamples of single samples, which cost more."""
RESAMPLED, LEAST_RESAMPLED = 4_000_000, 1_000
"""Samples that are drawn for all resamples together, and for one at the least."""

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


def resampled_matrices(confusion: NDArray[np.int64]) -> NDArray[np.int64]:
    """Confusion matrices (resamples, K, K) of samples drawn anew with replacement.

    Drawing pairs of true and predicted class is drawing cells: a multinomial draw of the whole matrix at once.
    """
    resamples = MATRIX_RESAMPLES if len(confusion) < MANY_CLASSES else FEWER_RESAMPLES
    cells = confusion.ravel()
    kept = np.flatnonzero(cells)
    drawn = np.zeros((resamples, cells.size), dtype=np.int64)
    if len(kept):
        total = int(cells.sum())
        drawn[:, kept] = np.random.default_rng(SEED).multinomial(total, cells[kept] / total, size=resamples)
    return drawn.reshape(resamples, *confusion.shape)


def bootstrap(figures: Callable[[Places], NDArray[Any]], samples: int, cost: int = 1) -> Slices[NDArray[Any]]:
    """Figures (F, ...) of some of so many samples, as (resamples, F, ...) for samples drawn anew with replacement.

    Where that would take long, each resample holds fewer samples than there are: as many as `RESAMPLED` allows for
    figures of that cost, the time of a single ranking being 1. What is found is then brought to the spread that all
    samples would have, which falls with the root of their number. (Bickel, Götze and van Zwet, Resampling fewer than n
    observations, 1997.)
    """
    size = min(samples, max(LEAST_RESAMPLED, RESAMPLED // (SAMPLE_RESAMPLES * cost)))
    generator, found = np.random.default_rng(SEED), []
    for _ in range(SAMPLE_RESAMPLES):
        found.append(figures(generator.integers(samples, size=size)))
        yield
    drawn = np.stack(found)
    if size == samples:
        return drawn
    point = figures(np.arange(samples))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # what is undefined in every resample stays so
        centre = np.nanmean(drawn, axis=0)
    scaled: NDArray[Any] = point + (drawn - centre) * math.sqrt(size / samples)
    return scaled


def percentiles(resamples: NDArray[Any]) -> Interval | None:
    """The percentile interval of a figure (resamples,), without those in which it is undefined (NaN); None if in all.

    Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
    """
    known = resamples[np.isfinite(resamples)]
    if not len(known):
        return None
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
