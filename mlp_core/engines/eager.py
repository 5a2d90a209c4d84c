"""The reference engine: the textbook loop."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import torch

from mlp_core.engines import ChunkResult
from mlp_core.run.build import Run


class EagerEngine:
    """Plain PyTorch, one step after the other."""

    name = "eager"

    def run(self, run: Run, steps: int) -> ChunkResult:
        """Do this many steps: zero the gradients, forward, loss, backward, clip, update."""
        losses = torch.empty(steps, device=run.device)
        rates = np.empty(steps)
        max_norm = run.experiment.training.max_grad_norm
        samples = 0
        with run.stream.lend() if run.draws_in_training else nullcontext():
            for step in range(steps):
                x, y = run.batches.get(run.position)
                if run.experiment.training.zero_grad:
                    run.optimizer.zero_grad()
                loss = run.loss(run.model(run.scaled(x)), y)
                loss.backward()
                if max_norm is not None:
                    torch.nn.utils.clip_grad_norm_(run.model.parameters(), max_norm)
                rates[step] = run.learning_rate
                run.optimizer.step()
                losses[step] = loss.detach()
                samples += len(x)
                run.batches.advance(run.position)
                run.follow_schedule()
        return ChunkResult(losses.cpu().numpy(), samples, rates)
