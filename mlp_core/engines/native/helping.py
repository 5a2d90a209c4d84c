"""Whether other threads help with a run's steps: where their cores are free, and while that pays."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mlp_core.processor import Processor
from mlp_core.processor.policy import HELPERS, cores, use_threads

THREADS = min(1 + HELPERS, cores())
"""Threads that a step is shared by at most."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 4.0
"""Seconds until the way that was slower is tried again; twice as long each time that it was slower again."""
MEASURED_SECONDS = 0.02
"""A shorter chunk says nothing about speed."""


class Helping:
    """Chooses for every chunk between one thread and several, by the time that a step has taken with each.

    A helper on a core that somebody else uses is worse than none: the first thread waits for what it has begun.
    """

    def __init__(self, processor: Processor, clock: Callable[[], float] = time.monotonic) -> None:
        self._processor, self._clock = processor, clock
        self._recent: dict[bool, list[float]] = {True: [], False: []}  # seconds of a step, with and without help
        self._faster = True
        self._pause, self._again_at = FIRST_PAUSE, 0.0

    def wanted(self) -> bool:
        """Whether the next chunk should have help: as was faster, and from time to time the other way."""
        if not self._recent[self._faster] or self._clock() < self._again_at:
            return self._faster
        return not self._faster

    def measured(self, helped: bool, seconds: float, steps: int) -> None:
        """Take the time that a chunk has taken, with or without help."""
        if seconds < MEASURED_SECONDS:
            return
        usual = helped == self._faster
        # Of the usual way, one chunk that was disturbed does not count.
        self._recent[helped] = [*(self._recent[helped][-1:] if usual else []), seconds / steps]
        with_help, without = (min(self._recent[way], default=math.inf) for way in (True, False))
        if usual and not self._recent[not helped]:
            return
        faster = with_help <= without
        if faster != self._faster:
            self._faster, self._pause = faster, FIRST_PAUSE
        elif not usual:
            self._pause = min(LONGEST_PAUSE, 2 * self._pause)
        else:
            return
        self._again_at = self._clock() + self._pause

    @contextmanager
    def during(self, steps: int, help: Callable[[], None]) -> Iterator[None]:
        """Run the block, a chunk of steps, with `help` called in other threads if that is wanted and possible."""

        def on_another_core() -> None:
            use_threads(1)
            help()

        started = 0
        if not self._processor.turns.others() and self.wanted():
            started = sum(self._processor.help(on_another_core) for _ in range(THREADS - 1))
        began = self._clock()
        yield
        if not self._processor.turns.others():
            self.measured(started > 0, self._clock() - began, steps)
