"""Threads of low priority that compute for the sessions' threads.

A thread that the system seldom runs must not hold the interpreter lock: everybody would wait for it. So a session's
thread has the priority of all others, and hands what computes without the lock to one of these.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from mlp_core.training.slots import cores

T = TypeVar("T")

NICENESS = 10
"""Added to a worker's niceness, so that the page server is scheduled first."""
SWITCH_SECONDS = 0.001
"""For how long a thread may hold the interpreter lock while others wait for it. A chunk of steps needs the lock some
times, and Python's own 5 ms each time, beside one busy thread, cost half of a small network's speed."""
IDLE_SECONDS = 5.0
"""How long a worker waits for work before it ends."""


class _Job:
    def __init__(self, work: Callable[[], Any]) -> None:
        self._work = work
        self._done = threading.Event()
        self._result: Any = None
        self._error: BaseException | None = None

    def do(self) -> None:
        try:
            self._result = self._work()
        except BaseException as error:  # whatever it is, it belongs to the one who asked
            self._error = error
        self._done.set()

    def result(self) -> Any:
        self._done.wait()
        if self._error is not None:
            raise self._error
        return self._result


class Workers:
    """At most `size` threads, which start when there is work and end some seconds after it."""

    def __init__(self, size: int, idle_seconds: float = IDLE_SECONDS) -> None:
        self._size, self._idle_seconds = size, idle_seconds
        self._changed = threading.Condition()
        self._jobs: deque[_Job] = deque()
        self._threads = self._idle = 0

    def run(self, work: Callable[[], T]) -> T:
        """Have a worker do it, and wait; gives what it returns, raises what it raises."""
        job = _Job(work)
        with self._changed:
            self._jobs.append(job)
            if len(self._jobs) > self._idle and self._threads < self._size:
                self._threads += 1
                threading.Thread(target=self._work, name="mlp-compute", daemon=True).start()
            self._changed.notify()
        result: T = job.result()
        return result

    def _work(self) -> None:
        lower_priority()
        sys.setswitchinterval(min(SWITCH_SECONDS, sys.getswitchinterval()))
        while True:
            with self._changed:
                self._idle += 1
                self._changed.wait_for(lambda: self._jobs, self._idle_seconds)
                self._idle -= 1
                if not self._jobs:
                    self._threads -= 1
                    return
                job = self._jobs.popleft()
            job.do()
            del job  # what it computed with is not kept while the worker waits


def lower_priority() -> None:
    """Lower the calling thread's priority, where the system knows priorities of threads (Linux)."""
    if hasattr(os, "setpriority") and os.uname().sysname == "Linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


WORKERS = Workers(cores())
"""The process's workers, shared by all sessions: as many as there can be turns."""
