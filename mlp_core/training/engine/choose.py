"""Which engine runs an experiment."""

from __future__ import annotations

from mlp_core.build import Run
from mlp_core.training.engine import Engine
from mlp_core.training.engine.eager import EagerEngine
from mlp_core.training.engine.fast import FastEngine
from mlp_core.training.engine.tracing import UnsupportedError


def engine_for(run: Run) -> tuple[Engine, str]:
    """The fastest engine that can run it, ready to start; if that is not the fast one, a sentence saying why."""
    if run.device.type != "cpu":
        return EagerEngine(), f"The plain engine runs this experiment: the fast one needs the CPU, not {run.device}."
    engine = FastEngine()
    try:
        engine.prepare(run)
    except UnsupportedError as error:
        return EagerEngine(), f"The plain engine runs this experiment, because {error}."
    return engine, ""
