"""The app's reference engine, without session, statistics or page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.peers import headless

if TYPE_CHECKING:
    from mlp_core.engines import Engine
    from mlp_core.run.build import Run


class Trainer(headless.Trainer):
    """As `headless`, with the eager engine."""

    def _choose(self, run: Run) -> Engine:
        from mlp_core.engines.eager import EagerEngine

        return EagerEngine()
