"""A session: the one thread that trains for one browser, and everything a page may ask of it.

Every public method returns at once. The thread lives only while there is something to do: it prepares a run,
trains it, brings views up to date, and ends. Control is looked at between chunks of steps, nowhere else.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mlp_core import data
from mlp_core.errors import UserError
from mlp_core.history import Buckets
from mlp_core.spec import Experiment
from mlp_core.training.slots import SLOTS, lower_priority
from mlp_core.training.snapshot import Snapshot, Status

if TYPE_CHECKING:
    import numpy as np

    from mlp_core.data.dataset import Dataset
    from mlp_core.training.bench import Bench
    from mlp_core.training.events import Event

LOG = logging.getLogger(__name__)

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


class Session:
    """The training of one user. Safe to call from any thread."""

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

    # What a page asks for

    @property
    def experiment(self) -> Experiment | None:
        """The experiment that was last applied."""
        return self._experiment

    def apply(self, experiment: Experiment) -> None:
        """Make this the session's experiment.

        Nothing happens if it is already. A new learning rate or number of epochs takes effect while the run goes
        on; anything else starts a new run from its initial weights, which goes on training if the old one was.
        """
        with self._lock:
            before, self._experiment = self._experiment, experiment
            if before == experiment:
                return
            if before is not None and _without_live(before) == _without_live(experiment):
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
            if self._snapshot.status == "running":
                self._snapshot = replace(self._snapshot, status="pausing")
            self._changed.notify_all()

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
            self._steps_per_second = steps_per_second
            self._changed.notify_all()

    def watch(self, views: Iterable[str]) -> None:
        """Say which views (`statistics.VIEWS`) are on screen now; each counts as watched for `VIEW_SECONDS`."""
        with self._lock:
            now = time.monotonic()
            self._lease_ends = now + self._lease_seconds
            self._watched = dict.fromkeys(views, now + VIEW_SECONDS)
            if self._goal is None and self._needs_look():
                self._snapshot = replace(self._snapshot, looking=True)
                self._wake()

    def lease_lost(self) -> None:
        """The browser's connection is gone: train on for `LOST_LEASE_SECONDS`, unless somebody looks again."""
        with self._lock:
            self._lease_ends = min(self._lease_ends, time.monotonic() + LOST_LEASE_SECONDS)

    def close(self, timeout: float | None = None) -> bool:
        """End the thread and drop the run; with a timeout in seconds, wait, and tell whether the thread ended."""
        with self._lock:
            self._closed, self._goal = True, None
            self._changed.notify_all()
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

    def _start_over(self) -> None:
        self._generation += 1
        self._snapshot = replace(self._snapshot, status="preparing", message="", progress=None)

    def _wake(self) -> None:
        """Make sure that the thread looks at what is wanted."""
        if self._thread is None and not self._closed and self._experiment is not None:
            self._thread = threading.Thread(target=self._work, name="mlp-training", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _publish(self, status: Status, message: str = "") -> None:
        """Show the run as it stands, unless it has been given up for a newer one."""
        with self._lock:
            if self._prepared != self._generation:
                return
            if self._bench is not None:
                self._snapshot = self._bench.snapshot(status, message)
            else:
                self._snapshot = Snapshot(
                    status=status,
                    message=message,
                    generation=self._generation,
                    devices=self._snapshot.devices,
                )
            self._changed.notify_all()

    def _record(self, event: Event) -> None:
        with self._lock:
            if self._bench is not None:
                self._bench.record(event)

    def _needs_look(self) -> bool:
        return (
            self._bench is not None
            and self._prepared == self._generation
            and self._snapshot.status != "failed"
            and self._bench.stale(self._looking())
        )

    # The thread

    def _work(self) -> None:
        try:
            while (job := self._next_job()) is not None:
                try:
                    job()
                except Exception as error:
                    self._fail(error)
        finally:
            with self._lock:
                if self._thread is threading.current_thread():  # an error while telling of an error
                    self._thread = None

    def _next_job(self) -> Callable[[], None] | None:
        """What to do next; None ends the thread, decided under the lock so that no request falls in between."""
        with self._lock:
            if not self._closed and self._prepared != self._generation:
                return self._prepare
            if not self._closed and self._bench is not None:
                if self._goal is not None and self._leased():
                    return self._train
                if self._needs_look():
                    return self._look
            self._goal = None
            if self._snapshot.status in ("running", "pausing"):
                self._publish("ready")
            if self._closed:
                self._bench = self._dataset = None
            self._thread = None
            return None

    def _leased(self) -> bool:
        return time.monotonic() < self._lease_ends

    def _looking(self) -> list[str]:
        now = time.monotonic()
        return [name for name, until in self._watched.items() if until > now]

    def _prepare(self) -> None:
        with self._lock:
            generation, experiment, download = self._generation, self._experiment, self._download
            self._download = False
        assert experiment is not None
        try:
            dataset = data.load(
                experiment.data,
                self._data_dir,
                progress=self._show_progress,
                cancelled=lambda: self._closed or self._generation != generation,
                download=download,
            )
            with self._lock:
                self._dataset = dataset
                self._changed.notify_all()
            from mlp_core.training.bench import Bench

            bench = Bench(experiment, dataset, generation)
        except data.DataMissing as error:
            self._give_up(generation, "needs download", str(error))
            return
        except Exception:
            self._give_up(generation, "preparing", "")
            raise
        with self._lock:
            if self._generation != generation:
                return
            self._bench, self._prepared = bench, generation
            self._aim()
        self._look_at(bench, all_stale=True)
        self._publish("ready" if self._goal is None else "running")

    def _give_up(self, generation: int, status: Status, message: str) -> None:
        with self._lock:
            if self._generation == generation:
                self._bench, self._prepared, self._goal = None, generation, None
                self._publish(status, message)

    def _show_progress(self, progress: data.Progress) -> None:
        share = progress.done_bytes / progress.total_bytes if progress.total_bytes else None
        with self._lock:
            self._snapshot = replace(self._snapshot, progress=(progress.what, share))
            self._changed.notify_all()

    def _train(self) -> None:
        with self._lock:
            bench, goal, target = self._bench, self._goal, self._target
        assert bench is not None
        if goal is None:
            return  # paused a moment ago
        from mlp_core.training.engine import tune_thread

        lower_priority()
        self._publish("running")
        by_epoch = goal != "batch"
        events = bench.train(epochs=(target or None) if by_epoch else None, steps=None if by_epoch else target)
        while True:
            self._follow_learning_rate(bench)
            steps_before = bench.run.position.step
            began = time.monotonic()
            with SLOTS.turn() as alone:
                tune_thread(bench.run, alone)
                event = next(events, None)
            if event is None:
                break
            self._record(event)
            if not self._goes_on(bench, goal, target) and not bench.diverged:
                return
            self._look_at(bench, all_stale=False)
            self._publish("running")
            self._throttle(began, bench.run.position.step - steps_before, bench, goal)
        self._reached(bench, goal)

    def _follow_learning_rate(self, bench: Bench) -> None:
        experiment = self._experiment
        if experiment is not None and self._generation == bench.generation:
            wanted = experiment.optimizer.params["lr"]
            if wanted != bench.run.base_learning_rate:
                bench.run.base_learning_rate = wanted

    def _goes_on(self, bench: Bench, goal: Goal | None, target: int) -> bool:
        with self._lock:
            return (
                not self._closed
                and self._generation == bench.generation
                and (self._goal, self._target) == (goal, target)
                and self._leased()
            )

    def _look_at(self, bench: Bench, *, all_stale: bool) -> None:
        with SLOTS.turn():
            bench.look(self._looking(), self._record, all_stale=all_stale)

    def _throttle(self, began: float, steps: int, bench: Bench, goal: Goal | None) -> None:
        with self._lock:
            while self._steps_per_second and self._goal == goal and self._generation == bench.generation:
                chunk = max(1, int(self._steps_per_second / 10))
                bench.progress.chunk_steps = min(bench.progress.chunk_steps, chunk)
                # A chunk that was begun at a higher speed is longer: it is not waited for in full.
                left = began + min(steps, chunk) / self._steps_per_second - time.monotonic()
                if left <= 0 or self._closed:
                    return
                self._changed.wait(left)

    def _reached(self, bench: Bench, goal: Goal | None) -> None:
        with self._lock:
            if self._generation == bench.generation and self._goal == goal:
                self._goal = None
        self._look_at(bench, all_stale=True)
        if bench.diverged:
            self._publish("diverged", bench.diverged)
            bench.diverged = ""
        elif goal == "play":
            self._publish("finished", f"Finished {bench.run.position.epoch:,} epochs. Press Train for as many more.")
        else:
            self._publish("ready")

    def _look(self) -> None:
        with self._lock:
            bench, snapshot = self._bench, self._snapshot
        assert bench is not None
        self._look_at(bench, all_stale=True)
        status: Status = "ready" if snapshot.status in ("running", "pausing") else snapshot.status
        self._publish(status, snapshot.message)

    def _fail(self, error: Exception) -> None:
        with self._lock:
            if self._prepared != self._generation:
                return  # it belongs to a run that was given up
            self._goal = None
            if isinstance(error, UserError):
                self._publish("failed", str(error))
                return
            LOG.exception("training failed", exc_info=error)
            first_line = (str(error).splitlines() or [""])[0][:300]
            self._publish(
                "failed",
                f"Training stopped by an unexpected error ({type(error).__name__}: {first_line}). "
                "Your settings are kept: press Reset to start again, or change them.",
            )


def _without_live(experiment: Experiment) -> Experiment:
    """The experiment without what may change while a run goes on."""
    optimizer, training = experiment.optimizer, experiment.training
    return experiment.updated(
        optimizer=optimizer.updated(params={**optimizer.params, "lr": 0.0}),
        training=training.updated(epochs=None),
    )
