"""Figures of how good the answers for a part of the data are, drawn from what `answers` computes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp_core import figures
from mlp_core.data.dataset import Dataset
from mlp_core.data.parts import PARTS
from mlp_core.evaluation import ClassFigures, ClassificationReport, RegressionReport, class_figures
from mlp_core.evaluation.classes import folded
from mlp_core.figures import Figure
from mlp_core.figures.ranking import threshold_rates
from mlp_core.views.view import USUAL_THRESHOLD, Options, Source

ANSWERS = "answers-{part}"
"""The view that holds the answers for a part."""

OTHERS = "all others"
"""The name of the classes that are not chosen, together."""

NETWORK = "network"
"""The view that holds a copy of the network, to ask it about one sample."""


@dataclass(frozen=True, eq=False)
class Decisions:
    """Predicted classes at a threshold."""

    true: NDArray[np.int64]
    """(N,) the true classes."""
    predicted: NDArray[np.int64]
    """(N,) the predicted classes."""
    probabilities: NDArray[np.float32]
    """(N, K) the probabilities that they are decided by."""
    confusion: NDArray[np.int64]
    """Counts (K, K), true classes in rows."""
    report: ClassificationReport
    """The report on the network's own decisions."""
    moved: bool
    """Whether the threshold is another than the usual one, so that decisions are not the network's own."""

    @property
    def classes(self) -> ClassFigures:
        """The figures of each class."""
        return class_figures(self.confusion, self.report.class_names) if self.moved else self.report.classes

    @property
    def confidence(self) -> NDArray[np.float32]:
        """(N,) the probability of the predicted class."""
        found: NDArray[np.float32] = self.probabilities[np.arange(len(self.predicted)), self.predicted]
        return found

    def members(self, true: int, predicted: int, most: int) -> NDArray[np.int64]:
        """Indices of at most so many samples of a cell of the confusion matrix, the surest answers first."""
        found = np.flatnonzero((self.true == true) & (self.predicted == predicted))
        return found[np.argsort(-self.confidence[found], kind="stable")][:most]

    def confused(self, most: int, among: Sequence[int] = ()) -> list[tuple[int, int, int]]:
        """At most so many pairs of a true class and another that is predicted, with their samples, the most first.

        With `among`, pairs with one of these classes.
        """
        wrong = self.confusion.copy()
        np.fill_diagonal(wrong, 0)
        if among:
            others = np.setdiff1d(np.arange(len(wrong)), among)
            wrong[np.ix_(others, others)] = 0
        order = np.argsort(-wrong, axis=None, kind="stable")[:most]
        pairs = [divmod(int(place), len(wrong)) for place in order]
        return [(true, guess, int(wrong[true, guess])) for true, guess in pairs if wrong[true, guess]]

    def worst(self, most: int) -> NDArray[np.int64]:
        """Indices of at most so many wrong answers, those of the least probability of the true class first."""
        wrong = np.flatnonzero(self.true != self.predicted)
        probability = np.nan_to_num(self.probabilities[wrong, self.true[wrong]])
        return wrong[np.argsort(probability, kind="stable")][:most]


def found(source: Source, options: Options) -> Mapping[str, Any] | None:
    """The answers for the part that is chosen; None before they were computed, or where there is no such part."""
    return source.view(ANSWERS.format(part=options.part)) or None


def decisions(source: Source, options: Options) -> Decisions | None:
    """The predicted classes at the threshold that is chosen; None before there are any."""
    arrays = found(source, options)
    if arrays is None:
        return None
    true, predicted, probabilities, report = (arrays[name] for name in ("true", "predicted", "probabilities", "report"))
    moved = probabilities.shape[1] == 2 and options.threshold != USUAL_THRESHOLD
    confusion = report.confusion
    if moved:
        predicted = (probabilities[:, 1] > options.threshold).astype(np.int64)
        confusion = np.bincount(2 * true + predicted, minlength=4).reshape(2, 2)
    return Decisions(true, predicted, probabilities, confusion, report, moved)


def confusion(source: Source, options: Options) -> Figure | None:
    """The confusion matrix of a part."""
    now = decisions(source, options)
    if now is None:
        return None
    counts, names, cell = now.confusion, now.report.class_names, options.cell
    if options.classes:
        counts, names = folded(counts, options.classes), tuple(names[place] for place in options.classes)
        if len(counts) > len(names):
            names = (*names, OTHERS)
        places = {of: place for place, of in enumerate(options.classes)}
        cell = cell and (places.get(cell[0], len(counts) - 1), places.get(cell[1], len(counts) - 1))
    return figures.confusion_matrix(
        counts, names, theme=options.theme, normalise=options.normalise, selected=cell,
        uirevision=_revision("confusion", source),
    )  # fmt: skip


def confusion_alt(source: Source, options: Options) -> str:
    """The same in words."""
    now = decisions(source, options)
    assert now is not None
    return figures.confusion_matrix_alt(now.confusion, now.report.class_names)


def roc(source: Source, options: Options) -> Figure | None:
    """The ROC curves of a part."""
    now = decisions(source, options)
    if now is None:
        return None
    curves = [None if one is None else (one.false_positive_rate, one.true_positive_rate) for one in now.report.curves]
    rates = threshold_rates(now.confusion) if len(curves) == 2 else None
    return figures.roc(
        curves, now.report.roc_auc, now.report.class_names, marks=rates and rates[0], chosen=options.classes,
        theme=options.theme, uirevision=_revision("roc", source),
    )  # fmt: skip


def roc_alt(source: Source, options: Options) -> str:
    """The same in words."""
    report: ClassificationReport = _report(source, options)
    return figures.roc_alt(report.roc_auc, report.class_names, options.classes)


def precision_recall(source: Source, options: Options) -> Figure | None:
    """The precision-recall curves of a part."""
    now = decisions(source, options)
    if now is None:
        return None
    curves = [None if one is None else (one.recall, one.precision) for one in now.report.curves]
    two = len(curves) == 2
    rates = threshold_rates(now.confusion) if two else None
    base = float(now.confusion[1].sum() / now.confusion.sum()) if two else None
    return figures.precision_recall(
        curves, now.report.average_precision, now.report.class_names, marks=rates and rates[1], base=base,
        chosen=options.classes, theme=options.theme, uirevision=_revision("precision-recall", source),
    )  # fmt: skip


def precision_recall_alt(source: Source, options: Options) -> str:
    """The same in words."""
    report: ClassificationReport = _report(source, options)
    return figures.precision_recall_alt(report.average_precision, report.class_names, options.classes)


def calibration(source: Source, options: Options) -> Figure | None:
    """The calibration curve of a part; None where outputs are no numbers."""
    of = _calibration(source, options)
    return None if of is None else figures.calibration_curve(
        of.confidence, of.accuracy, of.counts, theme=options.theme, uirevision=_revision("calibration", source)
    )  # fmt: skip


def calibration_alt(source: Source, options: Options) -> str:
    """The same in words."""
    of = _calibration(source, options)
    return figures.calibration_curve_alt(of.confidence, of.accuracy, of.counts, of.error)


def confidence(source: Source, options: Options) -> Figure | None:
    """The histogram of confidences of a part; None where outputs are no numbers."""
    of = _calibration(source, options)
    return None if of is None else figures.confidence_histogram(
        of.counts, of.right, theme=options.theme, uirevision=_revision("confidence", source)
    )  # fmt: skip


def confidence_alt(source: Source, options: Options) -> str:
    """The same in words."""
    of = _calibration(source, options)
    return figures.confidence_histogram_alt(of.counts, of.right)


def values(source: Source, options: Options) -> Figure | None:
    """Predicted against actual values of a part."""
    pair = _pair(source, options)
    if pair is None:
        return None
    return figures.predicted_vs_actual(
        [pair[0]], [pair[1]], split_names=(PARTS[options.part].label,), unit=_unit(source), theme=options.theme,
        uirevision=_revision("values", source),
    )  # fmt: skip


def values_alt(source: Source, options: Options) -> str:
    """The same in words."""
    pair = _pair(source, options)
    assert pair is not None
    names = (PARTS[options.part].label,)
    return figures.predicted_vs_actual_alt([pair[0]], [pair[1]], split_names=names, unit=_unit(source))


def residuals(source: Source, options: Options) -> Figure | None:
    """Residuals of a part against predictions."""
    return _residuals(source, options, _predictions)


def residuals_alt(source: Source, options: Options) -> str:
    """The same in words."""
    return _residuals_alt(source, options, _predictions)


def feature_residuals(source: Source, options: Options) -> Figure | None:
    """Residuals of a part against a feature."""
    return _residuals(source, options, _feature)


def feature_residuals_alt(source: Source, options: Options) -> str:
    """The same in words."""
    return _residuals_alt(source, options, _feature)


def feature_names(dataset: Dataset) -> Sequence[str]:
    """What residuals can be drawn against: the columns of a table, or the inputs made of points."""
    return dataset.feature_names


def feature_values(dataset: Dataset, part: str, feature: int) -> NDArray[np.float64]:
    """One feature (N,) of a part, in its own unit."""
    inputs = PARTS[part].arrays(dataset)[0]
    column: NDArray[np.float64] = inputs[:, feature].astype(np.float64)
    if dataset.feature_mean is not None and dataset.feature_std is not None:
        column = column * dataset.feature_std[feature] + dataset.feature_mean[feature]
    return column


Against = Callable[[Source, Options], tuple[str, NDArray[Any]]]


def _predictions(source: Source, options: Options) -> tuple[str, NDArray[Any]]:
    pair = _pair(source, options)
    assert pair is not None
    unit = _unit(source)
    return f"predicted{f', {unit}' if unit else ''}", pair[1]


def _feature(source: Source, options: Options) -> tuple[str, NDArray[Any]]:
    dataset = source.dataset
    assert dataset is not None
    place = min(options.feature, len(feature_names(dataset)) - 1)
    return feature_names(dataset)[place], feature_values(dataset, options.part, place)


def _residuals(source: Source, options: Options, against: Against) -> Figure | None:
    pair = _pair(source, options)
    if pair is None:
        return None
    name, numbers = against(source, options)
    return figures.residuals(
        numbers, pair[1] - pair[0], name=name, unit=_unit(source), theme=options.theme,
        uirevision=_revision(f"residuals-{name}", source),
    )  # fmt: skip


def _residuals_alt(source: Source, options: Options, against: Against) -> str:
    pair = _pair(source, options)
    assert pair is not None
    name, numbers = against(source, options)
    return figures.residuals_alt(numbers, pair[1] - pair[0], name=name, unit=_unit(source))


def _pair(source: Source, options: Options) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Actual and predicted values (N,) of the chosen target."""
    arrays = found(source, options)
    if arrays is None:
        return None
    report: RegressionReport = arrays["report"]
    target = min(options.target, len(report.targets) - 1)
    return arrays["actual"][:, target], arrays["predicted"][:, target]


def _report(source: Source, options: Options) -> Any:
    arrays = found(source, options)
    assert arrays is not None
    return arrays["report"]


def _calibration(source: Source, options: Options) -> Any:
    arrays = found(source, options)
    return None if arrays is None else arrays["report"].calibration


def _unit(source: Source) -> str:
    return "" if source.dataset is None else source.dataset.facts.target_unit


def _revision(name: str, source: Source) -> str:
    return f"{name}-{source.run}"
