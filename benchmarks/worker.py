"""Each program in a process of its own, asked for turns: none of them sees another's threads or settings."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.cases import ALL_CASES
from benchmarks.machine import cores
from benchmarks.noise import busy
from benchmarks.peers import Trainer, trainer

PATIENCE = 300.0
THREAD_SETTINGS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
ONE_THREAD_XLA = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"


class PeerError(Exception):
    """A peer that cannot take part: its library is not installed, or it failed. The message says which."""


class Worker:
    """A peer in another process; `build` and `train` are those of `peers.Trainer`."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def build(self) -> float:
        """The seconds that building took."""
        return float(self.ask("build"))

    def train(self, seconds: float) -> tuple[int, float]:
        """Steps done, and the seconds that they took."""
        steps, spent = self.ask("train", seconds)
        return steps, spent

    def train_beside(self, seconds: float, busy_threads: int) -> tuple[int, float]:
        """As `train`, with so many busy Python threads in the same process."""
        steps, spent = self.ask("train_beside", seconds, busy_threads)
        return steps, spent

    def ask(self, *request: Any) -> Any:
        """Send a request and wait for its answer."""
        self._pipe.send(request)
        return self.answer()

    def answer(self) -> Any:
        """The next answer; raises `PeerError` when there is none."""
        if not self._pipe.poll(PATIENCE):
            raise PeerError(f"no answer within {PATIENCE:.0f} s")
        try:
            failed, value = self._pipe.recv()
        except EOFError:
            raise PeerError("its process ended") from None
        if failed:
            raise PeerError(value)
        return value


@contextmanager
def worker(peer: str, case: str) -> Iterator[Worker]:
    """A process in which the peer has its library and its data, ready to build."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(peer, case, theirs))
    with _environment(threads_of(cores() if ALL_CASES[case].large else 1)):
        process.start()
    theirs.close()
    started = Worker(ours)
    try:
        started.answer()
        yield started
    finally:
        ours.close()
        process.join(5)
        if process.is_alive():
            process.kill()
            process.join()


def serve(peer: str, case: str, pipe: Connection) -> None:
    """The other process: do what is asked until the pipe is closed."""
    try:
        made = trainer(peer, ALL_CASES[case])
        pipe.send((False, None))
        while True:
            name, *arguments = pipe.recv()
            pipe.send((False, _DO[name](made, *arguments)))
    except ImportError as error:
        pipe.send((True, f"{error.name or error} is not installed: pip install -r requirements-bench.txt"))
    except (EOFError, BrokenPipeError):
        return
    except Exception as error:
        pipe.send((True, f"{peer} on {case}: {type(error).__name__}: {error}"))


def threads_of(count: int) -> dict[str, str]:
    """Environment variables that give every library so many kernel threads; our own session sets its by itself.

    Libraries read them when they are loaded, so they must be there when the process starts.
    """
    found = dict.fromkeys(THREAD_SETTINGS, str(count))
    return found | ({"XLA_FLAGS": ONE_THREAD_XLA} if count == 1 else {})


@contextmanager
def _environment(settings: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _build(made: Trainer) -> float:
    began = time.perf_counter()
    made.build()
    return time.perf_counter() - began


def _train(made: Trainer, seconds: float) -> tuple[int, float]:
    return made.train(seconds)


def _train_beside(made: Trainer, seconds: float, busy_threads: int) -> tuple[int, float]:
    with busy(busy_threads):
        return made.train(seconds)


_DO: dict[str, Callable[..., Any]] = {"build": _build, "train": _train, "train_beside": _train_beside}
