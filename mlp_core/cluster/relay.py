"""The process that talks to Ray: `python -m mlp_core.cluster.relay ADDRESS`, started by `Cluster`.

Ray ends the process that uses it a minute after the cluster's head is gone, which would be the page's server. What is
sent to a node and comes back passes through as bytes. Each piece of work has a line of its own:

    relay: ("ready", nodes, cores), or ("refused", why)
    asker: (work, key of its data, graphics cards)
    relay: ("data",) where it does not know the data; the asker sends the number of their parts, and each part
    relay: ("lost", why) each time that the node with the work is gone and another one begins it again
    relay: ("done", bytes), ("failed", why), or ("broken", why) where no work is possible

An asker that hangs up calls its work off.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
import time
from collections import OrderedDict
from contextlib import suppress
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from typing import Any

from mlp_core.cluster.there import do

KEY_BYTES = 32
"""Bytes of the secret that an asker must know; the first that come on standard input."""
REACH_SECONDS = 5.0
"""How long a machine may take to answer at all."""
LOOK_SECONDS = 0.1
"""Between two looks at whether work is still wanted."""
IDLE_SECONDS = 60.0
"""After how long without work the process ends."""
MOST_LOSSES = 10
"""How often work is begun again at most: what ends every node that takes it is not given to all of them."""
MOST_DATA = 4
"""Data that the cluster keeps for work that may come."""
PACKAGE = Path(__file__).resolve().parents[1]
"""The project's code, which the nodes are given."""


class Relay:
    """A connection to a Ray cluster that several lines share."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._ray: Any = None
        self._do: Any = None
        self._refused = ""
        self._known = threading.Event()  # whether there is a connection
        self._lock = threading.Lock()
        self._data: OrderedDict[str, list[Any]] = OrderedDict()
        self._lines, self._since = 0, time.monotonic()

    @property
    def idle(self) -> float:
        """Seconds without a line."""
        return 0.0 if self._lines else time.monotonic() - self._since

    @property
    def connecting(self) -> bool:
        """Whether it is not known yet if the cluster answers."""
        return not self._known.is_set()

    def connect(self) -> None:
        """Connect to the cluster; those who ask are told if that fails."""
        try:
            self._connect()
        except Exception as error:
            self._refused = _said(error)
        self._known.set()

    def _connect(self) -> None:
        host, colon, port = self._address.removeprefix("ray://").rpartition(":")
        if colon and port.isdigit():  # Ray itself waits for half a minute, and may end the process
            socket.create_connection((host.strip("[]"), int(port)), REACH_SECONDS).close()
        import ray

        ray.init(
            address=self._address, log_to_driver=False, logging_level=logging.ERROR,
            runtime_env={"py_modules": [str(PACKAGE)], "excludes": ["**/__pycache__/", "*.pyc"]},
        )  # fmt: skip
        self._ray, self._do = ray, ray.remote(max_retries=0, num_cpus=1)(do)

    def serve(self, line: Connection) -> None:
        """Answer one who asks."""
        with self._lock:
            self._lines += 1
        try:
            with line, suppress(EOFError, OSError):
                self._known.wait()
                if self._refused:
                    line.send(("refused", self._refused))
                    return
                line.send(("ready", *self._size()))
                line.send(self._work(line, *line.recv()))
        finally:
            with self._lock:
                self._lines -= 1
                self._since = time.monotonic()

    def _size(self) -> tuple[int, int]:
        alive = [node for node in self._ray.nodes() if node["Alive"]]
        return len(alive), int(sum(node["Resources"].get("CPU", 0) for node in alive))

    def _work(self, line: Connection, work: bytes, key: str, cards: int) -> tuple[str, Any]:
        """Have a node do it; what to tell in the end."""
        parts = self._parts(line, key)
        if cards and not self._ray.cluster_resources().get("GPU"):
            cards = 0
        exceptions, why = self._ray.exceptions, ""
        for losses in range(MOST_LOSSES + 1):
            if losses:
                line.send(("lost", why))
            running = self._do.options(num_gpus=cards).remote(work, key, *parts)
            while not self._ray.wait([running], timeout=LOOK_SECONDS)[0]:
                if line.poll():  # nothing more is said, so this is its end
                    self._ray.cancel(running)
                    raise EOFError
            try:
                return "done", self._ray.get(running)
            except exceptions.RayTaskError as error:
                return "broken", f"a node could not begin ({_said(error.cause or error)})"
            except exceptions.RuntimeEnvSetupError as error:
                return "broken", f"a node did not take the project's code ({_said(error)})"
            except exceptions.LocalRayletDiedError as error:
                return "broken", f"the part of it on this machine has ended ({_said(error)})"
            except exceptions.RayError as error:
                why = _said(error)
        return "failed", f"Its node was lost {MOST_LOSSES + 1} times ({why})."

    def _parts(self, line: Connection, key: str) -> list[Any]:
        """The data where the cluster keeps them."""
        import numpy as np

        with self._lock:
            if key not in self._data:
                line.send(("data",))
                head, *arrays = [line.recv_bytes() for _ in range(line.recv())]
                put = self._ray.put
                self._data[key] = [put(head), *(put(np.frombuffer(array, np.uint8)) for array in arrays)]
            self._data.move_to_end(key)
            while len(self._data) > MOST_DATA:
                self._data.popitem(last=False)
            return self._data[key]


def _said(error: BaseException) -> str:
    """An error in one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__


def main() -> None:
    """Serve whoever knows the secret, until standard input ends or nobody has asked for a while."""
    relay, over = Relay(sys.argv[1]), threading.Event()
    key = sys.stdin.buffer.read(KEY_BYTES)

    def watch() -> None:
        sys.stdin.buffer.read()  # to its end: the asking process is gone
        over.set()
        if relay.connecting:
            os._exit(1)

    def accept() -> None:
        while True:
            with suppress(EOFError, OSError, AuthenticationError):
                line = listener.accept()
                threading.Thread(target=relay.serve, args=(line,), daemon=True).start()

    listener = Listener(authkey=key, backlog=64)
    sys.stdout.write(f"{listener.address}\n")
    sys.stdout.flush()
    for work in (watch, accept):
        threading.Thread(target=work, daemon=True).start()
    relay.connect()  # in the first thread, as Ray likes it
    while not over.wait(LOOK_SECONDS) and relay.idle < IDLE_SECONDS:
        pass
    listener.close()


if __name__ == "__main__":
    main()
