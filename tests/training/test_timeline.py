"""Checkpoints through a run are few and small, and a run that goes on from one is the run that it was saved of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_runs import layer

from mlp_core import data
from mlp_core.engines import Engine
from mlp_core.engines.eager import EagerEngine
from mlp_core.engines.fast import FastEngine
from mlp_core.engines.native.engine import NativeEngine
from mlp_core.processor import Processor
from mlp_core.run.batches import Position
from mlp_core.run.build import Run
from mlp_core.spec import DataSpec, Experiment, LossSpec, OptimizerSpec, SchedulerSpec, TrainingSpec
from mlp_core.training import timeline as module
from mlp_core.training import trainer as trainer_module
from mlp_core.training.history import History, PointSeries, StepSeries
from mlp_core.training.timeline import Timeline
from mlp_core.training.trainer import Trainer

TINY = (layer("Linear", out_features=4), layer("Tanh"), layer("Linear"))
ENGINES: dict[str, Callable[[], Any]] = {
    "eager": EagerEngine, "fast": FastEngine, "native": lambda: NativeEngine(Processor(1)),
}  # fmt: skip
PLATEAU = SchedulerSpec(type="ReduceLROnPlateau", every="epoch", params={"patience": 0, "factor": 0.5})


def small(optimizer: str = "SGD", *, layers: Any = TINY, scheduler: SchedulerSpec | None = None,
          validation: float | None = None, training: dict[str, Any] | None = None,
          **params: Any) -> Experiment:  # fmt: skip
    return Experiment(
        data=DataSpec(dataset="xor", params={"points": 50}, validation_fraction=validation),
        layers=layers,
        loss=LossSpec(type="CrossEntropyLoss"),
        optimizer=OptimizerSpec(type=optimizer, params={"lr": 0.05, **params}),
        scheduler=scheduler,
        training=TrainingSpec(**{"batch_size": 7, "epochs": 20, "seed": 3, **(training or {})}),
    )


CASES = {
    "momentum": small(momentum=0.9),
    "Adam": small("Adam"),
    "schedule": small(momentum=0.9, scheduler=SchedulerSpec(type="OneCycleLR", every="step")),
    "dropout": small(layers=(TINY[0], layer("Dropout"), layer("BatchNorm1d"), *TINY[1:])),
    "validation": small(validation=0.3, scheduler=PLATEAU, training={"patience": 50, "accumulate_grad_batches": 2}),
}


def trained(experiment: Experiment, steps: int) -> Trainer:
    trainer = Trainer(experiment, data.load(experiment.data), processor=Processor(1))
    go_on(trainer, steps)
    return trainer


def go_on(trainer: Trainer, steps: int) -> None:
    for event in trainer.train(steps=steps):
        trainer.take(event)
    trainer.save_checkpoint(at_rest=True)


def forked(trainer: Trainer, step: int) -> Trainer:
    fork = trainer.fork(step)
    assert fork is not None
    assert fork.state.step == step
    return Trainer(trainer.run.experiment, trainer.run.dataset, processor=Processor(1), start=fork)


def numbers(run: Run) -> dict[str, Any]:
    """Everything that the next steps depend on."""
    found: dict[str, Any] = dict(run.model.state_dict())
    for place, kept in run.optimizer.state_dict()["state"].items():
        found |= {f"{place} {name}": value for name, value in kept.items()}
    rate = run.optimizer.state_dict()["param_groups"]
    schedule = None if run.scheduler is None else run.scheduler.state_dict()
    return found | {"groups": rate, "schedule": schedule, "stream": run.stream.state()[0], "order": run.batches.state(),
                    "position": run.position}  # fmt: skip


def assert_same(one: Run, other: Run) -> None:
    first, second = numbers(one), numbers(other)
    assert first.keys() == second.keys()
    for name, value in first.items():
        same = torch.equal(value, second[name]) if isinstance(value, torch.Tensor) else value == second[name]
        assert same, name


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("case", CASES)
def test_a_fork_without_changes_is_the_original_continuation(
    case: str, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def choose(run: Run, **_: object) -> tuple[Engine, str]:
        made = ENGINES[engine]()
        if engine != "eager":
            made.prepare(run)
        return made, ""

    monkeypatch.setattr(trainer_module, "engine_for", choose)
    original = trained(CASES[case], 7)
    go_on(original, 23)
    fork = forked(original, 7)
    assert fork.recorder.record().step == 7
    for step in (5, 23):
        go_on(fork, step)
    assert_same(original.run, fork.run)
    one, other = original.recorder.record(), fork.recorder.record()
    assert one.curves is not None
    assert other.curves is not None
    assert np.array_equal(one.curves.train_loss.mean, other.curves.train_loss.mean)
    assert np.array_equal(one.curves.learning_rates, other.curves.learning_rates)
    assert one.curves.evaluations[-1].tolist() == other.curves.evaluations[-1].tolist()
    assert (other.start, other.parent, other.parent_step) == ("checkpoint", one.id, 7)
    assert (one.experiment, one.changes, one.inexact) == (other.experiment, other.changes, other.inexact)
    assert (one.step, one.epoch, one.samples) == (other.step, other.epoch, other.samples)
    assert original.loop.train_loss == fork.loop.train_loss


def test_what_was_changed_by_hand_before_the_fork_is_in_its_record_and_what_came_after_is_not() -> None:
    original = trained(CASES["momentum"], 7)
    original.set_weight((0,), (1,), 0.5)
    original.save_checkpoint(at_rest=True)
    go_on(original, 15)
    slower = original.run.experiment.updated(optimizer=OptimizerSpec(type="SGD", params={"lr": 0.01, "momentum": 0.9}))
    original.follow(slower)
    go_on(original, 25)
    fork = forked(original, 15)
    assert [change.setting for change in fork.recorder.record().changes] == ["0.bias[1]"]
    assert fork.recorder.inexact == ("A weight of it was set by hand.",)
    assert fork.run.learning_rate == 0.05
    fork.follow(slower)
    go_on(fork, 25)
    assert_same(original.run, fork.run)
    assert [(change.step, change.setting) for change in fork.recorder.record().changes] == [
        (7, "0.bias[1]"), (15, "optimizer.lr"),
    ]  # fmt: skip
    again = forked(fork, 7)
    assert again.recorder.inexact == ("A weight of it was set by hand.",), "a fork of a fork"
    assert again.recorder.record().parent == fork.recorder.id


def test_looking_back_changes_nothing_of_the_run() -> None:
    watched, alone = trained(CASES["Adam"], 7), trained(CASES["Adam"], 7)
    go_on(watched, 12)
    go_on(alone, 12)
    before = watched.recorder.record()
    for step in (7, 0, 7):
        watched.look_at(step)
        watched.compute_views(["weights"], all_stale=True)
        shown = watched.snapshot("ready", "")
        assert (shown.step, shown.run_step, shown.looks_back) == (step, 12, True)
        assert shown.view("weights") is not None
        assert shown.views["weights"].step == step
        assert watched.weights().step == step
    watched.look_at(None)
    after = watched.recorder.record()
    assert after.curves is not None
    assert before.curves is not None
    assert np.array_equal(after.curves.evaluations, before.curves.evaluations)
    assert (after.best, after.last) == (before.best, before.last)
    go_on(watched, 30)
    go_on(alone, 30)
    assert_same(watched.run, alone.run)


# The bounds


def state(step: int, size: int = 10, loss: float = 1.0) -> Any:
    """Stands for the state of a run."""
    return SimpleNamespace(step=step, bytes=size, best_weights=None, train_loss=loss)


@given(
    st.lists(st.tuples(st.integers(1, 500), st.integers(1, 40)), max_size=200), st.integers(2, 12),
    st.integers(50, 300),
)  # fmt: skip
@settings(max_examples=15, deadline=None)
def test_checkpoints_are_bounded_in_number_and_bytes_and_in_order(
    saved: list[tuple[int, int]], most: int, most_bytes: int
) -> None:
    line, step = Timeline(most=most, most_bytes=most_bytes), 0
    line.add(state(0))
    for steps, size in saved:
        step += steps
        if line.due(step, worked=float(step)):
            line.add(state(step, size))
        assert len(line.states) <= most
        assert sum(each.bytes for each in line.states) <= most_bytes
        assert list(line.steps) == sorted(set(line.steps))
        assert not line.steps or line.steps[0] == 0, "the first one stays"
        assert bool(line.states) != bool(line.note)


def test_they_lie_evenly_over_a_long_run() -> None:
    line = Timeline(most=64)
    for step in range(0, 100_000, 7):
        if line.due(step, worked=float(step)):
            line.add(state(step))
    gaps = np.diff(line.steps)
    assert 32 <= len(line.states) <= 64
    assert gaps.max() <= 2 * gaps.min()
    assert line.steps[-1] > 100_000 - 2 * gaps.max()


def test_saving_takes_a_bounded_share_of_the_time() -> None:
    line, spent, work = Timeline(most=10**6), 0.0, 0.0
    line.add(state(0))
    for step in range(1, 2000):
        work += 0.01
        if line.due(step, work):
            line.add(state(step), seconds=0.004, worked=work)
            spent += 0.004
        assert spent <= module.SHARE * work + module.CREDIT_SECONDS + 0.004
    assert spent > 0.8 * module.SHARE * work
    assert not line.due(2000, work)
    assert line.due(2000, work, at_rest=True), "a run that stands still has time"


def test_a_network_of_which_two_do_not_fit_has_none_and_says_so() -> None:
    line = Timeline(most_bytes=100)
    line.add(state(0, 30))
    line.add(state(5, 90))  # the optimizer's state has come
    assert line.states == ()
    assert not line.due(10**6, 1e9)
    assert "none are kept" in line.note


def test_the_last_good_one_lies_before_the_loss_rose() -> None:
    line = Timeline()
    for step, loss in enumerate([float("nan"), 1.0, 0.5, 0.8, 3.0, 50.0, 4000.0]):
        line.add(state(step, loss=loss))
    found = line.last_good()
    assert found is not None
    assert found.step == 3
    line.cut(1)
    assert line.last_good() is line.states[0]
    assert Timeline().last_good() is None


@given(st.integers(0, 60), st.integers(0, 60), st.sampled_from([4, 8, 64]))
@settings(max_examples=15, deadline=None)
def test_a_history_up_to_a_step_goes_on_as_if_nothing_had_been_cut(first: int, more: int, capacity: int) -> None:
    values = np.arange(first + more, dtype=np.float32)
    whole, cut = StepSeries(capacity), StepSeries(capacity)
    whole.extend(values)
    made = whole.first(first)
    cut.extend(values[:first])
    made.extend(values[first:])
    assert made.buckets().steps[-1:].tolist() == whole.buckets().steps[-1:].tolist()
    total = (made.buckets().mean * np.diff(made.buckets().steps, prepend=0)).sum()
    assert total == pytest.approx(values.sum(), rel=0.2, abs=2 * capacity + first)
    if first + more <= capacity:
        assert np.array_equal(whole.first(first).buckets().mean, cut.buckets().mean), "exact while nothing is merged"


def test_rows_up_to_a_step() -> None:
    rows = PointSeries(2, 8)
    rows.extend(np.array([[step, step] for step in range(20)], dtype=float))
    cut = rows.until(9)
    assert cut.rows()[:, 0].max() <= 9
    cut.extend(np.array([[10.0, 1.0]]))
    assert cut.rows()[-1].tolist() == [10.0, 1.0]
    assert History().until(0, None, None).curves().evaluations.shape == (0, 3)


def test_a_record_of_a_fork_can_be_written_and_read() -> None:
    record = forked(trained(CASES["Adam"], 7), 7).recorder.record()
    read = type(record).from_json(record.to_json())
    assert (read.start, read.parent, read.parent_step) == ("checkpoint", record.parent, 7)
    assert "parent" not in replace(record, parent=None, parent_step=None).to_json()


def test_a_position_is_that_of_the_run_whatever_is_shown() -> None:
    trainer = trained(CASES["Adam"], 7)
    trainer.look_at(0)
    assert trainer.run.position == Position()
    assert trainer.position.step == 7
