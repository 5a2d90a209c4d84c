"""Engines: what runs the next steps of a run.

*Eager* is the reference, always available. An engine that can run a spec faster may take its place; what it may
not do is change a number.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from mlp_core.processor.policy import one_thread
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

    name: str

    def run(self, run: Run, steps: int) -> ChunkResult:
        """Do this many steps. Afterwards every `parameter.grad` holds the last step's gradient."""
        ...


DEFAULT_THREADS = torch.get_num_threads()
"""How many threads PyTorch's kernels take in a script that sets nothing; read before anybody here sets something."""


def use_threads(count: int) -> None:
    """Have kernels that the calling thread starts take so many cores.

    Where more threads are there for kernels than there are cores, they sleep and are woken at every operator.
    """
    if torch.get_num_threads() != count:
        torch.set_num_threads(count)


def tune_thread(run: Run, alone: bool) -> int:
    """Set the calling thread up for the kernels of a run; `alone`: no other run wants the cores now.

    Returns how many threads its kernels take, on which the last digits of large sums depend.

    Small steps and shared cores get one-thread kernels: threads that wait for one another on busy cores are many
    times slower than one thread alone. Numbers below 1e-38 count as zero: Adam's averages fade into them after some
    hundred steps, processors are several times slower on them, and they are far below what a weight can tell apart.
    """
    torch.set_flush_denormal(True)
    small = one_thread(run.plan.parameters, run.batches.batch_size)
    threads = DEFAULT_THREADS if alone and not small else 1
    use_threads(threads)
    return threads


@contextmanager
def tuned(run: Run) -> Iterator[None]:
    """`tune_thread` for a thread that has other work as well: what was set is put back."""
    threads = torch.get_num_threads()
    tune_thread(run, alone=True)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_flush_denormal(False)
