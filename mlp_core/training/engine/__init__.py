"""Engines: what runs the next steps of a run.

*Eager* is the reference, always available. An engine that can run a spec faster may take its place; what it may
not do is change a number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

import torch

from mlp_core.build import Run


@dataclass(frozen=True)
class ChunkResult:
    """What a chunk of steps gave: the loss of every mini-batch, float32 (steps,), and the samples seen."""

    losses: np.ndarray
    samples: int


class Engine(Protocol):
    """Runs steps of a run, advancing its weights, position and random stream."""

    name: str

    def run(self, run: Run, steps: int) -> ChunkResult:
        """Do this many steps. Afterwards every `parameter.grad` holds the last step's gradient."""
        ...


def flush_denormals() -> None:
    """Treat numbers below 1e-38 as zero in the calling thread.

    Adam's averages fade into them after some hundred steps, and processors are many times slower on them. They are
    thirty powers of ten below what a weight can tell apart.
    """
    torch.set_flush_denormal(True)
