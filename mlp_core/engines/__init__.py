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
    """What a chunk of steps gave: the samples seen, and for every mini-batch its loss, float32 (steps,).

    `learning_rates`, float64 (steps,), are those of each step's update. `seconds` is the processor time that they
    took, which waiting for the interpreter lock is no part of; None where that is not known.
    """

    losses: np.ndarray
    samples: int
    learning_rates: np.ndarray
    seconds: float | None = None


class Engine(Protocol):
    """Runs steps of a run, advancing its weights, position and random stream."""

    @property
    def name(self) -> str:
        """What pages and records call it."""
        ...

    def run(self, run: Run, steps: int) -> ChunkResult:
        """Do this many steps. Afterwards every `parameter.grad` holds the last step's gradient."""
        ...
