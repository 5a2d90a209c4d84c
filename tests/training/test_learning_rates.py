"""The learning rate in the events and in the curve: every change at the step that was first done at it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_runs import events_of, make, of_kind
from strategies import schedulers

from mlp_core import data
from mlp_core.__main__ import main
from mlp_core.engines import Engine
from mlp_core.engines.choose import engine_for
from mlp_core.engines.eager import EagerEngine
from mlp_core.presets import preset
from mlp_core.run.build import build
from mlp_core.spec import Experiment, SchedulerSpec
from mlp_core.training.diagnosis import DivergenceGuard
from mlp_core.training.events import Chunk
from mlp_core.training.history import History
from mlp_core.training.loop import LoopState, train

STEPS_PER_EPOCH = 20
HALVED = SchedulerSpec(type="StepLR", params={"step_size": 10, "gamma": 0.5})


def spiral(scheduler: SchedulerSpec) -> Experiment:
    found = preset("spiral").experiment
    return found.updated(scheduler=scheduler, training=found.training.updated(batch_size=10))


def recorded(experiment: Experiment, engine: Engine, chunk: int, epochs: int) -> list[list[float]]:
    run, history = build(experiment, data.load(experiment.data)), History()
    state = LoopState(DivergenceGuard(run), chunk_steps=chunk)
    for event in train(run, engine, state, epochs=epochs, evaluate_epochs=False):
        if isinstance(event, Chunk):
            history.add_chunk(event)
    return history.curves().learning_rates.tolist()


@pytest.mark.parametrize("chunk", [1, 7, 10_000])
def test_a_schedule_that_halves_the_rate_is_recorded_where_it_does(chunk: int) -> None:
    experiment = spiral(HALVED)
    fast, _ = engine_for(build(experiment, data.load(experiment.data)))
    wanted = [[200 * i, 0.03 * 0.5**i] for i in range(4)]
    for engine in (EagerEngine(), fast):
        assert recorded(experiment, engine, chunk, epochs=40) == wanted


@given(schedulers(modest=True), st.integers(1, 50))
@settings(max_examples=25)
def test_the_events_tell_the_rate_of_every_step(scheduler: SchedulerSpec, chunk: int) -> None:
    """Filled in between its changes, the rate is that of `optimizer.param_groups` before each step of a script."""
    run = make(spiral(scheduler))
    state = LoopState(DivergenceGuard(run), chunk_steps=chunk)
    changes = np.concatenate([e.learning_rates for e in of_kind(events_of(run, state, epochs=4), Chunk)])
    script = make(spiral(scheduler))
    truth = []
    for _ in range(4 * STEPS_PER_EPOCH):
        truth.append(script.learning_rate)
        script.optimizer.step()
        script.batches.advance(script.position)
        script.follow_schedule()
    done = len(of_kind(events_of(run, state, epochs=4), Chunk)) == 0
    assert done
    steps = changes[:, 0].astype(int)
    known = [changes[np.searchsorted(steps, step, side="right") - 1, 1] for step in range(run.position.step)]
    assert known == truth[: run.position.step]
    assert (np.diff(steps) > 0).all()


def test_the_command_line_tells_every_change(capsys: pytest.CaptureFixture[str], tmp_path: object) -> None:
    from pathlib import Path

    file = Path(str(tmp_path)) / "halved.json"
    file.write_text(spiral(HALVED).to_json(), encoding="utf-8")
    assert main(["train", str(file), "--epochs", "25", "--jsonl"]) in (None, 0)
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    chunks = [record for record in records if record["event"] == "chunk"]
    assert all("learning_rates" in record for record in chunks)
    assert [change for record in chunks for change in record["learning_rates"]] == [
        [0, 0.03], [200, 0.015], [400, 0.0075],
    ]  # fmt: skip
