"""Saves what sessions hand over, in the background; what cannot be saved waits, and is tried again."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from mlp_core.errors import UserError
from mlp_core.processor import PROCESSOR, Processor
from mlp_core.training.keeping import Draft

LOG = logging.getLogger(__name__)

EVERY_SECONDS = 10.0
"""From one save of a run that goes on to the next, at least."""
REST, LONGEST_REST = 4.0, 1.0
"""From one save to the next, in lengths of the last one, and at most in seconds: many at once leave others the GIL.
Where more runs train than there are cores, it is always the longest."""
SHARE = 1 / 200
"""The share of a run's time that saving it may take."""
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
"""Seconds until a save that failed is tried again, the first time and after many."""
MOST_WAITING = 2000
"""Runs that wait for a store that cannot be reached; the oldest ones are given up for newer ones."""
MOST_WAITING_BYTES = 500_000_000
"""Bytes of all that wait."""
POINTS = 400
"""Points of a curve that is kept for drawing."""
MOST_CLASSES = 100
"""Classes of a confusion matrix that is kept."""

Key = tuple[str, str]
"""An owner, and the identity of a run."""


@dataclass(frozen=True)
class Waiting:
    """What of an owner's is not saved yet."""

    runs: int
    """How many runs have something that is not saved yet."""
    reason: str
    """Why the last attempt failed; '' where nothing has failed."""
    again_in: float
    """Seconds until it is tried again."""
    given_up: int
    """Runs that could not wait any longer, or that the store does not take."""

    @property
    def sentence(self) -> str:
        """What there is to say of it; '' where saving has not failed."""
        some = f"{self.runs} runs are" if self.runs > 1 else "1 run is"
        end = "Training goes on, and saving is tried again."
        return f"{some} not saved yet: {self.reason} {end}" if self.reason else ""


def digest(token: str) -> str:
    """What stands in the store for a secret: nobody who reads it can act as its owner."""
    return hashlib.sha256(token.encode()).hexdigest()


class SaveQueue:
    """What is to be saved, by owner and run; one for a process. Safe to use from any thread."""

    def __init__(self, open_runs: Callable[[], Any], processor: Processor = PROCESSOR) -> None:
        """`open_runs` opens the store, a `RunStore`, and raises `StoreError` where it cannot be."""
        self._open, self._processor = open_runs, processor
        self._store: Any = None
        self._lock = threading.Lock()
        self._saves = threading.Lock()  # held while one is saved
        self._drafts: dict[Key, Draft] = {}
        self._size = 0  # bytes of all that wait
        self._scheduled = False
        self._again, self._wait, self._reason = 0.0, 0.0, ""
        self._due: dict[Key, float] = {}
        self._seconds = 0.0  # that the last save took
        self._given_up: dict[str, int] = {}

    @property
    def store(self) -> Any:
        """The store, opened when it is first asked for."""
        if self._store is None:
            self._store = self._open()
        return self._store

    def due(self, key: Key) -> bool:
        """Whether a run that goes on should be handed over again."""
        now = time.monotonic()
        with self._lock:
            if key not in self._due:
                self._due[key] = now + EVERY_SECONDS
            return now >= self._due[key]

    def put(self, key: Key, draft: Draft) -> None:
        """Save this, in the place of what waits of the same run."""
        with self._lock:
            self._due.pop(key, None)
            if len(self._due) > MOST_WAITING:
                self._due.clear()
            self._due[key] = time.monotonic() + max(EVERY_SECONDS, self._seconds / SHARE)
            waiting = key[0], f"{key[1]} {draft.writer}"  # two tabs may train one run
            self._drop(waiting)
            self._drafts[waiting] = draft
            self._size += _bytes(draft)
            self._bound()
            self._schedule()

    def waiting(self, owner: str) -> Waiting:
        """What of an owner's is not saved yet, and why."""
        with self._lock:
            runs = sum(whose == owner for whose, _ in self._drafts)
            again = max(0.0, self._again - time.monotonic()) if self._reason else 0.0
            return Waiting(runs, self._reason if runs else "", again, self._given_up.get(owner, 0))

    def flush(self, seconds: float) -> bool:
        """Save all that waits, within so many seconds; whether it is saved."""
        ends = time.monotonic() + seconds
        arrived = threading.Event()
        with suppress(RuntimeError):  # the process ends
            self._processor.record(arrived.set)
            arrived.wait(seconds)  # for what is being handed over by the thread that saves
        while self._drafts and time.monotonic() < ends:
            if not self._save_one():
                return False
        return not self._drafts and self._saves.acquire(timeout=max(0.0, ends - time.monotonic())) and self._free()

    def _free(self) -> bool:
        self._saves.release()
        return True

    def _schedule(self, after: float = 0.0) -> None:
        """Have the next one saved. Call with the lock held."""
        if not self._scheduled and self._drafts:
            self._scheduled = True
            try:
                self._processor.record(self._work, after)
            except RuntimeError:  # the process ends: `flush` saves
                self._scheduled = False

    def _work(self) -> None:
        try:
            self._save_one()
        finally:
            with self._lock:
                self._scheduled = False
                self._schedule(max(0.0, self._again - time.monotonic() if self._reason else self._rest()))

    def _rest(self) -> float:
        """Seconds until the next one is saved."""
        crowded = self._processor.turns.others() > self._processor.cores
        return LONGEST_REST if crowded else min(LONGEST_REST, REST * self._seconds)

    def _save_one(self) -> bool:
        """Save the one that has waited longest; False where the store cannot be reached."""
        with self._saves:
            with self._lock:
                if not self._drafts:
                    return True
                key = next(iter(self._drafts))
                draft = self._drafts[key]
            began = time.perf_counter()
            try:
                save_draft(self.store, key[0], draft)
            except UserError as error:
                return self._failed(key, draft, error)
            except Exception as error:
                LOG.exception("a run could not be saved")
                return self._failed(key, draft, error)
            with self._lock:
                self._seconds = time.perf_counter() - began
                self._reason, self._wait = "", 0.0
                self._done(key, draft)
            return True

    def _drop(self, key: Key) -> None:
        if (draft := self._drafts.pop(key, None)) is not None:
            self._size -= _bytes(draft)

    def _done(self, key: Key, draft: Draft) -> None:
        if self._drafts.get(key) is draft:
            self._drop(key)

    def _failed(self, key: Key, draft: Draft, error: Exception) -> bool:
        from mlp_core.store.opening import RefusedError, StoreError

        with self._lock:
            if isinstance(error, StoreError) and not isinstance(error, RefusedError):
                self._wait = min(LONGEST_WAIT, max(FIRST_WAIT, 2 * self._wait))
                self._reason, self._again = str(error), time.monotonic() + self._wait
                return False
            self._done(key, draft)
            self._given_up[key[0]] = self._given_up.get(key[0], 0) + 1
        return True

    def _bound(self) -> None:
        """Give the oldest up where more wait than have room."""
        while len(self._drafts) > 1 and (len(self._drafts) > MOST_WAITING or self._size > MOST_WAITING_BYTES):
            key = next(iter(self._drafts))
            self._drop(key)
            self._given_up[key[0]] = self._given_up.get(key[0], 0) + 1


class RunKeeper:
    """Keeps the runs of one owner; a `mlp_core.training.keeping.Keeper`."""

    def __init__(self, queue: SaveQueue, owner: str) -> None:
        self.queue, self.owner = queue, owner

    def due(self, run: str) -> bool:
        """Whether a run that goes on should be handed over again."""
        return self.queue.due((self.owner, run))

    def keep(self, draft: Draft) -> None:
        """Keep a run as it is now."""
        self.queue.put((self.owner, draft.record.id), draft)

    def flush(self, seconds: float) -> bool:
        """Wait so many seconds at most until all that was handed over is saved; whether it is."""
        return self.queue.flush(seconds)

    @property
    def waiting(self) -> Waiting:
        """What is not saved yet, and why."""
        return self.queue.waiting(self.owner)


def save_draft(store: Any, owner: str, draft: Draft) -> None:
    """Save a run as it was handed over; as one of its own where another tab or server has trained it on meanwhile."""
    from mlp_core.store.runs import TakenError

    try:
        _save(store, owner, draft)
    except TakenError:
        _save(store, owner, draft.branch())


def _save(store: Any, owner: str, draft: Draft) -> None:
    from mlp_core.store.runs import Said
    from mlp_core.store.settings import settings_of
    from mlp_core.training.history import History
    from mlp_core.training.record import versions

    curves = History.recalled(draft.history, None).curves(POINTS)
    record = replace(draft.record, curves=curves, versions=versions())
    now = record.experiment if draft.last is None else draft.last.experiment
    confusion = None if draft.confusion is None or len(draft.confusion) > MOST_CLASSES else draft.confusion
    said = Said(name=draft.name, tags=draft.tags)
    store.save(owner, record, files_of(draft), settings=settings_of(now), confusion=confusion, said=said,
               writer=draft.writer, before=draft.before)  # fmt: skip


def files_of(draft: Draft) -> dict[Any, tuple[int | None, bytes]]:
    """The files of a run: weights that are not finite, and what cannot be kept of a state, are left out."""
    from mlp_core.export.preprocessing import preprocessing_of
    from mlp_core.export.weights import save
    from mlp_core.store.state import write_state

    files: dict[Any, tuple[int | None, bytes]] = {}
    for which, weights in (("best", draft.best), ("last", draft.last)):
        if weights is None:
            continue
        try:
            made_ready = preprocessing_of(weights.experiment, draft.dataset)
            files[which] = weights.step, save(
                weights.experiment, weights.tensors, step=weights.step, test_loss=weights.test_loss,
                preprocessing=made_ready,
            )  # fmt: skip
        except UserError:
            LOG.info("weights are not kept", exc_info=True)
    if draft.state is not None:
        try:
            files["state"] = draft.state.step, write_state(draft.state, draft.history)
        except UserError:
            LOG.info("a state is not kept", exc_info=True)
    return files


def _bytes(draft: Draft) -> int:
    """What a draft takes of the memory, about."""
    state = 0 if draft.state is None else draft.state.bytes
    best = 0 if draft.best is None else sum(tensor.nbytes for tensor in draft.best.tensors.values())
    return state + best
