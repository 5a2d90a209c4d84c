"""Engines: what runs the next steps of a run.

*Eager* is the reference, always available. An engine that can run a spec faster may take its place; what it may
not do is change a number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from mlp_core.run.build import Run


@dataclass(frozen=True)
class ChunkResult:
    """What a chunk of steps gave."""

    losses: np.ndarray
    """float32 (steps,), the loss of every mini-batch."""
    samples: int
    """Samples seen in these steps."""
    learning_rates: np.ndarray
    """float64 (steps,), those of each step's update."""
    seconds: float | None = None
    """The processor time that the steps took, without waiting for the GIL; None where that is not known."""


class Engine(Protocol):
    """Runs steps of a run, advancing its weights, position and random stream."""

    @property
    def name(self) -> str:
        """What pages and records call it."""
        ...

    def run(self, run: Run, steps: int) -> ChunkResult:
        """Do this many steps. Afterwards every `parameter.grad` holds the last step's gradient."""
        ...
