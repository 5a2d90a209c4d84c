"""Single samples with what the network says of them: those of a cell of the confusion matrix, and the worst errors."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from mlp_core.data.dataset import Dataset
from mlp_core.data.parts import PARTS
from mlp_core.evaluation import RegressionReport
from mlp_core.export.preprocessing import PLANE
from mlp_core.training.session import Session
from mlp_core.training.snapshot import Snapshot
from mlp_core.views import Options
from mlp_core.views.evaluation import ANSWERS, Decisions, decisions, found
from pages.components.image_grid import image_grid, image_store
from pages.evaluate.slots import CELL_PREDICTED, CELL_TRUE

MOST_IMAGES, MOST_ROWS = 36, 100
"""Samples that are shown at most."""


def cell_samples(session: Session, options: Options) -> None:
    """The samples of a cell: which one, and what is in it."""
    snapshot = session.snapshot()
    now = decisions(snapshot, options)
    if snapshot.dataset is None or now is None:
        return
    names = [str(name) for name in now.report.class_names]
    _forget_others(len(names))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for key, label in ((CELL_TRUE, "True class"), (CELL_PREDICTED, "Predicted as")):
            st.selectbox(
                label, list(range(len(names))), index=None, key=key, format_func=names.__getitem__, width=220,
                placeholder="press a cell, or choose", on_change=_redraw,
            )  # fmt: skip
    cell = st.session_state.get(CELL_TRUE), st.session_state.get(CELL_PREDICTED)
    if cell[0] is None or cell[1] is None:
        st.caption("Press a cell of the confusion matrix to see its samples.")
        return
    count = int(now.confusion[cell])
    shown = now.members(*cell, most=_most(snapshot.dataset))
    if not count:
        st.caption("There are no such samples.")
        return
    _say(f"{count:,} samples{_first(count, len(shown))}, the surest first", snapshot, options)
    _show(snapshot.dataset, options.part, shown, now)


def worst_samples(session: Session, options: Options) -> None:
    """The wrong answers that gave the true class the least probability."""
    snapshot = session.snapshot()
    now = decisions(snapshot, options)
    if snapshot.dataset is None or now is None:
        st.caption("Wrong answers appear here as soon as all samples of the part were answered.")
        return
    shown = now.worst(_most(snapshot.dataset))
    wrong = int(now.confusion.sum() - np.trace(now.confusion))
    if not wrong:
        st.success("Not one sample is predicted wrong.", icon=":material/check:")
        return
    _say(f"{wrong:,} wrong answers{_first(wrong, len(shown))}, the worst first", snapshot, options)
    _show(snapshot.dataset, options.part, shown, now)


def largest_errors(session: Session, options: Options) -> None:
    """The samples of a regression that are furthest off."""
    snapshot = session.snapshot()
    arrays = found(snapshot, options)
    if snapshot.dataset is None or arrays is None:
        st.caption("Errors appear here as soon as all samples of the part were answered.")
        return
    report: RegressionReport = arrays["report"]
    target = min(options.target, len(report.targets) - 1)
    actual, predicted = arrays["actual"][:, target], arrays["predicted"][:, target]
    order = np.argsort(-np.abs(np.nan_to_num(predicted - actual)), kind="stable")[:MOST_ROWS]
    _say(f"{report.samples:,} samples{_first(report.samples, len(order))}, the largest errors first", snapshot, options)
    table = {"actual": actual[order], "predicted": predicted[order], "error": (predicted - actual)[order]}
    if arrays["deviation"] is not None:
        table["σ"] = arrays["deviation"][order, target]
    _table(snapshot.dataset, options.part, order, table)


def _show(dataset: Dataset, part: str, places: NDArray[np.int64], now: Decisions) -> None:
    names = [str(name) for name in now.report.class_names]
    truth, guess = [names[i] for i in now.true[places]], [names[i] for i in now.predicted[places]]
    sure = [round(100 * float(value)) if np.isfinite(value) else None for value in now.confidence[places]]
    if not dataset.facts.holds_images:
        _table(dataset, part, places, {"predicted": guess, "true": truth, "sure, %": sure})
        return
    images = PARTS[part].samples(dataset, places)
    key = hashlib.sha256(places.tobytes() + dataset.spec.model_dump_json().encode() + part.encode()).hexdigest()[:10]
    image_store(images, key=f"evaluate-images-{key}")
    alt = f"{len(places)} images with what is predicted"
    items = list(zip(guess, truth, sure, strict=True))
    image_grid(f"evaluate-images-{key}", items, alt=alt, key=f"evaluate-grid-{key}").mount(0)


def _table(dataset: Dataset, part: str, places: NDArray[np.int64], answers: dict[str, object]) -> None:
    columns = list(dataset.feature_names if PARTS[part].points(dataset) is None else PLANE)
    frame = pd.DataFrame({"sample": places + 1, **answers})
    values = PARTS[part].samples(dataset, places).reshape(len(places), -1)
    for index, name in enumerate(columns):
        label, number = str(name), 2
        while label in frame:
            label, number = f"{name} ({number})", number + 1
        frame[label] = values[:, index]
    st.dataframe(frame, hide_index=True)


def _say(text: str, snapshot: Snapshot, options: Options) -> None:
    step = snapshot.views[ANSWERS.format(part=options.part)].step
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{text}. After {step:,} steps.")
        if snapshot.trains:
            st.button("Look again", key="look_again", icon=":material/refresh:", type="tertiary")


def _first(count: int, shown: int) -> str:
    return f" ({shown} are shown)" if shown < count else ""


def _most(dataset: Dataset) -> int:
    return MOST_IMAGES if dataset.facts.holds_images else MOST_ROWS


def _redraw() -> None:
    """The matrix frames the cell that is chosen here."""
    st.rerun()


def _forget_others(classes: int) -> None:
    """Let go of a cell that belonged to a set of more classes."""
    for key in (CELL_TRUE, CELL_PREDICTED):
        place = st.session_state.get(key)
        if isinstance(place, int) and place >= classes:
            del st.session_state[key]
