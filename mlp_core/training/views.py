"""Which views of a run are computed when: all of them together take a bounded share of its time."""

from __future__ import annotations

import math
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from mlp_core.evaluation.slices import Slices
from mlp_core.run.build import Run
from mlp_core.views import VIEWS, computed

VIEW_SHARE = 0.1
"""The share of a run's time that evaluation and views may take together."""
VIEW_INTERVAL = 0.06
"""Seconds between the end of one computation of a view and the next at the least: nobody sees more. Less than from one
chunk to the next in slow motion, or every second one would be left out."""
SLICE_SECONDS = 0.03
"""How long a view that is computed in slices goes on before presses are looked at, and training has its turn."""
COSTS = 5
"""What a view costs is the median of so many: one computation that something else held up would put it off for long."""
FIRST_COST = 0.02
"""Seconds that a view which others come before is taken to cost until it was computed."""
FIRST_MOST = 0.1
"""Seconds that the first computation of a view counts as at most: it may have imported what it needs, which no other
one does."""
EVALUATION = "evaluation"
"""The name of the pass over the test samples among the views."""


@dataclass(frozen=True, eq=False)
class ViewResult:
    """A view of a run at one moment."""

    step: int
    """Mini-batches done when it was computed."""
    data: Mapping[str, Any]
    """What the view's function gave: arrays that nobody writes to."""


class _Work:
    """A view that is being computed, of the weights as they were when it was begun."""

    def __init__(self, step: int, slices: Slices[Mapping[str, Any]]) -> None:
        self.step = step
        self.seconds = 0.0
        self._slices = slices

    def go_on(self) -> Mapping[str, Any] | None:
        """Compute for a slice of time; what was found, at the end."""
        began = time.perf_counter()
        try:
            next(self._slices)
            while time.perf_counter() - began < SLICE_SECONDS:
                next(self._slices)
        except StopIteration as end:
            found: Mapping[str, Any] = end.value
            return found
        finally:
            self.seconds += time.perf_counter() - began
        return None


class ViewSchedule:
    """Decides which views of a run are due, computes them, and keeps the newest of each.

    A view is due when the run has worked so long since it was last computed that all of them together cost no more
    than `VIEW_SHARE`; time spent in line for a turn does not count. How often each is computed falls with the root of
    its cost, which makes the sum of their ages, each over its patience, as small as that share allows. One that takes
    long is computed in slices, one at each call; training goes on in between, and what is found is that of the step at
    which it was begun.
    """

    def __init__(self, run: Run, evaluate: Callable[[], object], evaluated_step: Callable[[], int | None]) -> None:
        self.results: dict[str, ViewResult] = {}
        self.seconds = 0.0  # that views and evaluations have taken
        self._run, self._evaluate, self._evaluated_step = run, evaluate, evaluated_step
        self._costs: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=COSTS))
        self._begun: dict[str, _Work] = {}
        self._last: dict[str, tuple[float, float]] = {}  # when it was computed, and how long the run had worked then

    def compute(
        self,
        wanted: Iterable[str],
        worked: float,
        *,
        all_stale: bool,
        goes_on: Callable[[], bool] = lambda: True,
    ) -> bool:
        """Evaluate, and compute the wanted views that are due; with `all_stale`, all that show an older step.

        `worked` is how long the run has worked so far, without its views, in seconds. Those that are left when it does
        not go on any more are left for another time. Gives whether something is new,
        or everything is as it should be: else it only went on with what takes long.
        """
        names, new = self._known(wanted), False
        self._begun = {
            name: work for name, work in self._begun.items()
            if name in names and not (all_stale and work.step != self._run.position.step)
        }  # fmt: skip
        for name in names:
            if not goes_on():
                break
            if name not in self._begun:
                if not self._is_stale(name) or not (all_stale or self._is_due(name, names, worked + self.seconds)):
                    continue
                self._begun[name] = _Work(self._run.position.step, self._work(name))
            work = self._begun.pop(name)  # it is lost where it fails
            before = work.seconds
            found = work.go_on()
            self.seconds += work.seconds - before
            if found is None:
                self._begun[name] = work
                continue
            new = True
            if name != EVALUATION:
                view = name.partition("@")[0]
                for old in [other for other in self.results if other.partition("@")[0] == view]:
                    del self.results[old]
                self.results[name] = ViewResult(work.step, found)
            costs = self._costs[name]
            costs.append(work.seconds if costs else min(FIRST_MOST, work.seconds))
            self._last[name] = time.monotonic(), worked + self.seconds
        return new or not self.stale(names)

    def _work(self, name: str) -> Slices[Mapping[str, Any]]:
        if name != EVALUATION:
            view, _, argument = name.partition("@")
            return (yield from VIEWS[view].work(self._run, argument))
        self._evaluate()
        return {}

    def forget(self) -> None:
        """Take every view for stale: the weights were changed otherwise than by a step."""
        self.results.clear()
        self._begun.clear()

    def stale(self, wanted: Iterable[str]) -> bool:
        """Whether a wanted view shows an older step than the run's."""
        return any(map(self._is_stale, self._known(wanted)))

    def _known(self, wanted: Iterable[str]) -> list[str]:
        asked = {name.partition("@")[0]: name for name in wanted}
        known = computed(self._run.experiment.data.facts)
        return [EVALUATION, *(asked[name] for name in known if name in asked)]

    def _is_stale(self, name: str) -> bool:
        step = self._run.position.step
        if name == EVALUATION:
            return self._evaluated_step() != step
        return name not in self.results or self.results[name].step != step

    def _is_due(self, name: str, names: Iterable[str], worked: float) -> bool:
        patience = _patience(name)
        if name not in self._last and patience <= 1:
            return True
        moment, worked_then = self._last.get(name, (0.0, 0.0))
        at_epoch_end = 0.5 if name == EVALUATION and self._run.position.batch == 0 else 1.0
        roots = sum(math.sqrt(self._cost_of(other)) / _patience(other) for other in names)
        distance = patience * math.sqrt(self._cost_of(name)) * roots / VIEW_SHARE
        return (
            time.monotonic() - moment >= at_epoch_end * VIEW_INTERVAL
            and worked - worked_then >= at_epoch_end * distance
        )

    def _cost_of(self, name: str) -> float:
        if name in self._costs:
            return median(self._costs[name])
        return FIRST_COST if _patience(name) > 1 else 0.0


def _patience(name: str) -> float:
    return 1.0 if name == EVALUATION else VIEWS[name.partition("@")[0]].patience
