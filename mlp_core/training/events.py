"""What a run tells: numbers and detached copies, never live tensors."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np

from mlp_core.health.autopsy import Autopsy

OF_VALIDATION = ("validation_loss", "validation_accuracy")
"""Fields that hold figures of the validation part."""


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
        """The event as plain values for JSON, its kind under 'event'.

        Figures of a validation part are left out where there is none.
        """
        validated = getattr(self, "validation_loss", None) is not None
        names = [field.name for field in fields(self) if validated or field.name not in OF_VALIDATION]
        return {"event": self.name, **{name: _plain(getattr(self, name)) for name in names}}


def _plain(value: Any) -> Any:
    if isinstance(value, Autopsy):
        return value.as_record()
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
    """A pass over the test samples, and over the validation samples where there are such."""

    name = "evaluation"
    train_loss: float
    """The mean over the batches since the epoch began, or over the last epoch at its end."""
    test_loss: float
    """The mean over the test samples."""
    test_accuracy: float | None
    """The share of right answers in [0, 1]; None in regression."""
    confusion: np.ndarray | None
    """Counts int64 (K, K) of the test samples with true classes in rows; None in regression."""
    validation_loss: float | None = None
    """The mean over the validation samples; None without a validation part."""
    validation_accuracy: float | None = None
    """The share of right answers among them in [0, 1]; None in regression and without a validation part."""

    @property
    def monitored(self) -> str:
        """What the best weights are chosen by, and early stopping looks at."""
        return "test loss" if self.validation_loss is None else "validation loss"

    @property
    def monitored_loss(self) -> float:
        """Its value."""
        return self.test_loss if self.validation_loss is None else self.validation_loss


@dataclass(frozen=True, eq=False)
class EarlyStop(Event):
    """The run ends, because its loss has not improved for as many epochs as its patience."""

    name = "early_stop"
    monitored: str
    """Which loss: 'validation loss', or without a validation part 'test loss'."""
    best_epoch: int
    """Epochs finished when it was lowest; 0 where it was never finite."""
    best_loss: float
    """Its value then; infinite where it never was finite."""
    restored: bool
    """Whether the run has the weights of that epoch again."""
    message: str
    """The same in a sentence."""


@dataclass(frozen=True, eq=False)
class Diverged(Event):
    """The loss became NaN, infinite or absurdly large; the weights are those of the last step whose loss was sound."""

    name = "diverged"
    message: str
    """Where, why, and what helps."""
    autopsy: Autopsy | None = None
    """The first bad number, and how large the layers were before it."""


@dataclass(frozen=True, eq=False)
class Finished(Event):
    """The end of a run of `train`."""

    name = "finished"
    reason: str
    """'epochs', 'early stopping' or 'diverged'."""
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
    validation_loss: float | None = None
    """The mean over the validation samples; None without a validation part."""
    validation_accuracy: float | None = None
    """The share of right answers among them in [0, 1]; None in regression and without a validation part."""


Events = Iterator[Event]
