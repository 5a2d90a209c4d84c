"""The report on predicted classes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp_core.evaluation.calibration import Calibration, bin_of, calibration, weighted_error
from mlp_core.evaluation.classes import CLASS_FIGURES, ClassFigures, Undefined, class_figures, fractions, shares_of
from mlp_core.evaluation.intervals import Interval, bootstrap, percentiles, resampled_matrices, wilson
from mlp_core.evaluation.ranking import RankingCurves, WeightedRanking, ranking_curves

Floats = NDArray[np.float64]

_NOT_FINITE = "the network's outputs are not all finite numbers"
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
    calibration: Calibration | None
    """Right answers by confidence."""
    curves: tuple[RankingCurves | None, ...]
    """(K,) the ROC and precision-recall curve of each class against the rest."""
    intervals: Mapping[str, Interval | None]
    """The interval of each figure of all classes together: accuracy by Wilson's formula, all others by bootstrap."""
    class_intervals: Mapping[str, tuple[Interval | None, ...]]
    """The intervals (K,) of each figure of the classes: F1 by bootstrap, fractions of samples by Wilson's formula."""
    undefined: tuple[Undefined, ...]
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
        }

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON: no NaN, None for what is not defined."""
        figures = self.figures()
        kept = ("accuracy", "balanced_accuracy", "roc_auc", "average_precision", "log_loss", "ece")
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
    known: list[tuple[float, float, RankingCurves] | None] = [None] * classes
    calibrated: Calibration | None = None
    resampled: dict[str, Interval | None] = {}
    if finite:
        scores = scores / scores.sum(axis=1, keepdims=True)
        loss = float(log_loss(true, scores, labels=labels))
        confidence = scores[np.arange(samples), predicted]
        calibrated = calibration(true == predicted, confidence)
        known = [_areas(true == label, scores[:, label]) for label in labels]
        resampled = _score_intervals(true, predicted, scores, known)
    for name in ("roc_auc", "average_precision"):
        reason = _ONE_SIDED if finite else _NOT_FINITE
        undefined += [Undefined(name, class_names[i], reason) for i, areas in enumerate(known) if areas is None]
    if not finite:
        undefined += [Undefined(name, None, _NOT_FINITE) for name in ("log_loss", "ece")]
    matrices = shares_of(resampled_matrices(confusion))
    return ClassificationReport(
        samples=samples,
        class_names=tuple(class_names),
        confusion=confusion,
        accuracy=float(found["accuracy"]),
        balanced_accuracy=float(found["balanced_accuracy"]),
        classes=figures,
        roc_auc=tuple(None if areas is None else areas[0] for areas in known),
        average_precision=tuple(None if areas is None else areas[1] for areas in known),
        log_loss=loss,
        calibration=calibrated,
        curves=tuple(None if areas is None else areas[2] for areas in known),
        intervals={
            "accuracy": wilson(int(np.trace(confusion)), samples),
            "balanced_accuracy": percentiles(matrices["balanced_accuracy"]),
            **_weighted_intervals(matrices, confusion),
            **{name: resampled.get(name) for name in ("roc_auc", "average_precision", "log_loss", "ece")},
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


def _areas(positive: NDArray[np.bool_], scores: Floats) -> tuple[float, float, RankingCurves] | None:
    """ROC AUC, average precision and curves of one class; None where there is nothing to rank."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    if positive.all() or not positive.any():
        return None
    area = float(roc_auc_score(positive, scores))
    return area, float(average_precision_score(positive, scores)), ranking_curves(positive, scores)


def _score_intervals(
    true: NDArray[np.int64], predicted: NDArray[np.int64], scores: Floats, known: Sequence[object]
) -> dict[str, Interval | None]:
    """Bootstrap intervals of what depends on probabilities."""
    samples, classes = scores.shape
    ranked = [1] if classes == 2 else range(classes)
    rankings = [WeightedRanking(true == label, scores[:, label]) for label in ranked if known[label] is not None]
    tiny = np.finfo(np.float64).eps  # where scikit-learn cuts too
    surprise = -np.log(np.clip(scores[np.arange(samples), true], tiny, 1.0))
    confidence = scores[np.arange(samples), predicted]
    gaps, bins = (true == predicted) - confidence, bin_of(confidence)

    def figures(weights: Floats) -> Floats:
        areas = np.array([ranking.areas(weights) for ranking in rankings]).reshape(-1, 2)
        means = areas.mean(axis=0) if len(areas) else (math.nan, math.nan)
        return np.array([*means, weights @ surprise / samples, weighted_error(gaps, bins, weights)])

    found = bootstrap(figures, samples)
    names = ("roc_auc", "average_precision", "log_loss", "ece")
    return {name: percentiles(found[:, place]) for place, name in enumerate(names)}


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
