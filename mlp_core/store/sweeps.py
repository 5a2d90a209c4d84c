"""The sweeps of a store, each its owner's, with their trials."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, delete, func, select
from sqlalchemy.orm import Session as Transaction
from sqlalchemy.orm import sessionmaker

from mlp_core.limits import MAX_NAME, MAX_SWEEPS
from mlp_core.store.opening import WRITES, RefusedError, StoreError
from mlp_core.store.runs import Named, plain_text
from mlp_core.store.tables import SweepRow, SweepTrialRow


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
        self, owner: str, sweep: str, *, spec: str, size: int, status: str, started: float, name: str = "",
        trials: Mapping[int, Mapping[str, Any]] | None = None,
    ) -> None:  # fmt: skip
        """Keep a sweep as it is now, and further trials by their numbers. Of too many sweeps, the oldest go."""
        with self._begin(writes=True) as transaction:
            row = transaction.scalar(select(SweepRow).where(SweepRow.owner == owner, SweepRow.id == sweep))
            if row is None:
                row = SweepRow(owner=owner, id=sweep, name=plain_text(name, MAX_NAME), started=started, spec=spec,
                               size=size)  # fmt: skip
                transaction.add(row)
            row.status, row.saved = status, time.time()
            transaction.flush()
            self._add(transaction, row.key, trials or {})
            old = transaction.scalars(
                select(SweepRow.key).where(SweepRow.owner == owner, SweepRow.key != row.key)
                .order_by(SweepRow.started.desc(), SweepRow.key.desc()).offset(self._most - 1)
            ).all()  # fmt: skip
            if old:
                transaction.execute(delete(SweepRow).where(SweepRow.key.in_(old)))

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
            return [_stored(row, done) for row, done in transaction.execute(chosen)]

    def find(self, owner: str, sweep: str) -> tuple[StoredSweep, list[Mapping[str, Any]]]:
        """A sweep of the owner's, and its trials in order."""
        with self._begin() as transaction:
            row = transaction.scalar(select(SweepRow).where(SweepRow.owner == owner, SweepRow.id == sweep))
            if row is None:
                raise _unknown(sweep)
            trials: Sequence[Mapping[str, Any]] = transaction.scalars(
                select(SweepTrialRow.data).where(SweepTrialRow.sweep == row.key).order_by(SweepTrialRow.number)
            ).all()
            return _stored(row, len(trials)), list(trials)

    def delete(self, owner: str, sweep: str) -> None:
        """Remove a sweep and its trials; the runs of these stay."""
        with self._begin(writes=True) as transaction:
            chosen = delete(SweepRow).where(SweepRow.owner == owner, SweepRow.id == sweep)
            if transaction.execute(chosen).rowcount != 1:  # type: ignore[attr-defined]
                raise _unknown(sweep)

    def _begin(self, *, writes: bool = False) -> Named:
        return Named(self.engine, self._writes if writes else self._reads)


def _unknown(sweep: str) -> StoreError:
    return RefusedError(f"There is no sweep {sweep[:40]!r} among yours. It may have been removed to make room.")


def _stored(row: SweepRow, done: int) -> StoredSweep:
    return StoredSweep(
        id=row.id, name=row.name, status=row.status, started=row.started, saved=row.saved, spec=row.spec,
        size=row.size, done=done,
    )  # fmt: skip
