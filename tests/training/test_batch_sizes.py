"""A batch size that is changed while a run goes on: from the next epoch, on every engine, and in the record."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from small_runs import make

from mlp_core import data
from mlp_core.engines.choose import engine_for
from mlp_core.engines.eager import EagerEngine
from mlp_core.presets import preset
from mlp_core.processor import Processor
from mlp_core.run.build import Run
from mlp_core.run.checkpoint import restore, save
from mlp_core.spec import Experiment
from mlp_core.training.diagnosis import DivergenceGuard
from mlp_core.training.events import Chunk
from mlp_core.training.loop import LoopState, train
from mlp_core.training.recorder import RESIZED
from mlp_core.training.trainer import Trainer
from mlp_core.views.curves import evaluation_curve, learning_rate, train_curve
from mlp_core.views.view import Options

SAMPLES = 200


def resized(size: int | None) -> Experiment:
    base = preset("spiral").experiment
    return base.updated(training=base.training.updated(batch_size=size))


def by_hand(run: Run, sizes: list[int]) -> list[float]:
    """The losses of a script that makes a loader of another size for each epoch."""
    losses = []
    for size in sizes:
        run.batches.set_size(size)
        for _ in range(-(-SAMPLES // size)):
            losses += EagerEngine().run(run, 1).losses.tolist()
    return losses


@pytest.mark.parametrize("chunk", [1, 7, 1000])
@pytest.mark.parametrize("engine", ["eager", "a session's"])
def test_it_holds_from_the_next_epoch(engine: str, chunk: int) -> None:
    run = make(resized(10))
    runner = EagerEngine() if engine == "eager" else engine_for(run)[0]
    state = LoopState(DivergenceGuard(run), chunk_steps=chunk)
    found: list[float] = []
    for steps, size in ((5, 32), (20 + 7, None), (20 + 7 + 1, 10), (20 + 7 + 1 + 20, 10)):
        events = train(run, runner, state, steps=steps, evaluate_epochs=False)
        found += [loss for event in events if isinstance(event, Chunk) for loss in event.losses.tolist()]
        run.batches.resize(size)
    plain = make(resized(10))
    assert found == by_hand(plain, [10, 32, 200, 10])
    assert run.batches.marks == [(20, 1), (27, 2), (28, 3)]
    assert (run.position.step, run.position.epoch, run.position.batch) == (48, 4, 0)
    for ours, theirs in zip(run.model.parameters(), plain.model.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_epochs_are_counted_in_epochs() -> None:
    run = make(resized(10))
    state = LoopState(DivergenceGuard(run))
    list(train(run, EagerEngine(), state, epochs=1))
    run.batches.resize(50)
    list(train(run, EagerEngine(), state, epochs=3))
    assert (run.position.step, run.position.epoch) == (20 + 4 + 4, 3)


def test_a_checkpoint_of_before_brings_the_size_back() -> None:
    run = make(resized(10))
    EagerEngine().run(run, 25)
    kept = save(run)
    losses = EagerEngine().run(run, 15).losses.tolist()
    run.batches.resize(64)
    run.batches.settle(run.position)
    assert run.batches.batch_size == 64
    restore(run, kept)
    assert run.batches.batch_size == 10
    assert EagerEngine().run(run, 15).losses.tolist() == losses


def test_the_record_and_the_curves_tell_it() -> None:
    processor = Processor()
    trainer = Trainer(resized(10), data.load(resized(10).data), processor=processor)
    for event in trainer.train(steps=5):
        trainer.take(event)
    trainer.follow(resized(50))
    assert trainer.run.batches.batch_size == 10
    for event in trainer.train(epochs=3):
        trainer.take(event)
    record = trainer.recorder.record()
    assert [(change.step, change.setting, change.before, change.after) for change in record.changes] == [
        (5, "training.batch_size", 10, 50)
    ]
    assert record.inexact == (RESIZED,)
    assert record.experiment == resized(10)
    snapshot = trainer.snapshot("ready", "")
    assert (snapshot.step, snapshot.batches_per_epoch, snapshot.epoch_marks) == (28, 4, ((20, 1),))
    train_x = train_curve(snapshot).x / 4
    assert np.allclose(train_x[:20], np.arange(1, 21) / 20)
    assert np.allclose(train_x[20:], 1 + np.arange(1, 9) / 4)
    assert evaluation_curve(snapshot, Options(), 1).x[-1] / 4 == 3
    assert learning_rate(snapshot, Options()) is not None
    assert resized(10).without_live() == resized(50).without_live()
