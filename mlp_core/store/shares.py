"""Links that show runs to others: whoever has the secret of one may read these runs, and nothing else."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, select

from mlp_core.limits import MAX_SHARES
from mlp_core.store.keeper import digest
from mlp_core.store.opening import RefusedError
from mlp_core.store.runs import RunStore, StoredRun
from mlp_core.store.tables import RunRow, SharedRunRow, ShareRow

MOST_RUNS = 20
"""Runs that one link shows."""
SECRET_BYTES = 32
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
"""What `secrets.token_urlsafe` makes of `SECRET_BYTES`."""
UNKNOWN = "This link shows no runs: it was revoked, or is not whole. Ask whoever sent it for another."
EMPTY = "The runs of this link are no longer kept. Ask whoever sent it for another."


@dataclass(frozen=True)
class Share:
    """A link of an owner's."""

    key: int
    """Its number in this store."""
    made: float
    """When it was made, in Unix seconds."""
    runs: tuple[str, ...]
    """The labels of the runs that it shows."""


@dataclass(frozen=True)
class Shared:
    """What a link shows."""

    owner: str
    """Whose runs they are."""
    runs: tuple[StoredRun, ...]
    """The runs, in the order that was chosen."""


def share(store: RunStore, owner: str, runs: Sequence[str]) -> str:
    """Make a link to runs of an owner; gives its secret, of which the store keeps a digest only.

    Raises `RefusedError` for no run, too many, one that is not the owner's, and where the owner has too many links.
    """
    chosen = list(dict.fromkeys(runs))
    if not 1 <= len(chosen) <= MOST_RUNS:
        raise RefusedError(f"A link shows 1 to {MOST_RUNS} runs. Got {len(chosen)} instead.")
    with store.transaction(writes=True) as transaction:
        count = select(func.count()).select_from(ShareRow).where(ShareRow.owner == owner)
        if int(transaction.scalar(count) or 0) >= MAX_SHARES:
            raise RefusedError(f"There may be {MAX_SHARES} links at a time. Revoke one first.")
        visible = (RunRow.owner == owner, RunRow.deleted.is_(None), RunRow.id.in_(chosen))
        keys = {row.id: row.key for row in transaction.execute(select(RunRow.id, RunRow.key).where(*visible))}
        if missing := [run for run in chosen if run not in keys]:
            raise RefusedError(f"There is no run {missing[0][:40]!r} among yours. It may have been removed.")
        secret = secrets.token_urlsafe(SECRET_BYTES)
        row = ShareRow(secret=digest(secret), owner=owner, made=time.time())
        transaction.add(row)
        transaction.flush()
        places = enumerate(chosen)
        transaction.add_all(SharedRunRow(share=row.key, place=place, run=keys[run]) for place, run in places)
    return secret


def shares(store: RunStore, owner: str) -> list[Share]:
    """The links of an owner, the newest first."""
    with store.transaction() as transaction:
        rows = transaction.execute(
            select(ShareRow.key, ShareRow.made, RunRow)
            .join(SharedRunRow, SharedRunRow.share == ShareRow.key, isouter=True)
            .join(RunRow, (RunRow.key == SharedRunRow.run) & RunRow.deleted.is_(None), isouter=True)
            .where(ShareRow.owner == owner)
            .order_by(ShareRow.made.desc(), ShareRow.key.desc(), SharedRunRow.place)
        )
        found: dict[int, tuple[float, list[str]]] = {}
        for key, made, run in rows:
            labels = found.setdefault(key, (made, []))[1]
            if run is not None:
                labels.append(StoredRun.of(run).label)
    return [Share(key, made, tuple(labels)) for key, (made, labels) in found.items()]


def revoke(store: RunStore, owner: str, key: int) -> None:
    """End a link of an owner's; one that is gone already stays so."""
    with store.transaction(writes=True) as transaction:
        transaction.execute(delete(ShareRow).where(ShareRow.owner == owner, ShareRow.key == key))


def shared(store: RunStore, secret: str) -> Shared:
    """What the link with this secret shows. Raises `RefusedError` for any text that is no secret of a link, and where
    none of its runs is kept any more."""
    if not _SECRET.fullmatch(secret):
        raise RefusedError(UNKNOWN)
    with store.transaction() as transaction:
        link = transaction.scalar(select(ShareRow).where(ShareRow.secret == digest(secret)))
        if link is None:
            raise RefusedError(UNKNOWN)
        rows = transaction.scalars(
            select(RunRow).join(SharedRunRow, SharedRunRow.run == RunRow.key)
            .where(SharedRunRow.share == link.key, RunRow.owner == link.owner, RunRow.deleted.is_(None))
            .order_by(SharedRunRow.place)
        )  # fmt: skip
        found = Shared(link.owner, tuple(StoredRun.of(row) for row in rows))
    if not found.runs:
        raise RefusedError(EMPTY)
    return found
