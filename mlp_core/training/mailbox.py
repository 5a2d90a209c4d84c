"""Where those who ask a session for something, and the thread that does it, leave word for each other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from mlp_core.processor import Turn, Turns
from mlp_core.spec import Experiment, Path
from mlp_core.surgery import Operation
from mlp_core.training.snapshot import BUSY, Snapshot, Status

if TYPE_CHECKING:
    from torch import Tensor

    from mlp_core.export.weights import Weights
    from mlp_core.run.checkpoint import Checkpoint
    from mlp_core.training.state import Fork
    from mlp_core.training.trainer import Trainer

Goal = Literal["play", "batch", "epoch"]


@dataclass(frozen=True)
class WeightEdit:
    """One number of a layer that is to be set by hand."""

    path: Path
    """The layer."""
    index: tuple[int, ...]
    """Neuron and input of a weight; the neuron alone of a bias."""
    value: float
    """What it becomes."""


@dataclass
class Orders:
    """What is wanted of a session."""

    experiment: Experiment | None = None
    """The experiment that was last applied."""
    generation: int = 0
    """Counts the runs that were asked for."""
    start: Mapping[str, Tensor] | Fork | None = None
    """What the next run starts from, instead of drawn weights: others, or the state of another run."""
    download: bool = False
    """Whether the data may be fetched."""
    goal: Goal | None = None
    """How far to train; None to stand still."""
    target: int = 0
    """The epoch or step at which the goal is reached; 0 for none."""
    steps_per_second: float | None = None
    """How fast to train at most."""
    views: dict[str, float] = field(default_factory=dict)
    """The views that are on screen, and until when (`time.monotonic`) each counts as such."""
    weights: Literal["current", "best", "checkpoint"] | None = None
    """Which weights somebody waits for; 'checkpoint' for all that the next steps depend on."""
    edits: list[WeightEdit] = field(default_factory=list)
    """Numbers that are to be set in the run at hand."""
    operations: list[Operation] = field(default_factory=list)
    """What is to be done to layers and neurons of the run at hand."""
    shown_step: int | None = None
    """The checkpoint that is to be shown; None for the run as it is now."""
    restore: bool = False
    """Whether the best weights are to be taken again."""
    closed: bool = False
    """Whether the session is over."""


class Mailbox:
    """Orders, the run at hand, and the newest snapshot, all under one lock. Every change notifies whoever waits."""

    def __init__(self, turns: Turns) -> None:
        self.lock = threading.RLock()
        self.orders = Orders()
        self.trainer: Trainer | None = None
        self.prepared = -1  # the generation that the trainer (or a failure) belongs to
        self.given: Weights | Checkpoint | None = None  # what somebody waited for
        self._turns = turns
        self._changed = threading.Condition(self.lock)
        self._snapshot = Snapshot()
        self._turn: tuple[Turn, Callable[[], bool]] | None = None
        self.listeners: set[Callable[[], None]] = set()  # called with every new snapshot, with the lock held

    @property
    def snapshot(self) -> Snapshot:
        """The newest snapshot; reading it needs no lock."""
        return self._snapshot

    def wait(self, condition: Callable[[], bool], timeout: float | None = None) -> bool:
        """Wait until the condition holds; False if the time runs out. Call with the lock held."""
        return self._changed.wait_for(condition, timeout)

    def rest(self, seconds: float) -> None:
        """Let go of the lock until something changes, for so long at most. Call with the lock held."""
        self._changed.wait(seconds)

    def notify(self) -> None:
        """Tell all that wait for something: it has changed. A turn that is not wanted any more is called off."""
        if self._turn is not None:
            turn, wanted = self._turn
            if not wanted():
                turn.call_off()
        self._changed.notify_all()

    def await_turn(self, turn: Turn | None, wanted: Callable[[], bool] = lambda: True) -> None:
        """The thread waits for this turn, or holds it, while it is wanted; None for no turn."""
        self._turn = None if turn is None else (turn, wanted)

    # The state of the run at hand

    @property
    def up_to_date(self) -> bool:
        """Whether the run that was last asked for is prepared, or cannot be."""
        return self.prepared == self.orders.generation

    def views_on_screen(self) -> list[str]:
        """The views that somebody looks at."""
        now = time.monotonic()
        return [name for name, until in self.orders.views.items() if until > now]

    def needs_views(self) -> bool:
        """Whether a view on screen shows an older step than the run's."""
        return (
            self.trainer is not None
            and self.up_to_date
            and self._snapshot.status != "failed"
            and self.trainer.views.stale(self.views_on_screen())
        )

    def start_over(self, start: Mapping[str, Tensor] | Fork | None = None) -> None:
        """Ask for a new run of the experiment."""
        self.orders.generation += 1
        self.orders.edits.clear()
        self.orders.operations.clear()
        self.orders.start, self.orders.shown_step = start, None
        self.show(status="preparing", message="", progress=None, period=0.0, unfit=None,
                  goes_on=self.orders.goal is not None)  # fmt: skip

    def go_on(self, fork: Fork) -> None:
        """Ask for a new run of the experiment that goes on as the one at hand does, with what is still to be done to
        it."""
        operations = list(self.orders.operations)
        self.start_over(fork)
        self.orders.operations.extend(operations)

    def stay(self, stopped: str) -> None:
        """Give up the run that was asked for: the one at hand stays, or there is none for the reason `stopped`."""
        orders = self.orders
        orders.generation += 1
        orders.goal = orders.start = None
        self.prepared = orders.generation
        if self.trainer is None:
            self.publish("failed", stopped)
            return
        orders.experiment, self.trainer.generation = self.trainer.run.experiment, orders.generation
        self.publish("ready")

    def take_trainer(self, trainer: Trainer | None) -> None:
        """Put this trainer, or none, in the place of the one that is there."""
        before, self.trainer = self.trainer, trainer
        if before is not None:
            before.release()

    def drop_run(self) -> None:
        """Let go of the run and of everything that the snapshot shows of it."""
        self.take_trainer(None)
        self.show(dataset=None, history=None, confusion=None, views={})

    def aim(self) -> None:
        """Set where the goal ends, for the run at hand and the experiment's number of epochs."""
        orders = self.orders
        if self.trainer is None or not self.up_to_date or orders.goal is None or orders.experiment is None:
            return
        position, epochs = self.trainer.position, orders.experiment.training.epochs
        if orders.goal == "batch":
            orders.target = position.step + 1
        elif orders.goal == "epoch":
            orders.target = position.epoch + 1
        else:
            orders.target = 0 if epochs is None else epochs * (position.epoch // epochs + 1)

    # Snapshots

    def publish(self, status: Status, message: str = "", *, views_follow: bool = False) -> None:
        """Show the run as it stands, unless it has been given up for a newer one; `views_follow` where they are being
        computed."""
        with self.lock:
            if not self.up_to_date:
                return
            if self.trainer is None:
                before = self._snapshot
                nothing = Snapshot(devices=before.devices, experiment=self.orders.experiment, unfit=before.unfit)
                self.show(nothing, status=status, message=message, generation=self.orders.generation)
                return
            computing = views_follow or (status not in BUSY and self.trainer.views.stale(self.views_on_screen()))
            before, now = self._snapshot, self.trainer.snapshot(status, message)
            others = self._turns.others() if status == "running" else 0
            period = now.at - before.at if status == "running" and before.trains else 0.0
            self.show(now, computing_views=computing, others=others, period=period)

    def show(self, new: Snapshot | None = None, **changes: Any) -> None:
        """Replace the snapshot, by a new one or by itself, with changes."""
        with self.lock:
            # A page that outlives its session, with the server, goes on with the next one's versions.
            version = max(self._snapshot.version + 1, time.time_ns() // 1000)
            held_to = self.orders.steps_per_second
            self._snapshot = replace(new or self._snapshot, version=version, held_to=held_to, **changes)
            self._changed.notify_all()
            for listener in tuple(self.listeners):
                listener()
