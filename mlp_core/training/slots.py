"""Turns: as many chunks at once as there are processor cores, waiting sessions in order of arrival."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress

TRAINING_NICENESS = 10
"""Added to a training thread's niceness, so that the page server is scheduled first."""


class Slots:
    """A first-come-first-served counting lock with a count of those who wait."""

    def __init__(self, size: int) -> None:
        self._size = self._free = size
        self._lock = threading.Lock()
        self._queue: deque[threading.Event] = deque()

    @property
    def waiting(self) -> int:
        """How many threads wait for a turn now."""
        return len(self._queue)

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """Hold one slot, waiting behind those who came before; gives whether nobody else holds one."""
        with self._lock:
            ticket = None
            if self._free and not self._queue:
                self._free -= 1
            else:
                ticket = threading.Event()
                self._queue.append(ticket)
        if ticket is not None:
            ticket.wait()  # the slot is handed over, so that nobody can slip in between
        try:
            yield self._free == self._size - 1
        finally:
            with self._lock:
                if self._queue:
                    self._queue.popleft().set()
                else:
                    self._free += 1


def cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


def lower_priority() -> None:
    """Lower the calling thread's priority, where the system knows priorities of threads (Linux)."""
    if hasattr(os, "setpriority") and os.uname().sysname == "Linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), TRAINING_NICENESS)


SLOTS = Slots(cores())
"""The process's slots, shared by all sessions."""
