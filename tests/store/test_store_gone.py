"""Stores that go away in the middle of a run: training goes on, what is not saved is said, and all is saved later."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from servers import Server
from test_keeping import LIMIT, ME, epochs, experiment

from mlp_core.store import opening
from mlp_core.store.keeper import RunKeeper, SaveQueue
from mlp_core.store.opening import StoreError, open_store
from mlp_core.store.runs import RunStore
from mlp_core.training.session import Session

NOBODY = 65534


def test_postgresql_is_gone_for_a_while(postgresql_url: Server, tmp_path: Path) -> None:
    store = RunStore(open_store(postgresql_url))
    keeper = RunKeeper(SaveQueue(lambda: store), ME)
    session = Session(tmp_path, keeper=keeper)
    session.apply(experiment())
    epochs(session, 1)
    assert keeper.flush(LIMIT)
    postgresql_url.stop()
    try:
        epochs(session, 2)
        assert not keeper.flush(LIMIT)
        said = keeper.waiting.sentence
        assert said.startswith("1 run is not saved yet: The store in PostgreSQL cannot be reached: ")
        assert said.endswith("Training goes on, and saving is tried again.")
        assert "\n" not in said
        with pytest.raises(StoreError, match="cannot be reached"):
            store.runs(ME)
    finally:
        postgresql_url.start()
    epochs(session, 1)
    assert keeper.flush(LIMIT)
    assert (keeper.waiting.sentence, keeper.waiting.given_up) == ("", 0)
    assert [run.figures["epoch"] for run in store.runs(ME)] == [4]
    assert session.close(LIMIT)
    store.engine.dispose()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.close()


@contextmanager
def read_only(path: Path) -> Iterator[None]:
    """Files that this user may only read."""
    root = os.geteuid() == 0
    for each in (path.parent, *path.parent.iterdir()):
        each.chmod(0o555)
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        for each in (path.parent, *path.parent.iterdir()):
            each.chmod(0o755)


FAULTS = {"locked by another program": locked, "may only be read": read_only}


@pytest.mark.parametrize("said", FAULTS)
def test_sqlite_cannot_be_written_for_a_while(said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(opening, "BUSY_SECONDS", 0.01)
    with TemporaryDirectory(prefix="mlp-store-") as folder:
        path = Path(folder) / "runs.sqlite"
        engine = open_store(f"sqlite:///{path}")
        keeper = RunKeeper(SaveQueue(lambda: RunStore(engine)), ME)
        session = Session(tmp_path, keeper=keeper)
        session.apply(experiment())
        epochs(session, 1)
        assert keeper.flush(LIMIT)
        engine.dispose()  # the next connection finds the files as they are then
        with FAULTS[said](path):
            session.step_epoch()
            assert session.wait(lambda now: now.epoch == 2 and not now.busy, LIMIT)
            assert session.settle(LIMIT)
            assert not keeper.flush(LIMIT)
            assert said in keeper.waiting.sentence
            engine.dispose()
        assert keeper.flush(LIMIT)
        assert [run.figures["epoch"] for run in keeper.queue.store.runs(ME)] == [2]
        assert session.close(LIMIT)
        engine.dispose()
