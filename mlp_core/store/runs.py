"""The runs of a store, each its owner's."""

from __future__ import annotations

import hashlib
import time
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from sqlalchemy import Engine, delete, func, select, update
from sqlalchemy.orm import Session as Transaction
from sqlalchemy.orm import sessionmaker

from mlp_core.limits import MAX_RUN_BYTES, MAX_RUNS
from mlp_core.store.opening import StoreError, named_errors
from mlp_core.store.settings import Scalar, figures_of, settings_of
from mlp_core.store.tables import CurvesRow, RunRow, WeightsRow
from mlp_core.training.record import RunRecord

Which = Literal["best", "last"]
THUMBNAIL = 32
"""Points of a run's small picture."""
UNDO_SECONDS = 3600.0
"""How long a deletion can be undone."""


def digest(token: str) -> str:
    """What stands in the store for a secret: nobody who reads it can act as its owner."""
    return hashlib.sha256(token.encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class StoredRun:
    """A run as a list shows it."""

    id: str
    """Its identity."""
    name: str
    """What its owner calls it."""
    note: str
    """What its owner says of it."""
    tags: tuple[str, ...]
    """Its owner's tags."""
    starred: bool
    """Whether it is never removed to make room."""
    started: float
    """When its first step was done, in Unix seconds."""
    saved: float
    """When it was last saved, in Unix seconds."""
    settings: Mapping[str, Scalar]
    """Every setting by its path."""
    figures: Mapping[str, float | None]
    """Every figure by its name."""
    thumbnail: tuple[float, ...]
    """The train loss at a few places along the run."""
    bytes: int
    """What it takes in the store."""


class RunStore:
    """Keeps and finds runs. Every call is one transaction; any thread may call.

    All of them raise `StoreError` where the store cannot be reached; nothing is half done then.
    """

    def __init__(self, engine: Engine, *, most_runs: int = MAX_RUNS, most_bytes: int = MAX_RUN_BYTES) -> None:
        self.engine = engine
        self._most_runs, self._most_bytes = most_runs, most_bytes
        self._transactions = sessionmaker(engine, expire_on_commit=False)

    # Writing

    def save(self, owner: str, record: RunRecord, weights: Mapping[Which, tuple[int | None, bytes]]) -> list[str]:
        """Keep a run as it is now, its weights by which they are with the step they were taken at.

        A run that is kept already is replaced; its name, note, tags and star stay. Gives the names of the runs that
        had to go for it, the oldest unstarred first.
        """
        packed = zlib.compress(record.to_json().encode(), 6)
        size = len(packed) + sum(len(data) for _, data in weights.values())
        if size > self._most_bytes:
            raise StoreError(
                f"This run takes {size / 1e6:,.1f} MB, and all kept runs together may take "
                f"{self._most_bytes / 1e6:,.0f} MB. Export its weights instead."
            )
        with self._begin() as transaction:
            row = transaction.scalar(select(RunRow).where(RunRow.owner == owner, RunRow.id == record.id))
            if row is None:
                row = RunRow(owner=owner, id=record.id, name="", note="", tags=[], starred=False)
                transaction.add(row)
            now = time.time()
            row.saved, row.started = now, now if record.started is None else record.started
            row.settings, row.figures = dict(settings_of(record.experiment)), figures_of(record)
            row.thumbnail = _thumbnail(record)
            row.record = replace(record, curves=None).to_json()
            row.bytes, row.deleted = size, None
            transaction.flush()
            transaction.execute(delete(CurvesRow).where(CurvesRow.run == row.key))
            transaction.execute(delete(WeightsRow).where(WeightsRow.run == row.key))
            transaction.add(CurvesRow(run=row.key, data=packed))
            transaction.add_all(
                WeightsRow(run=row.key, which=which, step=step, data=data) for which, (step, data) in weights.items()
            )
            return self._make_room(transaction, owner, row.key)

    def _make_room(self, transaction: Transaction, owner: str, but: int) -> list[str]:
        """Remove deleted runs that nobody can bring back, then the oldest unstarred ones, until the limits hold."""
        stale = time.time() - UNDO_SECONDS
        transaction.execute(delete(RunRow).where(RunRow.owner == owner, RunRow.deleted < stale))
        rows = transaction.execute(
            select(RunRow.key, RunRow.bytes, RunRow.name, RunRow.id, RunRow.starred, RunRow.deleted)
            .where(RunRow.owner == owner)
            .order_by(RunRow.starred, RunRow.deleted.is_(None), RunRow.started)
        ).all()
        count, size, gone = len(rows), sum(row.bytes for row in rows), []
        for row in rows:
            if count <= self._most_runs and size <= self._most_bytes:
                break
            if row.key == but or row.starred:
                continue
            transaction.execute(delete(RunRow).where(RunRow.key == row.key))
            count, size = count - 1, size - row.bytes
            if row.deleted is None:
                gone.append(row.name or row.id)
        if count > self._most_runs or size > self._most_bytes:
            raise StoreError("Every kept run is starred, so none can make room. Remove a star, or delete a run.")
        return gone

    def describe(
        self, owner: str, run: str, *, name: str | None = None, note: str | None = None,
        tags: Sequence[str] | None = None, starred: bool | None = None,
    ) -> None:  # fmt: skip
        """Change what the owner says of a run; None leaves it."""
        given = {"name": name, "note": note, "tags": None if tags is None else list(tags), "starred": starred}
        self._change(owner, run, **{key: value for key, value in given.items() if value is not None})

    def delete(self, owner: str, runs: Iterable[str]) -> None:
        """Delete runs; `restore` undoes it for a while."""
        for run in runs:
            self._change(owner, run, deleted=time.time())

    def restore(self, owner: str, runs: Iterable[str]) -> None:
        """Bring deleted runs back."""
        for run in runs:
            self._change(owner, run, deleted=None)

    def share(self, owner: str, run: str, token: str | None) -> None:
        """Let whoever has the token read the run; None for nobody any more."""
        self._change(owner, run, shared=None if token is None else digest(token))

    def _change(self, owner: str, run: str, **values: Any) -> None:
        with self._begin() as transaction:
            found = transaction.execute(update(RunRow).where(RunRow.owner == owner, RunRow.id == run).values(**values))
            if found.rowcount != 1:  # type: ignore[attr-defined]
                raise _unknown(run)

    # Reading

    def runs(self, owner: str, *, limit: int | None = None, offset: int = 0) -> list[StoredRun]:
        """The runs of an owner, the newest first."""
        chosen = (
            select(RunRow).where(RunRow.owner == owner, RunRow.deleted.is_(None))
            .order_by(RunRow.started.desc(), RunRow.key.desc()).limit(limit).offset(offset)
        )  # fmt: skip
        with self._begin() as transaction:
            return [_stored(row) for row in transaction.scalars(chosen)]

    def count(self, owner: str) -> tuple[int, int]:
        """How many runs an owner keeps, and how many bytes they take."""
        chosen = select(func.count(), func.coalesce(func.sum(RunRow.bytes), 0))
        with self._begin() as transaction:
            runs, size = transaction.execute(
                chosen.where(RunRow.owner == owner, RunRow.deleted.is_(None))
            ).one()
        return int(runs), int(size)

    def record(self, owner: str, run: str) -> RunRecord:
        """The record of a run, with its curves."""
        with self._begin() as transaction:
            data = transaction.scalar(
                select(CurvesRow.data).join(RunRow, RunRow.key == CurvesRow.run).where(*_visible(owner, run))
            )
        if data is None:
            raise _unknown(run)
        return RunRecord.from_json(zlib.decompress(data).decode())

    def weights(self, owner: str, run: str, which: Which = "best") -> bytes | None:
        """A safetensors file; None where the run has none of these."""
        with self._begin() as transaction:
            found: bytes | None = transaction.scalar(
                select(WeightsRow.data).join(RunRow, RunRow.key == WeightsRow.run)
                .where(WeightsRow.which == which, *_visible(owner, run))
            )  # fmt: skip
        return found

    def shared(self, token: str) -> tuple[str, str] | None:
        """Owner and identity of the run that a token shows; None where it shows none."""
        with self._begin() as transaction:
            row = transaction.execute(
                select(RunRow.owner, RunRow.id).where(RunRow.shared == digest(token), RunRow.deleted.is_(None))
            ).one_or_none()
        return None if row is None else (row.owner, row.id)

    def _begin(self) -> _Named:
        return _Named(self.engine, self._transactions)


class _Named:
    """A transaction whose errors are sentences."""

    def __init__(self, engine: Engine, transactions: Any) -> None:
        self._errors, self._transaction = named_errors(engine.url), transactions.begin()

    def __enter__(self) -> Transaction:
        self._errors.__enter__()
        made: Transaction = self._transaction.__enter__()
        return made

    def __exit__(self, *error: Any) -> bool | None:
        try:
            self._transaction.__exit__(*error)
        except BaseException as other:
            return self._errors.__exit__(type(other), other, other.__traceback__)
        return self._errors.__exit__(*error)


def _visible(owner: str, run: str) -> tuple[Any, ...]:
    return RunRow.owner == owner, RunRow.id == run, RunRow.deleted.is_(None)


def _unknown(run: str) -> StoreError:
    return StoreError(f"There is no run {run[:40]!r} among yours. It may have been removed to make room.")


def _stored(row: RunRow) -> StoredRun:
    return StoredRun(
        id=row.id, name=row.name, note=row.note, tags=tuple(row.tags), starred=row.starred, started=row.started,
        saved=row.saved, settings=row.settings, figures=row.figures, thumbnail=tuple(row.thumbnail), bytes=row.bytes,
    )  # fmt: skip


def _thumbnail(record: RunRecord) -> list[float]:
    """The train loss at `THUMBNAIL` places evenly spaced in steps, to four digits; gaps are left out."""
    if record.curves is None or not len(record.curves.train_loss.mean):
        return []
    loss = record.curves.train_loss
    known = np.isfinite(loss.mean)
    if not known.any():
        return []
    steps = np.linspace(loss.steps[known][0], loss.steps[known][-1], THUMBNAIL)
    return [float(f"{value:.4g}") for value in np.interp(steps, loss.steps[known], loss.mean[known])]
