"""Many classes and many features stay readable: some are chosen, the others are shown together."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlp_core.data.overview import closest_features, closest_pairs
from mlp_core.evaluation.classes import folded
from mlp_core.figures.ranking import LOWEST_CURVES, shown
from mlp_core.figures.tables import MOST_CLASSES, class_balance
from mlp_core.presets import preset
from mlp_core.problems import with_data
from mlp_core.training.session import Session
from mlp_core.views.evaluation import OTHERS, Decisions
from pages.evaluate import slots
from pages.evaluate.screen import SHOWN_CLASSES
from pages.evaluate.slots import CELL_PREDICTED, CELL_TRUE
from tests.pages.test_evaluate import opened, parts, session  # noqa: F401
from tests.tables.test_training import spec_of

CLASSES = 15
TABLE = "x,y,of\n" + "".join(f"{n % CLASSES},{n % 4},kind {n % CLASSES:02d}\n" for n in range(20 * CLASSES))


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 6), st.data())
def test_a_folded_matrix_counts_every_sample_once(classes: int, drawn: st.DataObject) -> None:
    confusion = np.random.default_rng(classes).integers(0, 9, (classes, classes))
    chosen = drawn.draw(st.lists(st.integers(0, classes - 1), unique=True, min_size=1))
    found = folded(confusion, chosen)
    count = len(chosen)
    assert found.shape == (count + (count < classes),) * 2
    assert found.sum() == confusion.sum()
    assert (found[:count, :count] == confusion[np.ix_(chosen, chosen)]).all()
    assert (found[:count].sum(axis=1) == confusion[chosen].sum(axis=1)).all()


def test_pairs_and_curves_are_those_of_the_chosen_classes() -> None:
    confusion = np.array([[5, 3, 0], [1, 5, 2], [0, 4, 5]])
    now = Decisions(*[None] * 3, confusion, *[None] * 2)  # type: ignore[arg-type]
    assert now.confused(9) == [(2, 1, 4), (0, 1, 3), (1, 2, 2), (1, 0, 1)]
    assert now.confused(9, among=[0]) == [(0, 1, 3), (1, 0, 1)]
    areas = [0.5 + place / 100 for place in range(40)]
    assert shown(areas) == list(range(LOWEST_CURVES))
    assert shown([*areas, None], [40, 39, 2]) == [39, 2]
    assert shown(areas[:12]) == list(range(12))


def test_all_of_a_hundred_classes_have_a_bar_the_most_frequent_first() -> None:
    names = [f"class {place}" for place in range(100)]
    train, test = np.arange(100), np.full(100, 3)
    bars = class_balance(names, train, test)["data"][0]
    assert bars["x"] == names[::-1]
    many = [str(place) for place in range(2 * MOST_CLASSES)]
    assert len(class_balance(many, np.arange(len(many)), np.zeros(len(many)))["data"][0]["x"]) == MOST_CLASSES


def test_the_closest_features_are_found_wherever_they_stand() -> None:
    values = np.random.default_rng(0).normal(size=(400, 60))
    values[:, 50] = -values[:, 7] + 0.1 * values[:, 50]
    matrix = np.corrcoef(values.T)
    (first, second, value), *_ = closest_pairs(matrix, 3)
    assert (first, second) == (7, 50)
    assert value == matrix[7, 50] < -0.9
    assert closest_features(matrix, 2) == [7, 50]
    assert closest_pairs(np.full((3, 3), np.nan), 3) == []
    assert closest_features(np.full((3, 3), np.nan), 2) == [0, 1]


def test_some_of_many_classes_are_looked_at(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, session: Session  # noqa: F811
) -> None:  # fmt: skip
    monkeypatch.setenv("MLP_DATA_DIR", str(tmp_path))
    app = opened(monkeypatch, session, with_data(preset("spiral").experiment, spec_of(TABLE, tmp_path)))
    assert len(parts(app)["evaluate-classes"]["rows"]) == CLASSES
    app.multiselect(key=SHOWN_CLASSES).set_value([3, 9]).run()
    assert not app.exception
    found = parts(app)
    names = ["kind 03", "kind 09"]
    assert found["evaluate-confusion"]["figure"]["data"][0]["x"] == [*names, OTHERS]
    assert [row[0][0] for row in found["evaluate-classes"]["rows"]] == names
    assert all({row[0], row[1]} & set(names) for row in found["evaluate-pairs"]["rows"])
    app.button(key="evaluate-most-confused").click().run()
    assert not app.exception
    assert 2 <= len(app.multiselect(key=SHOWN_CLASSES).value) <= 11
    app.session_state["evaluate_tab"] = "Curves"
    app.run()
    assert not app.exception


@pytest.mark.parametrize(("pressed", "cell"), [((1, 0), (9, 3)), ((2, 0), None)], ids=["a class", "all others"])
def test_a_press_on_a_folded_matrix_means_the_chosen_classes(
    pressed: tuple[int, int], cell: tuple[int, int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    state: dict[str, Any] = {}
    monkeypatch.setattr(slots, "picked_cell", lambda key: pressed)
    monkeypatch.setattr(slots, "st", SimpleNamespace(session_state=state))
    place: Any = SimpleNamespace(name="matrix", options=SimpleNamespace(classes=(3, 9)))
    slots.ConfusionSlot._pick(place)
    assert state == ({} if cell is None else {CELL_TRUE: cell[0], CELL_PREDICTED: cell[1]})
