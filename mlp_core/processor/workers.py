"""Threads of low priority that compute for the sessions' threads.

A thread that the system seldom runs must not hold the GIL: everybody would wait for it. So a session's thread has the
priority of all others, and hands what computes without the GIL to one of these.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from mlp_core.processor.policy import IDLE_SECONDS, SWITCH_SECONDS, lower_priority

LOG = logging.getLogger(__name__)

T = TypeVar("T")

CLOSED = "The threads that compute were closed, since the process ends."

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
        finally:
            del self._work  # with all that it held, while the worker still counts as at work

    def refuse(self) -> None:
        self._error = RuntimeError(CLOSED)
        self._done.set()

    def hand_over(self) -> None:
        self._done.set()

    def result(self) -> Any:
        self._done.wait()
        if self._error is not None:
            raise self._error
        return self._result


class _Worker:
    """One thread's place to be given work at."""

    def __init__(self) -> None:
        self.given = threading.Event()
        self.job: _Job | None = None

    def give(self, job: _Job) -> None:
        self.job = job
        self.given.set()

    def take(self) -> _Job:
        job, self.job = self.job, None
        self.given.clear()
        assert job is not None
        return job


class Workers:
    """At most `size` threads, which start when there is work and end some seconds after it.

    The last to have worked is the first to work again. Kernels that use several cores keep threads of their own for
    each thread that calls them; if work went round, these would be more than there are cores, and would then sleep
    and be woken at every operator, which cost a large network a seventh of its speed.
    """

    def __init__(self, size: int, niceness: int, idle_seconds: float = IDLE_SECONDS) -> None:
        self._size, self._niceness, self._idle_seconds = size, niceness, idle_seconds
        self._lock = threading.Condition()
        self._closed = False
        self._jobs: deque[_Job] = deque()
        self._idle: list[_Worker] = []
        self._threads = 0
        self._here = threading.local()

    @property
    def here(self) -> bool:
        """Whether the calling thread is one of these."""
        return getattr(self._here, "works", False)

    def run(self, work: Callable[[], T]) -> T:
        """Have a worker do it, and wait; gives what it returns, raises what it raises. A worker does it itself: if all
        of them waited for one another, none would be left to work."""
        if self.here:
            return work()
        job = _Job(work)
        with self._lock:
            if not self._give(job):
                self._jobs.append(job)
        result: T = job.result()
        return result

    def start(self, work: Callable[[], None]) -> bool:
        """Have a worker do it, and go on; False, and nothing is done, if all are at work."""
        with self._lock:
            return self._give(_Job(work))

    def queue(self, work: Callable[[], None], after: float = 0.0) -> None:
        """Have a worker do it when one is free, so many seconds from now at the earliest, and go on; an error is
        logged."""
        if after > 0:
            timer = threading.Timer(after, self._queue_late, (work,))
            timer.daemon = True
            timer.start()
            return

        def logged() -> None:
            try:
                work()
            except Exception:
                LOG.exception("work in the background failed")

        job = _Job(logged)
        with self._lock:
            if not self._give(job):
                self._jobs.append(job)

    def _queue_late(self, work: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the process ends
            self.queue(work)

    def close(self, timeout: float) -> bool:
        """Begin nothing more, and wait so many seconds for what is at work; whether all of it ended.

        Python cuts its daemon threads off when a process ends; the process aborts if one is inside PyTorch then.
        """
        with self._lock:
            self._closed = True
            while self._jobs:
                self._jobs.popleft().refuse()
            return self._lock.wait_for(lambda: len(self._idle) == self._threads, timeout)

    def _give(self, job: _Job) -> bool:
        """Give it to a worker that has nothing to do, or to a new one; False if there is neither."""
        if self._closed:
            raise RuntimeError(CLOSED)
        if self._idle:
            self._idle.pop().give(job)
        elif self._threads < self._size:
            self._threads += 1
            worker = _Worker()
            worker.give(job)
            threading.Thread(target=self._work, args=(worker,), name="mlp-compute", daemon=True).start()
        else:
            return False
        return True

    def _work(self, worker: _Worker) -> None:
        self._here.works = True
        lower_priority(self._niceness)
        sys.setswitchinterval(min(SWITCH_SECONDS, sys.getswitchinterval()))
        while self._is_given(worker):
            job = worker.take()
            job.do()
            # Idle before anybody knows that the work is done: whoever asks for more then finds this worker.
            with self._lock:
                if self._jobs:
                    worker.give(self._jobs.popleft())
                else:
                    self._idle.append(worker)
                    self._lock.notify_all()
            job.hand_over()
            del job  # the result is not kept while the worker waits

    def _is_given(self, worker: _Worker) -> bool:
        """Whether the worker was given work before its time of waiting was over; else it is one no more."""
        if worker.given.wait(self._idle_seconds):
            return True
        with self._lock:
            if worker.given.is_set():  # at the last moment
                return True
            self._idle.remove(worker)
            self._threads -= 1
            self._lock.notify_all()
        return False
