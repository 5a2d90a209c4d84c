"""The runs of a store, each its owner's."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from sqlalchemy import Engine, Select, delete, func, select, update
from sqlalchemy.orm import Session as Transaction
from sqlalchemy.orm import sessionmaker

from mlp_core.limits import MAX_ALL_RUN_BYTES, MAX_ALL_RUNS, MAX_NAME, MAX_RUN_BYTES, MAX_RUNS
from mlp_core.store.opening import WRITES, RefusedError, StoreError, named_errors
from mlp_core.store.query import Query, filtered, ordered
from mlp_core.store.settings import NETWORK, PRESET, Scalar, figures_of, settings_of
from mlp_core.store.tables import FileRow, RecordRow, RunRow
from mlp_core.training.record import RunRecord

Which = Literal["best", "last", "state", "given"]
Files = Mapping[Which, tuple[int | None, bytes]]
"""Files by which they are, each with the mini-batches done when it was taken."""
THUMBNAIL = 32
"""Points of a run's small picture."""
UNDO_SECONDS = 3600.0
"""How long a deletion can be undone."""
MAX_NOTE = 10_000
"""Characters of a note."""
MAX_TAGS = 20
LOOK_EVERY = 20
"""Saves from one look at the limits of all owners together to the next."""
ALL_OWNERS = ""
"""Stands for everybody where room is made."""


class TakenError(RefusedError):
    """A run that another training of it has saved meanwhile."""


@dataclass(frozen=True)
class Said:
    """What an owner says of a run."""

    name: str = ""
    """What it is called."""
    note: str = ""
    """A longer text."""
    tags: tuple[str, ...] = ()
    """Short texts to find it by."""
    starred: bool = False
    """Whether it is never removed to make room."""


@dataclass(frozen=True, kw_only=True)
class StoredRun:
    """A run as a list shows it."""

    id: str
    """Its identity."""
    owner: str
    """Whose it is."""
    name: str
    """What its owner calls it; '' for nothing yet."""
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

    @classmethod
    def of(cls, row: RunRow) -> StoredRun:
        """The run of a row."""
        return cls(
            id=row.id, owner=row.owner, name=row.name, note=row.note, tags=tuple(row.tags), starred=row.starred,
            started=row.started, saved=row.saved, settings=row.settings, figures=row.figures,
            thumbnail=tuple(row.thumbnail), bytes=row.bytes,
        )  # fmt: skip

    @property
    def label(self) -> str:
        """Its name, or what it is where it has none."""
        settings = self.settings
        rate = settings.get("optimizer.lr")
        how = f"{settings['optimizer.type']} {rate:g}" if isinstance(rate, float) else str(settings["optimizer.type"])
        return self.name or f"{settings.get(PRESET) or settings['data.dataset']}, {settings[NETWORK]}, {how}"


@dataclass(frozen=True)
class Room:
    """How much an owner keeps, and may keep."""

    runs: int
    """Runs that are kept."""
    bytes: int
    """Bytes that they take."""
    most_runs: int
    """Runs that may be kept."""
    most_bytes: int
    """Bytes that they may take."""
    next_to_go: tuple[str, ...]
    """The labels of the oldest ones without a star, which go first."""

    @property
    def share(self) -> float:
        """The share of the room that is taken, in [0, 1]."""
        return max(self.runs / self.most_runs, self.bytes / self.most_bytes)


class RunStore:
    """Keeps and finds runs. Every call is one transaction; any thread may call.

    All of them raise `StoreError` where the store cannot be reached; nothing is half done then.
    """

    def __init__(
        self, engine: Engine, *, most_runs: int = MAX_RUNS, most_bytes: int = MAX_RUN_BYTES,
        most_of_all: tuple[int, int] = (MAX_ALL_RUNS, MAX_ALL_RUN_BYTES),
    ) -> None:  # fmt: skip
        """Limits are those of each owner; `most_of_all`, of runs and bytes, that of all together."""
        self.engine = engine
        self._most, self._most_of_all = (most_runs, most_bytes), most_of_all
        self._reads = sessionmaker(engine, expire_on_commit=False)
        self._writes = sessionmaker(engine.execution_options(**WRITES), expire_on_commit=False)
        self._until_look = 0

    # Writing

    def save(
        self, owner: str, record: RunRecord, files: Files, *, settings: Mapping[str, Scalar] | None = None,
        confusion: np.ndarray | None = None, said: Said = Said(), writer: str = "",
        before: tuple[str, int] | None = None,
    ) -> list[str]:  # fmt: skip
        """Keep a run as it is now. One that is kept already is replaced; its name, note, tags and star stay.

        `settings` are those of the run now, where they differ from those of its first step; `said` is what is said of
        a new one. Gives the labels of the runs that had to go for it, the oldest unstarred first. A deleted run comes
        back where it was trained on since.

        `writer` and `before` are those of a `Draft`. Raises `TakenError`, and changes nothing, where another training
        of the run was saved after this one or, where this one was opened from the store, after that.
        """
        packed = zlib.compress(record.to_json().encode(), 6)
        size = len(packed) + sum(len(data) for _, data in files.values())
        if size > self._most[1]:
            raise RefusedError(
                f"This run takes {size / 1e6:,.1f} MB, and all kept runs together may take "
                f"{self._most[1] / 1e6:,.0f} MB. Export its weights instead."
            )
        with self.transaction(writes=True) as transaction:
            kept = select(RunRow).where(RunRow.owner == owner, RunRow.id == record.id).with_for_update()
            row = transaction.scalar(kept)
            others = row is not None and bool(writer) and row.writer not in ("", writer)
            if row is not None and others and (row.writer, row.figures.get("step")) != before:
                raise TakenError("This run was trained on elsewhere since. What is trained here is another run.")
            if row is None:
                name, note, tags = plain_text(said.name, MAX_NAME), plain_text(said.note, MAX_NOTE), _tags(said.tags)
                row = RunRow(owner=owner, id=record.id, name=name, note=note, tags=tags, starred=said.starred)
                transaction.add(row)
            now, steps = time.time(), (row.figures or {}).get("step")
            if steps != record.step or not writer:
                row.deleted = None
            row.writer = writer
            row.saved, row.started = now, now if record.started is None else record.started
            row.settings = dict(settings_of(record.experiment) if settings is None else settings)
            row.figures, row.thumbnail = figures_of(record), _thumbnail(record)
            row.words, row.bytes = _words(row), size
            transaction.flush()
            for table in (RecordRow, FileRow):
                transaction.execute(delete(table).where(table.run == row.key))
            answers = None if confusion is None else confusion.tolist()
            transaction.add(RecordRow(run=row.key, data=packed, confusion=answers))
            transaction.add_all(
                FileRow(run=row.key, which=which, step=step, data=data) for which, (step, data) in files.items()
            )
            transaction.flush()
            gone = self._make_room(transaction, owner, self._most, row.key)
            self._until_look -= 1
            if self._until_look < 0:
                self._until_look = LOOK_EVERY
                self._make_room(transaction, ALL_OWNERS, self._most_of_all, row.key)
            return gone

    def _make_room(self, transaction: Transaction, owner: str, most: tuple[int, int], but: int) -> list[str]:
        """Remove deleted runs that nobody can bring back, then the oldest unstarred ones, until the limits hold."""
        whose = () if owner == ALL_OWNERS else (RunRow.owner == owner,)
        transaction.execute(delete(RunRow).where(*whose, RunRow.deleted < time.time() - UNDO_SECONDS))
        count, size = _count(transaction, whose)
        gone: list[str] = []
        while count > most[0] or size > most[1]:
            found = transaction.scalars(_oldest(*whose, RunRow.key != but).limit(1)).one_or_none()
            if found is None:
                raise RefusedError("Every kept run has a star, so none can make room. Remove a star, or delete a run.")
            transaction.execute(delete(RunRow).where(RunRow.key == found.key))
            count, size = count - 1, size - found.bytes
            if found.deleted is None:
                gone.append(StoredRun.of(found).label)
        return gone

    def describe(
        self, owner: str, run: str, *, name: str | None = None, note: str | None = None,
        tags: Sequence[str] | None = None, starred: bool | None = None,
    ) -> None:  # fmt: skip
        """Change what the owner says of a run; None leaves it."""
        with self.transaction(writes=True) as transaction:
            row = transaction.scalar(select(RunRow).where(*_visible(owner, run)))
            if row is None:
                raise _unknown(run)
            row.name = row.name if name is None else plain_text(name, MAX_NAME)
            row.note = row.note if note is None else plain_text(note, MAX_NOTE)
            row.tags = row.tags if tags is None else _tags(tags)
            row.starred = row.starred if starred is None else starred
            row.words = _words(row)

    def delete(self, owner: str, runs: Iterable[str]) -> None:
        """Delete runs; `restore` undoes it for a while."""
        self._change(owner, runs, deleted=time.time())

    def restore(self, owner: str, runs: Iterable[str]) -> None:
        """Bring deleted runs back."""
        self._change(owner, runs, deleted=None)

    def _change(self, owner: str, runs: Iterable[str], **values: Any) -> None:
        with self.transaction(writes=True) as transaction:
            for run in runs:
                chosen = update(RunRow).where(RunRow.owner == owner, RunRow.id == run).values(**values)
                if transaction.execute(chosen).rowcount != 1:  # type: ignore[attr-defined]
                    raise _unknown(run)

    # Reading

    def runs(
        self, owner: str | None, query: Query | None = None, *, limit: int | None = None, offset: int = 0
    ) -> list[StoredRun]:
        """The runs of an owner that a query shows, in its order; the newest first without one. None for everybody's:
        that is for whoever runs the server."""
        query, dialect = query or Query(), self.engine.dialect.name
        chosen = ordered(filtered(select(RunRow).where(*_kept(owner)), query, dialect), query, dialect)
        with self.transaction() as transaction:
            return [StoredRun.of(row) for row in transaction.scalars(chosen.limit(limit).offset(offset))]

    def some(self, owner: str, runs: Sequence[str]) -> list[StoredRun]:
        """Those of these runs that the owner keeps, in their order."""
        with self.transaction() as transaction:
            found = transaction.scalars(select(RunRow).where(*_kept(owner), RunRow.id.in_(runs)))
            stored = {row.id: StoredRun.of(row) for row in found}
        return [stored[run] for run in runs if run in stored]

    def count(self, owner: str, query: Query | None = None) -> int:
        """How many runs of an owner a query shows; all without one."""
        chosen = select(func.count()).select_from(RunRow).where(*_kept(owner))
        with self.transaction() as transaction:
            return int(transaction.scalar(filtered(chosen, query or Query(), self.engine.dialect.name)) or 0)

    def room(self, owner: str, names: int = 3) -> Room:
        """How much an owner keeps, and so many of those that go first."""
        with self.transaction() as transaction:
            count, size = _count(transaction, _kept(owner))
            first = transaction.scalars(_oldest(*_kept(owner)).limit(names))
            return Room(count, size, *self._most, tuple(StoredRun.of(row).label for row in first))

    def find(self, owner: str | None, start: str) -> StoredRun:
        """The run whose identity begins like this, of an owner or, with None, of anybody. Raises `StoreError` where
        there is none, or more than one."""
        chosen = select(RunRow).where(*_kept(owner), RunRow.id.startswith(start, autoescape=True)).limit(2)
        with self.transaction() as transaction:
            found = [StoredRun.of(row) for row in transaction.scalars(chosen)]
        if len(found) > 1:
            raise StoreError(f"More than one run begins with {start[:40]!r}. Write more of its identity.")
        if not found or not start:
            raise _unknown(start)
        return found[0]

    def record(self, owner: str, run: str) -> RunRecord:
        """The record of a run, with its curves."""
        return self.answers(owner, run)[0]

    def answers(self, owner: str, run: str) -> tuple[RunRecord, np.ndarray | None]:
        """The record of a run with its curves, and its confusion matrix, int64 (classes, classes); None without."""
        chosen = select(RecordRow.data, RecordRow.confusion).join(RunRow, RunRow.key == RecordRow.run)
        with self.transaction() as transaction:
            row = transaction.execute(chosen.where(*_visible(owner, run))).one_or_none()
        if row is None:
            raise _unknown(run)
        confusion = None if row.confusion is None else np.array(row.confusion, dtype=np.int64)
        return RunRecord.from_json(zlib.decompress(row.data).decode()), confusion

    def writer(self, owner: str, run: str) -> str:
        """Which training of a run was saved last; '' for none. Ask before its state: it may be trained meanwhile."""
        with self.transaction() as transaction:
            return transaction.scalar(select(RunRow.writer).where(*_visible(owner, run))) or ""

    def file(self, owner: str, run: str, which: Which = "best") -> bytes | None:
        """A safetensors file; None where the run has none of these."""
        with self.transaction() as transaction:
            found: bytes | None = transaction.scalar(
                select(FileRow.data).join(RunRow, RunRow.key == FileRow.run)
                .where(FileRow.which == which, *_visible(owner, run))
            )  # fmt: skip
        return found

    def transaction(self, *, writes: bool = False) -> Named:
        """A transaction whose errors are sentences; one that writes takes its turn before it reads."""
        return Named(self.engine, self._writes if writes else self._reads)


class Named:
    """A transaction whose errors are sentences."""

    def __init__(self, engine: Engine, transactions: Any) -> None:
        self._errors, self._transaction = named_errors(engine.url), transactions.begin()

    def __enter__(self) -> Transaction:
        self._errors.__enter__()
        try:
            made: Transaction = self._transaction.__enter__()
        except BaseException as error:
            self._errors.__exit__(type(error), error, error.__traceback__)
            raise
        return made

    def __exit__(self, *error: Any) -> bool | None:
        try:
            self._transaction.__exit__(*error)
        except BaseException as other:
            return self._errors.__exit__(type(other), other, other.__traceback__)
        return self._errors.__exit__(*error)


def _kept(owner: str | None) -> tuple[Any, ...]:
    kept = RunRow.deleted.is_(None)
    return (kept,) if owner is None else (RunRow.owner == owner, kept)


def _visible(owner: str, run: str) -> tuple[Any, ...]:
    return *_kept(owner), RunRow.id == run


def _count(transaction: Transaction, whose: tuple[Any, ...]) -> tuple[int, int]:
    """How many runs there are, and how many bytes they take."""
    chosen = select(func.count(), func.coalesce(func.sum(RunRow.bytes), 0)).select_from(RunRow)
    runs, size = transaction.execute(chosen.where(*whose)).one()
    return int(runs), int(size)


def _oldest(*where: Any) -> Select[Any]:
    """Runs without a star, those that are deleted first, then the oldest."""
    return select(RunRow).where(RunRow.starred.is_(False), *where).order_by(
        RunRow.deleted.is_(None), RunRow.started, RunRow.key
    )  # fmt: skip


def _unknown(run: str) -> StoreError:
    return RefusedError(f"There is no run {run[:40]!r} among yours. It may have been removed to make room.")


def plain_text(given: str, most: int) -> str:
    """The text as both databases take it, cut to so many characters."""
    return given.replace("\x00", "")[:most]


def _tags(given: Sequence[str]) -> list[str]:
    kept = [plain_text(tag, MAX_NAME).strip() for tag in given]
    return list(dict.fromkeys(filter(None, kept)))[:MAX_TAGS]


MAIN = (PRESET, "data.dataset", NETWORK, "loss.type", "optimizer.type", "scheduler.type")
"""Settings that a search looks at."""


def _words(row: RunRow) -> str:
    given = [row.name, row.note, *row.tags, *(str(row.settings.get(path) or "") for path in MAIN)]
    return "\n".join(given).lower()


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
