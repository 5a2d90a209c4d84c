"""The tables of the store. A change here needs a migration in `mlp_core/store/migrations/versions`."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, Float, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """What all tables share."""


class RunRow(Base):
    """A run: everything that a list of runs shows, sorts and filters by."""

    __tablename__ = "runs"

    key: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    """Its number in this store."""
    id: Mapped[str] = mapped_column(String(64))
    """Its identity: the same wherever it is stored; `RunRecord.id`."""
    owner: Mapped[str] = mapped_column(String(64))
    """Whose it is: the digest of a browser's token, or of a user's name."""
    saved: Mapped[float] = mapped_column(Float(53))
    """When it was last saved, in Unix seconds."""
    started: Mapped[float] = mapped_column(Float(53))
    """When its first step was done, in Unix seconds."""
    deleted: Mapped[float | None] = mapped_column(Float(53))
    """When it was deleted, in Unix seconds; None while it is kept. A deletion can be undone for a while."""
    name: Mapped[str] = mapped_column(Text, default="")
    """What its owner calls it."""
    note: Mapped[str] = mapped_column(Text, default="")
    """What its owner says of it."""
    tags: Mapped[list[str]] = mapped_column(JSON, default=list)
    """Its owner's tags, in order."""
    starred: Mapped[bool] = mapped_column(default=False)
    """Whether it is never removed to make room."""
    writer: Mapped[str] = mapped_column(String(64), default="", server_default="")
    """Which training of it was saved last, see `mlp_core.training.keeping.Draft`; '' where it came in a file."""
    settings: Mapped[dict[str, Any]] = mapped_column(JSON)
    """Every setting by its path, such as 'optimizer.lr'; see `mlp_core.store.settings`."""
    figures: Mapped[dict[str, float | None]] = mapped_column(JSON)
    """Every figure by its name, such as 'test_loss'."""
    words: Mapped[str] = mapped_column(Text)
    """What a search finds it by, in small letters."""
    thumbnail: Mapped[list[float]] = mapped_column(JSON)
    """The train loss at a few places along the run, for a small picture."""
    bytes: Mapped[int] = mapped_column(BigInteger)
    """What it takes in the store."""

    __table_args__ = (
        UniqueConstraint("owner", "id", name="runs_owner_id"),
        Index("runs_owner_started", "owner", "started"),
        Index("runs_room", "owner", "deleted", "starred", "started", "bytes"),
    )


class ShareRow(Base):
    """A link that shows runs to others."""

    __tablename__ = "shares"

    key: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    """Its number in this store."""
    secret: Mapped[str] = mapped_column(String(64), unique=True)
    """The digest of the secret in the link: nobody who reads the store can open it."""
    owner: Mapped[str] = mapped_column(String(64))
    """Whose it is."""
    made: Mapped[float] = mapped_column(Float(53))
    """When it was made, in Unix seconds."""

    __table_args__ = (Index("shares_owner_made", "owner", "made"),)


class SharedRunRow(Base):
    """A run that a link shows."""

    __tablename__ = "shared_runs"

    share: Mapped[int] = mapped_column(ForeignKey("shares.key", ondelete="CASCADE"), primary_key=True)
    """The link."""
    place: Mapped[int] = mapped_column(primary_key=True)
    """Where it stands among the runs of the link, from 0."""
    run: Mapped[int] = mapped_column(ForeignKey("runs.key", ondelete="CASCADE"))
    """The run."""

    __table_args__ = (Index("shared_runs_run", "run"),)


class RecordRow(Base):
    """The record of a run."""

    __tablename__ = "records"

    run: Mapped[int] = mapped_column(ForeignKey("runs.key", ondelete="CASCADE"), primary_key=True)
    """The run."""
    data: Mapped[bytes] = mapped_column(LargeBinary)
    """Its `RunRecord` with its curves as JSON, packed with zlib."""
    confusion: Mapped[list[list[int]] | None] = mapped_column(JSON(none_as_null=True))
    """How often each class (columns) was answered for each true one (rows), in its newest test pass; None in
    regression."""


class FileRow(Base):
    """A safetensors file of a run."""

    __tablename__ = "files"

    run: Mapped[int] = mapped_column(ForeignKey("runs.key", ondelete="CASCADE"), primary_key=True)
    """The run."""
    which: Mapped[str] = mapped_column(String(8), primary_key=True)
    """'best' or 'last' for weights, 'state' for all that it goes on from, 'given' for a state that came in a file."""
    step: Mapped[int | None] = mapped_column(BigInteger)
    """Mini-batches done when it was taken."""
    data: Mapped[bytes] = mapped_column(LargeBinary)
    """The file."""


class SweepRow(Base):
    """A sweep: many trials of an experiment."""

    __tablename__ = "sweeps"

    key: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    """Its number in this store."""
    id: Mapped[str] = mapped_column(String(64))
    """Its identity."""
    owner: Mapped[str] = mapped_column(String(64))
    """Whose it is."""
    name: Mapped[str] = mapped_column(Text, default="")
    """What its owner calls it."""
    status: Mapped[str] = mapped_column(String(16))
    """What it did when that was saved last; one that runs may have ended with its server."""
    started: Mapped[float] = mapped_column(Float(53))
    """When it was begun, in Unix seconds."""
    saved: Mapped[float] = mapped_column(Float(53))
    """When something of it was last saved, in Unix seconds."""
    spec: Mapped[str] = mapped_column(Text)
    """Experiment, space and how it is searched, as JSON; see `mlp_core.sweep.spec`."""
    size: Mapped[int] = mapped_column()
    """How many trials it has when it is at its end."""
    holder: Mapped[str] = mapped_column(String(64), default="", server_default="")
    """The process that trains it; '' for none."""
    held_until: Mapped[float] = mapped_column(Float(53), default=0.0, server_default="0")
    """Until when it does so without a sign, in Unix seconds by the store's clock."""

    __table_args__ = (
        UniqueConstraint("owner", "id", name="sweeps_owner_id"),
        Index("sweeps_owner_started", "owner", "started"),
    )


class SweepTrialRow(Base):
    """A trial of a sweep that has ended."""

    __tablename__ = "sweep_trials"

    sweep: Mapped[int] = mapped_column(ForeignKey("sweeps.key", ondelete="CASCADE"), primary_key=True)
    """The sweep."""
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """Its place among the trials, from 0."""
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    """Settings, objectives and all else of it; see `mlp_core.sweep.keeping`."""
