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
        layer = self._broken_layer(run, engine, bad_step)
        kept = max(bad_step - 1, self._checkpoints[0].position.step)
        self._return_to(run, engine, kept)
        return Diverged(run.position.step, run.position.epoch, explain(run, loss, bad_step + 1, layer, learning_rate))

    def _return_to(self, run: Run, engine: Engine, step: int) -> None:
        restore(run, max((c for c in self._checkpoints if c.position.step <= step), key=lambda c: c.position.step))
        if step > run.position.step:
            engine.run(run, step - run.position.step)

    def _broken_layer(self, run: Run, engine: Engine, step: int) -> str:
        """The first layer whose output on the fatal batch is not finite, else the one with the largest output.

        A layer inside of another gives its output first.
        """
        self._return_to(run, engine, step)
        x, _ = run.batches.get(run.position)
        largest: dict[str, float] = {}
        hooks = [
            run.model.get_submodule(layer.name).register_forward_hook(
                lambda module, inputs, outputs, label=f"layer {layer.number} ({layer.spec.type})": largest.update(
                    {label: float(outputs.abs().max())}
                )
            )
            for layer in run.plan.walk()
        ]
        try:
            with torch.no_grad(), run.stream.lend():
                run.model(run.scaled(x))
        finally:
            for hook in hooks:
                hook.remove()
        broken = (label for label, value in largest.items() if not math.isfinite(value))
        return next(broken, max(largest, key=largest.__getitem__))


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
