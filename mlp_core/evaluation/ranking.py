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
    roc_auc: float
    """The area under the whole ROC curve."""
    average_precision: float
    """The mean of precision over the whole precision-recall curve, weighted by the growth of recall."""


def ranking_curves(positive: NDArray[np.bool_], scores: Floats) -> RankingCurves:
    """Both curves of samples (N,) that are of a class or not; there must be some of each.

    The areas are those that scikit-learn's `roc_auc_score` and `average_precision_score` give, which would sort the
    samples once more each.
    """
    from sklearn.metrics import auc, precision_recall_curve, roc_curve

    false_rate, true_rate, _ = roc_curve(positive, scores)
    precision, recall, _ = precision_recall_curve(positive, scores)
    average = max(0.0, float(-np.diff(recall) @ precision[:-1]))
    kept, others = _spread(false_rate, true_rate), _spread(recall, precision)
    return RankingCurves(
        false_rate[kept], true_rate[kept], recall[others], precision[others], float(auc(false_rate, true_rate)), average
    )


def _spread(x: Floats, y: Floats) -> NDArray[np.int64]:
    """Indices of at most `CURVE_POINTS` points that lie evenly along the curve; its ends are among them."""
    if len(x) <= CURVE_POINTS:
        return np.arange(len(x))
    length = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))])
    wanted = np.linspace(0, length[-1], CURVE_POINTS)
    return np.unique(np.append(np.searchsorted(length, wanted).clip(0, len(x) - 1), [0, len(x) - 1]))


def ranking_areas(positive: NDArray[np.bool_], scores: Floats) -> tuple[float, float]:
    """Area under the ROC curve and average precision of samples (N,), as scikit-learn has them.

    NaN where all are positive, or none is. For resamples, which are too many for scikit-learn: equal scores count half
    in the first, and the second is the sum of precisions, weighted by the growth of recall.
    """
    order = np.argsort(-scores)
    ordered, hits = scores[order], positive[order]
    ends = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]), len(order) - 1)  # of equal scores
    found = np.cumsum(hits)[ends].astype(np.float64)
    wrong = ends + 1 - found
    positives, negatives = found[-1], wrong[-1]
    if positives == 0 or negatives == 0:
        return float("nan"), float("nan")
    new = np.diff(found, prepend=0.0)
    area = float(np.diff(wrong, prepend=0.0) @ (found - new / 2)) / (positives * negatives)
    return area, float(new @ (found / (found + wrong))) / positives
