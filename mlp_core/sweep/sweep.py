"""A sweep that runs: trials are chosen in order, trained beside one another, and their results kept.

It owns no thread: each trial is a piece of work for the processor's attendants, so sweeps of several people go on in
turns. Trial n is chosen when exactly the first n - at_once + 1 have been told, whatever else has ended by then. Trials
may train on a cluster instead; nothing else changes, so they are the same ones with the same figures.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from mlp_core import data
from mlp_core.cluster.cluster import Cluster, ClusterError
from mlp_core.data.dataset import Dataset
from mlp_core.errors import UserError
from mlp_core.limits import MAX_UNWATCHED_SWEEP_SECONDS
from mlp_core.processor import PROCESSOR, Processor
from mlp_core.spec import DataSpec, Experiment
from mlp_core.sweep.choosing import Chooser, Judge
from mlp_core.sweep.elsewhere import measure_on
from mlp_core.sweep.measuring import Measured, TrialResult, failure, measure
from mlp_core.sweep.spec import SweepSpec
from mlp_core.training.keeping import Draft

LOG = logging.getLogger(__name__)

Status = Literal["running", "pausing", "paused", "cancelled", "finished"]
Keep = Callable[[TrialResult, Draft | None], None]
MOST_NOTES = 5
"""Sentences about what has happened that are kept."""


@dataclass(frozen=True)
class Progress:
    """How far a sweep is."""

    status: Status
    """What it does."""
    done: int
    """Trials that have ended."""
    size: int
    """Trials in all."""
    training: tuple[int, ...]
    """The numbers of those that train now."""
    seconds_left: float | None
    """Seconds that the rest may take; None while nobody knows."""
    message: str
    """Why it cannot go on; '' for nothing to say."""
    place: str = ""
    """Where its trials train; '' for this machine."""
    notes: tuple[str, ...] = ()
    """What has happened to them on the way, the newest last."""


class Sweep:
    """The trials of a sweep. Safe to ask from any thread."""

    def __init__(
        self, spec: SweepSpec, *, processor: Processor = PROCESSOR, earlier: Sequence[TrialResult] = (),
        keep: Keep = lambda result, draft: None, load: Callable[[DataSpec], Dataset] = data.load,
        turned: Callable[[], None] = lambda: None, cluster: Cluster | None = None,
        note: Callable[[str], None] = lambda text: None,
    ) -> None:  # fmt: skip
        """`cluster` is where trials train; None for here. `earlier` are results from before a break; `keep` is told
        each new one, in the thread that trained it, and `turned` is called when the status has changed. It must not ask
        anything of the sweep. `note` is told what happens to trials on the way."""
        self.spec = spec
        self._processor, self._keep, self._load, self._turned = processor, keep, load, turned
        self._told_note = note
        self._cluster = cluster
        # A cluster is asked for all that may train at once: it has them wait, or grows.
        self._places = processor.cores if cluster is None else spec.at_once
        self._lock = threading.Condition()
        self._results: dict[int, TrialResult] = {result.number: result for result in earlier}
        self._known = frozenset(self._results)  # from before the break
        self._chooser: Chooser | None = None
        self._told = 0
        self._workers = 0  # pieces of work that are with the processor
        self._training: set[int] = set()
        self._again: list[tuple[int, dict[str, Any]]] = []  # chosen, and put off by a pause
        self._status: Status = "finished" if len(self._results) >= spec.size else "paused"
        self._message, self._notes = "", deque[str](maxlen=MOST_NOTES)
        self._seconds, self._since = 0.0, time.monotonic()
        self._new = 0
        self._watched = time.monotonic()
        self.version = 0
        """Grows with everything that happens."""

    # What others ask

    @property
    def results(self) -> list[TrialResult]:
        """The results by their numbers."""
        with self._lock:
            return [self._results[number] for number in sorted(self._results)]

    @property
    def progress(self) -> Progress:
        """How far it is."""
        with self._lock:
            done, size = len(self._results), self.spec.size
            running = self._status in ("running", "pausing")
            took = self._seconds + (time.monotonic() - self._since if running else 0.0)
            left = took / self._new * (size - done) if self._new and self._status == "running" else None
            training = tuple(sorted(self._training))
            place = "" if self._cluster is None else self._cluster.words
            return Progress(self._status, done, size, training, left, self._message, place, tuple(self._notes))

    def watch(self) -> None:
        """Somebody looks at it: it goes on for a long while."""
        self._watched = time.monotonic()

    # What it is told

    def start(self) -> None:
        """Go on with the trials that are left."""
        with self._lock:
            if self._status not in ("paused", "pausing"):
                return
            self.watch()
            self._message = ""
            self._set("running")
            self._since = time.monotonic()
            self._fill()

    def pause(self) -> None:
        """Stop between two chunks of steps; the trials at hand begin again when it goes on."""
        with self._lock:
            if self._status == "running":
                self._set("pausing" if self._workers else "paused")

    def cancel(self) -> None:
        """End it for good, with the results that there are."""
        with self._lock:
            if self._status != "finished":
                self._set("cancelled")

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until nothing of it is being done any more; whether that came within so many seconds."""
        with self._lock:
            return self._lock.wait_for(lambda: not self._workers, seconds)

    # Work

    def _set(self, status: Status) -> None:
        if self._status in ("running", "pausing") and status not in ("running", "pausing"):
            self._seconds += time.monotonic() - self._since
        self._status = status
        self._happened()
        self._turned()

    def _happened(self) -> None:
        self.version += 1
        self._lock.notify_all()

    def _fill(self) -> None:
        """Have as many trials trained at once as there are places. Call with the lock held."""
        begin = self._processor.attend if self._cluster is None else self._processor.oversee
        while self._status == "running" and self._workers < self._places and self._may_choose():
            self._workers += 1
            try:
                begin(self._work)
            except RuntimeError:  # the process ends
                self._workers -= 1
                return

    def _may_choose(self) -> bool:
        """Whether there is a trial for one more piece of work than there is."""
        asked = 0 if self._chooser is None else self._chooser.asked
        waiting = self._workers - len(self._training)  # pieces of work that have not chosen yet
        number = asked + waiting - len(self._again)
        return number < self.spec.size and (
            number < asked or all(at in self._results for at in range(self._told, self._needed(number)))
        )

    def _needed(self, number: int) -> int:
        """How many trials are told when this one is chosen."""
        return max(0, number - self.spec.at_once + 1)

    def _work(self) -> None:
        """Choose a trial, train it, keep its result."""
        try:
            found = self._choose()
            if found is not None:
                self._train(*found)
        except Exception as error:
            told = isinstance(error, UserError)
            if not told:
                LOG.exception("a sweep could not go on")
            with self._lock:
                self._message = (
                    str(error) if told else f"The sweep could not go on ({type(error).__name__}: {str(error)[:200]})."
                )
                self._set("paused")
        finally:
            with self._lock:
                self._workers -= 1
                self._fill()
                if not self._workers and self._status in ("running", "pausing"):
                    self._set("finished" if len(self._results) >= self.spec.size else "paused")
                self._happened()

    def _choose(self) -> tuple[int, dict[str, Any]] | None:
        """The next trial that was not trained yet; None where nothing is to be done."""
        with self._lock:
            if self._status != "running":
                return None
            if self._again:
                number, values = self._again.pop(0)
                self._training.add(number)
                return number, values
            chooser = self._chooser = self._chooser or Chooser(self.spec)
            while (number := chooser.asked) < self.spec.size:
                if any(at not in self._results for at in range(self._told, self._needed(number))):
                    return None
                while self._told < self._needed(number):
                    chooser.tell(self._results[self._told])
                    self._told += 1
                before = self._results.get(number)
                values = chooser.ask(None if before is None else before.values)
                if before is None:
                    self._training.add(number)
                    self._happened()
                    return number, values
            return None

    def _train(self, number: int, values: Mapping[str, Any]) -> None:
        chooser = self._chooser
        assert chooser is not None, "it has chosen"
        with self._lock:
            # The results that are told by now may be more than when this one was chosen, if others were chosen since.
            judge = chooser.judge(number, self._needed(number))
        draft: Draft | None = None
        result = TrialResult(number=number, values=values, state="failed")
        try:
            experiment = self.spec.space.experiment_of(values)
            found = self._measure(number, experiment, judge)
        except ClusterError:
            self._put_off(number, values)
            raise
        except Exception as error:
            if not isinstance(error, UserError):
                LOG.exception("a trial failed")
            result = replace(result, message=failure(error))
        else:
            if found is None:
                self._put_off(number, values)
                return
            measured, rungs = found
            draft = measured.draft
            result = replace(
                result, state=measured.state, objectives=measured.objectives, reports=measured.reports,
                rungs=rungs, run="" if draft is None else draft.record.id, epoch=measured.epoch,
                parameters=measured.parameters, seconds=measured.seconds, message=measured.message,
            )  # fmt: skip
        self._keep(result, draft)
        with self._lock:
            self._training.discard(number)
            self._results[number] = result
            self._new += 1
            self._happened()

    def _measure(
        self, number: int, experiment: Experiment, judge: Judge | None
    ) -> tuple[Measured, Mapping[str, float]] | None:
        """Train it where trials train; what it came to, and what its pruner remembers."""
        dataset, epochs = self._load(experiment.data), self.spec.epochs_of(experiment)
        if self._cluster is not None:
            return measure_on(
                self._cluster, experiment, dataset, self.spec.objective_entry, epochs, judge, wanted=self._wanted,
                lost=lambda why: self._note(f"Trial {number + 1} begins again: its node was lost."),
            )  # fmt: skip
        measured = measure(
            experiment, dataset, self.spec.objective_entry, epochs, processor=self._processor,
            report=judge.goes_on if judge else lambda epoch, value: True, wanted=self._wanted,
        )  # fmt: skip
        return None if measured is None else (measured, judge.rungs if judge else {})

    def _note(self, text: str) -> None:
        with self._lock:
            self._notes.append(text)
            self._happened()
        self._told_note(text)

    def _put_off(self, number: int, values: Mapping[str, Any]) -> None:
        """It begins again when the sweep goes on."""
        with self._lock:
            self._training.discard(number)
            self._again.append((number, dict(values)))
            self._again.sort(key=lambda pair: pair[0])

    def _wanted(self) -> bool:
        if time.monotonic() - self._watched > MAX_UNWATCHED_SWEEP_SECONDS:
            self.pause()
        return self._status == "running"
