"""A race: variants that train side by side in one browser, in turns, in step by epochs, samples or seconds.

It goes in laps. In a lap each variant trains to the same goal, and at its end all are tested and shown as they are
there. Laps are short, so that they look as if they trained at once, and whoever pauses finds all of them in step. All
variants together are one member of those who share the processor: a race takes no more of it than a run.
"""

from __future__ import annotations

import atexit
import logging
import math
import threading
import time
import weakref
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlp_core import data
from mlp_core.errors import SpecError
from mlp_core.limits import MAX_CHECKPOINTS_BYTES, MAX_TRAINING_BYTES
from mlp_core.plan import plan
from mlp_core.processor import PROCESSOR, Priority, Processor
from mlp_core.processor.policy import CLOSE_SECONDS, LATE_SECONDS, use_threads
from mlp_core.race.lane import Lane, Watched
from mlp_core.race.words import Measure, Standing, Unit, measure_of, progress_text, verdict
from mlp_core.spec import Experiment
from mlp_core.training.keeping import Keeper
from mlp_core.training.lease import Lease
from mlp_core.training.snapshot import Status

if TYPE_CHECKING:
    from mlp_core.data.dataset import Dataset

LOG = logging.getLogger(__name__)

LEAST, MOST = 2, 6
"""Variants of a race."""
LAP_SECONDS = 0.15
"""How long the variants train in a lap, all together, while that is not the whole race."""
LAPS = 100
"""Laps of a race at least, where each has a step to do: so many points a curve has."""
LOOK_SHARE = 0.2
"""The share of a race's time that testing the variants and computing what is shown of them may take; where more runs
than there are cores share the processor, of its part of the time."""
WATCHED_SECONDS = 12.0
"""How long a race lasts at least that is to be watched."""


@dataclass(frozen=True)
class Entrant:
    """Who races."""

    name: str
    """What it is called."""
    experiment: Experiment
    """What it trains."""


_RACES: weakref.WeakSet[Race] = weakref.WeakSet()


@atexit.register
def close_races() -> None:
    """End all races of this process; what they have trained is handed over to be kept."""
    ends = time.monotonic() + CLOSE_SECONDS
    for race in list(_RACES):
        race.close()
    for race in list(_RACES):
        race.close(max(0.0, ends - time.monotonic()))
        if race._keeper is not None:
            race._keeper.flush(max(1.0, ends - time.monotonic()))


class Race:
    """Trains its variants while it is played. Safe to call from any thread."""

    def __init__(
        self,
        entrants: Sequence[Entrant],
        *,
        unit: Unit = "epochs",
        length: float = 100,
        full_speed: bool = True,
        test: bool = True,
        processor: Processor = PROCESSOR,
        lease: Lease | None = None,
        keeper: Keeper | None = None,
        data_dir: Path | None = None,
    ) -> None:
        """`length` is how far it goes, in its unit; unless it goes at `full_speed`, it lasts long enough to be watched.
        Without `test`, no figure of the test part decides it.

        Raises `SpecError` where there are too few or too many variants, or too large ones.
        """
        check_size([one.experiment for one in entrants])
        self.unit, self.length = unit, length
        self.measure: Measure = measure_of([one.experiment for one in entrants], test=test)
        self.full_speed = full_speed
        self._processor, self._lease, self._keeper, self._data_dir = processor, lease, keeper, data_dir
        self._changed = threading.Condition(threading.RLock())
        self.board = Watched(self._asked, self._changed)
        """The race as a whole, whose snapshots change whenever one of a variant does."""
        self.lanes = tuple(Lane(one.name, one.experiment, self._asked, self._changed) for one in entrants)
        self._playing = self._working = self._closed = self._looks = self._previews = False
        self._member: ExitStack | None = None
        self._goal = self._shown = 0.0  # where the lap ends, and where all were last tested
        self._look_seconds = self._looked = self._due = 0.0
        self._pressed = False
        _RACES.add(self)

    # What a page asks for

    @property
    def trains(self) -> bool:
        """Whether it goes on."""
        return self._playing

    @property
    def begun(self) -> bool:
        """Whether a step was done."""
        return self._shown > 0 or any(lane.progress(self.unit) > 0 for lane in self.lanes)

    @property
    def over(self) -> bool:
        """Whether it has come to its end, or nobody is left in it."""
        return not any(lane.goes_on for lane in self.lanes) or self._shown >= self.length

    @property
    def distance(self) -> float:
        """How far all variants were trained when they were last tested."""
        return self._shown

    @property
    def standings(self) -> list[Standing]:
        """Where each stands, as they were last in step."""
        with self._changed:
            return [Standing(lane.name, lane.value(self.measure), lane.out) for lane in self.lanes]

    @property
    def verdict(self) -> str:
        """Who leads or has won, and by how much, in a sentence; '' before there are figures."""
        if not self._shown:
            return ""
        return verdict(self.standings, self.measure, progress_text(self._shown, self.unit), over=self.over)

    def play(self) -> None:
        """Go on, to the end of the race at most."""
        if self._lease is not None:
            self._lease.regain()
        with self._changed:
            if self._closed or self._playing or self.over:
                return
            self._playing = self._pressed = True
            self._member = ExitStack()
            self._member.enter_context(self._processor.turns.member())
            for lane in self.lanes:
                if lane.goes_on:
                    lane.show(status="running")
            self.board.show(status="running")
            self._wake()

    def preview(self) -> None:
        """Make the runs ready, so that they can be seen before they train."""
        with self._changed:
            if not self._closed and not self._previews:
                self._previews = self._looks = True
                for part in (self.board, *self.lanes):
                    part.show(status="preparing")
                self._wake()

    def pause(self) -> None:
        """Stop at the end of the lap, when all are in step."""
        with self._changed:
            if self._playing:
                self._playing = False
                self.board.show(status="pausing")
                self._wake()

    def go_as_far_as(self, length: float) -> None:
        """Another length, also while it goes on; one that it has passed already ends it."""
        with self._changed:
            self.length = length
            self._goal = max(self._shown, min(self._goal, length))
            if not self._playing:
                self.board.show(status=self._at_rest)

    def close(self, timeout: float | None = None) -> bool:
        """End it and drop its runs; with a timeout in seconds, wait, and tell whether it has ended."""
        with self._changed:
            self._closed, self._playing = True, False
            self._wake()
            if timeout is not None:
                self._changed.wait_for(lambda: not self._working, timeout)
            return not self._working

    def wait(self, timeout: float) -> bool:
        """Wait until it stands still; whether it does within so many seconds."""
        with self._changed:
            return bool(self._changed.wait_for(lambda: not self._working, timeout))

    def _asked(self) -> None:
        """Somebody looks."""
        if self._lease is not None:
            self._lease.renew()
        with self._changed:
            if not self._playing and not self._closed and any(lane.stale() for lane in self.lanes):
                self._looks = True
                self._wake()

    # Its thread

    def _wake(self) -> None:
        """Have it do what is wanted. Call with the lock held."""
        self._changed.notify_all()
        if not self._working:
            self._working = True
            try:
                self._processor.host(self._work)
            except RuntimeError:  # the process ends
                self._working = False

    def _work(self) -> None:
        """Do the next thing, in a turn; then let others have the thread."""
        again = False
        try:
            use_threads(1)
            again = self._step()
        except Exception as error:
            LOG.exception("a race failed")
            with self._changed:
                for lane in self.lanes:
                    if lane.goes_on:
                        lane.fail(error)
                self._rest("failed")
        finally:
            with self._changed:
                self._working = False
                if again:
                    self._wake()
                else:
                    self._changed.notify_all()

    def _step(self) -> bool:
        """Do one thing; whether there is more to do."""
        with self._changed:
            if self._closed:
                return self._end()
            if self._lease is not None and not self._lease.holds:
                self._playing = False
            wanted = self._playing or self._previews
            new = next((lane for lane in self.lanes if lane.goes_on and lane.trainer is None), None) if wanted else None
            behind = [lane for lane in self.lanes if lane.goes_to(self._goal, self.unit)]
        if new is not None:
            self._prepare(new)
        elif behind:  # where somebody has paused, too: all shall stand in step
            self._train(min(behind, key=lambda lane: lane.progress(self.unit)))
        elif self._looks or (self._shown < self._goal and self._look_is_due()):
            self._look()
        elif self._playing and not self.over:
            self._begin_lap()
        else:
            for lane in self.lanes if self.begun else ():
                lane.keep(self._keeper, at_rest=True)
            with self._changed:
                if self._closed or (self._playing and not self.over):
                    return True  # pressed a moment ago
                self._rest(self._at_rest)
                return False
        return True

    @property
    def _at_rest(self) -> Status:
        return "finished" if self.begun and self.over else "ready"

    def _prepare(self, lane: Lane) -> None:
        with self._processor.preparations.turn(Priority.PRESSED):
            lane.prepare(self._processor, self._load)
        if lane.trainer is not None:
            from mlp_core.training.timeline import Timeline

            lane.trainer.timeline = Timeline(most_bytes=MAX_CHECKPOINTS_BYTES // len(self.lanes))
        lane.tell("running" if self._playing else "preparing")
        self.board.show()

    def _load(self, experiment: Experiment) -> Dataset:
        return data.load(experiment.data, self._data_dir, download=False, cancelled=lambda: self._closed)

    def _begin_lap(self) -> None:
        """Set the goal of the next lap, when it is due."""
        with self._changed:
            if not self.full_speed:  # nobody could watch laps that come as fast as they can
                rest = self._due - time.monotonic()
                self._changed.wait_for(lambda: not self._playing, max(0.0, rest))
                self._due = max(self._due, time.monotonic() - LATE_SECONDS) + WATCHED_SECONDS / LAPS
            if self._playing:
                goal = self._goal + self._lap()
                # Whole epochs are what people count in.
                whole = self.unit != "seconds" and goal - self._goal >= 1
                self._goal = min(self.length, float(math.floor(goal)) if whole else goal)

    def _lap(self) -> float:
        """How long the next lap is."""
        racing = [lane for lane in self.lanes if lane.goes_on and lane.trainer is not None]
        seconds = sum(lane.progress("seconds") for lane in racing)
        done = max((lane.progress(self.unit) for lane in racing), default=0.0)
        lap = done * LAP_SECONDS / seconds if seconds else 0.0
        return max(min(lap, self.length / LAPS), self._smallest())

    def _smallest(self) -> float:
        """The shortest lap in which each has a step to do."""
        trainers = [lane.trainer for lane in self.lanes if lane.trainer is not None and lane.goes_on]
        if self.unit == "seconds":
            return LAP_SECONDS / 4 / max(1, len(trainers))
        batches = [trainer.run.batches for trainer in trainers]
        if self.unit == "samples":
            return float(max((one.batch_size for one in batches), default=1))
        return max((1 / one.per_epoch for one in batches), default=1.0)

    def _train(self, lane: Lane) -> None:
        """A chunk of a variant."""
        with self._processor.turns.turn(Priority.PRESSED if self._pressed else Priority.WATCHED):
            self._pressed = False
            lane.go_on(self._goal, self.unit, self.length)
        if not lane.goes_on:
            lane.keep(self._keeper, at_rest=True)
        lane.tell("running")
        self.board.show()

    def _look_is_due(self) -> bool:
        """Whether all are tested now, at the end of a lap."""
        if not self._playing or self._goal >= self.length or not any(lane.goes_on for lane in self.lanes):
            return True
        crowd = max(1.0, self._processor.turns.members / self._processor.cores)
        return self._look_seconds * crowd <= LOOK_SHARE * (time.monotonic() - self._looked)

    def _look(self) -> None:
        """Test all as they stand in step, and show them."""
        with self._changed:
            self._looks = False
        seconds = 0.0
        for lane in self.lanes:
            if self._closed:
                return
            with self._processor.turns.turn(Priority.WATCHED):
                began = time.perf_counter()
                lane.look(errors=self.measure.kind == "error")
                seconds += time.perf_counter() - began
        self._look_seconds, self._looked = seconds, time.monotonic()
        with self._changed:
            furthest = max((lane.progress(self.unit) for lane in self.lanes if not lane.out), default=self._goal)
            self._shown = self._goal if any(lane.goes_on for lane in self.lanes) else min(self._goal, furthest)
            if self.over:
                self._playing = False
            status: Status = "running" if self._playing else self._at_rest
            for lane in self.lanes:
                lane.tell(status)
        for lane in self.lanes:
            if self._shown >= self.length:
                lane.finish()
            lane.keep(self._keeper, at_rest=not self._playing and self.begun)
        self.board.show(status=status)

    def _rest(self, status: Status) -> None:
        """Stand still. Call with the lock held."""
        self._playing = False
        if self._member is not None:
            self._member.close()
            self._member = None
        if self.board.snapshot().status != status:
            self.board.show(status=status)

    def _end(self) -> bool:
        """Hand everything over and let go of it. Call with the lock held."""
        self._rest("ready")
        for lane in self.lanes:
            lane.keep(self._keeper, at_rest=True)
            lane.drop()
        return False


def check_size(experiments: Sequence[Experiment]) -> None:
    """Raise `SpecError` where these are too few or too many for a race, or too large together."""
    if not LEAST <= len(experiments) <= MOST:
        raise SpecError(f"A race must have {LEAST} to {MOST} variants. Got {len(experiments)}. Add or remove some.")
    size = sum(plan(one).training_bytes for one in experiments)
    if size > MAX_TRAINING_BYTES:
        raise SpecError(
            f"These variants would need about {size / 2**30:.1f} GiB in training together; the limit is "
            f"{MAX_TRAINING_BYTES / 2**30:.1f} GiB. Remove some, or make their layers narrower."
        )
