"""What a run tells: numbers and detached copies, never live tensors."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np


@dataclass(frozen=True, eq=False)
class Event:
    """Something that happened at a step."""

    name: ClassVar[str]
    """The kind of event in records."""
    step: int
    """Mini-batches done."""
    epoch: int
    """Epochs finished."""

    def as_record(self) -> dict[str, Any]:
        """The event as plain values for JSON, its kind under 'event'."""
        return {
            "event": self.name,
            **{field.name: _plain(getattr(self, field.name)) for field in fields(self)},
        }


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None  # JSON has no NaN and no infinity
    return value


@dataclass(frozen=True, eq=False)
class Chunk(Event):
    """A chunk of steps."""

    name = "chunk"
    losses: np.ndarray
    """The loss of every mini-batch, float32 (steps,)."""
    samples: int
    """Training samples that the chunk took."""
    seconds: float
    """Seconds that it took."""
    learning_rate: float
    """The learning rate of its last step."""
    learning_rates: np.ndarray
    """Changes of the learning rate within it, float64 (changes, 2): the first step done at the new rate, counted from 0
    since the run began, and that rate. The run's first step counts as a change."""


@dataclass(frozen=True, eq=False)
class Report(Event):
    """The mean loss of the last `report_every` mini-batches of an epoch."""

    name = "report"
    batch: int
    """Mini-batches of the epoch that were done."""
    loss: float
    """The mean loss."""


@dataclass(frozen=True, eq=False)
class Evaluation(Event):
    """A pass over the test samples."""

    name = "evaluation"
    train_loss: float
    """The mean over the batches since the epoch began, or over the last epoch at its end."""
    test_loss: float
    """The mean over the test samples."""
    test_accuracy: float | None
    """The share of right answers in [0, 1]; None in regression."""
    confusion: np.ndarray | None
    """Counts int64 (K, K) with true classes in rows; None in regression."""


@dataclass(frozen=True, eq=False)
class Diverged(Event):
    """The loss became NaN, infinite or absurdly large; the weights are those of the last step whose loss was sound."""

    name = "diverged"
    message: str
    """Where, why, and what helps."""


@dataclass(frozen=True, eq=False)
class Finished(Event):
    """The end of a run of `train`."""

    name = "finished"
    reason: str
    """'epochs' or 'diverged'."""
    epochs: int
    """Epochs finished."""
    steps: int
    """Mini-batches done."""
    train_loss: float | None
    """The mean over the last epoch; None where nothing was trained."""
    test_loss: float | None
    """The mean over the test samples."""
    test_accuracy: float | None
    """The share of right answers in [0, 1]; None in regression."""
    train_seconds: float
    """Seconds that the steps took."""
    samples_per_second: float
    """Training samples in one of these seconds."""


Events = Iterator[Event]
