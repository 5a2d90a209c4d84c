"""The policy on threads: how many kernels take, how long chunks last, and which priority each thread has."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache

LARGE_STEP = 10_000_000
"""Weights times samples of a step from which its kernels gain from a second core; below, handing over costs more."""
HELPERS = 3
"""Threads at most that help another one with the steps of a wide network: they wait for work on their cores, and other
programs want some too."""

NICENESS = 10
"""Added to the niceness of a thread that computes, so that the page server is scheduled first."""
BACKGROUND_NICENESS = 19
"""The same for what runs in the background."""
SWITCH_SECONDS = 0.001
"""How long a thread may hold the GIL while others wait for it. A chunk needs the GIL a few times; with Python's own
5 ms each time, one busy thread beside it costs half of a small network's speed."""
MOST_HOSTS = 64
"""Threads at most for what somebody looks at beside the runs of sessions; where more is asked for, it takes turns."""
MOST_OVERSEERS = 256
"""Threads at most that wait for what other machines compute."""
IDLE_SECONDS = 5.0
"""How long a computing thread waits for work before it ends."""
CLOSE_SECONDS = 10.0
"""How long a process that ends waits for the work of its threads."""

CHUNK_SECONDS = 0.07
"""How long a chunk of steps aims to last. Presses are looked at between chunks, nowhere else."""
LONG_CHUNK_SECONDS = 0.1
"""The same where the GIL is busy: the fewer chunks there are, the less often a run waits for it."""
SHORT_CHUNK_SECONDS = 0.03
"""The shortest chunk where other runs wait for a turn."""
FIRST_CHUNK_SECONDS = 0.015
"""How long the first chunks aim to last after somebody has started a run: the page waits for them."""
ROUND_SECONDS = 0.5
"""Everybody who shares the processor should have a turn within this time: a page that is new every second needs it."""
LATE_SECONDS = 0.5
"""How much time a run in slow motion makes up for at most, where it had to wait for others."""
BUSY_GIL_SECONDS = 0.004
"""A gap this long between two chunks means that another thread holds the GIL."""


@cache
def cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


def one_thread(parameters: int, batch_size: int) -> bool:
    """Whether a step of this many weights and samples is fastest on one thread.

    Sums in large matrix products depend on the number of threads, so whoever wants the same digits follows the same
    rule; larger steps run on as many threads as PyTorch chooses.
    """
    return parameters * batch_size < LARGE_STEP


@cache
def default_threads() -> int:
    """How many threads PyTorch's kernels take in a script that sets nothing; read before anything is set here."""
    import torch

    return torch.get_num_threads()


def use_threads(count: int) -> None:
    """Have kernels that the calling thread starts take so many cores.

    With more kernel threads than cores, they sleep and are woken at every operator.
    """
    import torch

    default_threads()
    if torch.get_num_threads() != count:
        torch.set_num_threads(count)


def tune_thread(parameters: int, batch_size: int, alone: bool) -> int:
    """Set the calling thread up for the kernels of a run; `alone`: no other run wants the cores now.

    Returns how many threads its kernels take, on which the last digits of large sums depend.

    Small steps and shared cores get one-thread kernels: threads that wait for one another on busy cores are many
    times slower than one thread alone. Numbers below 1e-38 count as zero: Adam's averages fade into them after some
    hundred steps, processors are several times slower on them, and they are far below what a weight can tell apart.
    """
    import torch

    torch.set_flush_denormal(True)
    threads = default_threads() if alone and not one_thread(parameters, batch_size) else 1
    use_threads(threads)
    return threads


@contextmanager
def tuned(parameters: int, batch_size: int) -> Iterator[None]:
    """`tune_thread` for a thread that has other work as well: what was set is put back."""
    import torch

    before = torch.get_num_threads()
    flushed = (torch.tensor([1e-39]) * 0.5).item() == 0  # PyTorch does not tell otherwise
    tune_thread(parameters, batch_size, alone=True)
    try:
        yield
    finally:
        torch.set_num_threads(before)
        torch.set_flush_denormal(flushed)


def lower_priority(niceness: int) -> None:
    """Lower the calling thread's priority, where the system knows priorities of threads (Linux)."""
    if hasattr(os, "setpriority") and os.uname().sysname == "Linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)
