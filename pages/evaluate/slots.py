"""Places on the Evaluate page whose content moves, besides its charts: figures, tables, and a matrix to press."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from mlp_core.catalog.facts import DataFacts
from mlp_core.data.parts import PARTS
from mlp_core.evaluation import CLASS_FIGURES, RegressionReport
from mlp_core.evaluation.intervals import Interval, wilson
from mlp_core.figures import percent, readable
from mlp_core.training.snapshot import Snapshot
from mlp_core.views import Options
from mlp_core.views.evaluation import ANSWERS, Decisions, decisions, found
from pages.components.figure_table import Cell, figure_table, picked_row, with_pick
from pages.components.live_plot import pickable, picked_cell
from pages.components.part import Part
from pages.components.state_strip import state_strip
from pages.live.slots import ViewSlot

CELL_TRUE, CELL_PREDICTED = "evaluate_true", "evaluate_predicted"
"""The widgets that say which cell of the confusion matrix is looked at: indices of classes."""

FIGURES = {
    "accuracy": ("accuracy", "The share of right answers. Below it: where the true value lies with 95 % certainty."),
    "balanced_accuracy": ("balanced accuracy", "The mean recall of the classes: rare ones count as much as common."),
    "weighted_f1": ("F1, weighted", "The mean F1 of the classes, weighted by their samples."),
    "roc_auc": ("ROC AUC", "How often a sample of a class gets a higher probability of it than another sample does."),
    "average_precision": ("average precision", "The area under the precision-recall curve."),
    "log_loss": ("log loss", "The mean surprise: minus the logarithm of the true class's probability."),
    "ece": ("ECE", "Expected calibration error: how far confidence and the share of right answers are apart."),
}
VALUES = {
    "r2": ("R²", "The share of the variance that is explained; below 0, the mean would be a better answer."),
    "mae": ("MAE", "Mean absolute error, in the unit of the target."),
    "rmse": ("RMSE", "Root of the mean squared error: large errors count more."),
}

DEVIATIONS = {
    "deviation": ("σ, mean", "The mean of the standard deviations that the network gives its values."),
    "coverage": ("within 2σ", "The share of samples no further than two such deviations from their prediction. 0.954 "
                 "where the deviations are right and errors are normal."),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class AnswersSlot:
    """A place that shows something of the answers for the part that is chosen."""

    options: Options
    """The part and the threshold."""

    def views(self, facts: DataFacts) -> Iterable[str]:
        """The answers."""
        return (ANSWERS.format(part=self.options.part),)

    def same(self, before: Snapshot, now: Snapshot) -> bool:
        """Whether the answers are the same."""
        name = ANSWERS.format(part=self.options.part)
        return before.run == now.run and before.views.get(name) is now.views.get(name)


@dataclass(frozen=True, eq=False)
class FiguresSlot(AnswersSlot):
    """The strip of the figures of all samples together."""

    label: str = "The strip of figures"
    """Its name for people."""

    def key(self, snapshot: Snapshot) -> str:
        """Always the same."""
        return "evaluate-strip"

    def part(self, snapshot: Snapshot) -> Part:
        """The strip as it is now."""
        cells = [self._samples(snapshot), *self._cells(snapshot)]
        alt = "; ".join(f"{cell['label']} {cell['value']}" for cell in cells)
        return state_strip(cells, alt=alt, key=self.key(snapshot))

    def _samples(self, snapshot: Snapshot) -> dict[str, str]:
        result = snapshot.views.get(ANSWERS.format(part=self.options.part))
        count = result.data["report"].samples if result is not None and result.data else 0
        return {
            "label": f"{PARTS[self.options.part].label.lower()} samples",
            "value": f"{count:,}" if count else "–",
            "note": "" if result is None else "not trained yet" if result.step == 0 else f"at step {result.step:,}",
            "help": "How many samples were answered, and after how many steps of training.",
        }

    def _cells(self, snapshot: Snapshot) -> list[dict[str, str]]:
        if snapshot.dataset is not None and not snapshot.dataset.facts.classifies:
            return self._regression(snapshot)
        now = decisions(snapshot, self.options)
        if now is None:
            return [_cell(label, None, None, text) for label, text in FIGURES.values()]
        figures, intervals = dict(now.report.figures()), dict(now.report.intervals)
        if now.moved:
            figures |= _moved(now)
            intervals |= {"balanced_accuracy": None, "weighted_f1": None}
            intervals["accuracy"] = wilson(int(np.trace(now.confusion)), now.report.samples)
        reasons = {one.figure: one.reason for one in now.report.undefined if one.class_name is None}
        cells = [
            _cell(label, figures[name], intervals[name], text, reasons.get(name, "no class has what it takes"))
            for name, (label, text) in FIGURES.items()
        ]
        for count in list(now.report.top)[-1:]:  # the files have all of them
            name, text = f"top_{count}_accuracy", f"The true class is among the {count} likeliest ones."
            cells.append(_cell(f"top {count}", figures[name], intervals[name], text, reasons.get(name, "")))
        return cells

    def _regression(self, snapshot: Snapshot) -> list[dict[str, str]]:
        arrays = found(snapshot, self.options)
        report: RegressionReport | None = None if arrays is None else arrays["report"]
        target = None if report is None else report.targets[min(self.options.target, len(report.targets) - 1)]
        cells = [
            _cell(
                label, target and getattr(target, name), None if target is None else target.intervals[name], text,
                _reason(report, target.name, name) if report is not None and target is not None else "",
            )
            for name, (label, text) in VALUES.items()
        ]
        if target is not None and target.deviation is not None:
            cells += [_cell(label, getattr(target, name), None, text) for name, (label, text) in DEVIATIONS.items()]
        return cells


def _moved(now: Decisions) -> dict[str, float]:
    """The figures that a threshold changes."""
    classes = now.classes
    present = classes.support > 0
    return {
        "accuracy": float(np.trace(now.confusion)) / now.report.samples,
        "balanced_accuracy": float(classes.recall[present].mean()),
        "weighted_f1": classes.weighted()["f1"],
    }


def _reason(report: RegressionReport, target: str, figure: str) -> str:
    """Why a target has no such figure."""
    reasons = {(one.figure, one.class_name): one.reason for one in report.undefined}
    return reasons.get((figure, target)) or reasons.get((figure, None)) or ""


def _cell(label: str, value: float | None, interval: Interval | None, text: str, reason: str = "") -> dict[str, str]:
    note = "" if interval is None else f"{readable(interval[0])} to {readable(interval[1])}"
    if value is None and reason:
        note, text = "undefined", f"{text} UndefinedFigure here: {reason}."
    return {"label": label, "value": "–" if value is None else readable(value), "note": note, "help": text}


@dataclass(frozen=True, eq=False)
class ClassTableSlot(AnswersSlot):
    """The table of the figures of each class."""

    height: int = 400
    """At most so many pixels."""
    label: str = "The table of classes"
    """Its name for people."""

    def key(self, snapshot: Snapshot) -> str:
        """Always the same."""
        return "evaluate-classes"

    def part(self, snapshot: Snapshot) -> Part:
        """The table as it is now."""
        columns = [("class", ""), *((one.label, one.help) for one in CLASS_FIGURES.values())]
        columns += [(label, text) for label, text in _AREAS.values()]
        columns.append(("samples", ""))
        now = decisions(snapshot, self.options)
        rows, foot = ([], []) if now is None else (_class_rows(now, self.options.classes), [_weighted_row(now)])
        alt = f"Figures of {len(rows)} classes, and their mean weighted by samples"
        waits = "" if rows else "The figures of each class appear here as soon as all samples were answered."
        return figure_table(
            columns, rows, foot=foot, alt=alt, height=self.height, key=self.key(snapshot), caption=waits
        )  # fmt: skip


_AREAS = {
    "roc_auc": ("ROC AUC", "How often a sample of this class gets a higher probability of it than another does."),
    "average_precision": ("AP", "Average precision: the area under the precision-recall curve of this class."),
}


def _class_rows(now: Decisions, chosen: Sequence[int]) -> list[list[Cell]]:
    classes, report = now.classes, now.report
    undefined = {(one.figure, one.class_name): one.reason for one in (*classes.undefined, *report.undefined)}
    if now.moved:  # areas stay, fractions are others
        kept = {(one.figure, one.class_name) for one in classes.undefined}
        undefined = {key: reason for key, reason in undefined.items() if key in kept or key[0] in _AREAS}
    rows: list[list[Cell]] = []
    for index in chosen or range(len(report.class_names)):
        name = report.class_names[index]
        cells: list[Cell] = [(str(name), "", str(name))]
        for figure in CLASS_FIGURES:
            reason = undefined.get((figure, name))
            interval = None if now.moved else report.class_intervals[figure][index]
            note = "" if interval is None else f"{interval[0]:.2f}–{interval[1]:.2f}"
            value = f"{getattr(classes, figure)[index]:.3f}"
            cells.append(_undefined(reason) if reason else (value, note, ""))
        for figure in _AREAS:
            area = getattr(report, figure)[index]
            reason = undefined.get((figure, name)) or "it has no samples"
            cells.append(_undefined(reason) if area is None else f"{area:.3f}")
        rows.append([*cells, f"{int(classes.support[index]):,}"])
    return rows


def _undefined(reason: str) -> Cell:
    """A dash with its reason. Means count it as 0."""
    return "–", "undefined", f"UndefinedFigure: {reason}. In means it counts as 0."


def _weighted_row(now: Decisions) -> list[Cell]:
    weighted = now.classes.weighted()
    mean: list[Cell] = [("weighted mean", "", "Weighted by the samples of each class.")]
    mean += [f"{weighted[figure]:.3f}" for figure in CLASS_FIGURES]
    return [*mean, *("" for _ in _AREAS), f"{now.report.samples:,}"]


MOST_PAIRS = 200
"""Pairs of classes that are listed at most."""


@dataclass(frozen=True, eq=False)
class PairsSlot(AnswersSlot):
    """The pairs of classes that are confused most often: where there are many classes, the matrix is hard to read."""

    height: int = 300
    """At most so many pixels."""
    label: str = "The most confused classes"
    """Its name for people."""

    def key(self, snapshot: Snapshot) -> str:
        """Always the same."""
        return PAIRS

    def part(self, snapshot: Snapshot) -> Part:
        """The table as it is now."""
        now = decisions(snapshot, self.options)
        pairs = [] if now is None else now.confused(MOST_PAIRS, self.options.classes)
        rows: list[list[Cell]] = []
        if now is not None:
            names, support = [str(name) for name in now.report.class_names], now.confusion.sum(axis=1)
            rows = [[names[true], names[guess], f"{count:,}", percent(count / int(support[true]))]
                    for true, guess, count in pairs]  # fmt: skip
        columns = [("true class", ""), ("predicted as", ""), ("samples", ""), ("of the class", "Share of its samples.")]
        said = "Most confused classes: press one to see its samples." if pairs else ""
        alt = f"{len(pairs)} pairs of classes that are confused"
        table = figure_table(columns, rows, alt=alt, height=self.height, key=PAIRS, caption=said)
        return with_pick(table, pairs, _pick_pair)


PAIRS = "evaluate-pairs"


def _pick_pair() -> None:
    """Look at the samples of the pair that was pressed."""
    pair = picked_row(PAIRS)
    if isinstance(pair, list | tuple) and len(pair) == 3 and all(isinstance(part, int) for part in pair):
        st.session_state[CELL_TRUE], st.session_state[CELL_PREDICTED] = pair[:2]


@dataclass(frozen=True, eq=False)
class TargetTableSlot(AnswersSlot):
    """The table of the figures of each target of a regression."""

    height: int = 400
    """At most so many pixels."""
    label: str = "The table of targets"
    """Its name for people."""

    def key(self, snapshot: Snapshot) -> str:
        """Always the same."""
        return "evaluate-targets"

    def part(self, snapshot: Snapshot) -> Part:
        """The table as it is now."""
        arrays = found(snapshot, self.options)
        rows = [] if arrays is None else _target_rows(arrays)
        given = arrays is not None and arrays["deviation"] is not None
        columns = [("target", ""), *VALUES.values(), *(DEVIATIONS.values() if given else ())]
        alt = f"Figures of {len(rows)} targets"
        return figure_table(columns, rows, alt=alt, height=self.height, key=self.key(snapshot))


def _target_rows(arrays: Mapping[str, Any]) -> list[list[Cell]]:
    report: RegressionReport = arrays["report"]
    rows: list[list[Cell]] = []
    for target in report.targets:
        cells: list[Cell] = [(target.name, report.unit, "")]
        for figure in VALUES:
            value, interval = getattr(target, figure), target.intervals[figure]
            reason = _reason(report, target.name, figure)
            note = "" if interval is None else f"{readable(interval[0])} to {readable(interval[1])}"
            cells.append(_undefined(reason) if value is None else (readable(value), note, ""))
        if arrays["deviation"] is not None:
            given = (getattr(target, name) for name in DEVIATIONS)
            cells += [("–" if value is None else readable(value), "", "") for value in given]
        rows.append(cells)
    return rows


@dataclass(frozen=True, eq=False)
class ConfusionSlot(ViewSlot):
    """A confusion matrix with cells that can be pressed."""

    def part(self, snapshot: Snapshot) -> Part:
        """The matrix as it is now."""
        return pickable(super().part(snapshot), self._pick)

    def _pick(self) -> None:
        """Look at the samples of the cell that was pressed."""
        cell = picked_cell(self.name)
        chosen = self.options.classes
        if cell is not None and chosen:  # the last row and column hold all others
            cell = (chosen[cell[0]], chosen[cell[1]]) if max(cell) < len(chosen) else None
        if cell is not None:
            st.session_state[CELL_TRUE], st.session_state[CELL_PREDICTED] = cell
