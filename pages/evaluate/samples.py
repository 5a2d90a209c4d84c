"""Single samples with what the network says of them: those of a cell of the confusion matrix, and the worst errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from mlp_core.data.dataset import Dataset
from mlp_core.data.parts import PARTS
from mlp_core.data.pixel_rows import part_pictures
from mlp_core.evaluation import RegressionReport
from mlp_core.figures import percent, readable
from mlp_core.training.snapshot import Snapshot
from mlp_core.views import Options
from mlp_core.views.evaluation import ANSWERS, Decisions, decisions, found
from pages.components.figure_table import figure_table
from pages.components.image_grid import changing_images
from pages.components.part import Part
from pages.evaluate.slots import CELL_PREDICTED, CELL_TRUE, AnswersSlot

MOST_IMAGES, MOST_ROWS, MOST_FEATURES = 36, 100, 30
"""Samples, and features of each, that are shown at most."""
HEIGHT = 420
"""Of a table of samples, in pixels."""


def cell_choice(class_names: Sequence[object]) -> None:
    """Which cell's samples are listed: what a press on the matrix sets as well."""
    places = list(range(len(class_names)))
    for key in (CELL_TRUE, CELL_PREDICTED):  # one of a set of more classes
        place = st.session_state.get(key)
        if isinstance(place, int) and place >= len(places):
            del st.session_state[key]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for key, label in ((CELL_TRUE, "True class"), (CELL_PREDICTED, "Predicted as")):
            st.selectbox(label, places, index=None, key=key, format_func=lambda place: str(class_names[place]),
                         width=220, placeholder="press a cell, or choose")  # fmt: skip


@dataclass(frozen=True, eq=False)
class SamplesSlot(AnswersSlot):
    """Samples of one kind, which change while the network is trained."""

    kind: Literal["cell", "mistakes", "errors"]
    """Those of the cell that is looked at, the wrong answers, or the largest errors of a regression."""
    images: bool
    """Whether samples are shown as pictures."""
    label: str = "The samples"
    """Its name for people."""

    def key(self, snapshot: Snapshot) -> str:
        """One for images, one for rows."""
        return f"evaluate-{self.kind}-{'grid' if self.images else 'rows'}"

    def part(self, snapshot: Snapshot) -> Part:
        """The samples as they are now, with a sentence above them."""
        dataset, result = snapshot.dataset, snapshot.views.get(ANSWERS.format(part=self.options.part))
        if dataset is None or result is None or not result.data:
            return self._shown(snapshot, "Samples appear here as soon as all of the part were answered.")
        after = f" After {result.step:,} steps." if result.step else " Not trained yet."
        if self.kind == "errors":
            return self._errors(snapshot, dataset, after)
        now = decisions(snapshot, self.options)
        assert now is not None, "there are answers"
        most = MOST_IMAGES if self.images else MOST_ROWS
        if self.kind == "mistakes":
            count, places = int(now.confusion.sum() - np.trace(now.confusion)), now.worst(most)
            said = _said(count, len(places), "wrong answer", "the worst first")
            if not count:
                said = "Not one sample is predicted wrong."
        else:
            cell = self.options.cell
            if cell is None:
                return self._shown(snapshot, "Press a cell of the confusion matrix to see its samples.")
            count, places = int(now.confusion[cell]), now.members(*cell, most=most)
            said = _said(count, len(places), "sample", "the surest first") if count else "There are no such samples."
        return self._answers(snapshot, dataset, places, now, said + after)

    def _answers(
        self, snapshot: Snapshot, dataset: Dataset, places: NDArray[np.int64], now: Decisions, said: str
    ) -> Part:
        names = [str(name) for name in now.report.class_names]
        sure = [float(value) for value in now.confidence[places]]
        true, guess = [names[i] for i in now.true[places]], [names[i] for i in now.predicted[places]]
        if not self.images:
            answers = {"predicted": guess, "true": true, "confidence": [percent(value) for value in sure]}
            return self._table(snapshot, dataset, places, answers, said)
        items = [
            (one, other, round(100 * value) if np.isfinite(value) else None)
            for one, other, value in zip(guess, true, sure, strict=True)
        ]
        samples = part_pictures(dataset, self.options.part, places)
        alt = f"{len(places)} images with what is predicted"
        return changing_images(samples, items, alt=alt, caption=said, key=self.key(snapshot))

    def _errors(self, snapshot: Snapshot, dataset: Dataset, after: str) -> Part:
        arrays = found(snapshot, self.options)
        assert arrays is not None, "there are answers"
        report: RegressionReport = arrays["report"]
        target = min(self.options.target, len(report.targets) - 1)
        actual, predicted = arrays["actual"][:, target], arrays["predicted"][:, target]
        order = np.argsort(-np.abs(np.nan_to_num(predicted - actual)), kind="stable")[:MOST_ROWS]
        columns = {"actual": actual, "predicted": predicted, "error": predicted - actual}
        if arrays["deviation"] is not None:
            columns["σ"] = arrays["deviation"][:, target]
        answers = {name: [readable(float(value)) for value in values[order]] for name, values in columns.items()}
        said = _said(report.samples, len(order), "sample", "the largest errors first")
        return self._table(snapshot, dataset, order, answers, said + after)

    def _table(
        self, snapshot: Snapshot, dataset: Dataset, places: NDArray[np.int64], answers: dict[str, list[str]], said: str
    ) -> Part:
        names = dataset.feature_names[:MOST_FEATURES]
        if len(dataset.feature_names) > len(names):
            said += f" The first {len(names)} of {len(dataset.feature_names):,} features."
        values = PARTS[self.options.part].samples(dataset, places)[:, : len(names)]
        rows = [
            [f"{place + 1:,}", *(column[index] for column in answers.values()), *map(readable, values[index].tolist())]
            for index, place in enumerate(places.tolist())
        ]
        columns = [("sample", "Its number in the part."), *((name, "") for name in answers)]
        columns += [(str(name), "") for name in names[: values.shape[1]]]
        return self._shown(snapshot, said, columns, rows)

    def _shown(
        self, snapshot: Snapshot, said: str, columns: Sequence[tuple[str, str]] = (), rows: Sequence[list[str]] = ()
    ) -> Part:
        key = self.key(snapshot)
        if self.images:
            return changing_images(_NONE, [], alt=said, caption=said, key=key)
        return figure_table(columns, rows, alt=said, height=HEIGHT, key=key, caption=said)


_NONE = np.zeros((0, 1, 1, 1), dtype=np.uint8)


def _said(count: int, shown: int, what: str, order: str) -> str:
    kept = f" ({shown} are shown)" if shown < count else ""
    return f"{count:,} {what}{'' if count == 1 else 's'}{kept}, {order}."


def samples_slot(options: Options, dataset: Dataset, kind: Literal["cell", "mistakes", "errors"]) -> SamplesSlot:
    """The place of the samples of such data."""
    return SamplesSlot(options, kind, dataset.facts.classifies and dataset.facts.picture_shape is not None)
