"""The report on a part as a file: all figures of the page as JSON, those of each class or target as CSV."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from mlp_core.errors import DataError
from mlp_core.evaluation import CLASS_FIGURES, classification_report
from mlp_core.export.standalone import write_table
from mlp_core.training.session import Session
from mlp_core.training.snapshot import Snapshot
from mlp_core.views import Options
from mlp_core.views.evaluation import ANSWERS, decisions, found

_OF_CLASSES = (*CLASS_FIGURES, "roc_auc", "average_precision", "support")
_OF_TARGETS = ("r2", "mae", "rmse")


def downloads(session: Session, options: Options) -> None:
    """Buttons that make the files of the newest answers when they are pressed."""
    name = f"evaluation-{options.part}"
    with st.popover("", icon=":material/download:", key="evaluate-files", help="Take the figures along as a file."):
        st.download_button(
            "All figures (.json)", lambda: as_json(session.snapshot(), options), f"{name}.json", "application/json",
            key="evaluate-json", on_click="ignore", width="stretch",
            help="What `python -m mlp_core evaluate` prints for saved weights.",
        )  # fmt: skip
        st.download_button(
            "Table (.csv)", lambda: as_csv(session.snapshot(), options), f"{name}.csv", "text/csv",
            key="evaluate-csv", on_click="ignore", width="stretch",
        )  # fmt: skip


def as_json(snapshot: Snapshot, options: Options) -> str:
    """All figures of the part, with where they come from."""
    return json.dumps(_report(snapshot, options), indent=2, allow_nan=False)


def as_csv(snapshot: Snapshot, options: Options) -> str:
    """A row for each class, or for each target; a figure that is undefined is an empty cell."""
    report = _report(snapshot, options)
    classes = report["task"] == "classification"
    undefined = {(one["figure"], one["class_name"]) for one in report["undefined"]}
    name, columns, rows = ("class", _OF_CLASSES, "per_class") if classes else ("target", _OF_TARGETS, "per_target")
    return write_table(
        [name, *columns],
        ([row[name], *("" if (column, row[name]) in undefined or row[column] is None else row[column]
                       for column in columns)] for row in report[rows]),
    )  # fmt: skip


def _report(snapshot: Snapshot, options: Options) -> dict[str, Any]:
    arrays, result = found(snapshot, options), snapshot.views.get(ANSWERS.format(part=options.part))
    if arrays is None or result is None or snapshot.dataset is None:
        raise DataError("There are no figures yet. Wait until all samples of the part were answered.")
    about: dict[str, Any] = {"dataset": snapshot.dataset.spec.dataset, "part": options.part, "step": result.step}
    now = decisions(snapshot, options) if snapshot.dataset.facts.classifies else None
    if now is None or not now.moved:
        return about | arrays["report"].as_dict()
    moved = classification_report(now.true, now.predicted, now.probabilities, now.report.class_names)
    return about | {"threshold": options.threshold} | moved.as_dict()
