"""The report on predicted classes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp_core.evaluation.calibration import Calibration, bin_of, calibration, calibration_error
from mlp_core.evaluation.classes import (
    CLASS_FIGURES,
    ClassFigures,
    UndefinedFigure,
    class_figures,
    fractions,
    shares_of,
)
from mlp_core.evaluation.intervals import Interval, bootstrap, percentiles, resampled_matrices, wilson
from mlp_core.evaluation.ranking import RankingCurves, ranking_areas, ranking_curves, score_ranks
from mlp_core.evaluation.slices import Slices, finish

Floats = NDArray[np.float64]

TOP = (2, 3, 5)
"""How many of the likeliest classes an answer may name, for the figures of which the true one is among them."""

_NOT_FINITE = "the network's outputs are not all finite numbers"
_SCORED = ("roc_auc", "average_precision", "log_loss", "ece")
_ONE_SIDED = "there are no samples of the class, or none of others"


@dataclass(frozen=True, eq=False, kw_only=True)
class ClassificationReport:
    """How good the predicted classes and probabilities of N samples are. K classes; intervals are of 95 percent.

    Fractions that are undefined are 0, other figures None; `undefined` names both.
    """

    samples: int
    """How many samples there are."""
    class_names: tuple[str, ...]
    """The K classes."""
    confusion: NDArray[np.int64]
    """Counts (K, K), true classes in rows."""
    accuracy: float
    """The share of right answers."""
    balanced_accuracy: float
    """The mean recall of the classes that have samples."""
    classes: ClassFigures
    """The figures of each class."""
    roc_auc: tuple[float | None, ...]
    """(K,) the area under the ROC curve of each class against the rest."""
    average_precision: tuple[float | None, ...]
    """(K,) the average precision of each class against the rest."""
    log_loss: float | None
    """The mean negative logarithm of the true class's probability."""
    top: Mapping[int, float | None]
    """The share of samples whose true class is among so many likeliest ones, for those of `TOP` below K."""
    calibration: Calibration | None
    """Right answers by confidence."""
    curves: tuple[RankingCurves | None, ...]
    """(K,) the ROC and precision-recall curve of each class against the rest."""
    intervals: Mapping[str, Interval | None]
    """The interval of each figure of all classes together: accuracy by Wilson's formula, all others by bootstrap."""
    class_intervals: Mapping[str, tuple[Interval | None, ...]]
    """The intervals (K,) of each figure of the classes: F1 by bootstrap, fractions of samples by Wilson's formula."""
    undefined: tuple[UndefinedFigure, ...]
    """The figures that there are not, with the reason."""

    @property
    def ece(self) -> float | None:
        """The expected calibration error."""
        return None if self.calibration is None else self.calibration.error

    def ranking(self, areas: Sequence[float | None]) -> float | None:
        """`roc_auc` or `average_precision` in one number: of class 1 where there are two, else the mean of all."""
        if len(areas) == 2:
            return areas[1]
        known = [area for area in areas if area is not None]
        return sum(known) / len(known) if known else None

    def figures(self) -> dict[str, float | None]:
        """The figures of all classes together, by the names that `intervals` has."""
        return {
            "accuracy": self.accuracy,
            "balanced_accuracy": self.balanced_accuracy,
            **{f"weighted_{name}": value for name, value in self.classes.weighted().items()},
            "roc_auc": self.ranking(self.roc_auc),
            "average_precision": self.ranking(self.average_precision),
            "log_loss": self.log_loss,
            "ece": self.ece,
            **{f"top_{count}_accuracy": share for count, share in self.top.items()},
        }

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON: no NaN, None for what is not defined."""
        figures = self.figures()
        kept = [name for name in figures if not name.startswith("weighted_")]
        per_class = [
            {
                "class": name,
                "support": int(self.classes.support[index]),
                **{figure: float(getattr(self.classes, figure)[index]) for figure in CLASS_FIGURES},
                "roc_auc": self.roc_auc[index],
                "average_precision": self.average_precision[index],
                "intervals": {figure: _listed(of[index]) for figure, of in self.class_intervals.items()},
            }
            for index, name in enumerate(self.class_names)
        ]
        return {
            "task": "classification",
            "samples": self.samples,
            "classes": list(self.class_names),
            **{name: figures[name] for name in kept},
            "per_class": per_class,
            "weighted": self.classes.weighted(),
            "macro": self.classes.macro(),
            "confusion": self.confusion.tolist(),
            "calibration": None if self.calibration is None else _bins(self.calibration),
            "intervals": {name: _listed(interval) for name, interval in self.intervals.items()},
            "undefined": [one.as_dict() for one in self.undefined],
        }


def classification_report(
    true: NDArray[np.int64], predicted: NDArray[np.int64], probabilities: NDArray[Any], class_names: Sequence[str]
) -> ClassificationReport:
    """The report on N samples, N at least 1: class indices (N,) and (N,), and probabilities (N, K)."""
    return finish(classification_slices(true, predicted, probabilities, class_names))


def classification_slices(
    true: NDArray[np.int64], predicted: NDArray[np.int64], probabilities: NDArray[Any], class_names: Sequence[str]
) -> Slices[ClassificationReport]:
    """The same in slices, each of a tenth of a second at the most on usual data."""
    from sklearn.metrics import confusion_matrix, log_loss

    samples, classes = probabilities.shape
    labels = np.arange(classes)
    confusion = confusion_matrix(true, predicted, labels=labels).astype(np.int64)
    figures = class_figures(confusion, class_names)
    found = shares_of(confusion)
    scores = probabilities.astype(np.float64)
    finite = bool(np.isfinite(scores).all())
    undefined = list(figures.undefined)
    loss: float | None = None
    top: dict[int, float | None] = {count: None for count in TOP if count < classes}
    curves: list[RankingCurves | None] = [None] * classes
    calibrated: Calibration | None = None
    resampled: dict[str, Interval | None] = {}
    if finite:
        scores = scores / scores.sum(axis=1, keepdims=True)
        yield
        loss = float(log_loss(true, scores, labels=labels))
        yield
        confidence = scores[np.arange(samples), predicted]
        calibrated = calibration(true == predicted, confidence)
        hits = _top_hits(true, scores, tuple(top))
        top = {count: float(hits[place].mean()) for place, count in enumerate(top)}
        for label in labels:
            yield
            curves[label] = _curves(true == label, scores[:, label])
        ranked = [label for label in range(classes) if curves[label] is not None and (classes > 2 or label == 1)]
        resampled = yield from _score_intervals(true, predicted, scores, ranked)
        for place, count in enumerate(top):
            resampled[f"top_{count}_accuracy"] = wilson(int(hits[place].sum()), samples)
    for name in ("roc_auc", "average_precision"):
        reason = _ONE_SIDED if finite else _NOT_FINITE
        undefined += [UndefinedFigure(name, class_names[i], reason) for i, one in enumerate(curves) if one is None]
    if not finite:
        undefined += [UndefinedFigure(name, None, _NOT_FINITE) for name in ("log_loss", "ece")]
        undefined += [UndefinedFigure(f"top_{count}_accuracy", None, _NOT_FINITE) for count in top]
    yield
    matrices = shares_of(resampled_matrices(confusion))
    return ClassificationReport(
        samples=samples,
        class_names=tuple(class_names),
        confusion=confusion,
        accuracy=float(found["accuracy"]),
        balanced_accuracy=float(found["balanced_accuracy"]),
        classes=figures,
        roc_auc=tuple(None if one is None else one.roc_auc for one in curves),
        average_precision=tuple(None if one is None else one.average_precision for one in curves),
        log_loss=loss,
        top=top,
        calibration=calibrated,
        curves=tuple(curves),
        intervals={
            "accuracy": wilson(int(np.trace(confusion)), samples),
            "balanced_accuracy": percentiles(matrices["balanced_accuracy"]),
            **_weighted_intervals(matrices, confusion),
            **{name: resampled.get(name) for name in _SCORED},
            **{name: resampled.get(name) for name in (f"top_{count}_accuracy" for count in top)},
        },
        class_intervals={
            name: tuple(
                percentiles(matrices["f1"].T[i]) if name == "f1" else wilson(int(part[i]), int(whole[i]))
                for i in labels
            )
            for name, (part, whole) in fractions(confusion).items()
        },
        undefined=tuple(undefined),
    )


def _curves(positive: NDArray[np.bool_], scores: Floats) -> RankingCurves | None:
    """Curves of one class, with their areas; None where there is nothing to rank."""
    return None if positive.all() or not positive.any() else ranking_curves(positive, scores)


def _top_hits(true: NDArray[np.int64], scores: Floats, counts: Sequence[int]) -> NDArray[np.bool_]:
    """Whether the true class is among so many of the highest scores, (counts, N).

    Of equal scores the later class counts as the higher, as in scikit-learn's `top_k_accuracy_score`.
    """
    own = scores[np.arange(len(true)), true][:, None]
    later = np.arange(scores.shape[1]) > true[:, None]
    before = ((scores > own) | ((scores == own) & later)).sum(axis=1)
    return np.stack([before < count for count in counts]) if counts else np.zeros((0, len(true)), dtype=bool)


def _score_intervals(
    true: NDArray[np.int64], predicted: NDArray[np.int64], scores: Floats, ranked: Sequence[int]
) -> Slices[dict[str, Interval | None]]:
    """Bootstrap intervals of what depends on probabilities; the areas are means over the `ranked` classes."""
    samples = np.arange(len(scores))
    tiny = np.finfo(np.float64).eps  # where scikit-learn cuts too
    surprise = -np.log(np.clip(scores[samples, true], tiny, 1.0))
    confidence = scores[samples, predicted]
    gaps, bins = (true == predicted) - confidence, bin_of(confidence)
    ranks = np.zeros((len(ranked), len(scores)), dtype=np.int32)
    for place, label in enumerate(ranked):
        ranks[place] = score_ranks(scores[:, label])
        yield
    of = np.array(ranked, dtype=np.int64)[:, None]

    def figures(places: NDArray[np.int64]) -> Floats:
        areas = np.stack(ranking_areas(ranks[:, places], true[places] == of)) if ranked else np.zeros((2, 0))
        known = areas[:, ~np.isnan(areas[0])]
        means = known.mean(axis=1) if known.size else (math.nan, math.nan)
        return np.array([*means, surprise[places].mean(), calibration_error(gaps[places], bins[places])])

    found = yield from bootstrap(figures, len(scores), max(1, len(ranked)))
    return {name: percentiles(found[:, place]) for place, name in enumerate(_SCORED)}


def _weighted_intervals(matrices: Mapping[str, Floats], confusion: NDArray[np.int64]) -> dict[str, Interval | None]:
    """Intervals of the weighted means; the weights are the samples' own."""
    weights = confusion.sum(axis=1) / confusion.sum()
    return {f"weighted_{name}": percentiles(matrices[name] @ weights) for name in CLASS_FIGURES}


def _bins(found: Calibration) -> list[dict[str, Any]]:
    return [
        {
            "samples": int(count),
            "confidence": float(found.confidence[place]) if count else None,
            "accuracy": float(found.accuracy[place]) if count else None,
        }
        for place, count in enumerate(found.counts)
    ]


def _listed(interval: Interval | None) -> list[float] | None:
    return None if interval is None else list(interval)
