"""What a page may ask of a session, and what it is shown: one state under one lock.

Every public method returns at once (those with a timeout after it at the latest). The thread that does what is asked
is `session`'s.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mlp_core.processor.turns import SLOTS, Turn
from mlp_core.spec import Experiment
from mlp_core.training.history import Buckets
from mlp_core.training.snapshot import BUSY, Snapshot, Status

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from mlp_core.data.dataset import Dataset
    from mlp_core.training.bench import Bench
    from mlp_core.training.events import Event

LEASE_SECONDS = 150.0
"""How long a session trains on without being looked at. A browser's hidden tab asks once a minute at the least."""
LOST_LEASE_SECONDS = float(os.environ.get("MLP_LEASE_SECONDS", "30"))
"""How long it trains on once the browser is known to be gone: a network that drops out comes back within this."""
VIEW_SECONDS = 5.0
"""How long a view counts as looked at after a page last asked for it."""

Goal = Literal["play", "batch", "epoch"]


@dataclass(frozen=True, eq=False)
class Curves:
    """The curves of a run, thinned: evaluations are rows (step, test loss, test accuracy)."""

    train_loss: Buckets
    evaluations: np.ndarray
    learning_rates: np.ndarray


@dataclass(frozen=True, eq=False)
class State:
    """A copy of a run's weights and buffers by their names in the model's `state_dict`, and when they were so."""

    experiment: Experiment
    tensors: Mapping[str, Tensor]
    step: int
    epoch: int
    test_loss: float | None
    test_accuracy: float | None


class Control:
    """What is wanted of the training of one user. Safe to call from any thread."""

    def __init__(self, data_dir: Path | None = None, *, lease_seconds: float = LEASE_SECONDS) -> None:
        self._data_dir = data_dir
        self._lease_seconds = lease_seconds
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._thread: threading.Thread | None = None
        self._experiment: Experiment | None = None
        self._generation = 0
        self._goal: Goal | None = None
        self._target = 0  # the epoch or step at which the goal is reached; 0 for none
        self._download = False
        self._steps_per_second: float | None = None
        self._watched: dict[str, float] = {}
        self._lease_ends = time.monotonic() + lease_seconds
        self._closed = False
        self._bench: Bench | None = None
        self._snapshot = Snapshot()
        self._dataset: Dataset | None = None
        self._prepared = -1  # the generation that the bench (or a failure) belongs to
        self._turn: tuple[Turn, Callable[[], bool]] | None = None  # what the thread awaits or holds, while it wants it
        self._weights: Mapping[str, Tensor] | None = None  # to start the next run with
        self._asked_state: Literal["current", "best"] | None = None
        self._state: State | None = None

    # What a page asks for

    @property
    def experiment(self) -> Experiment | None:
        """The experiment that was last applied."""
        return self._experiment

    def apply(self, experiment: Experiment, weights: Mapping[str, Tensor] | None = None) -> None:
        """Make this the session's experiment.

        Nothing happens if it is already. A new learning rate or number of epochs takes effect while the run goes
        on; anything else starts a new run from its initial weights, which goes on training if the old one was.
        With `weights`, a state dict that fits the experiment, a new run starts from these.
        """
        with self._lock:
            before, self._experiment = self._experiment, experiment
            if weights is not None:
                self._goal = None
                self._start_over(weights)
                self._wake()
                return
            if before == experiment:
                return
            if before is not None and before.without_live() == experiment.without_live():
                self._aim()
            else:
                self._start_over()
            self._wake()

    def play(self) -> None:
        """Train until paused, or until the experiment's number of epochs; pressed again after that, as many more."""
        self._set_goal("play")

    def step(self) -> None:
        """Train one mini-batch."""
        self._set_goal("batch")

    def step_epoch(self) -> None:
        """Train to the end of the epoch."""
        self._set_goal("epoch")

    def pause(self) -> None:
        """Stop after the current chunk; the run is kept."""
        with self._lock:
            self._goal = None
            status: Status = "pausing" if self._snapshot.status == "running" else self._snapshot.status
            self._show(status=status, goes_on=False)
            self._notify()

    def reset(self) -> None:
        """Go back to the same initial weights, paused."""
        with self._lock:
            self._goal = None
            self._start_over()
            self._wake()

    def download(self) -> None:
        """Fetch the experiment's data set, then prepare the run."""
        with self._lock:
            self._download = True
            self._start_over()
            self._wake()

    def cancel_download(self) -> None:
        """Give the download up; what was fetched of it is removed."""
        with self._lock:
            self._download = False
            self._start_over()
            self._wake()

    def set_speed(self, steps_per_second: float | None) -> None:
        """Train at most so many steps a second, to watch; None for as fast as it goes."""
        with self._lock:
            if steps_per_second != self._steps_per_second:
                self._steps_per_second = steps_per_second
                self._notify()

    def watch(self, views: Iterable[str]) -> None:
        """Say which views (`statistics.VIEWS`) are on screen now; each counts as watched for `VIEW_SECONDS`."""
        with self._lock:
            now = time.monotonic()
            self._lease_ends = now + self._lease_seconds
            self._watched = dict.fromkeys(views, now + VIEW_SECONDS)
            if self._goal is None and self._needs_look():
                self._show(looking=True)
                self._wake()

    def lease_lost(self) -> None:
        """The browser's connection is gone: train on for `LOST_LEASE_SECONDS`, unless somebody looks again."""
        with self._lock:
            self._lease_ends = min(self._lease_ends, time.monotonic() + LOST_LEASE_SECONDS)

    def close(self, timeout: float | None = None) -> bool:
        """End the thread and drop the run; with a timeout in seconds, wait, and tell whether the thread ended."""
        with self._lock:
            self._closed, self._goal = True, None
            self._notify()
            thread = self._thread
            if thread is None:
                self._bench = self._dataset = None
        if thread is None or thread is threading.current_thread():
            return True
        if timeout is not None:
            thread.join(timeout)
        return not thread.is_alive()

    def snapshot(self) -> Snapshot:
        """The state to show now."""
        return self._snapshot

    @property
    def dataset(self) -> Dataset | None:
        """The experiment's data; None until it is loaded."""
        with self._lock:
            found, experiment = self._dataset, self._experiment
            return found if found is not None and experiment is not None and found.spec == experiment.data else None

    def curves(self, points: int) -> Curves | None:
        """The run's curves in at most about `points` points each; None before a run is prepared."""
        with self._lock:
            if self._bench is None:
                return None
            history = self._bench.history
            return Curves(
                history.train_loss.buckets(points),
                history.evaluations.rows(points),
                history.learning_rates.rows(points),
            )

    def state(self, which: Literal["current", "best"], timeout: float) -> State | None:
        """A copy of the weights as they are now, or of those with the lowest test loss seen.

        None when there is no run, or none was had within the timeout in seconds.
        """
        with self._lock:
            if self._bench is None or self._prepared != self._generation:
                return None
            self._asked_state, self._state = which, None
            self._wake()
            self._changed.wait_for(lambda: self._state is not None or self._asked_state is None, timeout)
            found, self._state, self._asked_state = self._state, None, None
            return found

    def wait(self, condition: Callable[[Snapshot], bool], timeout: float) -> bool:
        """Wait until a snapshot fulfils the condition; False if the time runs out. For scripts and tests."""
        with self._lock:
            return self._changed.wait_for(lambda: condition(self._snapshot), timeout)

    # Control, under the lock

    def _set_goal(self, goal: Goal) -> None:
        with self._lock:
            if self._goal == goal == "play":
                return
            self._goal = goal
            self._target = 0
            self._lease_ends = max(self._lease_ends, time.monotonic() + self._lease_seconds)
            if self._snapshot.status == "failed" and self._bench is None:
                self._start_over()
            if self._snapshot.status == "preparing":
                self._show(goes_on=True)
            self._aim()
            self._wake()

    def _aim(self) -> None:
        """Set where the goal ends, for the run at hand and the experiment's number of epochs."""
        if self._bench is None or self._prepared != self._generation or self._goal is None:
            return
        position, experiment = self._bench.run.position, self._experiment
        if self._goal == "batch":
            self._target = position.step + 1
        elif self._goal == "epoch":
            self._target = position.epoch + 1
        elif experiment is not None:
            epochs = experiment.training.epochs
            self._target = 0 if epochs is None else epochs * (position.epoch // epochs + 1)

    def _start_over(self, weights: Mapping[str, Tensor] | None = None) -> None:
        self._generation += 1
        self._weights = weights
        self._show(status="preparing", message="", progress=None, goes_on=self._goal is not None)

    def _wake(self) -> None:
        """Make sure that the thread looks at what is wanted."""
        if self._thread is None and not self._closed and self._experiment is not None:
            self._thread = self._start_thread()
        self._notify()

    def _start_thread(self) -> threading.Thread:
        raise NotImplementedError

    def _notify(self) -> None:
        """Tell all that wait for something: it has changed."""
        if self._turn is not None:
            turn, wanted = self._turn
            if not wanted():
                turn.call_off()
        self._changed.notify_all()

    def _publish(self, status: Status, message: str = "") -> None:
        """Show the run as it stands, unless it has been given up for a newer one."""
        with self._lock:
            if self._prepared != self._generation:
                return
            if self._bench is not None:
                looking = status not in BUSY and self._bench.stale(self._looking())
                others = SLOTS.others if status == "running" else 0
                before, now = self._snapshot, self._bench.snapshot(status, message)
                period = now.at - before.at if before.status == status == "running" else 0.0
                self._show(now, looking=looking, others=others, period=period)
            else:
                nothing = Snapshot(devices=self._snapshot.devices)
                self._show(nothing, status=status, message=message, generation=self._generation)

    def _show(self, new: Snapshot | None = None, **changes: Any) -> None:
        """Replace the snapshot, by a new one or by itself, with changes."""
        # A page that outlives its session, with the server, goes on with the next one's versions.
        version = max(self._snapshot.version + 1, time.time_ns() // 1000)
        self._snapshot = replace(new or self._snapshot, version=version, **changes)
        self._changed.notify_all()

    def _record(self, event: Event) -> None:
        with self._lock:
            if self._bench is not None:
                self._bench.record(event)

    def _looking(self) -> list[str]:
        now = time.monotonic()
        return [name for name, until in self._watched.items() if until > now]

    def _leased(self) -> bool:
        return time.monotonic() < self._lease_ends

    def _needs_look(self) -> bool:
        return (
            self._bench is not None
            and self._prepared == self._generation
            and self._snapshot.status != "failed"
            and self._bench.stale(self._looking())
        )
