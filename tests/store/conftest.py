"""Stores for the tests: SQLite always, PostgreSQL where it is installed."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from servers import postgresql, program
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from mlp_core.store.opening import open_store
from mlp_core.store.runs import RunStore


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    if program("initdb") is None:
        pytest.skip("PostgreSQL is not installed: `apt-get install postgresql` runs these tests.")
    # Not in pytest's folder, which belongs to whoever runs the tests: as root, the server is another user's.
    with TemporaryDirectory(prefix="mlp-postgresql-") as folder, postgresql(Path(folder)) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a store that does not exist yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'runs.sqlite'}"
    server, name = request.getfixturevalue("postgresql_url"), f"store_{uuid.uuid4().hex}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return make_url(server).set(database=name).render_as_string(hide_password=False)


@pytest.fixture
def store(url: str) -> Iterator[RunStore]:
    engine = open_store(url)
    yield RunStore(engine)
    engine.dispose()
