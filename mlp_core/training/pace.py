"""The pace of a run: how long its chunks last, how long it rests between them, and how fast it is."""

from __future__ import annotations

import math
import time
from collections import deque

from mlp_core.processor import Processor
from mlp_core.processor.policy import (
    BUSY_GIL_SECONDS,
    CHUNK_SECONDS,
    FIRST_CHUNK_SECONDS,
    LONG_CHUNK_SECONDS,
    ROUND_SECONDS,
    SHORT_CHUNK_SECONDS,
)

SPEED_SECONDS = 0.25
"""Over which the speed is measured at the least."""
UPDATES_PER_SECOND = 12
"""In slow motion, chunks are so short that there are as many in a second."""
CROWD_SECONDS = 0.025
"""Where many runs share a core, chunks in slow motion last so long for each of them, in seconds."""

ALONE = 8.0
"""How many times as long a second of rest counts for views where there are cores enough: nobody else wants it."""


class Pace:
    """Measures one run, and decides how long its chunks last."""

    def __init__(self, processor: Processor, *, background: bool = False) -> None:
        self.samples_per_second = 0.0
        self.starts = False  # the run was just started: nothing of it has been shown since
        self.rested = 0.0  # seconds in which the run waited to be slow enough
        self.spare = 0.0  # the same, counted for views
        self._processor, self._background = processor, background
        self._gaps = deque([0.0], maxlen=3)  # seconds from one chunk to the next, without views and rests
        self._chunk_ended: float | None = None
        self._mark = (time.monotonic(), 0)

    def begin_chunk(self) -> None:
        """Note that a chunk begins."""
        if self._chunk_ended is not None:
            self._gaps.append(time.monotonic() - self._chunk_ended)

    def end_chunk(self) -> None:
        """Note that a chunk has ended."""
        self._chunk_ended = time.monotonic()

    def exclude(self, seconds: float) -> None:
        """So much of the time since the last chunk went into views, and says nothing about the GIL."""
        if self._chunk_ended is not None:
            self._chunk_ended += seconds

    def chunk_seconds(self) -> float:
        """How long a chunk should last: longer where the GIL is busy, which is needed between two."""
        turns = self._processor.turns
        if self.starts:
            return FIRST_CHUNK_SECONDS
        if self._background:
            return SHORT_CHUNK_SECONDS if turns.members or turns.waiting else CHUNK_SECONDS
        if turns.waiting:
            round_share = ROUND_SECONDS * self._processor.cores / max(1, turns.members)
            return min(LONG_CHUNK_SECONDS, max(SHORT_CHUNK_SECONDS, round_share))
        return CHUNK_SECONDS if min(self._gaps) < BUSY_GIL_SECONDS else LONG_CHUNK_SECONDS

    @property
    def crowded(self) -> bool:
        """Whether more runs than there are cores want to train."""
        return self._processor.turns.members > self._processor.cores

    def slow_chunk(self, steps_per_second: float) -> int:
        """Steps of a chunk in slow motion: longer chunks where many share the cores, as their pages ask less often."""
        crowd = self._processor.turns.members / self._processor.cores
        return max(1, math.floor(steps_per_second * max(1 / UPDATES_PER_SECOND, CROWD_SECONDS * crowd)))

    def rest(self, seconds: float) -> None:
        """Count a rest, of which views may take their share too, and a larger one than of the time for steps.

        Where many share the cores, each counts its part of them, or all their views would take more than there is.
        """
        part = min(1.0, self._processor.cores / max(1, self._processor.turns.members))
        self.rested += seconds * part
        self.spare += seconds * (part if self.crowded else ALONE)
        self._chunk_ended = None

    def start_measuring(self, samples: int) -> None:
        """Measure the speed from now on; so many samples were seen before."""
        self._mark = (time.monotonic(), samples)

    def measure(self, samples: int) -> None:
        """Samples per second of the wall clock, views and waiting included, as a short moving average."""
        now = time.monotonic()
        seconds = now - self._mark[0]
        if seconds < SPEED_SECONDS and self.samples_per_second:
            return
        speed = (samples - self._mark[1]) / max(seconds, 1e-9)
        self.samples_per_second = 0.5 * (self.samples_per_second + speed) if self.samples_per_second else speed
        self._mark = (now, samples)
