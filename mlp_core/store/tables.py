"""The tables of the store. A change here needs a migration in `mlp_core/store/migrations/versions`."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Float, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
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
    saved: Mapped[float] = mapped_column(Float)
    """When it was last saved, in Unix seconds."""
    started: Mapped[float] = mapped_column(Float)
    """When its first step was done, in Unix seconds."""
    deleted: Mapped[float | None] = mapped_column(Float)
    """When it was deleted, in Unix seconds; None while it is kept. A deletion can be undone for a while."""
    name: Mapped[str] = mapped_column(Text, default="")
    """What its owner calls it."""
    note: Mapped[str] = mapped_column(Text, default="")
    """What its owner says of it."""
    tags: Mapped[list[str]] = mapped_column(JSON, default=list)
    """Its owner's tags, in order."""
    starred: Mapped[bool] = mapped_column(default=False)
    """Whether it is never removed to make room."""
    shared: Mapped[str | None] = mapped_column(String(64), unique=True)
    """The digest of the link that shows it to others; None where there is none."""
    settings: Mapped[dict[str, Any]] = mapped_column(JSON)
    """Every setting by its path, such as 'optimizer.lr'; see `mlp_core.store.settings`."""
    figures: Mapped[dict[str, float | None]] = mapped_column(JSON)
    """Every figure by its name, such as 'test_loss'."""
    thumbnail: Mapped[list[float]] = mapped_column(JSON)
    """The train loss at a few places along the run, for a small picture."""
    record: Mapped[str] = mapped_column(Text)
    """Its `RunRecord` as JSON, without the curves."""
    bytes: Mapped[int]
    """What it takes in the store, weights and curves included."""

    __table_args__ = (
        UniqueConstraint("owner", "id", name="runs_owner_id"),
        Index("runs_owner_started", "owner", "started"),
    )


class CurvesRow(Base):
    """The bounded history of a run."""

    __tablename__ = "curves"

    run: Mapped[int] = mapped_column(ForeignKey("runs.key", ondelete="CASCADE"), primary_key=True)
    """The run."""
    data: Mapped[bytes] = mapped_column(LargeBinary)
    """Its whole `RunRecord` as JSON, packed with zlib."""


class WeightsRow(Base):
    """Weights of a run."""

    __tablename__ = "weights"

    run: Mapped[int] = mapped_column(ForeignKey("runs.key", ondelete="CASCADE"), primary_key=True)
    """The run."""
    which: Mapped[str] = mapped_column(String(8), primary_key=True)
    """'best' or 'last'."""
    step: Mapped[int | None]
    """Mini-batches done when they were taken."""
    data: Mapped[bytes] = mapped_column(LargeBinary)
    """A safetensors file with its experiment inside."""
