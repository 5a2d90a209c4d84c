"""Jumps of the training loss that came back: told from its curve, wherever it is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlp_core.figures import readable

JUMPED, BACK = 4.0, 2.0
"""How many times the usual loss before it a jump is at least, and under how many times that it has come back."""
BEFORE = 12
"""Parts of the curve before a jump whose median is the usual loss there."""
FEWEST_STEPS = 4.0
"""Steps of each part at least: the losses of single mini-batches jump by chance, without a change of the weights."""
FIT = 0.5
"""The loss before a jump lies below this share of the first one: else nothing was learned that could be lost."""


@dataclass(frozen=True)
class Jump:
    """A time in which steps went too far, and others came back."""

    place: int
    """The part of the curve in which the loss was highest."""
    began: float
    """The last step before it."""
    ended: float
    """The step by which it had come back."""
    before: float
    """The usual loss before."""
    peak: float
    """The mean loss of the highest part."""

    @property
    def sentence(self) -> str:
        """What happened, with its numbers."""
        return (
            f"From step {self.began:,.0f} the train loss jumped from {readable(self.before, 2)} to "
            f"{readable(self.peak, 2)}, and was back by step {self.ended:,.0f}: some steps went too far."
        )


def jumps(losses: NDArray[np.floating], steps: NDArray[np.floating]) -> tuple[Jump, ...]:
    """Those of a training loss in parts of neighbouring steps, (n,), each with its last step, (n,), in order."""
    if len(losses) < 2 * BEFORE or steps[-1] < FEWEST_STEPS * len(losses) or not np.isfinite(losses).all():
        return ()
    return tuple(_jumps(np.asarray(losses, dtype=np.float64), steps))


def _jumps(losses: NDArray[np.float64], steps: NDArray[np.floating]) -> Iterator[Jump]:
    at = BEFORE
    for place, usual in _beginnings(losses):
        if place < at:
            continue  # within the jump before, or right after it
        back = np.flatnonzero(losses[place:] < BACK * usual)
        if not len(back):
            return  # it may not come back at all
        end = place + int(back[0])
        highest = place + int(losses[place:end].argmax())
        yield Jump(highest, float(steps[place - 1]), float(steps[end]), usual, float(losses[highest]))
        at = end + 1


def _beginnings(losses: NDArray[np.float64]) -> Iterator[tuple[int, float]]:
    """Places where the loss is that much higher than usual, each with the usual loss there.

    This is asked with every update of every page: a median is taken only where the loss is far above its lowest so far.
    """
    lowest = np.minimum.accumulate(losses)
    high = BEFORE + np.flatnonzero(losses[BEFORE:] > JUMPED * lowest[BEFORE - 1 : -1])
    if not len(high):
        return
    windows = np.sort(np.lib.stride_tricks.sliding_window_view(losses, BEFORE)[high - BEFORE], axis=1)
    usual = (windows[:, (BEFORE - 1) // 2] + windows[:, BEFORE // 2]) / 2
    begins = (usual > 0) & (losses[high] > JUMPED * usual) & (usual <= FIT * losses[0])
    yield from zip(high[begins].tolist(), usual[begins].tolist(), strict=True)
