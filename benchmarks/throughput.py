"""Steps per second of the engines against each other, one operator thread, interleaved."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import Any

from benchmarks.options import Options, Row

ROUNDS = 7
SECONDS = 0.4


def rows(options: Options) -> Iterator[Row]:
    """One row per network: median steps per second of both engines, and the median of the paired ratios."""
    import torch

    from mlp_core import data
    from mlp_core.build import build
    from mlp_core.presets import PRESETS, mlp
    from mlp_core.training.engine.choose import engine_for
    from mlp_core.training.engine.eager import EagerEngine

    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    spiral = PRESETS["spiral"].experiment
    cases = {
        "2-4-2-2": spiral.updated(layers=mlp((4, 2), "Tanh")),
        "2-8-8-8-2": spiral,
        "2-64-64-2": spiral.updated(layers=mlp((64, 64), "ReLU")),
        "16-12-10-1 Adam": PRESETS["binary-16-12-10-1"].experiment,
        "4-10-10-3 Adam": PRESETS["two-hidden-relu"].experiment,
    }
    for name, experiment in cases.items():
        dataset = data.load(experiment.data)
        eager_run, fast_run = build(experiment, dataset), build(experiment, dataset)
        fast, why = engine_for(fast_run)
        assert not why, why
        pairs = [(_speed(EagerEngine(), eager_run), _speed(fast, fast_run)) for _ in range(ROUNDS)]
        yield {
            "network": name,
            "eager_steps_per_second": round(statistics.median(eager for eager, _ in pairs)),
            "fast_steps_per_second": round(statistics.median(quick for _, quick in pairs)),
            "ratio": round(statistics.median(quick / eager for eager, quick in pairs), 1),
        }


def _speed(engine: Any, run: Any) -> float:
    steps, chunk, began = 0, 20, time.perf_counter()
    while (spent := time.perf_counter() - began) < SECONDS:
        engine.run(run, chunk)
        steps += chunk
        chunk = min(2 * chunk, 2000) if spent < SECONDS / 4 else chunk
    return steps / (time.perf_counter() - began)
