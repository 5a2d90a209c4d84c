"""One trial: an experiment is trained, and its objective measured. Needs nothing of the sweep that it belongs to."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mlp_core.catalog.sweep import ObjectiveEntry
from mlp_core.data.dataset import Dataset
from mlp_core.errors import UserError
from mlp_core.processor import Processor
from mlp_core.spec import Experiment
from mlp_core.training.events import Evaluation
from mlp_core.training.keeping import Draft
from mlp_core.training.trial import run_trial

TrialState = Literal["finished", "pruned", "diverged", "failed"]
Report = Callable[[int, float], bool]
"""Told the epochs done and the objective so far; whether to go on."""


@dataclass(frozen=True, kw_only=True)
class TrialResult:
    """How a trial went."""

    number: int
    """Its place among the trials, from 0."""
    values: Mapping[str, Any]
    """Its settings by their paths."""
    state: TrialState
    """How it ended."""
    objectives: tuple[float, ...] = ()
    """What it came to: a number for each objective; () where it failed, and where it diverged before any report."""
    reports: tuple[tuple[int, float], ...] = ()
    """Epochs done, and the objective at that moment, along the trial."""
    rungs: Mapping[str, float] = field(default_factory=dict)
    """What the pruner remembers of it."""
    run: str = ""
    """The identity of its run; '' where it has none."""
    epoch: int = 0
    """Epochs done."""
    parameters: int = 0
    """Numbers that it learned."""
    seconds: float = 0.0
    """Seconds that its steps took."""
    message: str = ""
    """Why it failed or ended early; '' for nothing to say."""

    @property
    def counts(self) -> bool:
        """Whether it may be the best one."""
        return self.state == "finished" and all(map(math.isfinite, self.objectives))


@dataclass(frozen=True, eq=False)
class Measured:
    """What a trial came to, and its run."""

    state: TrialState
    """How it ended."""
    objectives: tuple[float, ...]
    """A number for each objective."""
    reports: tuple[tuple[int, float], ...]
    """Epochs done, and the objective at that moment."""
    draft: Draft | None
    """Its run for a store; None where it has not trained."""
    epoch: int
    """Epochs done."""
    parameters: int
    """Numbers that it learned."""
    seconds: float
    """Seconds that its steps took."""
    message: str
    """Why it ended early."""


def measure(
    experiment: Experiment, dataset: Dataset, objective: ObjectiveEntry, epochs: int, *, processor: Processor,
    report: Report = lambda epoch, value: True, wanted: Callable[[], bool] = lambda: True,
) -> Measured | None:  # fmt: skip
    """Train a trial in the calling thread; None where it was not wanted any more. Raises what building a run raises."""
    reports: list[tuple[int, float]] = []

    def told(evaluation: Evaluation) -> bool:
        value = figure(evaluation, objective)
        if not math.isfinite(value):
            return True
        if reports and objective.best:
            value = max(value, reports[-1][1]) if objective.accuracy else min(value, reports[-1][1])
        reports.append((evaluation.epoch, value))
        return report(evaluation.epoch, value)

    trial = run_trial(experiment, dataset, processor, epochs=epochs, report=told, wanted=wanted)
    if trial.end == "cancelled":
        return None
    if trial.end == "early stopping":
        told(trial.evaluation)
    state: TrialState = "finished"
    if trial.end in ("pruned", "diverged"):
        state = trial.end
    if state == "finished" and not reports:
        state = "diverged"
    values = tuple(value for _, value in reports[-1:])
    if objective.counts_parameters and values:
        values = *values, float(trial.parameters)
    return Measured(
        state, values, tuple(reports), trial.draft, trial.evaluation.epoch, trial.parameters, trial.seconds,
        trial.message,
    )  # fmt: skip


def failure(error: Exception) -> str:
    """Why a trial failed, in a sentence."""
    if isinstance(error, UserError):
        return str(error)
    return f"The trial failed ({type(error).__name__}: {str(error)[:200]})."


def figure(evaluation: Evaluation, objective: ObjectiveEntry) -> float:
    """The figure that an objective looks at: of the validation part, or of the test part where there is none."""
    validated = evaluation.validation_loss is not None
    if objective.accuracy:
        found = evaluation.validation_accuracy if validated else evaluation.test_accuracy
    else:
        found = evaluation.validation_loss if validated else evaluation.test_loss
    return math.nan if found is None else float(found)
