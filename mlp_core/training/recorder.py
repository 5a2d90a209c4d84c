"""Keeps the record of a run while it trains."""

from __future__ import annotations

import threading
import time
import uuid
from dataclasses import replace

from mlp_core.spec import Experiment
from mlp_core.training.events import Chunk, Evaluation
from mlp_core.training.history import History
from mlp_core.training.record import Change, End, RunRecord, Score, Start, Surgery, versions

LOADED = "It started from weights that were loaded, not drawn from its seed."
TRAINED_ON = "It was trained on after it had stopped early, where its script ends."
RESTORED = "Its best weights were restored by hand."
CHANGED = "Its learning rate was changed by hand while it was trained."
RESIZED = "Its batch size was changed while it was trained."
LENGTHENED = "Its number of epochs, from which its schedule takes its length, was changed while it was trained."
WEIGHT_SET = "A weight of it was set by hand."
INEXACT = {"optimizer.lr": CHANGED, "training.batch_size": RESIZED}
"""Settings whose change makes a run another one than its script's; a number of epochs mostly ends it elsewhere only."""


class Recorder:
    """The record of one run, as it grows. The training thread writes; any thread may read."""

    def __init__(self, experiment: Experiment, device: str, *, from_weights: bool = False) -> None:
        self.id, self.writer = uuid.uuid4().hex, uuid.uuid4().hex
        self.before: tuple[str, int] | None = None
        self.history = History()
        self._lock = threading.Lock()
        self._first = self._now = experiment
        self._start: Start = "weights" if from_weights else "seed"
        self._parent: tuple[str, int] | tuple[None, None] = None, None
        self._device = device
        self._changes: list[Change] = []
        self._engines: list[str] = []
        self._inexact: dict[str, None] = {LOADED: None} if from_weights else {}
        self._started: float | None = None
        self._ended: float | None = None
        self._end: End | None = None
        self._step = self._epoch = self._samples = 0
        self._seconds = 0.0
        self._last: Evaluation | None = None

    @classmethod
    def fork(cls, parent: str, before: RunRecord, device: str, history: History, *, now: Experiment) -> Recorder:
        """That of a run which goes on where another one, the parent, had this record, history and experiment."""
        made = cls(before.experiment, device)
        made.history, made._now = history, now
        made._start, made._parent = "checkpoint", (parent, before.step)
        made._changes, made._engines = list(before.changes), list(before.engines)
        made._inexact = dict.fromkeys(before.inexact)
        made._step, made._epoch = before.step, before.epoch
        made._samples, made._seconds = before.samples, before.seconds
        return made

    @classmethod
    def resume(
        cls, record: RunRecord, device: str, history: History, *, now: Experiment, last: Evaluation | None,
        writer: str = "",
    ) -> Recorder:  # fmt: skip
        """That of the same run, which goes on where it had this record, history, experiment and newest test pass, and
        this training of it had been saved."""
        made = cls.fork(record.id, record, device, history, now=now)
        made.id, made._last, made.before = record.id, last, (writer, record.step)
        made._start = record.start
        made._parent = (None, None) if record.parent is None else (record.parent, record.parent_step or 0)
        made._started, made._ended, made._end = record.started, record.ended, record.end
        return made

    @property
    def inexact(self) -> tuple[str, ...]:
        """Sentences on why a script will not repeat the run, in the order in which they became true."""
        with self._lock:
            return tuple(self._inexact)

    def note_inexact(self, sentence: str) -> None:
        """Add such a sentence, once."""
        with self._lock:
            self._inexact[sentence] = None

    def change(self, experiment: Experiment, step: int) -> None:
        """The run goes on with another experiment after so many steps; before the first, it is simply that one."""
        with self._lock:
            before, self._now = self._now, experiment
            if step == 0:
                self._first = experiment
                return
            for setting, old, new in experiment.live_changes_since(before):
                self._changes.append(Change(step, setting, old, new))
                if setting in INEXACT:
                    self._inexact[INEXACT[setting]] = None
                elif experiment.scheduler is not None and experiment.scheduler.params.get("total_steps", 0) is None:
                    self._inexact[LENGTHENED] = None

    def operate(self, change: Change, experiment: Experiment, note: str) -> None:
        """An operation was done, after which the run goes on with this experiment; `note` is what a script does not."""
        with self._lock:
            self._now = experiment
            self._changes.append(change)
            self._inexact[note] = None

    @property
    def surgeries(self) -> tuple[Surgery, ...]:
        """The operations on layers and neurons so far, in order."""
        with self._lock:
            return tuple(change.surgery for change in self._changes if change.surgery is not None)

    def set_weight(self, name: str, before: float, after: float) -> None:
        """A number of the network was set by hand; `name` says which one: '2.weight[0][1]' is of the layer '2'."""
        with self._lock:
            self._changes.append(Change(self._step, name, before, after))
            self._inexact[WEIGHT_SET] = None

    def add_chunk(self, chunk: Chunk, engine: str) -> None:
        """Record a chunk of steps that this engine has done."""
        now = time.time()
        with self._lock:
            if self._started is None:
                self._started = now - chunk.seconds
            self._ended, self._end = now, None
            if not self._engines or self._engines[-1] != engine:
                self._engines.append(engine)
            self._step, self._epoch = chunk.step, chunk.epoch
            self._seconds += chunk.seconds
            self._samples += chunk.samples
        self.history.add_chunk(chunk)

    def add_evaluation(self, evaluation: Evaluation) -> bool:
        """Record a test pass, and tell whether it is the best so far."""
        with self._lock:
            self._last = evaluation
        return self.history.add_evaluation(evaluation)

    def end(self, reason: End) -> None:
        """The run has come to an end, from which it may still go on."""
        with self._lock:
            self._end = reason

    @property
    def trained(self) -> bool:
        """Whether a step of this run was done, and not only of the one that it goes on from."""
        return self._started is not None

    def record(self, points: int | None = None) -> RunRecord:
        """The record as it stands, with at most about so many points of each curve."""
        return replace(self.summary(), curves=self.history.curves(points), versions=versions())

    def summary(self) -> RunRecord:
        """The record without its curves and versions, which take longer."""
        best = self.history.best
        with self._lock:
            return RunRecord(
                id=self.id,
                experiment=self._first,
                changes=tuple(self._changes),
                start=self._start,
                parent=self._parent[0],
                parent_step=self._parent[1],
                versions={},
                started=self._started,
                ended=self._ended,
                end=self._end,
                device=self._device,
                engines=tuple(self._engines),
                inexact=tuple(self._inexact),
                step=self._step,
                epoch=self._epoch,
                seconds=self._seconds,
                samples=self._samples,
                best=None if best is None else Score.of(best),
                last=None if self._last is None else Score.of(self._last),
            )
