"""The reference engine: the textbook loop."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import torch
from torch import Tensor

from mlp_core.engines import ChunkResult
from mlp_core.run.build import Run
from mlp_core.run.objective import clip, objective


class EagerEngine:
    """Plain PyTorch, one step after the other."""

    name = "eager"

    def run(self, run: Run, steps: int) -> ChunkResult:
        """Do this many steps: zero the gradients, forward, loss, backward, clip, update."""
        losses = torch.empty(steps, device=run.device)
        rates = np.empty(steps)
        samples = 0
        step_of = _closed_step if run.experiment.optimizer.entry.closure else _step
        with run.stream.lend() if run.draws_in_training else nullcontext():
            for step in range(steps):
                x, y = run.batches.get(run.position)
                rates[step] = run.learning_rate
                losses[step] = step_of(run, x, y).detach()
                samples += len(x)
                run.batches.advance(run.position)
                run.follow_schedule()
        return ChunkResult(losses.cpu().numpy(), samples, rates)


def _step(run: Run, x: Tensor, y: Tensor) -> Tensor:
    """A step on one mini-batch; gives its loss. Gradients are zeroed before an update and not after it, so that they
    can be looked at."""
    training = run.experiment.training
    if training.zero_grad and run.begins_update:
        run.optimizer.zero_grad()
    loss: Tensor = run.loss(run.model(run.scaled(x)), y)
    objective(loss, run.model.parameters(), training).backward()  # type: ignore[no-untyped-call]
    if run.ends_update:
        clip(run.model.parameters(), training)
        run.optimizer.step()
    return loss


def _closed_step(run: Run, x: Tensor, y: Tensor) -> Tensor:
    """The same for an optimizer that asks for loss and gradient several times; gives the loss before the step."""
    training = run.experiment.training
    losses: list[Tensor] = []

    def closure() -> Tensor:
        if training.zero_grad:
            run.optimizer.zero_grad()
        loss = run.loss(run.model(run.scaled(x)), y)
        total = objective(loss, run.model.parameters(), training)
        total.backward()  # type: ignore[no-untyped-call]
        clip(run.model.parameters(), training)
        losses.append(loss)
        return total

    run.optimizer.step(closure)  # type: ignore[arg-type]
    return losses[0]
