"""A Ray cluster as the rest of the project sees it: it calls a function on a node, and gives what that returns."""

from __future__ import annotations

import logging
import math
import os
import secrets
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.util import find_spec
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection
from tempfile import TemporaryFile
from typing import IO, Any
from weakref import WeakKeyDictionary

from mlp_core.cluster.packing import pack, pack_apart, unpack
from mlp_core.cluster.relay import KEY_BYTES, LOOK_SECONDS
from mlp_core.errors import UserError

LOG = logging.getLogger(__name__)

VARIABLE = "MLP_RAY_ADDRESS"
"""The environment variable that names the cluster of a server."""
CONNECT_SECONDS = 60.0
"""How long a cluster may take to answer."""
END_SECONDS = 3.0
"""How long the process that talks to Ray may take to end."""
INSTALL = "pip install -r requirements-cluster.txt"


class ClusterError(UserError):
    """No work is possible on a cluster."""


class WorkError(UserError):
    """Work that a cluster has given up."""


class Cluster:
    """A cluster by its address. Safe to use from any thread; connects when it is first needed, and again after a
    break."""

    def __init__(self, address: str, *, connect_seconds: float = CONNECT_SECONDS) -> None:
        """`address` is what `ray.init` takes: 'auto', 'HOST:PORT' of the head, or 'ray://HOST:PORT'."""
        self.address = address
        self._connect_seconds = connect_seconds
        self._lock = threading.Lock()
        self._relay: _Relay | None = None
        self._keys: WeakKeyDictionary[Any, str] = WeakKeyDictionary()
        self.nodes = 0
        """How many nodes it had when it was last asked; 0 before that."""
        self.cores = 0
        """How many cores those have."""
        self.working = 0
        """How many pieces of work are there."""

    @property
    def words(self) -> str:
        """What it is: '3 nodes with 12 cores of the Ray cluster at auto'."""
        name = f"the Ray cluster at {self.address}"
        return f"{_counted(self.nodes, 'node')} with {_counted(self.cores, 'core')} of {name}" if self.nodes else name

    def connect(self) -> None:
        """Connect now. Raises `ClusterError` where it does not answer."""
        line = self._line(lambda: True)
        assert line is not None
        line.close()

    def close(self) -> None:
        """Let go of it; what is being done there is called off."""
        with self._lock:
            self._end()

    def run(
        self, call: Callable[[Any], Any], data: Any, *, wanted: Callable[[], bool] = lambda: True,
        lost: Callable[[str], None] = lambda why: None, cards: int = 0,
    ) -> Any:  # fmt: skip
        """Call a function of this project with the data on a node, and give what it returns; None where it was not
        wanted any more. `call` may be a `partial`.

        `lost` is told each time that the node is gone and another one begins again; `cards` are the graphics cards that
        it takes where there are some. Data are sent once, by their identity. Raises `ClusterError` where no work is
        possible there, and `WorkError` where this work is not.
        """
        with self._lock:
            key = self._keys.setdefault(data, uuid.uuid4().hex)
        line = self._line(wanted)
        if line is None:
            return None
        try:
            with line, self._at_work():
                line.send((pack(call), key, cards))
                while (told := _told(line, wanted)) is not None:
                    match told:
                        case ("data",):
                            parts = pack_apart(data)
                            line.send(len(parts))
                            for part in parts:
                                line.send_bytes(part)
                        case ("lost", why):
                            LOG.warning("work on a Ray cluster begins again: %s", why)
                            lost(why)
                        case ("done", content):
                            return unpack(content)
                        case ("failed", why):
                            raise WorkError(why)
                        case (_, why):
                            raise ClusterError(
                                f"The Ray cluster at {self.address!r} cannot do the work: {why}. Every node needs the "
                                f"packages of this project: {INSTALL}"
                            )
        except (OSError, EOFError):
            raise self._broken() from None
        return None

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        with self._lock:
            self.working += 1
        try:
            yield
        finally:
            with self._lock:
                self.working -= 1

    def _line(self, wanted: Callable[[], bool]) -> Connection | None:
        """A line on which work may be asked for; None where it is not wanted by the time that there is one."""
        with self._lock:
            while wanted():
                known = self._relay is not None
                relay = self._relay = self._relay or _Relay(self.address)
                try:
                    line = relay.line()
                    told = _told(line, wanted, self._connect_seconds)
                except (OSError, EOFError, AuthenticationError):
                    said = self._end()
                    if known:  # it had been idle, or the cluster had ended
                        continue
                    told = ("refused", said)
                if told is None:
                    line.close()
                    return None
                if told[0] == "ready":
                    _, self.nodes, self.cores = told
                    return line
                self._end()
                raise ClusterError(
                    f"The Ray cluster at {self.address!r} does not answer ({told[1]}). Check the address and that the "
                    "cluster runs: ray status"
                )
        return None

    def _broken(self) -> ClusterError:
        with self._lock:
            said = self._end()
        LOG.warning("the connection to a Ray cluster broke: %s", said)
        return ClusterError(f"The connection to the Ray cluster at {self.address!r} broke. Go on when it runs again.")

    def _end(self) -> str:
        relay, self._relay = self._relay, None
        return "it ended" if relay is None else relay.end()


class _Relay:
    """The process of `mlp_core.cluster.relay`."""

    def __init__(self, address: str) -> None:
        if find_spec("ray") is None:
            raise ClusterError(f"Ray is not installed. Install it here and on every node: {INSTALL}")
        self._key = secrets.token_bytes(KEY_BYTES)
        self._errors = TemporaryFile()  # noqa: SIM115
        environment = {
            **os.environ, "RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))
        }  # fmt: skip
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mlp_core.cluster.relay", address], env=environment, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=self._errors, start_new_session=True,
        )  # fmt: skip
        with suppress(OSError):  # it has ended already
            self._pipe_in.write(self._key)
            self._pipe_in.flush()
        self._address = self._pipe_out.readline().decode().strip()

    @property
    def _pipe_in(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def _pipe_out(self) -> IO[bytes]:
        assert self._process.stdout is not None
        return self._process.stdout

    def line(self) -> Connection:
        """A line to it. Raises `OSError` or `EOFError` where it has ended."""
        return Client(self._address or "-", authkey=self._key)

    def end(self) -> str:
        """End it; the last line that it said."""
        with suppress(OSError):
            self._pipe_in.close()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._pipe_out.close()
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        self._errors.close()
        return lines[-1][:300] if lines else "it ended"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _told(line: Connection, wanted: Callable[[], bool], seconds: float = math.inf) -> Any:
    """The next thing that the relay says, within so many seconds; None where that is not wanted any more."""
    ends = time.monotonic() + seconds
    while wanted():
        if line.poll(LOOK_SECONDS):
            return line.recv()
        if time.monotonic() > ends:
            return "refused", f"nothing came in {seconds:g} s"
    return None


@cache
def cluster_at(address: str) -> Cluster:
    """The cluster at an address, the same object for everybody in this process."""
    return Cluster(address)


def cluster_of_server() -> Cluster | None:
    """The cluster that the environment names; None where it names none."""
    address = os.environ.get(VARIABLE, "").strip()
    return cluster_at(address) if address else None
