"""The training loop as a generator of events: a plain `for` in a test, the body of the thread in the app.

It may be left after any event and called again on the same run: everything that goes on is in the run.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from mlp_core.engines import Engine
from mlp_core.processor.policy import CHUNK_SECONDS
from mlp_core.run.build import Run
from mlp_core.run.metrics import evaluate
from mlp_core.training.diagnosis import DivergenceGuard
from mlp_core.training.events import Chunk, EarlyStop, Evaluation, Events, Finished, Report
from mlp_core.training.stopping import EarlyStopping

FIRST_CHUNK = 1
"""Steps of a run's first chunk: one of the largest networks takes a second."""
GROWTH = 64
"""How many times longer than the chunk before a chunk may be: a step that happened to be fast is no measure yet. In a
class that edits, most chunks are a run's first ones, so they must grow within a turn."""


_OF_THE_MACHINE = ("guard", "chunk_steps", "chunk_seconds", "processor_seconds")
"""Fields of `LoopState` on which no number of a run depends."""


@dataclass
class LoopState:
    """What the loop remembers of a run between calls."""

    guard: DivergenceGuard
    """Looks at every chunk's losses."""
    chunk_steps: int = FIRST_CHUNK
    """Steps of the next chunk at most."""
    chunk_seconds: float = CHUNK_SECONDS
    """How long a chunk should last."""
    epoch_loss: float = 0.0
    """The sum of the losses of the epoch's batches so far."""
    report: list[np.ndarray] = field(default_factory=list)
    """Losses since the last report."""
    train_loss: float = float("nan")
    """The mean loss of the epoch's batches so far, or of the last epoch at its end."""
    learning_rate: float = float("nan")
    """The learning rate of the last step."""
    seconds: float = 0.0
    """Seconds of all chunks."""
    processor_seconds: float = 0.0
    """Processor time of all chunks, without waiting for others; seconds of chunks whose engine does not know it."""
    samples: int = 0
    """Training samples of all chunks."""
    evaluation: Evaluation | None = None
    """The newest pass over the test samples."""
    evaluation_seconds: float = 0.0
    """Seconds that it took."""
    untold: Evaluation | None = None
    """The figures of an epoch's end that no event has told yet."""
    stopping: EarlyStopping = field(default_factory=EarlyStopping)
    """Looks at every epoch's figures, where the experiment has a patience."""

    def memory(self) -> Mapping[str, Any]:
        """A copy of all that a run which goes on from here must remember, for `recall`."""
        found = {each.name: getattr(self, each.name) for each in fields(self) if each.name not in _OF_THE_MACHINE}
        return found | {"report": list(self.report), "stopping": copy(self.stopping)}

    def recall(self, memory: Mapping[str, Any]) -> None:
        """Remember what `memory` gave; that can be used again."""
        for name, value in memory.items():
            setattr(self, name, copy(value) if name in ("report", "stopping") else value)

    def take_untold(self, run: Run) -> Evaluation | None:
        """What is untold of the run as it stands, once."""
        found, self.untold = self.untold, None
        return found if found is not None and found.step == run.position.step else None

    def evaluate(self, run: Run) -> Evaluation:
        """Validate, where there is a validation part, and test the run as it stands."""
        began = time.perf_counter()
        validation = None if run.x_validation is None else evaluate(run, "validation")
        result = evaluate(run)
        position = run.position
        self.evaluation = Evaluation(
            position.step,
            position.epoch,
            self.train_loss,
            result.loss,
            result.accuracy,
            result.confusion,
            None if validation is None else validation.loss,
            None if validation is None else validation.accuracy,
        )
        self.evaluation_seconds = time.perf_counter() - began
        return self.evaluation


def train(
    run: Run,
    engine: Engine,
    state: LoopState | None = None,
    *,
    epochs: int | None = None,
    steps: int | None = None,
    evaluate_epochs: bool = True,
) -> Events:
    """Train until a number of finished epochs or of steps is reached (counted from the run's start), or it diverges, or
    its patience is at an end.

    At an epoch's end comes an `Evaluation`, unless `evaluate_epochs` is False and nothing of the run depends on it:
    then a chunk may run through several epochs, and whoever calls evaluates when it suits. The last event is
    `Finished`.
    """
    state = state or LoopState(DivergenceGuard(run))
    report_every = run.experiment.training.report_every
    evaluate_epochs = evaluate_epochs or run.looks_at_loss or run.experiment.training.patience is not None
    reason = "epochs"
    if (evaluation := state.take_untold(run)) is not None:  # the loop was left before
        yield evaluation
    if (stop := _early_stop(run, state)) is not None:
        yield stop
        reason = "early stopping"
    run.batches.settle(run.position)
    while reason == "epochs" and (left := _left(run, epochs, steps)) > 0:
        position = run.position
        if evaluate_epochs or report_every or run.batches.resizes:
            left = min(left, run.batches.per_epoch - position.batch)
        if report_every:
            left = min(left, report_every - position.batch % report_every)
        state.guard.before_chunk(run)
        step_before, samples_before = position.step, _samples_at(run)
        began = time.perf_counter()
        result = engine.run(run, int(min(left, state.chunk_steps)))
        seconds = time.perf_counter() - began
        state.processor_seconds += (worked := seconds if result.seconds is None else result.seconds)
        _pace(state, len(result.losses), worked)
        diverged = state.guard.after_chunk(run, engine, result)
        position = run.position
        losses = result.losses[: max(0, position.step - step_before)]  # after a fault, what was kept
        if len(losses):
            samples = _samples_at(run) - samples_before
            _count(state, run, losses, samples, seconds)
            rates = result.learning_rates[: len(losses)]
            changes = _changes(state, step_before, rates)
            if position.batch == 0 and evaluate_epochs and not diverged:
                # Before the event: whoever takes it may leave, and what the next steps depend on is done by then.
                state.untold = _end_epoch(run, state)
            yield Chunk(position.step, position.epoch, losses, samples, seconds, state.learning_rate, changes)
            if report_every:
                yield from _reports(state, run, report_every, losses)
            if (evaluation := state.take_untold(run)) is not None:
                yield evaluation
                if (stop := _early_stop(run, state)) is not None:
                    yield stop
                    reason = "early stopping"
        if diverged:
            yield diverged
            reason = "diverged"
            break
        run.batches.settle(run.position)
    yield _finished(run, state, reason)


def _end_epoch(run: Run, state: LoopState) -> Evaluation:
    """The figures of an epoch's end; early stopping has looked at them, and a schedule that looks at the loss too."""
    evaluation = state.evaluate(run)
    if state.stopping.due(run):
        state.stopping.look(run, evaluation)
    run.tell_loss(evaluation.monitored_loss)
    return evaluation


def _early_stop(run: Run, state: LoopState) -> EarlyStop | None:
    """The early end of the run, where that was decided."""
    stop = state.stopping.stop(run)
    if stop is not None and stop.restored:
        state.guard.start_over(run)
        state.evaluate(run)
    return stop


def _left(run: Run, epochs: int | None, steps: int | None) -> float:
    """How many steps are left of so many epochs, and of so many steps, counted from the run's start."""
    position = run.position
    of_epochs = math.inf if epochs is None else (epochs - position.epoch) * run.batches.per_epoch - position.batch
    return min(of_epochs, math.inf if steps is None else steps - position.step)


def _changes(state: LoopState, first: int, rates: np.ndarray) -> np.ndarray:
    """Where the learning rate changed, float64 (changes, 2), in a chunk whose first step is `first`."""
    before = np.concatenate(([state.learning_rate], rates[:-1]))
    places = np.flatnonzero(rates != before)  # NaN, before the run's first step, differs from everything
    state.learning_rate = float(rates[-1])
    return np.column_stack([first + places, rates[places]]).astype(np.float64)


def _samples_at(run: Run) -> int:
    """Training samples from the run's start to its position."""
    return run.position.epoch * len(run.batches.x) + run.position.batch * run.batches.batch_size


def _pace(state: LoopState, steps: int, seconds: float) -> None:
    """Aim the next chunk at its time, growing by a factor at most."""
    wanted = int(steps * state.chunk_seconds / max(seconds, 1e-9))
    state.chunk_steps = max(1, min(wanted, GROWTH * state.chunk_steps))


def _count(state: LoopState, run: Run, losses: np.ndarray, samples: int, seconds: float) -> None:
    state.seconds += seconds
    state.samples += samples
    batches = run.position.batch or run.batches.per_epoch
    carried = 0.0 if len(losses) >= batches else state.epoch_loss
    total = carried + float(losses[-batches:].sum(dtype=np.float64))
    state.train_loss = total / batches
    state.epoch_loss = total if run.position.batch else 0.0


def _reports(state: LoopState, run: Run, every: int, losses: np.ndarray) -> Events:
    """The mean of the last `every` losses, when that many of this epoch are complete."""
    state.report.append(losses)
    position = run.position
    if (position.batch and position.batch % every == 0) or (position.batch == 0 and run.batches.per_epoch % every == 0):
        mean = float(np.concatenate(state.report).mean(dtype=np.float64))
        yield Report(position.step, position.epoch, position.batch or run.batches.per_epoch, mean)
        state.report.clear()
    elif position.batch == 0:
        state.report.clear()


def _finished(run: Run, state: LoopState, reason: str) -> Finished:
    position, last = run.position, state.evaluation
    if last is None or last.step != position.step:
        last = state.evaluate(run)
    return Finished(
        position.step,
        position.epoch,
        reason,
        position.epoch,
        position.step,
        None if np.isnan(state.train_loss) else state.train_loss,
        last.test_loss,
        last.test_accuracy,
        state.seconds,
        state.samples / state.seconds if state.seconds else 0.0,
        last.validation_loss,
        last.validation_accuracy,
    )
