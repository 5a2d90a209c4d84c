"""Which engine runs an experiment."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mlp_core.engines import Engine
from mlp_core.engines.cuda_graph import CudaGraphEngine
from mlp_core.engines.eager import EagerEngine
from mlp_core.engines.fast import FastEngine
from mlp_core.engines.native.engine import NativeEngine
from mlp_core.engines.tracing import UnsupportedError
from mlp_core.run.build import Run

ENGINES: dict[str, Sequence[Callable[[], NativeEngine | FastEngine | CudaGraphEngine]]] = {
    "cpu": (NativeEngine, FastEngine),
    "cuda": (CudaGraphEngine,),
}
"""The engines for each kind of device that are faster than the plain one, the fastest first."""


def engine_for(run: Run) -> tuple[Engine, str]:
    """The fastest engine that can run it, ready to start; if that is the plain one, a sentence saying why."""
    kind = run.device.type
    if kind not in ENGINES:
        return EagerEngine(), f"The plain engine runs this experiment: there is no faster one for {run.device}."
    reason = ""
    for make in ENGINES[kind]:
        engine = make()
        try:
            engine.prepare(run)
        except UnsupportedError as error:
            reason = str(error)
        else:
            return engine, ""
    return EagerEngine(), f"The plain engine runs this experiment, because {reason}."
