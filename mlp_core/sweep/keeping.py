"""Keeps a sweep and its trials in the store, in the background; what cannot be saved waits, and is tried again."""

from __future__ import annotations

import logging
import threading
import time
import uuid
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from mlp_core.cluster.cluster import Cluster
from mlp_core.errors import SpecError, UserError
from mlp_core.processor import PROCESSOR, Processor
from mlp_core.processor.policy import CLOSE_SECONDS
from mlp_core.sweep.measuring import TrialResult
from mlp_core.sweep.spec import SweepSpec
from mlp_core.sweep.sweep import Sweep
from mlp_core.training.keeping import Draft, Keeper

if TYPE_CHECKING:
    from mlp_core.store.sweeps import StoredSweep, SweepStore

LOG = logging.getLogger(__name__)

FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
"""Seconds until a save that failed is tried again, the first time and after many."""
PROCESS = uuid.uuid4().hex
"""Who this process is, to others that use the same store."""
ELSEWHERE = "This sweep is being trained by another server."
SHOWN = 8
"""Characters of a sweep's identity in the tag of its runs."""


_KEPT: weakref.WeakSet[KeptSweep] = weakref.WeakSet()
"""Those of this process, to save them at its end."""


def close_sweeps(seconds: float = CLOSE_SECONDS) -> None:
    """Pause all sweeps of this process, and save them, so that another one can go on with them at once."""
    ends = time.monotonic() + seconds
    kept = list(_KEPT)
    for each in kept:
        each.sweep.pause()
    for each in kept:
        each.sweep.wait(max(0.0, ends - time.monotonic()))
        with suppress(UserError):  # it is said nowhere any more
            each.flush()


@dataclass(frozen=True)
class Unsaved:
    """What of a sweep is not saved yet."""

    trials: int
    """Trials that wait."""
    reason: str
    """Why the last attempt failed; '' where nothing has failed."""


class KeptSweep:
    """A sweep that is kept as it goes on: its trials in the sweep's tables, each one's run beside all other runs."""

    def __init__(
        self, store: Callable[[], SweepStore], owner: str, spec: SweepSpec, *, runs: Keeper | None = None,
        processor: Processor = PROCESSOR, stored: StoredSweep | None = None, earlier: list[TrialResult] | None = None,
        cluster: Cluster | None = None, holder: str = PROCESS,
    ) -> None:  # fmt: skip
        """`runs` keeps the runs; None for nobody. Trials train on `cluster`; None for here. `stored` is the sweep as
        it was kept, and `earlier` its trials. `holder` is who trains it here."""
        self.id = uuid.uuid4().hex if stored is None else stored.id
        self.owner, self.spec, self.holder = owner, spec, holder
        self.started = time.time() if stored is None else stored.started
        self.sweep = Sweep(spec, processor=processor, earlier=earlier or [], keep=self._keep,
                           turned=self.save, cluster=cluster)  # fmt: skip
        self._open, self._runs, self._processor = store, runs, processor
        self._lock, self._saves = threading.Lock(), threading.Lock()
        self._waiting: dict[int, TrialResult] = {}
        self._scheduled = False
        self._status = "" if stored is None else stored.status  # as it is saved
        self._wait, self._reason = 0.0, ""
        self._discarded = self._renews = self._lost = False
        self._kept = stored is not None
        _KEPT.add(self)
        if self._status == "cancelled":
            self.sweep.cancel()

    @property
    def tag(self) -> str:
        """What its runs are tagged with."""
        return tag_of(self.id)

    @property
    def busy(self) -> bool:
        """Whether it is being trained here."""
        return self.sweep.progress.status in ("running", "pausing")

    def differs(self, stored: StoredSweep) -> bool:
        """Whether others have found more, or ended it, as it is stored now."""
        now = self.sweep.progress
        return stored.done > now.done or (stored.status in ("cancelled", "finished") and stored.status != now.status)

    @property
    def unsaved(self) -> Unsaved:
        """What is not saved yet, and why."""
        with self._lock:
            return Unsaved(len(self._waiting), self._reason)

    def start(self) -> None:
        """Train the trials that are left, where nobody else does. Raises `SpecError` where somebody does, or has since
        this was read, and `StoreError`."""
        from mlp_core.store.sweeps import HOLD_SECONDS

        self.flush()
        if self.sweep.progress.status in ("cancelled", "finished"):
            return
        store = self._open()
        if not store.hold(self.owner, self.id, self.holder):
            raise SpecError(ELSEWHERE)
        if store.about(self.owner, self.id).done > self.sweep.progress.done:
            store.release(self.owner, self.id, self.holder)
            raise SpecError("Another server has trained trials of this sweep. Press Resume again.")
        self._lost = False
        self.sweep.start()
        with self._lock:
            if not self._renews:
                self._renews = True
                self._later(self._renew, HOLD_SECONDS / 3)

    def _renew(self) -> None:
        """Give a sign that it is being trained."""
        from mlp_core.store.sweeps import HOLD_SECONDS

        with self._lock:
            self._renews = False
        if not self._discarded and self.busy:
            with self._lock:
                self._status, self._renews = "", True
                self._later(self._renew, HOLD_SECONDS / 3)
                self._schedule()

    def save(self) -> None:
        """Have saved what is not yet."""
        with self._lock:
            self._schedule()

    def discard(self) -> None:
        """Save nothing of it any more."""
        with self._saves, self._lock:
            self._discarded = True
            self._waiting.clear()

    def flush(self) -> None:
        """Save now what is not saved yet. Raises `StoreError`."""
        with self._saves:
            status = self.sweep.progress.status  # before the lock, which is taken while the sweep holds its own
            with self._lock:
                trials = dict(self._waiting)
            if self._discarded or (not trials and status == self._status):
                return
            ours = self._open().save(
                self.owner, self.id, spec=self.spec.to_json(), size=self.spec.size,
                status=None if self._lost else status,
                started=self.started, trials={number: record_of(result) for number, result in trials.items()},
                holder=self.holder, new=not self._kept,
            )  # fmt: skip
            if not ours:  # it was not heard of for too long, and another one goes on
                self._lost = True
                self.sweep.pause()
            with self._lock:
                self._status, self._reason, self._wait, self._kept = status, "", 0.0, True
                for number in trials:
                    self._waiting.pop(number, None)

    def _keep(self, result: TrialResult, draft: Draft | None) -> None:
        if draft is not None and self._runs is not None:
            name = f"Sweep {self.id[:SHOWN]}, trial {result.number + 1}"
            self._runs.keep(replace(draft, name=name, tags=(self.tag,)))
        with self._lock:
            self._waiting[result.number] = result
            self._schedule()

    def _schedule(self, after: float = 0.0) -> None:
        """Have it saved. Call with the lock held."""
        if not self._scheduled:
            self._scheduled = self._later(self._work, after)

    def _later(self, work: Callable[[], None], after: float) -> bool:
        """Have it done after so many seconds; whether it will be."""
        try:
            self._processor.record(work, after)
        except RuntimeError:  # the process ends
            return False
        return True

    def _work(self) -> None:
        with self._lock:
            self._scheduled = False
        from mlp_core.store.sweeps import GoneError

        try:
            self.flush()
        except GoneError:  # its owner has deleted it elsewhere
            self.sweep.cancel()
            self.discard()
        except Exception as error:
            if not isinstance(error, UserError):
                LOG.exception("a sweep could not be saved")
            with self._lock:
                self._wait = min(LONGEST_WAIT, max(FIRST_WAIT, 2 * self._wait))
                self._reason = str(error)
                self._schedule(self._wait)


def tag_of(sweep: str) -> str:
    """What the runs of a sweep are tagged with."""
    return f"sweep {sweep[:SHOWN]}"


def reopened(
    store: Callable[[], SweepStore], owner: str, sweep: str, *, runs: Keeper | None = None,
    processor: Processor = PROCESSOR, cluster: Cluster | None = None, holder: str = PROCESS,
) -> KeptSweep:  # fmt: skip
    """A sweep as it is kept, which can go on. Raises `StoreError`, and `SpecError` where it cannot be read."""
    stored, trials = store().find(owner, sweep)
    spec = SweepSpec.from_json(stored.spec)
    earlier = [result_of(spec, trial) for trial in trials]
    return KeptSweep(store, owner, spec, runs=runs, processor=processor, stored=stored, earlier=earlier,
                     cluster=cluster, holder=holder)  # fmt: skip


def record_of(result: TrialResult) -> dict[str, Any]:
    """A result as JSON holds it."""
    found = {each.name: getattr(result, each.name) for each in fields(result)}
    return found | {
        "values": {path: list(value) if isinstance(value, tuple) else value for path, value in result.values.items()},
        "objectives": list(result.objectives), "reports": [list(report) for report in result.reports],
        "rungs": dict(result.rungs),
    }  # fmt: skip


def result_of(spec: SweepSpec, record: Mapping[str, Any]) -> TrialResult:
    """What `record_of` made JSON of."""
    values = {path: tuple(record["values"][path]) if isinstance(record["values"][path], list)
              else record["values"][path] for path in spec.space.dimensions}  # fmt: skip
    reports = tuple((int(epoch), float(value)) for epoch, value in record["reports"])
    return TrialResult(**{**record, "values": values, "objectives": tuple(record["objectives"]), "reports": reports})
