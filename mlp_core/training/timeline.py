"""The checkpoints of a run: so few, so small and saved so rarely that nobody notices, spread over all of its steps."""

from __future__ import annotations

import math

from mlp_core.limits import MAX_CHECKPOINTS_BYTES
from mlp_core.training.state import RunState

MOST = 64
"""Checkpoints of a run at most: as many as fit on a slider that a finger moves."""
SHARE = 0.015
"""The share of a run's time that saving them may take."""
CREDIT_SECONDS = 0.003
"""How much more it may take in all: a run that lasts no longer than a blink has some too."""
RISE = 2.0
"""A loss this many times the lowest so far is on its way up."""


class Timeline:
    """Checkpoints of one run, in order. Its own thread saves them; any thread may read.

    They lie about evenly over the run: when no more have room, every second one goes, and the next ones are saved half
    as often.
    """

    def __init__(
        self, states: tuple[RunState, ...] = (), *, most: int = MOST, most_bytes: int = MAX_CHECKPOINTS_BYTES
    ) -> None:
        self.states = states  # replaced as a whole, never changed
        self.too_large = 0  # bytes of a checkpoint of which two do not fit; 0 where they do
        self._most, self._most_bytes = most, most_bytes
        self._stride = self._spread()
        self._cost = self._worked = 0.0  # seconds that the last one took, and that the run had worked then
        self._budget = CREDIT_SECONDS  # seconds that were left then

    @property
    def steps(self) -> tuple[int, ...]:
        """Mini-batches done at each checkpoint."""
        return tuple(state.step for state in self.states)

    @property
    def note(self) -> str:
        """A sentence on why there are no checkpoints; '' where there are."""
        if not self.too_large:
            return ""
        return (
            f"One checkpoint of this network takes {self.too_large / 1e6:,.0f} MB, and all of a run together may take "
            f"{self._most_bytes / 1e6:,.0f} MB, so none are kept."
        )

    def at(self, step: int) -> RunState | None:
        """The newest checkpoint at a step or before it; None where there is none."""
        return max((state for state in self.states if state.step <= step), key=lambda state: state.step, default=None)

    def last_good(self) -> RunState | None:
        """The newest checkpoint whose loss had not begun to rise without end; None where there is none."""
        best, found = math.inf, None
        for state in self.states:
            loss = state.train_loss
            if not loss > RISE * best:  # NaN is before the first step
                found = state
            best = best if math.isnan(loss) else min(best, loss)
        return found

    def due(self, step: int, worked: float, *, at_rest: bool = False) -> bool:
        """Whether to save one now that the run has worked so many seconds; one that stands still has time for it."""
        if self.too_large or not (at_rest or self._cost <= self._left(worked)):
            return False
        if self.states and self._is_near(step):
            return False
        if self.states and not self._has_room(self.states[-1]):
            self._thin()
        return not self.states or not self._is_near(step)

    def add(self, state: RunState, seconds: float = 0.0, worked: float = 0.0) -> None:
        """Add one that took so many seconds, when the run had worked so long. It replaces those not before it."""
        self._budget = max(0.0, self._left(worked) - seconds)
        self._cost, self._worked = seconds, worked
        self.cut(state.step)
        while self.states and not self._has_room(state):
            if len(self.states) == 1:
                self.too_large, self.states = state.bytes, ()
                return
            self._thin()
        if not self._has_room(state):
            self.too_large = state.bytes
            return
        self.states = (*self.states, state)

    def cut(self, step: int) -> None:
        """Forget the checkpoints of this step and later ones."""
        if self.states and self.states[-1].step >= step:
            self.states = tuple(state for state in self.states if state.step < step)

    def _left(self, worked: float) -> float:
        """Seconds that saving may take now. What is not used is not kept for ever."""
        return min(max(CREDIT_SECONDS, self._cost), self._budget + SHARE * (worked - self._worked))

    def _is_near(self, step: int) -> bool:
        return step < self.states[-1].step + self._stride

    def _has_room(self, state: RunState) -> bool:
        """Whether one more of this size fits. Of the first one, a second must fit too."""
        together = [*self.states, state]
        best = {id(each.best_weights): each.best_weights for each in together if each.best_weights is not None}
        size = sum(each.bytes for each in together) + (0 if self.states else state.bytes)
        size += sum(tensor.nbytes for weights in best.values() for tensor in weights.tensors.values())
        return len(together) <= self._most and size <= self._most_bytes

    def _thin(self) -> None:
        before, self.states = self._stride, self.states[::2]
        self._stride = max(2 * before, self._spread())

    def _spread(self) -> int:
        """Steps from one checkpoint to the next on average; 1 where there is no next."""
        if len(self.states) < 2:
            return 1
        return max(1, (self.states[-1].step - self.states[0].step) // (len(self.states) - 1))
