"""Operations on a run: what is measured around one, and what another network goes on from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mlp_core.run.build import Run
from mlp_core.run.metrics import TestResult, evaluate
from mlp_core.surgery import Operation
from mlp_core.surgery.weights import operate
from mlp_core.training.loop import LoopState
from mlp_core.training.record import Change, Effect, Surgery
from mlp_core.training.state import RunState
from mlp_core.training.stopping import EarlyStopping

if TYPE_CHECKING:
    from mlp_core.training.recorder import Recorder
    from mlp_core.training.state import Fork

TRAIN_SAMPLES = 5000
"""Training samples of which the loss is measured around an operation, at most."""


@dataclass(frozen=True)
class Scores:
    """The figures of a run at one moment."""

    train: TestResult
    """Of the training samples, evenly spaced ones of many."""
    test: TestResult
    """Of the test samples."""


def measure(run: Run, loop: LoopState) -> Scores:
    """Pass training and test samples through the network as it stands. The loop remembers the test pass."""
    loop.evaluate(run)
    return Scores(evaluate(run, "train", TRAIN_SAMPLES), evaluate(run))


@dataclass(frozen=True, eq=False)
class Intervention:
    """An operation that was done to a run before another one, or the same, goes on from it."""

    operation: Operation
    """What was done."""
    before: Scores
    """The figures before it."""
    undo: Fork
    """The run as it was right before it."""
    same: Recorder | None
    """The record of the run, where the same run goes on; None where the network is another one."""


def after_operation(state: RunState, operation: Operation) -> RunState:
    """The state after an operation; its loop knows nothing that is only true of the network before it."""
    checkpoint, experiment = operate(state.checkpoint, state.experiment, operation)
    loop = {**state.loop, "evaluation": None, "untold": None}
    if operation.entry.changes != "width":
        return replace(state, checkpoint=checkpoint, experiment=experiment, loop=loop)
    stopping = EarlyStopping()
    stopping.seen_epoch = stopping.counts_from = state.checkpoint.position.epoch
    return replace(
        state, checkpoint=checkpoint, experiment=experiment, loop={**loop, "stopping": stopping}, best=None,
        best_weights=None,
    )  # fmt: skip


def change_of(step: int, operation: Operation, before: RunState, after: RunState, effect: Effect) -> Change:
    """What the record keeps of an operation."""
    old, new = (state.experiment.layer_at(operation.path) for state in (before, after))
    place = "layers." + ".inside.".join(map(str, operation.path))
    values: tuple[object, object] = (None, None)
    if operation.entry.changes == "frozen":
        place, values = f"{place}.frozen", (old.frozen, new.frozen)
    elif operation.entry.changes == "width":
        place = f"{place}.params.out_features"
        values = (old.params["out_features"], new.params["out_features"])
    optimizer = before.experiment.optimizer.entry
    surgery = Surgery(
        step=step, type=operation.type, path=operation.path, neuron=operation.neuron, effect=effect,
        fresh_optimizer="" if optimizer.survives_surgery or not step else optimizer.label,
    )  # fmt: skip
    return Change(step, place, *values, surgery=surgery)


def effect_of(before: Scores, after: Scores) -> Effect:
    """The figures before and after."""
    return Effect(
        train_loss=(before.train.loss, after.train.loss),
        test_loss=(before.test.loss, after.test.loss),
        train_accuracy=(before.train.accuracy, after.train.accuracy),
        test_accuracy=(before.test.accuracy, after.test.accuracy),
    )
