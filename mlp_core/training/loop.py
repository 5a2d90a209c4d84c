"""The training loop as a generator of events: a plain `for` in a test, the body of the thread in the app.

It may be left after any event and called again on the same run: everything that goes on is in the run.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

import numpy as np

from mlp_core.engines import Engine
from mlp_core.run.build import Run
from mlp_core.run.metrics import evaluate
from mlp_core.training.diagnosis import Watch
from mlp_core.training.events import Chunk, Evaluation, Events, Finished, Report

CHUNK_SECONDS = 0.07
"""How long a chunk of steps aims to last: control is looked at between chunks, nowhere else."""
FIRST_CHUNK = 1
"""Steps of a run's first chunk: one of the largest networks takes a second."""
GROWTH = 4


@dataclass
class Progress:
    """What the loop remembers of a run between calls.

    `epoch_loss` sums the losses of the epoch's batches so far; `train_loss` is their mean.
    """

    watch: Watch
    chunk_steps: int = FIRST_CHUNK
    chunk_seconds: float = CHUNK_SECONDS
    epoch_loss: float = 0.0
    report: list[np.ndarray] = field(default_factory=list)
    train_loss: float = float("nan")
    seconds: float = 0.0
    samples: int = 0
    evaluation: Evaluation | None = None

    def evaluate(self, run: Run) -> Evaluation:
        """Test the run as it stands."""
        result = evaluate(run)
        position = run.position
        self.evaluation = Evaluation(
            position.step, position.epoch, self.train_loss, result.loss, result.accuracy, result.confusion
        )
        return self.evaluation


def train(
    run: Run,
    engine: Engine,
    progress: Progress | None = None,
    *,
    epochs: int | None = None,
    steps: int | None = None,
    evaluate_epochs: bool = True,
) -> Events:
    """Train until a number of finished epochs or of steps is reached (counted from the run's start) or it diverges.

    At an epoch's end comes an `Evaluation`, unless `evaluate_epochs` is False: then a chunk may run through several
    epochs, and whoever calls evaluates when it suits. The last event is `Finished`.
    """
    progress = progress or Progress(Watch(run))
    report_every = run.experiment.training.report_every
    last_step = math.inf if steps is None else steps
    if epochs is not None:
        last_step = min(last_step, epochs * run.batches.per_epoch)
    reason = "epochs"
    while run.position.step < last_step:
        position = run.position
        left = last_step - position.step
        if evaluate_epochs or report_every:
            left = min(left, run.batches.per_epoch - position.batch)
        if report_every:
            left = min(left, report_every - position.batch % report_every)
        progress.watch.before_chunk(run)
        step_before, samples_before = position.step, _samples_at(run)
        began = time.perf_counter()
        result = engine.run(run, int(min(left, progress.chunk_steps)))
        seconds = time.perf_counter() - began
        _pace(progress, len(result.losses), seconds if result.seconds is None else result.seconds)
        diverged = progress.watch.after_chunk(run, engine, result)
        position = run.position
        losses = result.losses[: max(0, position.step - step_before)]  # after a fault, what was kept
        if len(losses):
            samples = _samples_at(run) - samples_before
            _count(progress, run, losses, samples, seconds)
            yield Chunk(
                position.step, position.epoch, losses, samples, seconds, float(result.learning_rates[len(losses) - 1])
            )
            if report_every:
                yield from _reports(progress, run, report_every, losses)
        if diverged:
            yield diverged
            reason = "diverged"
            break
        if position.batch == 0 and evaluate_epochs:
            yield progress.evaluate(run)
    yield _finished(run, progress, reason)


def _samples_at(run: Run) -> int:
    """Training samples from the run's start to its position."""
    return run.position.epoch * len(run.batches.x) + run.position.batch * run.batches.batch_size


def _pace(progress: Progress, steps: int, seconds: float) -> None:
    """Aim the next chunk at its time, growing by a factor at most, so that one slow start is harmless."""
    wanted = int(steps * progress.chunk_seconds / max(seconds, 1e-9))
    progress.chunk_steps = max(1, min(wanted, GROWTH * progress.chunk_steps))


def _count(progress: Progress, run: Run, losses: np.ndarray, samples: int, seconds: float) -> None:
    progress.seconds += seconds
    progress.samples += samples
    batches = run.position.batch or run.batches.per_epoch
    carried = 0.0 if len(losses) >= batches else progress.epoch_loss
    total = carried + float(losses[-batches:].sum(dtype=np.float64))
    progress.train_loss = total / batches
    progress.epoch_loss = total if run.position.batch else 0.0


def _reports(progress: Progress, run: Run, every: int, losses: np.ndarray) -> Events:
    """The mean of the last `every` losses, when that many of this epoch are complete."""
    progress.report.append(losses)
    position = run.position
    if (position.batch and position.batch % every == 0) or (position.batch == 0 and run.batches.per_epoch % every == 0):
        mean = float(np.concatenate(progress.report).mean(dtype=np.float64))
        yield Report(position.step, position.epoch, position.batch or run.batches.per_epoch, mean)
        progress.report.clear()
    elif position.batch == 0:
        progress.report.clear()


def _finished(run: Run, progress: Progress, reason: str) -> Finished:
    position, last = run.position, progress.evaluation
    if last is None or last.step != position.step:
        last = progress.evaluate(run)
    return Finished(
        position.step,
        position.epoch,
        reason,
        position.epoch,
        position.step,
        None if np.isnan(progress.train_loss) else progress.train_loss,
        last.test_loss,
        last.test_accuracy,
        progress.seconds,
        progress.samples / progress.seconds if progress.seconds else 0.0,
    )
