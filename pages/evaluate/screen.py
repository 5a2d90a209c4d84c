"""What is on the Evaluate page's screen, as plain values: read in a run of the page, used by its moving parts."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

from mlp_core.data.dataset import Dataset
from mlp_core.data.parts import PARTS
from mlp_core.figures.confusion import MOST_WITH_NUMBERS
from mlp_core.views import USUAL_THRESHOLD, Options
from mlp_core.views.evaluation import feature_names
from pages.evaluate.samples import samples_slot
from pages.evaluate.slots import (
    CELL_PREDICTED,
    CELL_TRUE,
    ClassTableSlot,
    ConfusionSlot,
    FiguresSlot,
    PairsSlot,
    TargetTableSlot,
)
from pages.live.slots import Slot, ViewSlot
from pages.shared.layout import theme
from pages.shared.link import hidden

CLASSES, CURVES, CALIBRATION, MISTAKES, ONE = "Classes", "Curves", "Calibration", "Mistakes", "Predict one"
VALUES, RESIDUALS, ERRORS = "Values", "Residuals", "Largest errors"
TALL, TALLER = 400, 620
"""The height of a chart with one beside it, in pixels, and of a matrix of many classes."""
SHOWN_CLASSES = "evaluate_classes"
"""The widget that says which of many classes are looked at: indices of classes."""
MOST_SHOWN = MOST_WITH_NUMBERS - 1
"""Classes that can be chosen; with all others together their matrix still has numbers."""
NORMALISE = {"counts": "", "by row": "true", "by column": "pred"}


@dataclass(frozen=True)
class Screen:
    """What a reader has chosen to see."""

    dataset: Dataset
    """The run's data."""
    parts: tuple[str, ...]
    """The parts that may be looked at."""
    options: Options
    """How views are drawn."""
    tab: str
    """The open tab."""

    @property
    def two_classes(self) -> bool:
        """Whether there is a threshold to choose."""
        return self.dataset.facts.classes == 2

    @property
    def many_classes(self) -> bool:
        """Whether there are so many that a reader may choose some to look at."""
        return self.dataset.facts.classes > MOST_WITH_NUMBERS

    @property
    def tabs(self) -> tuple[str, ...]:
        """The tabs for such data."""
        return tabs_of(self.dataset)

    def slots(self) -> dict[str, list[Slot]]:
        """The places whose content moves, by area: the strip of figures, and one or two rows of the open tab."""
        classes = self.dataset.facts.classes
        tall = TALL if classes <= MOST_WITH_NUMBERS else TALLER
        confusion = ConfusionSlot("evaluate-confusion", ("evaluation_confusion",), self.options, tall)
        table = ClassTableSlot(self.options, tall)
        pairs: list[Slot] = [PairsSlot(self.options, tall if self.many_classes else 300)] if classes > 2 else []
        cell = samples_slot(self.options, self.dataset, "cell")
        rows: dict[str, tuple[list[Slot], ...]] = {
            CLASSES: ([confusion, *pairs], [], [cell, table]) if self.many_classes
            else ([confusion, table], [], [*pairs, cell]),
            CURVES: (self._charts("roc", "precision_recall"),
                     *(([confusion, table], [cell]) if self.two_classes else ())),
            CALIBRATION: (self._charts("calibration", "confidence"),),
            MISTAKES: ([], [], [samples_slot(self.options, self.dataset, "mistakes")]),
            VALUES: ([*self._charts("values"), TargetTableSlot(self.options, TALL)],),
            RESIDUALS: (self._charts("residuals", "feature_residuals"),),
            ERRORS: ([], [], [samples_slot(self.options, self.dataset, "errors")]),
        }  # fmt: skip
        found = dict(zip(("first", "second", "samples"), (*rows.get(self.tab, ()), [], [], []), strict=False))
        return {"strip": [FiguresSlot(self.options)], **found}

    def _charts(self, *names: str) -> list[Slot]:
        return [ViewSlot(f"evaluate-{name}", (f"evaluation_{name}",), self.options, TALL) for name in names]


def tabs_of(dataset: Dataset) -> tuple[str, ...]:
    """The tabs for such data."""
    if dataset.facts.classifies:
        return (CLASSES, CURVES, CALIBRATION, MISTAKES, ONE)
    return (VALUES, RESIDUALS, ERRORS, ONE)


def screen(dataset: Dataset) -> Screen:
    """As the page is now; call in a run of the page."""
    state = st.session_state
    parts = tuple(
        name for name, part in PARTS.items() if part.exists(dataset) and not (name == "test" and hidden("test"))
    )
    part = state.get("evaluate_part") if state.get("evaluate_part") in parts else parts[0]
    options = Options(
        theme=theme(),
        part=part,
        normalise=NORMALISE.get(state.get("evaluate_normalise") or "", ""),  # type: ignore[arg-type]
        target=_place("evaluate_target", dataset.facts.target_names),
        feature=_place("evaluate_feature", feature_names(dataset)),
    )
    if dataset.facts.classes == 2:
        options = replace(options, threshold=float(state.get("evaluate_threshold", USUAL_THRESHOLD)))
    if dataset.facts.classes > MOST_WITH_NUMBERS:
        chosen = state.get(SHOWN_CLASSES) or ()
        options = replace(options, classes=tuple(place for place in chosen if place < dataset.facts.classes))
    cell = state.get(CELL_TRUE), state.get(CELL_PREDICTED)
    if all(isinstance(place, int) and place < dataset.facts.classes for place in cell):
        options = replace(options, cell=cell)
    tabs = tabs_of(dataset)
    open_tab = state.get("evaluate_tab")
    return Screen(dataset, parts, options, open_tab if open_tab in tabs else tabs[0])


def _place(key: str, names: tuple[str, ...] | list[str]) -> int:
    found = st.session_state.get(key)
    return found if isinstance(found, int) and found < len(names) else 0
