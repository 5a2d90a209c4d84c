"""Percentiles and paired ratios: how many measurements become the few numbers of a row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

import numpy as np

DIGITS = 3


def percentile(values: Sequence[float], share: float) -> float | None:
    """The value that `share` percent of the values do not exceed; None when nothing was measured."""
    return significant(float(np.percentile(values, share, method="inverted_cdf"))) if values else None


def ratio_of_pairs(pairs: Iterable[tuple[float, float]]) -> float | None:
    """The median of first / second over the rounds: what slows a whole round down cancels out of it."""
    ratios = [first / second for first, second in pairs if second]
    return significant(median(ratios)) if ratios else None


def significant(value: float, digits: int = DIGITS) -> float:
    """The value with so many significant digits; whole numbers stay whole."""
    rounded = float(f"{value:.{digits}g}")
    return int(rounded) if rounded.is_integer() else rounded
