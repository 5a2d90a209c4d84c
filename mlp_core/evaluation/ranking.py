"""How well scores rank the samples of a class before all others: curves and areas, one class against the rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CURVE_POINTS = 200
"""The most points of a curve that is kept."""


@dataclass(frozen=True, eq=False)
class RankingCurves:
    """The curves of one class against the rest, each thinned to about `CURVE_POINTS` points."""

    false_positive_rate: Floats
    """(P,) of the ROC curve, rising from 0 to 1."""
    true_positive_rate: Floats
    """(P,) of the ROC curve."""
    recall: Floats
    """(Q,) of the precision-recall curve, falling from 1 to 0."""
    precision: Floats
    """(Q,) of the precision-recall curve."""


def ranking_curves(positive: NDArray[np.bool_], scores: Floats) -> RankingCurves:
    """Both curves of samples (N,) that are of a class or not; there must be some of each."""
    from sklearn.metrics import precision_recall_curve, roc_curve

    false_rate, true_rate, _ = roc_curve(positive, scores)
    precision, recall, _ = precision_recall_curve(positive, scores, drop_intermediate=True)
    kept, others = _spread(false_rate, true_rate), _spread(recall, precision)
    return RankingCurves(false_rate[kept], true_rate[kept], recall[others], precision[others])


def _spread(x: Floats, y: Floats) -> NDArray[np.int64]:
    """Indices of at most `CURVE_POINTS` points that lie evenly along the curve; its ends are among them."""
    if len(x) <= CURVE_POINTS:
        return np.arange(len(x))
    length = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))])
    wanted = np.linspace(0, length[-1], CURVE_POINTS)
    return np.unique(np.append(np.searchsorted(length, wanted).clip(0, len(x) - 1), [0, len(x) - 1]))


class WeightedRanking:
    """Area under the ROC curve and average precision of samples with weights, sorted once for many resamples."""

    def __init__(self, positive: NDArray[np.bool_], scores: Floats) -> None:
        self._order = np.argsort(-scores, kind="stable")
        ordered = scores[self._order]
        self._positive = positive[self._order]
        self._starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))

    def areas(self, weights: Floats) -> tuple[float, float]:
        """Both areas, as scikit-learn has them; NaN where all that has weight is positive, or nothing is.

        Equal scores count half in the first; the second is the sum of precisions, weighted by the growth of recall.
        """
        ordered = weights[self._order]
        hits = np.add.reduceat(np.where(self._positive, ordered, 0.0), self._starts)
        alarms = np.add.reduceat(np.where(self._positive, 0.0, ordered), self._starts)
        found, wrong = hits.cumsum(), alarms.cumsum()
        positives, negatives = found[-1], wrong[-1]
        if positives == 0 or negatives == 0:
            return float("nan"), float("nan")
        area = float(alarms @ (found - hits / 2)) / (positives * negatives)
        precision = np.divide(found, found + wrong, out=np.zeros_like(found), where=found + wrong > 0)
        return area, float(hits @ precision) / positives
