"""What a session shows of itself: one immutable record, replaced after every chunk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

BUSY = ("preparing", "running", "pausing")
"""Statuses in which the thread is at work on what was asked."""

Status = Literal["preparing", "needs download", "ready", "running", "pausing", "finished", "diverged", "failed"]


@dataclass(frozen=True, eq=False)
class LookedAt:
    """A view with the step that it shows."""

    step: int
    data: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The state of a session at one moment. Arrays are copies that nobody writes to.

    `version` is higher the newer a snapshot is, over all sessions of a browser. `generation` counts runs: it changes
    whenever weights are drawn anew. `goes_on` tells, while one is prepared, that it will train then. `epoch` counts
    finished epochs, `batch` mini-batches into the next. `looking` tells that a view that was asked for is being
    computed. `message` explains the status in a sentence; `notes` are sentences about the run. `progress` is what is
    being waited for, and the share of it that is done if that is known. `at` is when the snapshot was taken, in Unix
    seconds; while a run goes on, `period` is how long after the one before. `waiting_since` is when
    (`time.monotonic`) the session began to wait for its turn, None while it has one; `others` is how many sessions
    share the processor with it. `inexact` are sentences that say why a script of this experiment will not repeat the
    run to the last digit.
    """

    status: Status = "preparing"
    looking: bool = False
    message: str = ""
    version: int = 0
    generation: int = 0
    goes_on: bool = False
    step: int = 0
    epoch: int = 0
    batch: int = 0
    batches_per_epoch: int = 0
    train_loss: float | None = None
    test_loss: float | None = None
    test_accuracy: float | None = None
    best_test_loss: float | None = None
    best_step: int = 0
    confusion: np.ndarray | None = None
    learning_rate: float | None = None
    samples_per_second: float = 0.0
    device: str = ""
    devices: tuple[str, ...] = ("cpu",)
    engine: str = ""
    notes: tuple[str, ...] = ()
    progress: tuple[str, float | None] | None = None
    at: float = 0.0
    period: float = 0.0
    waiting_since: float | None = None
    others: int = 0
    inexact: tuple[str, ...] = ()
    views: Mapping[str, LookedAt] = field(default_factory=dict)

    @property
    def trains(self) -> bool:
        """Whether it trains, or will as soon as its run is prepared."""
        return self.status == "running" or (self.status == "preparing" and self.goes_on)

    @property
    def busy(self) -> bool:
        """Whether something is going on that a page should follow."""
        return self.status in BUSY or self.looking
