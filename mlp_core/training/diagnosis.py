"""When a loss breaks: find the step, go back to sound weights, and say in words what happened."""

from __future__ import annotations

import math
import time
from collections import deque

import numpy as np
import torch

from mlp_core.engines import ChunkResult, Engine
from mlp_core.run.build import Run
from mlp_core.run.checkpoint import Checkpoint, restore, save
from mlp_core.training.autopsy import examine
from mlp_core.training.events import Diverged

CHECKPOINT_SECONDS = 0.5
"""Time between two checkpoints: what is done again after a fault takes no longer."""
EXPLODED = 1e6
"""How many times its first value (or 1, if that is larger) a loss may grow before the run is stopped."""


class DivergenceGuard:
    """Keeps two checkpoints of a run, and looks at every chunk's losses.

    Two, because sound weights are those *before* the update that broke the loss, which may lie in the chunk
    before. Losses are looked at after a chunk, so that an engine need not stop inside one; the steps up to the
    fault are then done again from the checkpoint, which gives the same numbers.
    """

    def __init__(self, run: Run) -> None:
        self._checkpoints: deque[Checkpoint] = deque([save(run)], maxlen=2)
        self._saved_at, self._learning_rate = time.monotonic(), run.base_learning_rate
        self._limit = math.inf

    @property
    def newest(self) -> Checkpoint:
        """The checkpoint that was saved last."""
        return self._checkpoints[-1]

    def start_over(self, run: Run) -> None:
        """Forget the checkpoints: the run's weights were changed otherwise than by a step."""
        self._checkpoints.clear()
        self._checkpoints.append(save(run))

    def before_chunk(self, run: Run) -> None:
        """Keep the state that a chunk starts from, now and then and whenever the learning rate was changed."""
        while self._checkpoints and self._checkpoints[-1].position.step >= run.position.step:
            self._checkpoints.pop()  # the learning rate may have been changed since, or the run put back
        recent = time.monotonic() - self._saved_at < CHECKPOINT_SECONDS
        if self._checkpoints and recent and run.base_learning_rate == self._learning_rate:
            return
        self._checkpoints.append(save(run))
        self._saved_at, self._learning_rate = time.monotonic(), run.base_learning_rate

    def after_chunk(self, run: Run, engine: Engine, result: ChunkResult) -> Diverged | None:
        """None if the chunk's losses are sound; else the run is put back and the event says what happened."""
        if self._limit == math.inf and len(result.losses) and np.isfinite(result.losses[0]):
            self._limit = EXPLODED * max(1.0, float(result.losses[0]))
        # Of an array as long as a chunk, every function of NumPy's gives the interpreter lock away and waits for it.
        if not len(result.losses) or (result.losses.max() < self._limit and result.losses.min() > -math.inf):
            return None
        sound = np.isfinite(result.losses) & (result.losses < self._limit)
        bad = int(np.argmin(sound))
        bad_step = run.position.step - len(result.losses) + bad  # steps done before it
        loss, learning_rate = float(result.losses[bad]), float(result.learning_rates[bad])
        first = self._checkpoints[0].position.step
        spoiled = self._first_spoiled(run, engine, first, bad_step)
        found = examine(run, lambda step: self._return_to(run, engine, step), spoiled + 1, loss, first)
        self._return_to(run, engine, max(spoiled - 1, first))
        said = explain(run, loss, bad_step + 1, found.title, learning_rate)
        return Diverged(run.position.step, run.position.epoch, said, found)

    def _first_spoiled(self, run: Run, engine: Engine, first: int, last: int) -> int:
        """After how many steps the weights were not all finite any more; `last` if they are then.

        A loss may be sound for some steps of such weights: an infinite one behind a Tanh is one or minus one.
        """
        self._return_to(run, engine, last)
        if _is_finite(run):
            return last
        while first < last:
            middle = (first + last) // 2
            self._return_to(run, engine, middle)
            first, last = (middle + 1, last) if _is_finite(run) else (first, middle)
        return last

    def _return_to(self, run: Run, engine: Engine, step: int) -> None:
        restore(run, max((c for c in self._checkpoints if c.position.step <= step), key=lambda c: c.position.step))
        if step > run.position.step:
            engine.run(run, step - run.position.step)


def _is_finite(run: Run) -> bool:
    return all(bool(torch.isfinite(parameter).all()) for parameter in run.model.parameters())


def explain(run: Run, loss: float, step: int, layer: str, learning_rate: float) -> str:
    """What happened, the likely cause and a remedy, in plain words."""
    how = "became NaN" if math.isnan(loss) else "became infinite" if math.isinf(loss) else f"grew to {loss:.1e}"
    kept = f"The weights of step {run.position.step} are kept."
    usual = run.experiment.optimizer.entry.parameter("lr").default
    if run.experiment.optimizer.params.get("maximize"):
        why = "The optimizer steps up the loss, which then grows without end: switch Maximize off"
    elif learning_rate > 10 * usual:
        why = f"The learning rate of {learning_rate:g} is far above {usual:g}, the usual one here: set a smaller one"
    elif not run.experiment.training.zero_grad:
        why = "The gradients are never zeroed, so every step is larger than the one before: zero them"
    else:
        why = f"{run.experiment.loss.entry.divergence}: set a smaller learning rate, or normalise with BatchNorm1d"
    return f"Training stopped at step {step:,}: the loss {how}, first seen in {layer}. {why}, then press Reset. {kept}"
