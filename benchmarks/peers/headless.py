"""The engine that the app uses, without session, statistics or page."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from benchmarks.cases import WARM_UP, Case

if TYPE_CHECKING:
    from mlp_core.engines import Engine
    from mlp_core.run.build import Run


def warm_up(case: Case) -> None:
    """Build and train another network for a moment, as an earlier visitor of the server would have."""
    from mlp_core.engines.choose import engine_for
    from mlp_core.run.build import build

    run = build(case.experiment, case.dataset())
    engine_for(run)[0].run(run, 10)


class Trainer:
    """The training loop of the command line, in the calling thread."""

    def __init__(self, case: Case) -> None:
        from mlp_core.training import loop
        from mlp_core.training.diagnosis import DivergenceGuard

        warm_up(WARM_UP)
        self._loop, self._guard = loop, DivergenceGuard
        self._case, self._dataset = case, case.dataset()

    def build(self) -> None:
        """Build the network and its engine."""
        from mlp_core.run.build import build

        self._run = build(self._case.experiment, self._dataset)
        self._engine = self._choose(self._run)
        self._state = self._loop.LoopState(self._guard(self._run))

    def _choose(self, run: Run) -> Engine:
        from mlp_core.engines.choose import engine_for
        from mlp_core.processor import PROCESSOR

        engine, why = engine_for(run, processor=PROCESSOR)
        if why:
            raise RuntimeError(why)
        return engine

    def train(self, seconds: float) -> tuple[int, float]:
        """Chunks of steps, one after the other."""
        before, began = self._run.position.step, time.perf_counter()
        with self._run.tuned():
            for _ in self._loop.train(self._run, self._engine, self._state, evaluate_epochs=False):
                if time.perf_counter() - began >= seconds:
                    break
        return self._run.position.step - before, time.perf_counter() - began
