"""Which engine runs an experiment."""

from __future__ import annotations

from collections.abc import Callable

from mlp_core.build import Run
from mlp_core.training.engine import Engine
from mlp_core.training.engine.cuda_graph import CudaGraphEngine
from mlp_core.training.engine.eager import EagerEngine
from mlp_core.training.engine.fast import FastEngine
from mlp_core.training.engine.tracing import UnsupportedError

ENGINES: dict[str, Callable[[], FastEngine | CudaGraphEngine]] = {"cpu": FastEngine, "cuda": CudaGraphEngine}
"""The fastest engine for each kind of device that has one."""


def engine_for(run: Run) -> tuple[Engine, str]:
    """The fastest engine that can run it, ready to start; if that is the plain one, a sentence saying why."""
    kind = run.device.type
    if kind not in ENGINES:
        return EagerEngine(), f"The plain engine runs this experiment: there is no faster one for {run.device}."
    engine = ENGINES[kind]()
    try:
        engine.prepare(run)
    except UnsupportedError as error:
        return EagerEngine(), f"The plain engine runs this experiment, because {error}."
    return engine, ""
