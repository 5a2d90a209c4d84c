"""The record of a run: it grows with the run, and can be written and read."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import experiments, json_values

from mlp_core import data
from mlp_core.errors import SpecError
from mlp_core.presets import preset
from mlp_core.processor import Processor
from mlp_core.training.history import Buckets, Curves
from mlp_core.training.record import Change, RunRecord, Score
from mlp_core.training.trainer import Trainer

SPIRAL = preset("spiral").experiment
SPIRAL = SPIRAL.updated(training=SPIRAL.training.updated(batch_size=10))


def trained(steps: int = 40, **options: Any) -> Trainer:
    trainer = Trainer(SPIRAL, data.load(SPIRAL.data), processor=Processor(1), **options)
    for event in trainer.train(steps=steps):
        trainer.take(event)
    return trainer


def with_rate(rate: float) -> Any:
    return SPIRAL.updated(optimizer=SPIRAL.optimizer.updated(params={**SPIRAL.optimizer.params, "lr": rate}))


def test_it_tells_how_the_run_went() -> None:
    trainer = trained()
    record = trainer.recorder.record()
    assert (record.step, record.epoch, record.samples) == (40, 2, 400)
    assert record.experiment == SPIRAL
    assert record.start == "seed"
    assert record.changes == record.inexact == ()
    assert record.end == "epochs"
    assert record.engines == (trainer.snapshot("ready", "").engine,)
    assert record.device == "CPU"
    assert record.started is not None
    assert record.ended is not None
    assert record.started < record.ended
    assert record.last == record.best or record.best is not None
    assert record.last is not None
    assert record.last.step == 40
    assert record.curves is not None
    assert len(record.curves.train_loss.steps) == 40
    assert {"python", "torch"} <= set(record.versions)
    assert record.id == trainer.snapshot("ready", "").run
    assert trainer.recorder.record(10).curves.train_loss.steps.size <= 10  # type: ignore[union-attr]


def test_what_is_changed_before_the_first_step_is_the_experiment_itself() -> None:
    trainer = trained(steps=0)
    trainer.follow(with_rate(0.5))
    for event in trainer.train(steps=3):
        trainer.take(event)
    record, weights = trainer.recorder.record(), trainer.weights()
    assert record.experiment == weights.experiment == with_rate(0.5)
    assert record.changes == record.inexact == ()
    assert trainer.run.learning_rate == 0.5


def test_what_is_changed_later_is_told_with_its_step() -> None:
    trainer = trained(steps=7)
    trainer.follow(with_rate(0.5))
    longer = with_rate(0.5).updated(training=SPIRAL.training.updated(epochs=9))
    trainer.follow(longer)
    trainer.follow(longer)
    record = trainer.recorder.record()
    assert record.experiment == SPIRAL
    assert record.changes == (Change(7, "optimizer.lr", 0.03, 0.5), Change(7, "training.epochs", None, 9))
    assert record.inexact == ("Its learning rate was changed by hand while it was trained.",)
    assert trainer.weights().experiment == longer, "weights go with the settings that stand now"


def test_loaded_weights_are_told() -> None:
    first = trained()
    second = trained(steps=1, start=first.weights().tensors)
    record = second.recorder.record()
    assert record.start == "weights"
    assert len(record.inexact) == 1


def assert_same(one: RunRecord, other: RunRecord) -> None:
    assert {**vars(one), "curves": None} == {**vars(other), "curves": None}
    if one.curves is None:
        assert other.curves is None
        return
    assert other.curves is not None
    for name in ("steps", "mean", "low", "high"):
        np.testing.assert_array_equal(getattr(one.curves.train_loss, name), getattr(other.curves.train_loss, name))
    np.testing.assert_array_equal(one.curves.evaluations, other.curves.evaluations)
    np.testing.assert_array_equal(one.curves.learning_rates, other.curves.learning_rates)


def test_a_real_record_comes_back() -> None:
    trainer = trained()
    trainer.follow(with_rate(0.01))
    record = trainer.recorder.record()
    assert_same(record, RunRecord.from_json(record.to_json()))


FLOATS = st.floats(-(2.0**99), 2.0**99, width=32)


@st.composite
def curves(draw: st.DrawFn) -> Curves:
    count = draw(st.integers(0, 5))
    values = [np.array(draw(st.lists(FLOATS, min_size=count, max_size=count)), dtype=np.float32) for _ in range(3)]
    points = draw(st.lists(st.tuples(FLOATS, FLOATS, FLOATS | st.just(np.nan)), max_size=4))
    return Curves(
        Buckets(np.arange(count, dtype=np.float64), *values),
        np.array(points, dtype=np.float64).reshape(-1, 3),
        np.array(draw(st.lists(st.tuples(FLOATS, FLOATS), max_size=3)), dtype=np.float64).reshape(-1, 2),
    )


SCORES = st.builds(Score, st.integers(0, 10**9), st.integers(0, 10**6), st.none() | FLOATS, st.none() | FLOATS,
                   st.none() | st.floats(0, 1))  # fmt: skip


@given(
    experiments(),
    st.none() | curves(),
    st.none() | SCORES,
    st.lists(st.builds(Change, st.integers(0, 99), st.text(), st.none() | FLOATS, st.integers()), max_size=3),
    st.lists(st.text(), max_size=2),
)
@settings(max_examples=40)
def test_any_record_comes_back(experiment: Any, kept: Any, score: Any, changes: Any, texts: list[str]) -> None:
    record = RunRecord(
        experiment=experiment, curves=kept, best=score, last=score, changes=tuple(changes), inexact=tuple(texts),
        engines=tuple(texts), step=7,
    )  # fmt: skip
    assert_same(record, RunRecord.from_json(record.to_json()))


@given(st.data())
@settings(max_examples=60)
def test_a_damaged_record_is_refused_in_a_sentence(drawn: st.DataObject) -> None:
    good = json.loads(RunRecord(experiment=SPIRAL, last=Score(1, 0, 0.5, 0.5, None)).to_json())
    key = drawn.draw(st.sampled_from(sorted(good)) | st.text(max_size=5))
    value = drawn.draw(json_values(5))
    said = ""
    try:
        RunRecord.from_json(json.dumps({**good, key: value}))
    except SpecError as error:
        said = str(error)
    assert said.endswith(".") or (not said and key in good)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 2}', '{"format": 1}', "9" * 5_000_000])
def test_what_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(SpecError):
        RunRecord.from_json(text)
