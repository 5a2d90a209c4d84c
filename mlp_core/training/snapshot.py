"""What a session shows of itself: one immutable record, replaced after every chunk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mlp_core.health.autopsy import Autopsy
from mlp_core.problems import Problem
from mlp_core.spec import Experiment
from mlp_core.training.history import Curves, History
from mlp_core.training.planning import plan_of
from mlp_core.training.record import Surgery
from mlp_core.views.moments import Moments

if TYPE_CHECKING:
    from mlp_core.data.dataset import Dataset
    from mlp_core.training.state import Origin
    from mlp_core.training.views import ViewResult

BUSY = ("preparing", "running", "pausing")
"""Statuses in which the thread is at work on what was asked."""

Status = Literal["preparing", "needs download", "ready", "running", "pausing", "finished", "diverged", "failed"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Snapshot:
    """The state of a session at one moment: the figures of one run with its experiment and its data.

    Arrays are copies that nobody writes to. Whatever is drawn together comes from one snapshot, so that nothing on a
    page is put together from two runs.
    """

    status: Status = "preparing"
    """What the session is doing. While another run is prepared, all else is still the run before it."""
    message: str = ""
    """A sentence that explains the status."""
    autopsy: Autopsy | None = None
    """After a loss that broke: the first bad number, and how large the layers were before it."""
    version: int = 0
    """Higher, the newer a snapshot is, over all sessions of a browser."""
    run: str = ""
    """The identity of the run; '' before there is one."""
    generation: int = 0
    """Counts runs: it changes whenever weights are drawn anew."""
    experiment: Experiment | None = None
    """The run's experiment, with what was changed while it ran; None before there is a run."""
    dataset: Dataset | None = None
    """The run's data; None before there is a run."""
    unfit: Dataset | None = None
    """Where there is no run because the experiment does not fit its data: these data."""
    history: History | None = None
    """The run's curves so far; None before there is a run."""
    goes_on: bool = False
    """While a run is prepared: whether it will train then."""
    computing_views: bool = False
    """Whether a view that was asked for is being computed."""
    step: int = 0
    """Mini-batches done."""
    run_step: int = 0
    """Mini-batches that the run has done in all; more than `step` while an earlier checkpoint of it is shown."""
    epoch: int = 0
    """Epochs finished."""
    batch: int = 0
    """Mini-batches into the next epoch."""
    batches_per_epoch: int = 0
    """Mini-batches of an epoch."""
    epoch_marks: tuple[tuple[int, int], ...] = ()
    """Mini-batches and epochs done when the batch size was changed."""
    train_loss: float | None = None
    """The mean loss of the epoch so far; None before the first step."""
    test_loss: float | None = None
    """The mean loss on the test samples, of the newest test pass."""
    test_accuracy: float | None = None
    """The accuracy in [0, 1] of the newest test pass; None in regression."""
    validation_loss: float | None = None
    """The mean loss on the validation samples, of the newest pass; None without a validation part."""
    validation_accuracy: float | None = None
    """The accuracy on them in [0, 1]; None in regression, and without a validation part."""
    best_test_loss: float | None = None
    """The lowest test loss so far; with a validation part, the test loss when the validation loss was lowest."""
    best_validation_loss: float | None = None
    """The lowest validation loss so far; None without a validation part."""
    best_step: int = 0
    """Mini-batches done when it was so."""
    confusion: np.ndarray | None = None
    """Counts int64 (K, K) of the newest test pass, true classes in rows; None in regression."""
    learning_rate: float | None = None
    """The learning rate of the next step."""
    samples_per_second: float = 0.0
    """Training samples per second of wall-clock time."""
    held_to: float | None = None
    """The steps a second that the run is held to, so that it can be watched; None for as fast as it goes."""
    device: str = ""
    """Where the run is, in words."""
    devices: tuple[str, ...] = ("cpu",)
    """Devices that this machine has, by their catalog names."""
    engine: str = ""
    """The engine that runs its steps."""
    notes: tuple[str, ...] = ()
    """Sentences about the run."""
    problems: tuple[Problem, ...] = ()
    """What was found on one batch when the run was prepared, with repairs; see `training.arrival`."""
    progress: tuple[str, float | None] | None = None
    """What is being waited for, and the share of it that is done if that is known."""
    at: float = 0.0
    """When the snapshot was taken, in Unix seconds."""
    period: float = 0.0
    """While a run goes on: seconds since the snapshot before it."""
    waiting_since: float | None = None
    """When (`time.monotonic`) the session began to wait for its turn; None while it has one."""
    others: int = 0
    """How many runs share the processor with it."""
    checkpoints: tuple[int, ...] = ()
    """Mini-batches done at each checkpoint that can be shown, in order."""
    no_checkpoints: str = ""
    """A sentence on why there are none; '' where there are."""
    origin: Origin | None = None
    """The run that this one goes on from, with its curves; None for a run of its own."""
    surgeries: tuple[Surgery, ...] = ()
    """The operations on its layers and neurons, in order."""
    can_undo: bool = False
    """Whether the newest of them can be undone."""
    inexact: tuple[str, ...] = ()
    """Sentences on why a script of the experiment will not repeat the run to the last digit."""
    views: Mapping[str, ViewResult] = field(default_factory=dict)
    """The newest result of each view that was asked for."""
    moments: Moments | None = None
    """What was seen of every layer along the run; None before there is a run."""
    _curves: dict[int, Curves] = field(default_factory=dict, init=False, repr=False)
    """Curves that were read from the history, by their number of points: the same for all that is drawn together."""

    @property
    def trains(self) -> bool:
        """Whether it trains, or will as soon as its run is prepared."""
        return self.status == "running" or (self.status == "preparing" and self.goes_on)

    @property
    def looks_back(self) -> bool:
        """Whether it shows an earlier checkpoint of the run."""
        return self.step < self.run_step

    @property
    def busy(self) -> bool:
        """Whether something is going on that a page should follow."""
        return self.status in BUSY or self.computing_views

    def view(self, name: str) -> Mapping[str, Any] | None:
        """The newest data of a view; None where it was not computed yet."""
        found = self.views.get(name)
        return None if found is None else found.data

    def planned_rates(self) -> np.ndarray:
        """The learning rate as the schedule plans it for the whole run, float64 (n, 2); see `planning.plan_of`."""
        if self.experiment is None or not self.batches_per_epoch:
            return np.empty((0, 2))
        done = self.epoch * self.batches_per_epoch + self.batch + self.run_step - self.step
        return plan_of(self.experiment, self.batches_per_epoch, done)

    def curves(self, points: int) -> Curves | None:
        """The run's curves in at most about `points` points each; None before there is a run."""
        if self.history is not None and points not in self._curves:
            self._curves[points] = self.history.curves(points)
        return self._curves.get(points)

    def origin_curves(self, points: int) -> Curves | None:
        """Those of the run that this one goes on from, to their end; None for a run of its own."""
        return None if self.origin is None else self.origin.curves(points)
