"""What a page has shown of its run: how many steps, how old its newest point was, when the first of a new run came."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace

from benchmarks.messages import Sight


@dataclass(eq=False)
class _Wait:
    """Somebody waits for a point that is newer than what was shown when the wait began."""

    before: Sight
    another_run: bool
    came: asyncio.Future[None]
    began: bool
    """Whether the run of the awaited point has been seen, with or without a point."""


class Points:
    """The points of one page. Times are `time.monotonic()`, ages seconds.

    Every message with other steps than before brings a point. Steps that no message showed before a new run took their
    place are not counted.
    """

    def __init__(self) -> None:
        self.sight = Sight(0, "", None)
        """The newest message."""
        self.count = 0
        """Points so far."""
        self.steps = 0
        """Steps so far, of all runs together."""
        self.ages: list[float] = []
        """How old each point was when the next one took its place."""
        self.exact_ages = False
        """Whether messages say when their points were made; else a point counts from the last request on."""
        self.asked = 0.0
        """When the last request was sent."""
        self._newest: float | None = None
        self._waits: list[_Wait] = []

    def forget(self) -> None:
        """Leave out of the ages and the count what was until now."""
        self.ages.clear()
        self.count = 0

    def see(self, shown: Sight) -> None:
        """Note what a message shows; a point's age counts until the moment that a newer one replaces it."""
        if shown.version < self.sight.version:
            return
        before = self.sight
        goes_on = shown.steps >= before.steps and (not (shown.run and before.run) or shown.run == before.run)
        # A part that is drawn anew does not name its run, which is the last one if it goes on.
        self.sight = replace(shown, run=shown.run or before.run) if goes_on else shown
        if shown.steps == before.steps and goes_on:
            self._newest = None if shown.stopped else self._newest
        else:
            self.count += 1
            self.steps += shown.steps - before.steps if goes_on else shown.steps
            self.note_age()
            self.exact_ages = shown.at is not None
            made = self.asked if shown.at is None else time.monotonic() - (time.time() - shown.at)
            self._newest = None if shown.stopped else made
        self._end_waits()

    def note_age(self) -> None:
        """Record how old the newest point on the page is now, if the run goes on."""
        if self._newest is not None:
            self.ages.append(time.monotonic() - self._newest)

    def start(self) -> None:
        """Train was pressed: ages count from here."""
        self._newest = time.monotonic()

    def stop(self) -> None:
        """Pause was pressed: what is shown does not grow old."""
        self._newest = None

    def next(self, *, another_run: bool) -> asyncio.Future[None]:
        """Done with the next point, or the first one of another run than the one that is shown now."""
        before = self.sight
        unnamed = not (before.run or before.steps)  # nothing would tell another run from the one that is about to begin
        wait = _Wait(before, another_run, asyncio.get_running_loop().create_future(), another_run and unnamed)
        self._waits = [wait, *(other for other in self._waits if not other.came.done())]
        return wait.came

    def _end_waits(self) -> None:
        shown = self.sight
        for wait in self._waits:
            named = shown.run and wait.before.run
            restarted = shown.run != wait.before.run if named else shown.steps < wait.before.steps
            wait.began = wait.began or restarted
            newer = wait.began or (not wait.another_run and shown.steps > wait.before.steps)
            if newer and shown.steps > 0 and not wait.came.done():
                wait.came.set_result(None)
