"""Opening a store: which database, its settings, its schema, and what is said when that fails."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError, OperationalError, SQLAlchemyError

from mlp_core.data.folder import data_folder
from mlp_core.errors import UserError

SCHEMA = "0004"
"""The newest revision of the tables."""
FILE = "runs.sqlite"
"""The file of the usual store, in the data folder."""
WRITES: dict[str, Any] = {"writes": True}
"""The option of a transaction that writes."""
BUSY_SECONDS = 10.0
"""How long a process waits for another one that writes."""


class StoreError(UserError):
    """A store that cannot be opened, read or written; the sentence says why, and what to do."""


class RefusedError(StoreError):
    """The store can be reached, and trying again would not help."""


def store_url(data_dir: Path | None = None) -> URL:
    """Where runs are kept: the environment variable MLP_STORE_URL, or a SQLite file in the data folder."""
    given = os.environ.get("MLP_STORE_URL", "").strip()
    if not given:
        return URL.create("sqlite", database=str((data_dir or data_folder()) / FILE))
    try:
        url = make_url(given)
    except ArgumentError:
        raise StoreError(
            "The environment variable MLP_STORE_URL is not a database URL. "
            "Write postgresql://user:password@host/database, or leave it out for a SQLite file."
        ) from None
    return url.set(drivername="postgresql+psycopg") if url.drivername in ("postgres", "postgresql") else url


def open_store(url: URL | str | None = None) -> Engine:
    """The engine of a store whose tables are there and up to date.

    Raises `StoreError` where the store is of a newer version, damaged, locked, or cannot be reached.
    """
    url = store_url() if url is None else make_url(url)
    with named_errors(url):
        try:
            engine = create_engine(url, **_arguments(url))
        except (NoSuchModuleError, ModuleNotFoundError) as error:
            raise StoreError(f"The store {shown(url)} needs a package that is not installed: {error}.") from None
        if url.get_backend_name() == "sqlite":
            if url.database:
                Path(url.database).parent.mkdir(parents=True, exist_ok=True)
            event.listen(engine, "connect", _set_up_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
        _migrate(engine)
        return engine


def _arguments(url: URL) -> dict[str, Any]:
    if url.get_backend_name() == "sqlite":
        return {"connect_args": {"timeout": BUSY_SECONDS}}
    alive = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 20_000}
    return {"pool_pre_ping": True, "connect_args": {"connect_timeout": int(BUSY_SECONDS), **alive}}


def _set_up_sqlite(connection: Any, record: Any) -> None:
    """A write-ahead log, in which a process that ends in the middle leaves nothing torn, and readers never wait."""
    connection.isolation_level = None  # transactions are begun below
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    """One that writes takes its turn before it reads: nobody else's change can come in between."""
    writes = all(connection.get_execution_options().get(name) == value for name, value in WRITES.items())
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _migrate(engine: Engine) -> None:
    """Bring the tables to the newest revision; one process at a time."""
    from alembic import command
    from alembic.config import Config

    with engine.connect() as connection:
        version = _revision(connection)
    if version == SCHEMA:
        return
    config = Config()
    config.set_main_option("script_location", str(resources.files("mlp_core.store") / "migrations"))
    if version is not None and version not in _known(config):
        raise StoreError(
            f"The store {shown(engine.url)} is of a newer version ({version}) than this program ({SCHEMA}). "
            "Update the program, or set MLP_STORE_URL to another store."
        )
    writes = engine.execution_options(**WRITES)
    with writes.connect() as connection, _without_references(connection), connection.begin():
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(5150)"))  # two servers may start at once
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@contextmanager
def _without_references(connection: Connection) -> Iterator[None]:
    """SQLite changes a table by dropping it for a copy, which would take with it what refers to its rows."""
    if connection.dialect.name != "sqlite":
        yield
        return
    raw: Any = connection.connection.dbapi_connection
    raw.execute("PRAGMA foreign_keys=OFF")  # outside of a transaction: inside it says nothing, and does nothing
    try:
        yield
    finally:
        raw.execute("PRAGMA foreign_keys=ON")


def _revision(connection: Any) -> str | None:
    """The revision of the tables; None where there are none yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def _known(config: Any) -> set[str]:
    from alembic.script import ScriptDirectory

    return {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}


def shown(url: URL) -> str:
    """A store's place for people; nothing of a server's address, which is nobody's business but who runs it."""
    return str(url.database) if url.get_backend_name() == "sqlite" else "in PostgreSQL"


@contextmanager
def named_errors(url: URL) -> Iterator[None]:
    """Turn a database's errors into a sentence."""
    try:
        yield
    except OperationalError as error:
        raise StoreError(f"The store {shown(url)} {_reason(str(error.orig))}") from error
    except DatabaseError as error:
        raise StoreError(f"The store {shown(url)} {_reason(str(error.orig))}") from error
    except OSError as error:
        raise StoreError(
            f"The store {shown(url)} cannot be written: {error.strerror or error}. "
            "Set MLP_DATA_DIR to a folder that you may write to."
        ) from error
    except SQLAlchemyError as error:
        raise StoreError(f"The store {shown(url)} cannot be used: {error}.") from error


_REASONS = (
    ("locked", "is locked by another program. Close it, or try again."),
    ("No space left", "has no room: the disk is full. Delete files, then try again."),
    ("disk is full", "has no room: the disk is full. Delete files, then try again."),
    ("readonly", "may only be read. Give this user the right to write there, or set MLP_DATA_DIR to another folder."),
    ("not a database", "is damaged: the file is no database. Move it away; a new one is made."),
    ("malformed", "is damaged. Move the file away; a new one is made."),
    ("disk I/O error", "cannot be read or written: the disk says that it failed. Look at the disk, then try again."),
    ("unable to open", "cannot be opened. Look whether the folder exists and may be written to."),
)
"""What databases say, and what to do."""


def _reason(said: str) -> str:
    known = next((text for sign, text in _REASONS if sign in said), None)
    first = (said.strip().splitlines() or ["no reason is given"])[0]
    return known or f"cannot be reached: {first.rsplit(': ', 1)[-1].rstrip('.')}. Look whether it runs."
