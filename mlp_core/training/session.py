"""A session: the one thread that trains for one browser.

The thread lives only while there is something to do: it prepares a run, trains it, brings views up to date, and ends.
Control is looked at between chunks of steps, nowhere else.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mlp_core import data
from mlp_core.errors import UserError
from mlp_core.processor.turns import SLOTS
from mlp_core.training.control import Control, Curves, Goal, State
from mlp_core.training.snapshot import BUSY, Status

if TYPE_CHECKING:
    from mlp_core.training.bench import Bench
    from mlp_core.training.events import Events

LOG = logging.getLogger(__name__)

__all__ = ["Curves", "Session", "State"]


class Session(Control):
    """The training of one user. Safe to call from any thread."""

    def _start_thread(self) -> threading.Thread:
        thread = threading.Thread(target=self._work, name="mlp-training", daemon=True)
        thread.start()
        return thread

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
                if self._asked_state is not None:
                    return self._give_state
                if self._goal is not None and self._leased():
                    return self._train_as_member
            self._goal = self._asked_state = None
            if self._snapshot.status in ("running", "pausing"):
                self._publish("ready")
            if not self._closed and self._needs_look():
                return self._look
            if self._closed:
                self._bench = self._dataset = None
            self._thread = None
            return None

    def _prepare(self) -> None:
        with self._lock:
            generation, experiment, download = self._generation, self._experiment, self._download
            weights, self._download = self._weights, False
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

            with self._in_turn(lambda: self._generation == generation and not self._closed, urgent=True) as begun:
                bench = Bench(experiment, dataset, generation, weights) if begun else None
                if bench is not None:
                    bench.look(self._looking(), bench.record, all_stale=True)
        except data.DataMissing as error:
            self._give_up(generation, "needs download", str(error))
            return
        except Exception:
            self._give_up(generation, "preparing", "")
            raise
        with self._lock:
            if self._generation != generation or bench is None:
                return
            self._bench, self._prepared = bench, generation
            self._aim()
        self._publish("ready" if self._goal is None else "running")

    def _give_up(self, generation: int, status: Status, message: str) -> None:
        with self._lock:
            if self._generation == generation:
                self._bench, self._prepared, self._goal = None, generation, None
                self._publish(status, message)

    def _show_progress(self, progress: data.Progress) -> None:
        share = progress.done_bytes / progress.total_bytes if progress.total_bytes else None
        with self._lock:
            self._show(progress=(progress.what, share))

    def _train_as_member(self) -> None:
        with SLOTS.member():
            self._train()

    def _train(self) -> None:
        with self._lock:
            bench, goal, target = self._bench, self._goal, self._target
        assert bench is not None
        if goal is None:
            return  # paused a moment ago
        self._publish("running")
        by_epoch = goal != "batch"
        events = bench.train(epochs=(target or None) if by_epoch else None, steps=None if by_epoch else target)
        finished, first = False, True
        while not finished and self._goes_on(bench, goal, target):
            began, steps_before = time.monotonic(), bench.run.position.step
            with self._in_turn(lambda: self._goes_on(bench, goal, target), urgent=first) as begun:
                if not begun:
                    return
                self._follow_learning_rate(bench)
                finished = self._do_chunks(bench, events, lambda: self._goes_on(bench, goal, target))
                if finished or self._goes_on(bench, goal, target):
                    bench.look(self._looking(), self._record, all_stale=finished)
                    if not finished:
                        self._publish("running")
            first = False
            if self._asked_state is not None:
                self._give_state()
            self._throttle(began, bench.run.position.step - steps_before, bench, goal)
        if finished or bench.diverged:
            self._reached(bench, goal)

    def _do_chunks(self, bench: Bench, events: Events, goes_on: Callable[[], bool]) -> bool:
        """Train for a turn, which is one chunk once a run's chunks have grown; whether that was the end."""
        ends = time.monotonic() + bench.progress.chunk_seconds / 2
        while (event := next(events, None)) is not None:
            self._record(event)
            if self._steps_per_second or time.monotonic() > ends or not goes_on():
                return False
        return True

    @contextmanager
    def _in_turn(self, wanted: Callable[[], bool], *, urgent: bool = False) -> Iterator[bool]:
        """A turn in which to work; False if, while it waited for one, it was not wanted any more.

        Urgent is what somebody has just pressed a button for.
        """
        while True:
            with self._lock:
                if not wanted():
                    break
                turn = SLOTS.ask(urgent=urgent)
                self._turn = turn, wanted
            if not turn.held:
                self._tell_waiting()
            try:
                if turn.wait():
                    yield True
                    return
            finally:
                turn.end()
                with self._lock:
                    self._turn = None
        yield False

    def _tell_waiting(self) -> None:
        with self._lock:
            if self._snapshot.waiting_since is None:
                self._show(waiting_since=time.monotonic(), others=SLOTS.others)

    def _follow_learning_rate(self, bench: Bench) -> None:
        experiment = self._experiment
        if experiment is not None and self._generation == bench.generation:
            bench.set_learning_rate(experiment.optimizer.params["lr"])

    def _goes_on(self, bench: Bench, goal: Goal | None, target: int) -> bool:
        with self._lock:
            return (
                not self._closed
                and self._generation == bench.generation
                and (self._goal, self._target) == (goal, target)
                and self._leased()
            )

    def _give_state(self) -> None:
        with self._lock:
            if self._asked_state is not None and self._bench is not None and self._prepared == self._generation:
                self._state = self._bench.state(best=self._asked_state == "best")
            self._asked_state = None
            self._changed.notify_all()

    def _throttle(self, began: float, steps: int, bench: Bench, goal: Goal | None) -> None:
        with self._lock:
            while self._steps_per_second and self._goal == goal and self._generation == bench.generation:
                chunk = max(1, int(self._steps_per_second / 10))
                bench.progress.chunk_steps = min(bench.progress.chunk_steps, chunk)
                # A chunk that was begun at a higher speed is longer: it is not waited for in full.
                left = began + min(steps, chunk) / self._steps_per_second - time.monotonic()
                if left <= 0 or self._closed:
                    return
                rests = time.monotonic()
                self._changed.wait(left)
                bench.rested(time.monotonic() - rests)

    def _reached(self, bench: Bench, goal: Goal | None) -> None:
        with self._lock:
            if self._generation == bench.generation and self._goal == goal:
                self._goal = None
        if bench.diverged:
            self._publish("diverged", bench.diverged)
            bench.diverged = ""
        elif goal == "play":
            self._publish("finished", f"Finished {bench.run.position.epoch:,} epochs. Press Train for as many more.")
        else:
            self._publish("ready")

    def _look(self) -> None:
        with self._lock:
            bench = self._bench
        assert bench is not None
        with self._in_turn(lambda: bench.generation == self._generation and not (self._goal or self._closed)) as begun:
            if begun:
                bench.look(self._looking(), self._record, all_stale=True)
        with self._lock:
            if self._snapshot.status not in BUSY:
                self._publish(self._snapshot.status, self._snapshot.message)

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
