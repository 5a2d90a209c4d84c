"""The sweeps of this server by their owners: they go on while their page is closed, and are found again."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mlp_core.errors import SpecError, UserError
from mlp_core.processor import PROCESSOR, BackgroundWork
from mlp_core.store.keeper import RunKeeper

if TYPE_CHECKING:
    from mlp_core.store.sweeps import StoredSweep, SweepStore
    from mlp_core.sweep.keeping import KeptSweep
    from mlp_core.sweep.spec import SweepSpec

MOST_HELD = 8
"""Sweeps of an owner that stay in memory; those that do nothing are read again."""
GROWTH = 1.3
"""How many times as many trials as before there must be for importances to be computed again, at the end aside."""


@dataclass(eq=False)
class Importances:
    """How much each setting of a sweep explains, as far as that is known."""

    work: BackgroundWork[dict[str, float]] | None = None
    """What is being computed."""
    trials: int = 0
    """From how many trials the newest ones are, or are being computed."""
    shares: dict[str, float] = field(default_factory=dict)
    """The newest ones by the paths of the settings."""
    error: str = ""
    """Why there are none; '' where there are."""


class Sweeps:
    """The sweeps of one owner. Safe to use from any thread."""

    def __init__(self, keeper: RunKeeper) -> None:
        self.keeper = keeper
        self._lock = threading.RLock()
        self._held: dict[str, KeptSweep] = {}
        self._importances: dict[str, Importances] = {}

    def store(self) -> SweepStore:
        """Where they are kept. Raises `StoreError`."""
        from mlp_core.store.sweeps import SweepStore

        return SweepStore(self.keeper.queue.store.engine)

    def listed(self) -> list[StoredSweep]:
        """Those that are kept, the newest first."""
        return self.store().sweeps(self.keeper.owner)

    @property
    def running(self) -> KeptSweep | None:
        """The one that runs here."""
        with self._lock:
            busy = ("running", "pausing")
            return next((kept for kept in self._held.values() if kept.sweep.progress.status in busy), None)

    def begin(self, spec: SweepSpec) -> KeptSweep:
        """Begin a new one. Raises `SpecError` while another one runs, and `StoreError` where it cannot be kept."""
        from mlp_core.cluster.cluster import cluster_of_server
        from mlp_core.sweep.keeping import KeptSweep

        with self._lock:
            self.refuse_second()
            kept = KeptSweep(self.store, self.keeper.owner, spec, runs=self.keeper, cluster=cluster_of_server())
            kept.flush()  # it is in the list, whatever happens
            self._hold(kept)
        kept.start()
        return kept

    def resume(self, sweep: str) -> None:
        """Go on with one. Raises `SpecError` while another one runs, and where another server trains it."""
        self.refuse_second(sweep)
        self.look(sweep)[0].start()

    def refuse_second(self, but: str = "") -> None:
        """Raise `SpecError` while another one runs."""
        running = self.running
        if running is not None and running.id != but:
            raise SpecError("Another sweep of yours is running. Pause it, or wait for its end.")

    def open(self, sweep: str) -> KeptSweep:
        """A sweep as it is now, or as it was kept. Raises `UserError` where it cannot be read."""
        from mlp_core.cluster.cluster import cluster_of_server
        from mlp_core.sweep.keeping import reopened

        with self._lock:
            if sweep not in self._held:
                self._hold(reopened(self.store, self.keeper.owner, sweep, runs=self.keeper,
                                    cluster=cluster_of_server()))  # fmt: skip
            return self._held[sweep]

    def look(self, sweep: str) -> tuple[KeptSweep, float]:
        """A sweep with what other servers have found since, and for how many seconds one of them keeps it, unless it
        gives another sign; 0 where none does. Raises `UserError` where it cannot be read."""
        kept = self.open(sweep)
        if kept.busy:
            return kept, 0.0
        stored = self.store().about(self.keeper.owner, sweep)
        with self._lock:
            if not kept.unsaved.trials and kept.differs(stored):
                self._held.pop(sweep)
                kept = self.open(sweep)
        return kept, stored.held if stored.holder != kept.holder else 0.0

    def delete(self, sweep: str) -> None:
        """Remove one; its runs stay."""
        with self._lock:
            kept = self._held.pop(sweep, None)
        if kept is not None:
            kept.sweep.cancel()
            kept.sweep.wait(2.0)
            kept.discard()
        self.store().delete(self.keeper.owner, sweep)

    def _hold(self, kept: KeptSweep) -> None:
        self._held[kept.id] = kept
        for other in list(self._held.values())[:-1]:
            idle = other.sweep.progress.status not in ("running", "pausing") and not other.unsaved.trials
            if idle and len(self._held) > MOST_HELD:
                self._held.pop(other.id)
                self._importances.pop(other.id, None)

    def importances(self, kept: KeptSweep) -> Importances:
        """How much each setting explains; computed in the background where there is enough that is new."""
        from mlp_core.sweep.importance import importances

        found = self._importances.setdefault(kept.id, Importances())
        work = found.work
        if work is not None and not work.running:
            found.work = None
            found.shares = work.result or found.shares
            said = str(work.error) if isinstance(work.error, UserError) else "Importances could not be computed."
            found.error = said if work.error is not None else ""
        results = [result for result in kept.sweep.results if result.counts]
        ended = kept.sweep.progress.status not in ("running", "pausing")
        enough = len(results) > found.trials if ended else len(results) > GROWTH * found.trials
        if found.work is None and enough:
            found.trials, spec = len(results), kept.spec
            found.work = BackgroundWork(PROCESSOR, lambda: importances(spec, results))
        return found


_OWNERS: dict[str, Sweeps] = {}
_LOCK = threading.Lock()


def sweeps_of(keeper: RunKeeper) -> Sweeps:
    """The sweeps of an owner, always the same object while one of them runs."""
    with _LOCK:
        for owner in [owner for owner, each in _OWNERS.items() if owner != keeper.owner and each.running is None]:
            if len(_OWNERS) > MOST_HELD:
                _OWNERS.pop(owner)
        found = _OWNERS.get(keeper.owner)
        if found is None or found.keeper.queue is not keeper.queue:
            found = _OWNERS[keeper.owner] = Sweeps(keeper)
        return found


def time_left(seconds: float | None) -> str:
    """How long it may take, in words; '' while nobody knows."""
    if seconds is None:
        return ""
    if seconds < 90:
        return f", about {max(1, seconds):.0f} s left"
    return f", about {seconds / 60:.0f} min left" if seconds < 5400 else f", about {seconds / 3600:.1f} h left"


def when(started: float) -> str:
    """How long ago that was, in words."""
    ago = max(0.0, time.time() - started)
    for most, unit, seconds in ((90, "just now", 0), (5400, "min", 60), (172_800, "h", 3600)):
        if ago < most:
            return f"{ago / seconds:.0f} {unit} ago" if seconds else unit
    return f"{ago / 86_400:.0f} days ago"
