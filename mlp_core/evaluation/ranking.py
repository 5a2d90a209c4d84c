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


def score_ranks(scores: Floats) -> NDArray[np.int32]:
    """The place (N,) of each score among all different ones, the highest being 0; equal scores share theirs."""
    return np.unique(-scores, return_inverse=True)[1].astype(np.int32)


def ranking_areas(ranks: NDArray[np.int32], positive: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Areas under the ROC curve (K,) and average precisions (K,), as scikit-learn has them, of K classes at once.

    `ranks` (K, N) are places of N samples as `score_ranks` gives them for all samples of each class, `positive` (K, N)
    says which are of the class. NaN where all are, or none is. For resamples, which are too many for scikit-learn:
    equal scores count half in the first, and the second is the sum of precisions, weighted by the growth of recall.
    """
    samples = ranks.shape[1]
    ordered = np.sort(2 * ranks + positive, axis=1)  # by rank, with the hit in the last bit
    places, hits = ordered >> 1, ordered & 1
    last = np.ones(ordered.shape, dtype=bool)  # of equal scores
    last[:, :-1] = places[:, 1:] != places[:, :-1]
    found_before = np.cumsum(hits, axis=1)
    rows, ends = np.nonzero(last)
    found = found_before[rows, ends].astype(np.float64)
    wrong = ends + 1 - found
    first = np.flatnonzero(np.diff(rows, prepend=-1))  # of each class
    new, new_wrong = np.diff(found, prepend=0.0), np.diff(wrong, prepend=0.0)
    new[first], new_wrong[first] = found[first], wrong[first]
    positives = found_before[:, -1].astype(np.float64)
    pairs = positives * (samples - positives)
    area = np.add.reduceat(new_wrong * (found - new / 2), first)
    precision = np.add.reduceat(new * found / (found + wrong), first)
    with np.errstate(divide="ignore", invalid="ignore"):
        both = np.stack([area / pairs, precision / positives])
    both[:, pairs == 0] = np.nan
    return both[0], both[1]
