"""A recorded quantity over training: what the curves draw."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Curve:
    """One point per bucket of consecutive steps; all four arrays have the same length n (zero is allowed).

    NaN marks a bucket without a value and is drawn as a gap.
    """

    x: Array
    """(n,) optimizer steps at the end of each bucket, increasing"""
    mean: Array
    """(n,) mean of the values in the bucket"""
    low: Array
    """(n,) least value in the bucket; equals `mean` where the bucket holds one value"""
    high: Array
    """(n,) greatest value in the bucket"""

    def __post_init__(self) -> None:
        lengths = {len(array) for array in (self.x, self.mean, self.low, self.high)}
        if len(lengths) != 1:
            raise ValueError(f"The arrays of a Curve must have one length. Got {sorted(lengths)} instead.")

    def __len__(self) -> int:
        return len(self.x)

    @classmethod
    def of(cls, x: npt.ArrayLike, values: npt.ArrayLike) -> Curve:
        """A curve of single values, without a band."""
        mean = np.asarray(values, dtype=np.float64)
        return cls(np.asarray(x, dtype=np.float64), mean, mean, mean)

    @cached_property
    def even(self) -> bool:
        """Whether there are several steps, all at the same distance."""
        if len(self) < 3:
            return False
        gaps = np.diff(np.asarray(self.x, dtype=np.float64))
        return bool(gaps.max() - gaps.min() <= 1e-6 * gaps[0])

    @property
    def has_band(self) -> bool:
        """Whether low and high say more than the mean does."""
        return bool(np.any((self.low < self.mean) | (self.high > self.mean)))

    @property
    def last(self) -> float:
        """The latest mean that is a number (or the latest at all); NaN when empty."""
        if len(self) == 0:
            return float("nan")
        known = self.mean[~np.isnan(self.mean)]
        return float(known[-1]) if len(known) else float("nan")

    def thinned(self, limit: int = 300) -> Curve:
        """At most `limit` buckets, each the union of neighbours; spikes survive in low and high."""
        count = len(self)
        if count <= limit:
            return self
        width = -(-count // limit)
        # Counted from the end, so that the last bucket is complete and the newest value is exact in position.
        starts = np.arange(count % width, count, width)
        if count % width:
            starts = np.concatenate(([0], starts))
        ends = np.append(starts[1:], count) - 1
        known = ~np.isnan(self.mean)
        total = np.add.reduceat(np.where(known, self.mean, 0.0), starts)
        size = np.add.reduceat(known.astype(np.int64), starts)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = total / size
        low = np.fmin.reduceat(np.asarray(self.low), starts)
        high = np.fmax.reduceat(np.asarray(self.high), starts)
        return Curve(np.asarray(self.x)[ends], mean, low, high)


def smooth(values: Array, weight: float) -> Array:
    """Exponential moving average with bias correction, as in TensorBoard; (n,) float64.

    s_t = w·s_(t−1) + (1 − w)·y_t and the result is s_t / (1 − w^t), where t counts the finite values so far:
    without the correction the start would be drawn towards zero (Kingma and Ba, 2014, section 3). Gaps stay.
    """
    if not 0 <= weight < 1:
        raise ValueError(f"The 'weight' parameter of smooth must be in [0, 1). Got {weight} instead.")
    result = np.full(len(values), np.nan)
    state, correction = 0.0, 1.0
    for index, value in enumerate(np.asarray(values, dtype=np.float64).tolist()):
        if not np.isfinite(value):
            continue
        state = weight * state + (1 - weight) * value
        correction *= weight
        result[index] = state / (1 - correction)
    return result
