"""The loop as a generator: what its seed decides, its chunks and limits, leaving and resuming it."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from small_runs import HIDDEN, events_of, experiment, layer, losses_in, make, of_kind

from mlp_core.engines import ChunkResult
from mlp_core.engines.eager import EagerEngine
from mlp_core.run.build import Run
from mlp_core.training import loop
from mlp_core.training.diagnosis import DivergenceGuard
from mlp_core.training.events import Chunk, Evaluation, Event, Finished, Report
from mlp_core.training.loop import LoopState, train


def test_the_seed_decides() -> None:
    first = losses_in(events_of(make(experiment(seed=1)), epochs=1))
    assert np.array_equal(first, losses_in(events_of(make(experiment(seed=1)), epochs=1)))
    assert not np.array_equal(first, losses_in(events_of(make(experiment(seed=2)), epochs=1)))


@pytest.mark.parametrize("chunk", [1, 3, 1000])
def test_chunks_make_no_difference(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = losses_in(events_of(make(experiment()), epochs=4))
    monkeypatch.setattr(loop, "_pace", lambda *arguments: None)
    run = make(experiment())
    events = events_of(run, LoopState(DivergenceGuard(run), chunk_steps=chunk), epochs=4, evaluate_epochs=False)
    assert np.array_equal(losses_in(events), expected)
    assert len(of_kind(events, Chunk)) == -(-16 // chunk)


@pytest.mark.parametrize("leave_after", range(1, 12))
def test_may_be_left_after_any_event_and_resumed(leave_after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_pace", lambda *arguments: None)
    drawn = experiment(*HIDDEN, layer("Dropout"), layer("Linear"), report_every=2)

    def run_left_after(count: int) -> list[Event]:
        run = make(drawn)
        state = LoopState(DivergenceGuard(run), chunk_steps=3)
        first: list[Event] = []
        for event in train(run, EagerEngine(), state, epochs=3):
            first.append(event)
            if len(first) == count:
                break
        rest = events_of(run, state, epochs=3) if not isinstance(first[-1], Finished) else []
        return [*first, *rest]

    whole, pieces = run_left_after(10**6), run_left_after(leave_after)
    assert np.array_equal(losses_in(pieces), losses_in(whole))
    ends = (whole[-1], pieces[-1])
    assert all(isinstance(end, Finished) for end in ends)
    for name in ("reason", "epochs", "steps", "train_loss", "test_loss", "test_accuracy"):
        assert getattr(ends[0], name) == getattr(ends[1], name), name
    # Reports and evaluations come at their steps; one that was due when the loop was left is the only one lost.
    for kind in (Report, Evaluation):
        expected, found = ({e.step: e for e in of_kind(events, kind)} for events in (whole, pieces))
        assert set(found) <= set(expected)
        assert len(found) >= len(expected) - 1


@pytest.mark.parametrize("known", [True, False])
def test_a_chunks_length_follows_the_time_that_its_steps_took(known: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not the time for which it waited to be told of; without that the wall clock has to do."""

    class Slow(EagerEngine):
        def run(self, run: Run, steps: int) -> ChunkResult:
            return replace(super().run(run, steps), seconds=0.001 * steps if known else None)

    clock = count(step=0.02)  # every chunk lasts 0.02 s on the wall clock
    monkeypatch.setattr(loop, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    run = make(experiment())
    state = LoopState(DivergenceGuard(run), chunk_seconds=0.0105)
    list(train(run, Slow(), state, steps=10))
    assert state.chunk_steps == (10 if known else 1)


def test_limits_count_from_the_start_of_the_run() -> None:
    run = make(experiment())
    state = LoopState(DivergenceGuard(run))
    first = events_of(run, state, steps=3)
    assert (run.position.step, run.position.epoch, run.position.batch) == (3, 0, 3)
    assert of_kind(first, Finished)[0].reason == "epochs"
    assert of_kind(events_of(run, state, steps=3), Chunk) == [], "nothing is left to do"
    events_of(run, state, epochs=1)
    assert (run.position.step, run.position.epoch, run.position.batch) == (4, 1, 0)
    events_of(run, state, steps=100, epochs=2)
    assert run.position.step == 8


def test_no_limit_goes_on() -> None:
    run = make(experiment())
    for event in train(run, EagerEngine()):
        assert not isinstance(event, Finished)
        if event.step > 300:
            break


def test_a_step_of_the_learning_rate_is_in_the_next_chunk() -> None:
    run = make(experiment())
    state = LoopState(DivergenceGuard(run))
    events_of(run, state, steps=2)
    before = [p.clone() for p in run.model.parameters()]
    run.learning_rate = 0.0
    (chunk,) = of_kind(events_of(run, state, steps=3), Chunk)
    assert chunk.learning_rate == run.learning_rate == 0.0
    assert all(torch.equal(a, b) for a, b in zip(before, run.model.parameters(), strict=True))
