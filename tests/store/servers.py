"""A PostgreSQL server for the tests, in a folder of its own, where its programs are installed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT_USER = 0


def program(name: str) -> str | None:
    """Where a program of PostgreSQL lies; Debian keeps them out of the path."""
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(places[-1]) if places else shutil.which(name)


class Server(str):
    """The URL of an empty database, whose server can be stopped and started."""

    stop: Callable[[], None]
    start: Callable[[], None]


@contextmanager
def postgresql(folder: Path) -> Iterator[Server]:
    """A server that ends with the block."""
    data, log = folder / "data", folder / "log"
    as_user: list[str] = []
    if os.geteuid() == ROOT_USER:  # it refuses to run as root
        as_user = ["runuser", "-u", "postgres", "--"]
        folder.chmod(0o777)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    initdb, pg_ctl = program("initdb"), program("pg_ctl")
    assert initdb is not None
    assert pg_ctl is not None

    def done(*command: str) -> None:
        subprocess.run([*as_user, *command], check=True, stdout=subprocess.DEVNULL, cwd=folder)

    done(initdb, "-D", str(data), "-U", "mlp", "-A", "trust", "-E", "UTF8", "--no-sync")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=40"
    found = Server(f"postgresql+psycopg://mlp@127.0.0.1:{port}/postgres")
    found.start = lambda: done(pg_ctl, "-D", str(data), "-l", str(log), "-w", "-o", options, "start")
    found.stop = lambda: done(pg_ctl, "-D", str(data), "-m", "immediate", "stop")
    found.start()
    try:
        yield found
    finally:
        found.stop()
