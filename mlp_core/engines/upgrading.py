"""An engine that needs no building at first, and changes to a faster one when others have built it."""

from __future__ import annotations

import weakref
from collections.abc import Callable

from mlp_core.engines import ChunkResult, Engine
from mlp_core.engines.eager import EagerEngine
from mlp_core.engines.fast import FastEngine
from mlp_core.engines.tracing import UnsupportedError
from mlp_core.run.build import Run

BuildLater = Callable[[Callable[[], None]], None]
"""Has something built in the background, some time; whoever asks goes on."""


class UpgradingEngine:
    """Runs chunks on the plain engine until the fast one is built. Nothing is built for a run that never trains."""

    def __init__(self, build_later: BuildLater) -> None:
        self._build_later = build_later
        self._engine: Engine = EagerEngine()
        self._fast: FastEngine | None = FastEngine()
        self._asked = False

    @property
    def name(self) -> str:
        """The name of the engine that runs the next chunk, as far as that is known."""
        return self._engine.name

    def run(self, run: Run, steps: int) -> ChunkResult:
        """Do this many steps. Afterwards every `parameter.grad` holds the last step's gradient."""
        if not self._asked:
            self._asked = True
            self._ask(run)
        elif self._fast is not None and self._fast.is_built(run):
            self._engine, self._fast = self._fast, None
        return self._engine.run(run, steps)

    def _ask(self, run: Run) -> None:
        # The queue must keep neither alive: a run that was given up meanwhile needs no engine.
        asked_by, asked_for = weakref.ref(self), weakref.ref(run)

        def build() -> None:
            engine, run = asked_by(), asked_for()
            if engine is not None and run is not None:
                engine._build(run)

        self._build_later(build)

    def _build(self, run: Run) -> None:
        try:
            FastEngine.build(run)
        except UnsupportedError:
            self._fast = None  # the plain engine goes on
