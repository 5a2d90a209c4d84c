"""Runs are found by words, settings and figures, in any order, alike on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from test_run_store import ME, record

from mlp_core.errors import SpecError
from mlp_core.presets import preset
from mlp_core.store.comparison import curve_of, differing, steps_per
from mlp_core.store.query import OPERATORS, Condition, Query, parse_condition
from mlp_core.store.runs import RunStore
from mlp_core.store.settings import FIGURES, label_of
from mlp_core.training.record import RunRecord, Score


def spiral(rate: float, loss: float, *, started: float, activation: str = "Tanh", batch: int | None = 20) -> RunRecord:
    found = preset("spiral").experiment
    layers: Any = [{"type": activation} if layer.type == "Tanh" else layer for layer in found.layers]
    score = Score(100, 2, loss, loss, 1 - loss)
    experiment = found.updated(
        layers=layers, optimizer=found.optimizer.updated(params={**found.optimizer.params, "lr": rate}),
        training=found.training.updated(batch_size=batch),
    )  # fmt: skip
    return record(experiment=experiment, started=started, best=score, last=score)


RUNS = [
    spiral(0.001, 0.6, started=1),
    spiral(0.01, 0.2, started=2, activation="ReLU"),
    spiral(0.1, 0.1, started=3, batch=None),
    spiral(10.0, 0.9, started=4, activation="GELU"),
]
ORDER = {run.id: place for place, run in enumerate(RUNS)}


@pytest.fixture
def filled(store: RunStore) -> RunStore:
    for run in RUNS:
        store.save(ME, run, {})
    store.describe(ME, RUNS[1].id, name="Grün <b>", tags=["first try", " ", "first try"], note="100 % sure\x00")
    return store


def found(store: RunStore, *conditions: str, **query: Any) -> list[int]:
    asked = Query(conditions=tuple(parse_condition(text) for text in conditions), **query)
    runs = [ORDER[run.id] for run in store.runs(ME, asked)]
    assert store.count(ME, asked) == len(runs)
    return runs


def test_conditions_on_settings_and_figures_hold(filled: RunStore) -> None:
    assert found(filled, "optimizer.lr>=0.01") == [3, 2, 1]
    assert found(filled, "optimizer.lr = 1e-2") == [1]
    assert found(filled, "optimizer.lr>0.005", "best_test_loss<0.5") == [2, 1]
    assert found(filled, "layers.1.type=tanh") == [2, 0]
    assert found(filled, "layers.1.type!=Tanh") == [3, 1]
    assert found(filled, "network~relu") == [1]
    assert found(filled, "optimizer.nesterov=false") == [3, 2, 1, 0]
    assert found(filled, "training.batch_size=none") == [2]
    assert found(filled, "training.batch_size!=none") == [3, 1, 0]
    assert found(filled, "layers.1.type>3") == [], "what is no number is not compared as one"
    assert found(filled, "no.such_setting=3") == []
    assert found(filled, "name~grün") == [1]


def test_words_are_found_wherever_they_stand(filled: RunStore) -> None:
    assert found(filled, words="spiral gelu") == [3]
    assert found(filled, words="FIRST <B>") == [1]
    assert found(filled, words="100 %") == [1]
    assert found(filled, words="_") == [], "it stands for itself"
    (run,) = filled.runs(ME, Query(words="first"))
    assert (run.tags, run.note) == (("first try",), "100 % sure")


def test_every_order_has_runs_without_a_value_last(filled: RunStore) -> None:
    assert found(filled) == [3, 2, 1, 0]
    assert found(filled, sort="best_test_loss", descending=False) == [2, 1, 0, 3]
    assert found(filled, sort="optimizer.lr", descending=True) == [3, 2, 1, 0]
    assert found(filled, sort="layers.1.type", descending=False) == [3, 1, 2, 0]
    assert found(filled, sort="training.batch_size", descending=True)[-1] == 2
    assert found(filled, sort="name", descending=True)[0] == 1
    first = [run.id for run in filled.runs(ME, Query(), limit=2, offset=1)]
    assert [ORDER[run] for run in first] == [2, 1]


def test_order_needs_numbers() -> None:
    for operator in OPERATORS:
        Condition("optimizer.lr", operator, " 1e-3")
        if operator in "<≤>≥":
            for value in ("", "Tanh", "1,5", "nan", "1e999"):
                with pytest.raises(SpecError, match="needs a number"):
                    Condition("optimizer.lr", operator, value)
        else:
            Condition("optimizer.lr", operator, "<b>")


@pytest.mark.parametrize("text", ["", "lr", "=3", "a b=3", "optimizer.lr>abc", "x'); DROP TABLE runs;--=1", "a=1" * 90])
def test_what_is_no_condition_is_refused(text: str) -> None:
    if text == "a=1" * 90:
        assert parse_condition(text).field == "a"
        return
    with pytest.raises(SpecError):
        parse_condition(text)


def test_runs_are_compared_on_one_axis() -> None:
    one, other = RUNS[0], RUNS[1]
    assert len(curve_of(one, "train_loss")) == 100
    assert curve_of(one, "test_accuracy").mean.tolist() == [0.9]
    assert len(curve_of(one, "validation_loss")) == 0
    assert steps_per(one, "step") == 1
    assert differing([{"a": 1, "b": 2, "c": True}, {"a": 1, "b": 3, "c": 1}]) == ["b", "c"]
    assert differing([one.experiment.optimizer.params, other.experiment.optimizer.params]) == ["lr"]
    assert label_of("optimizer.lr") == "Learning rate"
    assert label_of("layers.1.out_features") == "Layer 2: neurons"
    assert all(label_of(name) == label for name, label in FIGURES.items())
