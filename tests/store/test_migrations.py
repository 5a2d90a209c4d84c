"""A store of an earlier version is brought to this one with everything that it holds."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text
from test_run_store import ME, record

from mlp_core.store import opening
from mlp_core.store.opening import open_store
from mlp_core.store.runs import RunStore
from mlp_core.store.shares import share, shared
from mlp_core.store.tables import Base

VERSIONS = Path(opening.__file__).parent / "migrations" / "versions"


def test_a_store_that_exists_keeps_runs_files_and_links(url: str) -> None:
    """As version 0003 left it: with a column `shared`, and none for who writes."""
    store = RunStore(open_store(url))
    saved = [record(started=float(at)) for at in range(3)]
    for run in saved:
        store.save(ME, run, {"last": (1, run.id.encode())})
    store.describe(ME, saved[1].id, name="named", starred=True)
    secret = share(store, ME, [saved[0].id])
    with store.engine.connect() as connection, opening._without_references(connection), connection.begin():
        _migrate_to("0003", connection)
        connection.execute(text("UPDATE runs SET shared = id"))
    store.engine.dispose()
    again = RunStore(open_store(url))
    assert [run.id for run in again.runs(ME)] == [run.id for run in reversed(saved)]
    assert all(again.file(ME, run.id, "last") == run.id.encode() for run in saved)
    assert all(again.record(ME, run.id).to_json() == run.to_json() for run in saved)
    assert (again.find(ME, saved[1].id).name, again.find(ME, saved[1].id).starred) == ("named", True)
    assert [run.id for run in shared(again, secret).runs] == [saved[0].id]
    again.save(ME, saved[0], {})
    with again.engine.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM files")).scalar() == 2
        assert set(connection.execute(text("SELECT * FROM runs")).keys()) == set(Base.metadata.tables["runs"].c.keys())
        connection.execute(text("DELETE FROM runs"))
        assert connection.execute(text("SELECT count(*) FROM files")).scalar() == 0, "files go with their runs"
    again.engine.dispose()


def _migrate_to(revision: str, connection: object) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(VERSIONS.parent))
    config.attributes["connection"] = connection
    command.downgrade(config, revision)
