"""A trial: a run that is trained from its beginning to its end while nobody looks at it, for its figures.

Many of them are what a sweep, a repetition with other seeds or a scan is made of.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from mlp_core.data.dataset import Dataset
from mlp_core.processor import Processor
from mlp_core.processor.turns import Priority
from mlp_core.spec import Experiment
from mlp_core.training.events import Evaluation, Event
from mlp_core.training.history import History
from mlp_core.training.keeping import Draft
from mlp_core.training.record import RunRecord
from mlp_core.training.trainer import Trainer

MOST_REPORTS = 30
"""Evaluations along a trial at most, its last one among them."""
PATIENCE_SECONDS = 0.5
"""How long a chunk waits for a turn at most. Where others keep all turns it goes on without one, at the lowest priority
that the system knows: it disturbs nobody, and still comes to an end."""

TrialEnd = Literal["epochs", "early stopping", "diverged", "pruned", "cancelled"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Trial:
    """A trial that was trained."""

    end: TrialEnd
    """Why it ended: after its epochs, by its own patience, because its loss diverged, because its reports were not good
    enough to go on ('pruned'), or because it was not wanted any more."""
    message: str
    """What there is to say of an early end or a divergence; '' otherwise."""
    evaluation: Evaluation
    """Its figures where it ended."""
    record: RunRecord
    """Its record, without curves."""
    history: History
    """Its curves."""
    parameters: int
    """Numbers that it learned."""
    seconds: float
    """Seconds that its steps took."""
    processor_seconds: float
    """Processor time of its steps, without waiting for others; see `LoopState`."""
    draft: Draft | None
    """What a store keeps of it; None where it has not trained."""


def run_trial(
    experiment: Experiment,
    dataset: Dataset,
    processor: Processor,
    *,
    epochs: int,
    report: Callable[[Evaluation], bool] = lambda evaluation: True,
    wanted: Callable[[], bool] = lambda: True,
) -> Trial:
    """Train an experiment for a number of epochs, in the calling thread, and give what it came to.

    `report` gets the figures at most `MOST_REPORTS` times, after equally many epochs; where it gives False the trial is
    pruned. `wanted` is asked between chunks of steps. Raises what building a run raises.
    """
    trainer = Trainer(experiment, dataset, processor=processor, background=True)
    end: TrialEnd = "epochs"
    try:
        for goal in report_epochs(epochs):
            end = _train_to(trainer, goal, processor, wanted)
            if end != "epochs":
                break
            evaluation = trainer.loop.evaluation
            assert evaluation is not None, "the loop evaluates at its end"
            if not report(evaluation) and goal < epochs:
                end = "pruned"
                break
        if (evaluation := trainer.loop.evaluation) is None or evaluation.step != trainer.run.position.step:
            evaluation = trainer.loop.evaluate(trainer.run)
        return Trial(
            end=end,
            message=trainer.diverged or trainer.stopped_early,
            evaluation=evaluation,
            record=trainer.recorder.summary(),
            history=trainer.recorder.history,
            parameters=trainer.run.plan.parameters,
            seconds=trainer.loop.seconds,
            processor_seconds=trainer.loop.processor_seconds,
            draft=trainer.draft(),
        )
    finally:
        trainer.release()


def report_epochs(epochs: int) -> list[int]:
    """After how many epochs a trial of so many reports: evenly, the last time at its end."""
    count = min(epochs, MOST_REPORTS)
    return [round(epochs * (place + 1) / count) for place in range(count)]


def _train_to(trainer: Trainer, epochs: int, processor: Processor, wanted: Callable[[], bool]) -> TrialEnd:
    """Train up to a number of epochs, a turn for each chunk; why that ended."""
    events = trainer.train(epochs=epochs)
    while True:
        if not wanted():
            return "cancelled"
        turn = processor.turns.ask(Priority.BACKGROUND)
        if not turn.held:
            turn.decided.wait(PATIENCE_SECONDS)
            turn.call_off()
        try:
            event: Event | None = next(events, None)
        finally:
            turn.end()
        if event is None:
            break
        trainer.take(event)
    if trainer.diverged:
        return "diverged"
    return "early stopping" if trainer.stopped_early else "epochs"
