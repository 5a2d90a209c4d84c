"""What the loop tells: reports, evaluations and the end, also as JSON."""

from __future__ import annotations

import json
from dataclasses import fields

import numpy as np
import pytest
from small_runs import events_of, experiment, losses_in, make, of_kind

from mlp_core.training import loop
from mlp_core.training.diagnosis import DivergenceGuard
from mlp_core.training.events import Chunk, Evaluation, Report
from mlp_core.training.loop import LoopState


@pytest.mark.parametrize(("every", "batch"), [(1, 7), (2, 7), (3, 7), (6, 6), (100, 7)])
@pytest.mark.parametrize("chunk", [1, 4, 1000])
def test_reports_are_means_of_the_last_batches(
    every: int, batch: int, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "_pace", lambda *arguments: None)
    run = make(experiment(report_every=every, batch_size=batch))
    events = events_of(run, LoopState(DivergenceGuard(run), chunk_steps=chunk), epochs=3)
    losses = losses_in(events).astype(np.float64).reshape(3, -1)
    expected = [
        (epoch, end, losses[epoch, end - every : end].mean())
        for epoch in range(3)
        for end in range(every, losses.shape[1] + 1, every)
    ]
    reports = of_kind(events, Report)
    assert [report.batch for report in reports] == [end for _, end, _ in expected]
    assert [report.loss for report in reports] == pytest.approx([mean for _, _, mean in expected], rel=1e-12)


def test_train_loss_is_the_mean_of_the_epochs_batches_and_samples_are_counted() -> None:
    run = make(experiment(batch_size=7))
    state = LoopState(DivergenceGuard(run))
    events = events_of(run, state, epochs=3)
    losses = losses_in(events).astype(np.float64).reshape(3, -1)
    assert [e.train_loss for e in of_kind(events, Evaluation)] == pytest.approx(losses.mean(axis=1).tolist())
    assert sum(chunk.samples for chunk in of_kind(events, Chunk)) == 3 * 36 == state.samples
    partial = events_of(run, state, steps=len(losses.ravel()) + 2)
    assert state.train_loss == pytest.approx(losses_in(partial).mean(dtype=np.float64))


@pytest.mark.parametrize("dataset", ["moons", "plane"])
def test_finished_has_the_listed_fields_as_json(dataset: str) -> None:
    loss = "MSELoss" if dataset == "plane" else "CrossEntropyLoss"
    events = events_of(make(experiment(dataset=dataset, loss=loss)), epochs=2)
    records = [json.loads(json.dumps(event.as_record(), allow_nan=False)) for event in events]
    assert all(record["event"] == event.name for record, event in zip(records, events, strict=True))
    last = records[-1]
    wanted = {"reason", "epochs", "steps", "train_loss", "test_loss", "test_accuracy", "train_seconds"}
    wanted |= {"samples_per_second"}
    assert wanted <= set(last)
    assert set(last) - wanted == {"event", "step", "epoch"}
    assert (last["event"], last["reason"], last["epochs"], last["steps"]) == ("finished", "epochs", 2, 8)
    assert (last["epoch"], last["step"]) == (2, 8)
    assert last["train_seconds"] > 0
    assert last["samples_per_second"] == pytest.approx(72 / last["train_seconds"])
    final = of_kind(events, Evaluation)[-1]
    assert (last["test_loss"], last["test_accuracy"], last["train_loss"]) == (
        final.test_loss,
        final.test_accuracy,
        final.train_loss,
    )
    assert (last["test_accuracy"] is None) == (dataset == "plane")


def test_numbers_that_json_does_not_have_are_null() -> None:
    event = Evaluation(1, 0, float("nan"), float("inf"), None, np.eye(2, dtype=np.int64))
    assert event.as_record() == {
        "event": "evaluation", "step": 1, "epoch": 0, "train_loss": None, "test_loss": None,
        "test_accuracy": None, "confusion": [[1, 0], [0, 1]],
    }  # fmt: skip


def test_events_hold_no_live_tensors() -> None:
    for event in events_of(make(experiment(report_every=1)), epochs=1):
        for field in fields(event):
            value = getattr(event, field.name)
            assert isinstance(value, int | float | str | np.ndarray | None), field.name
