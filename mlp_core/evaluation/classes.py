"""Figures of each class, and their means, from a confusion matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class ClassFigure:
    """What one figure of a class means."""

    label: str
    """Its name for people."""
    help: str
    """What it says, as a sentence."""
    undefined: str
    """When it is a division by zero, as a clause about the class."""


CLASS_FIGURES: dict[str, ClassFigure] = {
    "precision": ClassFigure(
        "Precision", "Of the samples predicted as this class, the share that is of it.", "no sample is predicted as it"
    ),
    "recall": ClassFigure(
        "Recall (TPR)", "Of the samples of this class, the share that is predicted so.", "it has no samples"
    ),
    "f1": ClassFigure(
        "F1", "The harmonic mean of precision and recall.", "it has no samples, and none is predicted as it"
    ),
    "false_negative_rate": ClassFigure(
        "Missed (FNR)", "Of the samples of this class, the share that is predicted as another.", "it has no samples"
    ),
    "specificity": ClassFigure(
        "Specificity (TNR)", "Of the samples of other classes, the share that is not predicted as this one.",
        "there are no samples of other classes",
    ),
    "false_positive_rate": ClassFigure(
        "False alarms (FPR)", "Of the samples of other classes, the share that is predicted as this one.",
        "there are no samples of other classes",
    ),
}  # fmt: skip
"""The figures of a class, by the name of the field of `ClassFigures`."""


@dataclass(frozen=True)
class UndefinedFigure:
    """A figure that is a division by zero or of no meaning for these samples."""

    figure: str
    """Its name in the report."""
    class_name: str | None
    """The class that it belongs to; None for a figure of all classes together."""
    reason: str
    """Why there is none, as a clause."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class ClassFigures:
    """The figures of K classes. One that is undefined is 0, and named in `undefined`."""

    precision: Floats
    """(K,) right predictions among the predictions of the class."""
    recall: Floats
    """(K,) right predictions among the samples of the class: the true positive rate."""
    f1: Floats
    """(K,) harmonic mean of precision and recall."""
    false_negative_rate: Floats
    """(K,) samples of the class predicted as another, among its samples."""
    specificity: Floats
    """(K,) samples of other classes not predicted as this one, among them: the true negative rate."""
    false_positive_rate: Floats
    """(K,) samples of other classes predicted as this one, among them."""
    support: Counts
    """(K,) samples of the class."""
    undefined: tuple[UndefinedFigure, ...]
    """The figures that are 0 because they are undefined."""

    def weighted(self) -> dict[str, float]:
        """The mean of each figure over the classes, weighted by their support; 0 without samples."""
        weights = self.support / max(1, int(self.support.sum()))
        return {name: float(getattr(self, name) @ weights) for name in CLASS_FIGURES}

    def macro(self) -> dict[str, float]:
        """The plain mean of each figure over the classes."""
        return {name: float(getattr(self, name).mean()) for name in CLASS_FIGURES}


def class_figures(confusion: Counts, class_names: Sequence[str]) -> ClassFigures:
    """The figures of the K classes of a confusion matrix: counts (K, K), true classes in rows.

    scikit-learn computes them from the cells of the matrix, each weighted by its count, with `zero_division=0`.
    """
    from sklearn.metrics import multilabel_confusion_matrix, precision_recall_fscore_support

    classes = len(class_names)
    rows, columns = (places.ravel() for places in np.indices((classes, classes)))
    given = {"sample_weight": confusion.ravel().astype(np.float64), "labels": np.arange(classes)}
    precision, recall, f1, _ = precision_recall_fscore_support(rows, columns, zero_division=0, **given)
    (negatives, false_alarms), (missed, found) = np.moveaxis(multilabel_confusion_matrix(rows, columns, **given), 0, 2)
    counts = {
        "precision": found + false_alarms,
        "recall": found + missed,
        "f1": found + false_alarms + missed,
        "false_negative_rate": found + missed,
        "specificity": negatives + false_alarms,
        "false_positive_rate": negatives + false_alarms,
    }
    undefined = tuple(
        UndefinedFigure(name, class_names[index], CLASS_FIGURES[name].undefined)
        for index in range(classes)
        for name, of in counts.items()
        if of[index] == 0
    )
    return ClassFigures(
        precision=precision,
        recall=recall,
        f1=f1,
        false_negative_rate=share(missed, found + missed),
        specificity=share(negatives, negatives + false_alarms),
        false_positive_rate=share(false_alarms, negatives + false_alarms),
        support=confusion.sum(axis=1),
        undefined=undefined,
    )


def fractions(confusions: NDArray[Any]) -> Mapping[str, tuple[NDArray[Any], NDArray[Any]]]:
    """Part and whole (..., K) of the same figures, of any number of matrices (..., K, K)."""
    found = np.diagonal(confusions, axis1=-2, axis2=-1)
    true, predicted = confusions.sum(axis=-1), confusions.sum(axis=-2)
    others = true.sum(axis=-1, keepdims=True) - true
    false_alarms = predicted - found
    return {
        "precision": (found, predicted),
        "recall": (found, true),
        "f1": (2 * found, true + predicted),
        "false_negative_rate": (true - found, true),
        "specificity": (others - false_alarms, others),
        "false_positive_rate": (false_alarms, others),
    }


def shares_of(confusions: NDArray[Any]) -> Mapping[str, Floats]:
    """The same figures (..., K), and accuracy and balanced accuracy (...), of any number of matrices (..., K, K).

    For resamples, which are too many to be given to scikit-learn one by one.
    """
    found = {name: share(part, whole) for name, (part, whole) in fractions(confusions).items()}
    right, total = np.trace(confusions, axis1=-2, axis2=-1), confusions.sum(axis=(-2, -1))
    present = (confusions.sum(axis=-1) > 0).sum(axis=-1)
    return {
        **found,
        "accuracy": share(right, total),
        "balanced_accuracy": share(found["recall"].sum(axis=-1), present),
    }


def folded(confusion: Counts, chosen: Sequence[int]) -> Counts:
    """The matrix (C + 1, C + 1) of the C chosen ones of K classes, with all others together in the last row and column.

    Without others there is no such row and column.
    """
    others = np.setdiff1d(np.arange(len(confusion)), chosen)
    order = [np.array([place]) for place in chosen] + ([others] if len(others) else [])
    return np.array([[confusion[np.ix_(row, column)].sum() for column in order] for row in order], dtype=np.int64)


def share(part: NDArray[Any], whole: NDArray[Any]) -> Floats:
    """`part / whole`, 0 where that is 0 / 0."""
    found: Floats = np.divide(part, whole, out=np.zeros(np.shape(part)), where=np.asarray(whole) > 0)
    return found
