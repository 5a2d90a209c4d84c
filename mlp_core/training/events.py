"""What a run tells: numbers and detached copies, never live tensors."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np


@dataclass(frozen=True, eq=False)
class Event:
    """Something that happened at a step. `step` counts mini-batches done, `epoch` epochs finished."""

    name: ClassVar[str]
    step: int
    epoch: int

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
    """A chunk of steps: the loss of every mini-batch, float32 (steps,), and what the chunk took."""

    name = "chunk"
    losses: np.ndarray
    samples: int
    seconds: float
    learning_rate: float


@dataclass(frozen=True, eq=False)
class Report(Event):
    """The mean loss of the last `report_every` mini-batches of an epoch."""

    name = "report"
    batch: int
    loss: float


@dataclass(frozen=True, eq=False)
class Evaluation(Event):
    """A pass over the test samples.

    `train_loss` is the mean over the batches since the epoch began (or the last epoch, at its end);
    `test_accuracy` in [0, 1] and `confusion`, int64 (K, K) with true classes in rows, are None in regression.
    """

    name = "evaluation"
    train_loss: float
    test_loss: float
    test_accuracy: float | None
    confusion: np.ndarray | None


@dataclass(frozen=True, eq=False)
class Diverged(Event):
    """The loss became NaN, infinite or absurdly large at this step; `message` says where, why, and what helps.

    The weights are those of the last step whose loss was sound.
    """

    name = "diverged"
    message: str


@dataclass(frozen=True, eq=False)
class Finished(Event):
    """The end of a run of `train`. `reason` is 'epochs' or 'diverged'."""

    name = "finished"
    reason: str
    epochs: int
    steps: int
    train_loss: float | None
    test_loss: float | None
    test_accuracy: float | None
    train_seconds: float
    samples_per_second: float


Events = Iterator[Event]
