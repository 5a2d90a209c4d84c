"""Which engine runs an experiment."""

from __future__ import annotations

from collections.abc import Callable

from mlp_core.engines import Engine
from mlp_core.engines.cuda_graph import CudaGraphEngine
from mlp_core.engines.eager import EagerEngine
from mlp_core.engines.fast import FastEngine
from mlp_core.engines.native.engine import NativeEngine
from mlp_core.engines.tracing import UnsupportedError
from mlp_core.engines.upgrading import BuildLater, UpgradingEngine
from mlp_core.processor import Processor
from mlp_core.run.build import Run


def engine_for(
    run: Run, *, processor: Processor | None = None, build_later: BuildLater | None = None
) -> tuple[Engine, str]:
    """The fastest engine that can run it, ready to start; if that is the plain one, a sentence saying why.

    Idle threads of `processor` help with steps of wide networks. What takes long to build is given to `build_later`,
    and until it is there, steps are done by the plain engine; without it, everything is built at once.
    """
    choose = ENGINES.get(run.device.type)
    if choose is None:
        return EagerEngine(), f"The plain engine runs this experiment: there is no faster one for {run.device}."
    try:
        return choose(run, processor, build_later), ""
    except UnsupportedError as error:
        return EagerEngine(), f"The plain engine runs this experiment, because {error}."


def _for_cpu(run: Run, processor: Processor | None, build_later: BuildLater | None) -> Engine:
    native, fast = NativeEngine(processor), FastEngine()
    try:
        native.prepare(run)
    except UnsupportedError:
        if build_later is not None and not fast.is_built(run):
            return UpgradingEngine(build_later)
        fast.prepare(run)
        return fast
    return native


def _for_cuda(run: Run, processor: Processor | None, build_later: BuildLater | None) -> Engine:
    graph = CudaGraphEngine()
    graph.prepare(run)
    return graph


ENGINES: dict[str, Callable[[Run, Processor | None, BuildLater | None], Engine]] = {
    "cpu": _for_cpu,
    "cuda": _for_cuda,
}
"""What finds a faster engine than the plain one for each kind of device, or raises `UnsupportedError`."""
