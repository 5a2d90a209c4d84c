"""One object for the cores of this machine: turns, the threads that compute, and helpers for wide networks."""

from __future__ import annotations

import atexit
import time
from collections.abc import Callable
from typing import TypeVar

from mlp_core.processor import policy
from mlp_core.processor.turns import Turns
from mlp_core.processor.workers import Workers

T = TypeVar("T")


class Processor:
    """The cores that runs share. Sessions get one handed in; a process usually has a single one, `PROCESSOR`."""

    def __init__(self, cores: int | None = None, *, background_niceness: int = policy.BACKGROUND_NICENESS) -> None:
        self.cores = cores or policy.cores()
        self.turns = Turns(self.cores)
        # What prepares a run holds the GIL: many at once would take it from one another. One that tries a new structure
        # takes long, and must not keep all others waiting.
        self.preparations = Turns(2)
        # Large files are read one after the other: each takes a core for seconds, and a multiple of its numbers' bytes.
        self.readings = Turns(1)
        self._workers = Workers(self.cores, policy.NICENESS)
        self._background = Workers(self.cores, background_niceness)
        self._clerks = Workers(1, 0)
        self._attendants = Workers(self.cores, 0)
        self._hosts = Workers(policy.MOST_HOSTS, 0)
        self._overseers = Workers(policy.MOST_OVERSEERS, 0)

    def compute(self, work: Callable[[], T], *, background: bool = False) -> T:
        """Have a thread of low priority do what holds no GIL, and wait for its result.

        An attendant does it itself while nobody is there whom it could disturb: handing over takes longer than a short
        chunk.
        """
        if background and self._attendants.here and self.turns.idle:
            return work()
        return (self._background if background else self._workers).run(work)

    def help(self, work: Callable[[], None]) -> bool:
        """Have an idle thread do it beside the caller; False, and nothing is done, where none is idle."""
        return self._workers.start(work)

    def later(self, work: Callable[[], None], after: float = 0.0) -> None:
        """Have it done at the lowest priority, some time, so many seconds from now at the earliest; whoever asks goes
        on."""
        self._background.queue(work, after)

    def record(self, work: Callable[[], None], after: float = 0.0) -> None:
        """The same for what holds the GIL, one after the other at the priority of all others: a thread that the system
        seldom runs would keep everybody waiting for the GIL."""
        self._clerks.queue(work, after)

    def attend(self, work: Callable[[], None]) -> None:
        """Have it done by one of as many threads as there are cores, at the priority of all others; whoever asks goes
        on. For what lets runs train that nobody looks at: it needs the GIL between chunks, and hands these to
        `compute`."""
        self._attendants.queue(work)

    def host(self, work: Callable[[], None]) -> None:
        """The same for what somebody looks at: a thread of its own does it, which waits for turns as that of a session
        does, and never behind work that nobody looks at."""
        self._hosts.queue(work)

    def oversee(self, work: Callable[[], None]) -> None:
        """The same for what another machine computes: a thread of its own waits for it."""
        self._overseers.queue(work)

    def close(self, timeout: float) -> bool:
        """Begin nothing more, and wait at most so many seconds for what is at work; whether all of it ended."""
        ends = time.monotonic() + timeout
        pools = (self._workers, self._background, self._clerks, self._attendants, self._hosts, self._overseers)
        ended = [pool.close(max(0.0, ends - time.monotonic())) for pool in pools]  # all of them, in any case
        return all(ended)


PROCESSOR = Processor()
"""The processor that everything in this process shares, unless another one is handed in."""
atexit.register(PROCESSOR.close, policy.CLOSE_SECONDS)
