"""The sweeps of a store, each its owner's, with their trials."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, Select, delete, func, select, update
from sqlalchemy.orm import Session as Transaction
from sqlalchemy.orm import sessionmaker

from mlp_core.limits import MAX_NAME, MAX_SWEEPS
from mlp_core.store.opening import WRITES, RefusedError, StoreError
from mlp_core.store.runs import Named, plain_text
from mlp_core.store.tables import SweepRow, SweepTrialRow

HOLD_SECONDS = 30.0
"""How long a process that trains a sweep keeps it without a sign; then others may, as where it was killed."""
BUSY = ("running", "pausing")
"""Statuses of a sweep that somebody trains."""


class GoneError(RefusedError):
    """A sweep that is not kept, or not any more."""


@dataclass(frozen=True, kw_only=True)
class StoredSweep:
    """A sweep as a list shows it."""

    id: str
    """Its identity."""
    name: str
    """What its owner calls it; '' for nothing."""
    status: str
    """What it did when that was saved last."""
    started: float
    """When it was begun, in Unix seconds."""
    saved: float
    """When something of it was last saved, in Unix seconds."""
    spec: str
    """What it is, as JSON."""
    size: int
    """How many trials it has when it is at its end."""
    done: int
    """How many are kept."""
    holder: str
    """The process that trains it; '' for none."""
    held: float
    """Seconds for which that one keeps it, unless it gives another sign; 0 where nobody does."""


class SweepStore:
    """Keeps and finds sweeps. Every call is one transaction; any thread may call.

    All of them raise `StoreError` where the store cannot be reached; nothing is half done then.
    """

    def __init__(self, engine: Engine, *, most: int = MAX_SWEEPS) -> None:
        """`most` sweeps are kept of each owner."""
        self.engine = engine
        self._most = most
        self._reads = sessionmaker(engine, expire_on_commit=False)
        self._writes = sessionmaker(engine.execution_options(**WRITES), expire_on_commit=False)

    def save(
        self, owner: str, sweep: str, *, spec: str, size: int, status: str | None, started: float, name: str = "",
        trials: Mapping[int, Mapping[str, Any]] | None = None, holder: str = "", new: bool = True,
    ) -> bool:  # fmt: skip
        """Keep a sweep as it is now, and further trials by their numbers. Of too many sweeps, the oldest go that nobody
        trains. Gives whether it is `holder` who trains it, if somebody does.

        A holder is taken to train it for `HOLD_SECONDS` more where the status says that it does, and no longer where it
        does not; with None for a status, it trains it no more. Where another one trains it, and for who does no more,
        only trials are added that are not kept yet. Raises `GoneError` where it is not kept, unless it is a `new` one.
        """
        with self._begin(writes=True) as transaction:
            row = transaction.scalar(_row(owner, sweep).with_for_update())
            if row is None and not new:
                raise _unknown(sweep)
            now = _clock(transaction)
            if row is not None and (status is None or _others(row, holder, now)):
                known = set(transaction.scalars(select(SweepTrialRow.number).where(SweepTrialRow.sweep == row.key)))
                missing = {number: data for number, data in (trials or {}).items() if number not in known}
                self._add(transaction, row.key, missing)
                return False
            assert status is not None, "a new one does something"
            if row is None:
                row = SweepRow(owner=owner, id=sweep, name=plain_text(name, MAX_NAME), started=started, spec=spec,
                               size=size)  # fmt: skip
                transaction.add(row)
            row.status, row.saved = status, time.time()
            row.holder, row.held_until = (holder, now + HOLD_SECONDS) if holder and status in BUSY else ("", 0.0)
            transaction.flush()
            self._add(transaction, row.key, trials or {})
            old = transaction.scalars(
                select(SweepRow.key).where(SweepRow.owner == owner, SweepRow.key != row.key)
                .order_by((SweepRow.held_until > now).desc(), SweepRow.started.desc(), SweepRow.key.desc())
                .offset(self._most - 1)
            ).all()  # fmt: skip
            if old:
                transaction.execute(delete(SweepRow).where(SweepRow.key.in_(old), SweepRow.held_until <= now))
            return True

    def hold(self, owner: str, sweep: str, holder: str) -> bool:
        """Have `holder` train a sweep for `HOLD_SECONDS`, in which it is saved again; False where another one does."""
        with self._begin(writes=True) as transaction:
            row = transaction.scalar(_row(owner, sweep).with_for_update())
            if row is None:
                raise _unknown(sweep)
            now = _clock(transaction)
            if _others(row, holder, now):
                return False
            row.holder, row.held_until = holder, now + HOLD_SECONDS
            return True

    def release(self, owner: str, sweep: str, holder: str) -> None:
        """Have others train a sweep that `holder` does not train any more."""
        with self._begin(writes=True) as transaction:
            held = SweepRow.owner == owner, SweepRow.id == sweep, SweepRow.holder == holder
            transaction.execute(update(SweepRow).where(*held).values(holder="", held_until=0.0))

    def _add(self, transaction: Transaction, sweep: int, trials: Mapping[int, Mapping[str, Any]]) -> None:
        if trials:
            transaction.execute(
                delete(SweepTrialRow).where(SweepTrialRow.sweep == sweep, SweepTrialRow.number.in_(list(trials)))
            )
            transaction.add_all(
                SweepTrialRow(sweep=sweep, number=number, data=dict(data)) for number, data in trials.items()
            )

    def sweeps(self, owner: str | None) -> list[StoredSweep]:
        """The sweeps of an owner, the newest first; None for everybody's, for whoever runs the server."""
        count = select(func.count()).where(SweepTrialRow.sweep == SweepRow.key).scalar_subquery()
        whose = () if owner is None else (SweepRow.owner == owner,)
        chosen = select(SweepRow, count).where(*whose).order_by(SweepRow.started.desc(), SweepRow.key.desc())
        with self._begin() as transaction:
            now = _clock(transaction)
            return [_stored(row, done, now) for row, done in transaction.execute(chosen)]

    def about(self, owner: str, sweep: str) -> StoredSweep:
        """A sweep of the owner's, without its trials. Raises `GoneError` where it is not kept."""
        with self._begin() as transaction:
            row = transaction.scalar(_row(owner, sweep))
            if row is None:
                raise _unknown(sweep)
            done = select(func.count()).where(SweepTrialRow.sweep == row.key)
            return _stored(row, transaction.scalar(done) or 0, _clock(transaction))

    def find(self, owner: str, sweep: str) -> tuple[StoredSweep, list[Mapping[str, Any]]]:
        """A sweep of the owner's, and its trials in order."""
        with self._begin() as transaction:
            row = transaction.scalar(_row(owner, sweep))
            if row is None:
                raise _unknown(sweep)
            trials: Sequence[Mapping[str, Any]] = transaction.scalars(
                select(SweepTrialRow.data).where(SweepTrialRow.sweep == row.key).order_by(SweepTrialRow.number)
            ).all()
            return _stored(row, len(trials), _clock(transaction)), list(trials)

    def delete(self, owner: str, sweep: str) -> None:
        """Remove a sweep and its trials; the runs of these stay."""
        with self._begin(writes=True) as transaction:
            chosen = delete(SweepRow).where(SweepRow.owner == owner, SweepRow.id == sweep)
            if transaction.execute(chosen).rowcount != 1:  # type: ignore[attr-defined]
                raise _unknown(sweep)

    def _begin(self, *, writes: bool = False) -> Named:
        return Named(self.engine, self._writes if writes else self._reads)


def _row(owner: str, sweep: str) -> Select[SweepRow]:
    return select(SweepRow).where(SweepRow.owner == owner, SweepRow.id == sweep)


def _others(row: SweepRow, holder: str, now: float) -> bool:
    """Whether somebody else trains it."""
    return row.holder not in ("", holder) and row.held_until > now


def _clock(transaction: Transaction) -> float:
    """Unix seconds by the clock that all who use the store share."""
    if transaction.get_bind().dialect.name == "sqlite":
        return time.time()
    return float(transaction.scalar(select(func.extract("epoch", func.clock_timestamp()))) or 0)


def _unknown(sweep: str) -> StoreError:
    return GoneError(f"There is no sweep {sweep[:40]!r} among yours. It may have been removed to make room.")


def _stored(row: SweepRow, done: int, now: float) -> StoredSweep:
    held = max(0.0, row.held_until - now) if row.holder else 0.0
    return StoredSweep(
        id=row.id, name=row.name, status=row.status, started=row.started, saved=row.saved, spec=row.spec,
        size=row.size, done=done, holder=row.holder, held=held,
    )  # fmt: skip
