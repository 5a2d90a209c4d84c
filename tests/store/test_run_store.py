"""Runs that are kept: what was saved is found again, belongs to its owner, and makes room by itself."""

from __future__ import annotations

import threading
import uuid
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from mlp_core.presets import preset
from mlp_core.store.opening import SCHEMA, StoreError, open_store, store_url
from mlp_core.store.runs import RunStore
from mlp_core.store.shares import share
from mlp_core.store.tables import Base
from mlp_core.training.history import Buckets, Curves
from mlp_core.training.record import RunRecord, Score

ME, OTHER = "me", "somebody else"


def record(**given: Any) -> RunRecord:
    steps = np.arange(1.0, 101.0)
    loss = np.linspace(1, 0.1, 100, dtype=np.float32)
    curves = Curves(Buckets(steps, loss, loss, loss), np.array([[100, 0.2, 0.9]]), np.empty((0, 2)), np.empty((0, 3)))
    score = Score(100, 2, 0.1, 0.2, 0.9)
    base = RunRecord(experiment=preset("spiral").experiment, started=1.0, step=100, best=score, last=score,
                     curves=curves)  # fmt: skip
    return replace(base, **{"id": uuid.uuid4().hex, **given})


def test_a_run_is_found_as_it_was_saved(store: RunStore) -> None:
    saved = record()
    assert store.save(ME, saved, {"best": (90, b"best"), "last": (100, b"last")}) == []
    (found,) = store.runs(ME)
    assert found.id == saved.id
    assert found.settings["optimizer.lr"] == saved.experiment.optimizer.params["lr"]
    assert found.settings["layers.0.out_features"] == 8
    assert found.figures["test_accuracy"] == 0.9
    assert len(found.thumbnail) == 32
    assert found.thumbnail[0] == pytest.approx(1)
    assert found.thumbnail[-1] == pytest.approx(0.1)
    assert store.record(ME, saved.id).to_json() == saved.to_json()
    assert store.file(ME, saved.id) == b"best"
    assert store.file(ME, saved.id, "last") == b"last"
    assert (store.room(ME).runs, store.room(ME).bytes) == (1, found.bytes)


def test_a_run_that_is_saved_again_is_replaced_and_keeps_what_was_said_of_it(store: RunStore) -> None:
    saved = record()
    store.save(ME, saved, {"best": (1, b"1"), "last": (1, b"1")})
    store.describe(ME, saved.id, name="first", note="<b>good</b>", tags=["a", "b"], starred=True)
    store.save(ME, replace(saved, step=200), {"last": (200, b"2")})
    (found,) = store.runs(ME)
    assert (found.name, found.note, found.tags, found.starred) == ("first", "<b>good</b>", ("a", "b"), True)
    assert found.figures["step"] == 200
    assert store.file(ME, saved.id, "last") == b"2"
    assert store.file(ME, saved.id, "best") is None


def test_nobody_sees_or_changes_anothers_runs(store: RunStore) -> None:
    saved = record()
    store.save(ME, saved, {"last": (1, b"1")})
    assert store.runs(OTHER) == []
    assert store.file(OTHER, saved.id, "last") is None
    for act in (
        lambda: store.record(OTHER, saved.id), lambda: store.delete(OTHER, [saved.id]),
        lambda: store.describe(OTHER, saved.id, name="mine"), lambda: share(store, OTHER, [saved.id]),
    ):  # fmt: skip
        with pytest.raises(StoreError, match="no run"):
            act()
    store.save(OTHER, saved, {})  # the same run, read from a file, is a copy of their own
    store.describe(OTHER, saved.id, name="theirs")
    assert [run.name for run in store.runs(ME)] == [""]


def test_a_deletion_can_be_undone(store: RunStore) -> None:
    saved = record()
    store.save(ME, saved, {"last": (1, b"1")})
    store.delete(ME, [saved.id])
    assert store.runs(ME) == []
    assert store.room(ME).share == 0
    with pytest.raises(StoreError):
        store.record(ME, saved.id)
    store.restore(ME, [saved.id])
    assert store.file(ME, saved.id, "last") == b"1"


def test_the_oldest_unstarred_runs_make_room(url: str) -> None:
    store = RunStore(open_store(url), most_runs=3)
    runs = [record(started=float(at)) for at in range(5)]
    store.save(ME, runs[0], {})
    store.describe(ME, runs[0].id, name="oldest", starred=True)
    store.save(OTHER, runs[4], {})
    for run in runs[1:3]:
        assert store.save(ME, run, {}) == []
    assert store.save(ME, runs[3], {}) == ["spiral, 8-8-8 Tanh, SGD 0.03"]
    assert [run.id for run in store.runs(ME)] == [runs[3].id, runs[2].id, runs[0].id]
    for run in runs[2:4]:
        store.describe(ME, run.id, starred=True)
    with pytest.raises(StoreError, match="has a star"):
        store.save(ME, runs[4], {})
    assert len(store.runs(ME)) == 3, "what was refused has changed nothing"
    assert len(store.runs(OTHER)) == 1
    store.engine.dispose()


def test_bytes_are_limited_too(url: str) -> None:
    store = RunStore(open_store(url), most_bytes=100_000)
    runs = [record(started=float(at)) for at in range(3)]
    for run in runs:
        store.save(ME, run, {"last": (1, bytes(40_000))})
    assert [run.id for run in store.runs(ME)] == [runs[2].id, runs[1].id]
    with pytest.raises(StoreError, match="may take"):
        store.save(ME, record(), {"last": (1, bytes(200_000))})
    store.engine.dispose()


def test_many_threads_save_at_once(store: RunStore) -> None:
    errors: list[Exception] = []

    def save(owner: str) -> None:
        try:
            for _ in range(5):
                store.save(owner, record(), {"last": (1, b"1")})
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=save, args=(f"owner {index % 3}",)) for index in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not errors
    assert [store.count(f"owner {index}") for index in range(3)] == [10, 10, 10]


def test_two_servers_share_a_store(url: str) -> None:
    first, second = RunStore(open_store(url)), RunStore(open_store(url))
    saved = record()
    first.save(ME, saved, {})
    second.save(ME, replace(saved, step=7), {})
    assert [run.figures["step"] for run in first.runs(ME)] == [7]
    for store in (first, second):
        store.engine.dispose()


def test_migrations_make_the_tables_that_the_program_knows(store: RunStore) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == SCHEMA


def test_a_store_of_a_newer_version_is_refused(url: str) -> None:
    engine = open_store(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="newer version"):
        open_store(url)
    engine.dispose()


def test_what_is_wrong_with_a_store_is_a_sentence(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "broken.sqlite"
    broken.write_bytes(b"no database " * 1000)
    with pytest.raises(StoreError, match="no database"):
        open_store(f"sqlite:///{broken}")
    with pytest.raises(StoreError, match="cannot be reached"):
        open_store("postgresql+psycopg://mlp@127.0.0.1:1/nothing")
    monkeypatch.setenv("MLP_STORE_URL", "nonsense")
    with pytest.raises(StoreError, match="MLP_STORE_URL"):
        store_url()
    monkeypatch.setenv("MLP_STORE_URL", "postgres://me:secret@host/runs")
    assert store_url() == make_url("postgresql+psycopg://me:secret@host/runs")


def test_a_store_that_others_keep_locked_is_a_sentence(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import sqlite3

    from mlp_core.store import opening

    monkeypatch.setattr(opening, "BUSY_SECONDS", 0.01)
    path = tmp_path / "runs.sqlite"
    store = RunStore(open_store(f"sqlite:///{path}"))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked"):
        store.save(ME, record(), {})
    assert store.runs(ME) == [], "reading goes on"
    other.execute("ROLLBACK")
    other.close()
    store.save(ME, record(), {})
    store.engine.dispose()


def test_a_file_that_is_damaged_later_is_a_sentence(tmp_path: Any) -> None:
    path = tmp_path / "runs.sqlite"
    store = RunStore(open_store(f"sqlite:///{path}"))
    for _ in range(20):
        store.save(ME, record(), {"last": (1, bytes(20_000))})
    store.engine.dispose()
    content = bytearray(path.read_bytes())
    content[4096 : len(content)] = b"\x5a" * (len(content) - 4096)
    path.write_bytes(bytes(content))
    with pytest.raises(StoreError, match="damaged"):
        RunStore(open_store(f"sqlite:///{path}")).runs(ME)


def test_a_full_disk_is_a_sentence_and_leaves_what_was_there(tmp_path: Any) -> None:
    store = RunStore(open_store(f"sqlite:///{tmp_path / 'runs.sqlite'}"))
    first = record()
    store.save(ME, first, {"last": (1, b"1")})
    with store.engine.connect() as connection:
        pages = connection.execute(text("PRAGMA page_count")).scalar_one()
        connection.execute(text(f"PRAGMA max_page_count = {pages}"))  # the same error as a disk without room
        connection.commit()
        raw = connection.connection.dbapi_connection
        store.engine.pool = type(store.engine.pool)(lambda: raw)
        with pytest.raises(StoreError, match="disk is full"):
            store.save(ME, record(), {"last": (1, bytes(1_000_000))})
    assert [run.id for run in RunStore(open_store(store.engine.url)).runs(ME)] == [first.id]
