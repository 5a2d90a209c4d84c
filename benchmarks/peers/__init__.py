"""Programs that train the same networks on the same data, each in the best form that its users would write.

A peer is a module with a class `Trainer(case)`. Making one loads the library and the data, which is not timed;
`build` makes and compiles whatever is needed before the first step; `train` does steps for about so many seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Protocol

from benchmarks.cases import Case


class Trainer(Protocol):
    """A network being trained; `train` goes on from where it was."""

    def build(self) -> None:
        """Everything that comes between the press of a button and the first step."""
        ...

    def train(self, seconds: float) -> tuple[int, float]:
        """Steps done, and the seconds that they took."""
        ...


PEERS = {
    "session": "benchmarks.peers.session",
    "headless": "benchmarks.peers.headless",
    "eager": "benchmarks.peers.eager",
    "classic": "benchmarks.peers.classic",
    "classic, 1 worker": "benchmarks.peers.classic_worker",
    "lightning": "benchmarks.peers.lightning",
    "scikit-learn": "benchmarks.peers.sklearn",
    "jax": "benchmarks.peers.jax",
}
ENGINES = {"eager engine": "benchmarks.peers.eager_engine"}
"""Further ways of training that are no other program's."""
OURS = "session"
"""The peer that the others are compared with: a session with its live statistics, as the app runs it."""


def trainer(peer: str, case: Case) -> Trainer:
    """The peer's trainer; raises ImportError where its library is not installed."""
    make: Callable[[Case], Trainer] = import_module((PEERS | ENGINES)[peer]).Trainer
    return make(case)
