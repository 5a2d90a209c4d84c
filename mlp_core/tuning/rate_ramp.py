"""The learning-rate finder: the rate grows with every update of a copy of a run, and its losses say which rate to take.

The ramp is the range test of L. N. Smith, Cyclical Learning Rates for Training Neural Networks (2017,
arXiv:1506.01186), section 3.3, with equal ratios between the rates, as J. Howard and S. Gugger do it in fastai (2020,
arXiv:2002.04688).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mlp_core.catalog.tuning import RATE_RAMP, filled
from mlp_core.figures.text import readable

if TYPE_CHECKING:
    from mlp_core.data.dataset import Dataset
    from mlp_core.engines import Engine
    from mlp_core.processor import Processor
    from mlp_core.run.build import Run
    from mlp_core.run.checkpoint import Checkpoint
    from mlp_core.spec import Experiment

SMOOTHING = 0.9
"""Weight of the past in the smoothed loss: it looks back over about ten updates."""
FIRST_LOOK = 10
"""Updates before the loss may count as exploded, and before its fall is looked at: the mean needs some losses."""
EXPLOSION = 3.0
"""The loss has exploded when it lies this many times the lowest one, or the fall so far, above the lowest one: for a
positive loss four times the lowest, as fastai has it."""
BEGUN = 0.1
"""The fastest fall is looked for from where the loss has fallen by this share of its whole fall for good: before that,
what looks like a fall is the noise of batches."""
NOISES = 0.5
"""A fall of the smoothed loss is one if it is larger than this many standard deviations of single losses around it; the
smoothed loss itself spreads by less than a quarter of one."""
SLICE_SECONDS = 0.03
"""How long a slice of the ramp goes on in one turn of the processor."""


@dataclass
class RampCurve:
    """The ramp so far. One thread adds to it; any thread may read."""

    rates: list[float] = field(default_factory=list)
    """The learning rate of each update."""
    losses: list[float] = field(default_factory=list)
    """The training loss of its mini-batches, before the update."""
    smoothed: list[float] = field(default_factory=list)
    """The exponential moving average of the losses, with bias correction."""
    exploded: bool = False
    """Whether it ended because the loss exploded."""
    _state: float = 0.0

    def __len__(self) -> int:
        return len(self.smoothed)

    def add(self, rate: float, loss: float) -> None:
        """Add an update; what is read meanwhile is as long as `len` says."""
        self._state = SMOOTHING * self._state + (1 - SMOOTHING) * loss
        self.rates.append(rate)
        self.losses.append(loss)
        self.smoothed.append(self._state / (1 - SMOOTHING ** len(self.losses)))
        self.exploded = self._explodes()

    def _explodes(self) -> bool:
        now = self.smoothed[-1]
        if not math.isfinite(now):
            return True
        if len(self.smoothed) <= FIRST_LOOK:
            return False
        lowest = min(self.smoothed)
        return now > lowest + EXPLOSION * max(abs(lowest), self.smoothed[0] - lowest)


@dataclass(frozen=True)
class Suggestion:
    """A value to take, with its reason."""

    value: float | None
    """The value; None where nothing speaks for one."""
    reason: str
    """Why, in sentences."""


def rates_of(params: Mapping[str, Any]) -> NDArray[np.float64]:
    """The rates (steps,) of a ramp with these parameters of `RATE_RAMP`, at equal ratios; raises `SpecError`."""
    found = filled(RATE_RAMP, params, "the learning-rate finder")
    return np.geomspace(found["low"], found["high"], found["steps"])


def copy_of(experiment: Experiment, dataset: Dataset, checkpoint: Checkpoint | None = None) -> Run:
    """A run of its own, as another one stood at a checkpoint: its weights, optimizer, random numbers and the batches
    that it takes next. Without one, a new run. It has no schedule: the ramp sets the rates."""
    from mlp_core.run.build import build
    from mlp_core.run.checkpoint import restore

    run = build(experiment.updated(scheduler=None), dataset)
    if checkpoint is not None:
        restore(run, checkpoint)
    run.batches.settle(run.position)
    return run


def ramp(run: Run, engine: Engine, rates: NDArray[np.float64], curve: RampCurve) -> Iterator[None]:
    """Do an update at each rate and add it to the curve, until the rates or the losses are at their end.

    Where gradients of several mini-batches make an update, its loss is their mean.
    """
    for rate in rates.tolist():
        run.learning_rate = rate
        losses: list[float] = []
        while True:
            last = run.ends_update
            losses.append(float(engine.run(run, 1).losses[0]))
            run.batches.settle(run.position)
            if last:
                break
        curve.add(rate, sum(losses) / len(losses))
        yield
        if curve.exploded:
            return


def find_rate(
    experiment: Experiment, dataset: Dataset, checkpoint: Checkpoint | None = None, **params: Any
) -> tuple[RampCurve, Suggestion]:
    """Make the ramp in the calling thread, on a new run or on a copy of one at a checkpoint; `params` are those of
    `RATE_RAMP`. Raises `SpecError`."""
    from mlp_core.engines.choose import engine_for
    from mlp_core.processor import PROCESSOR

    rates, curve = rates_of(params), RampCurve()
    run = copy_of(experiment, dataset, checkpoint)
    with run.tuned():
        for _ in ramp(run, engine_for(run, processor=PROCESSOR)[0], rates, curve):
            pass
    return curve, suggest(curve)


def ramp_on(
    processor: Processor, make: Callable[[], Run], rates: NDArray[np.float64], curve: RampCurve
) -> Generator[float, None, Suggestion]:
    """The ramp as work of `BackgroundWork`: updates are computed by the processor's threads. Yields the share of the
    rates that is done, and returns the suggestion."""
    from mlp_core.engines.choose import engine_for

    run = make()
    engine, _ = engine_for(run, processor=processor, build_later=processor.later)
    going = ramp(run, engine, rates, curve)

    def some() -> bool:
        """A slice of updates; whether there are more."""
        ends = time.monotonic() + SLICE_SECONDS
        run.tune_thread(alone=not processor.turns.others(background=True))
        while time.monotonic() < ends:
            if next(going, StopIteration) is StopIteration:
                return False
        return True

    while processor.compute(some, background=True):
        yield len(curve) / len(rates)
    return suggest(curve)


def suggest(curve: RampCurve) -> Suggestion:
    """The rate to take, of two that are in use the smaller one: where the smoothed loss falls fastest over the
    logarithm of the rate (Smith, 2017), and a tenth of the rate where it is lowest (fastai)."""
    count = len(curve)
    losses, smoothed = np.array(curve.losses[:count]), np.array(curve.smoothed[:count])
    known = np.isfinite(smoothed)
    rates, losses, smoothed = np.array(curve.rates[:count])[known], losses[known], smoothed[known]
    if len(rates) <= FIRST_LOOK:
        return Suggestion(None, "The loss explodes at the first rates already. Begin at a smaller rate.")
    lowest = FIRST_LOOK + int(smoothed[FIRST_LOOK:].argmin())
    before = slice(lowest + 1)
    noise = float(np.std(losses[before] - smoothed[before]))
    fall = float(smoothed[: FIRST_LOOK + 1].mean() - smoothed[lowest])
    if fall <= max(NOISES * noise, 1e-6 * abs(float(smoothed[lowest]))):
        return Suggestion(
            None,
            "At no rate did the loss fall by more than it varies from batch to batch. A run that has learned what it "
            "can falls no further: begin with new weights, or take more updates.",
        )
    slope = np.gradient(smoothed, np.log(rates))
    high = np.flatnonzero(smoothed[:lowest] > smoothed[lowest] + (1 - BEGUN) * fall)
    looked = np.arange(max(FIRST_LOOK, high[-1] if len(high) else 0), lowest + 1)
    fastest, tenth = float(rates[looked[slope[looked].argmin()]]), float(rates[lowest]) / 10
    value = rounded(min(fastest, tenth))
    which = "where it falls fastest" if fastest <= tenth else "a tenth of the rate where it is lowest"
    said = f"The loss falls fastest at {readable(fastest, 2)} and is lowest at {readable(float(rates[lowest]), 2)}"
    end = "; it grows beyond" if lowest < len(rates) - 1 else ", the last rate, so a longer ramp would say more"
    return Suggestion(value, f"{said}{end}. {readable(value)} is about {which}, the smaller of the two.")


def rounded(value: float) -> float:
    """A rate that people would type: one digit that is not 0, or 15 and 25 beside 1 and 2."""
    exponent = math.floor(math.log10(value))
    digits = min((1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9, 10), key=lambda digit: abs(digit - value / 10**exponent))
    return float(f"{digits * 10.0**exponent:.2g}")
