"""How many threads the kernels of a run may use; one rule for the engines and for exported scripts."""

from __future__ import annotations

LARGE_STEP = 10_000_000
"""Weights times samples of a step from which its kernels gain from a second core; below, handing over costs more."""


def one_thread(parameters: int, batch_size: int) -> bool:
    """Whether a step of this many weights and samples is fastest on one thread.

    Sums in large matrix products depend on the number of threads, so whoever wants the same digits follows the same
    rule; larger steps run on as many threads as PyTorch chooses.
    """
    return parameters * batch_size < LARGE_STEP
