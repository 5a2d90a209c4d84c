"""Putting an experiment right without anybody pressing buttons: where it gets other data, or has none."""

from __future__ import annotations

from mlp_core.plan import last_linear
from mlp_core.problems.every import problems
from mlp_core.spec import DataSpec, Experiment

MAX_MENDS = 10
"""How many errors are put right one after the other; each way to do so removes its error."""


def mended(experiment: Experiment, train_size: int | None = None) -> Experiment:
    """The experiment with its errors put right, as far as each has a way to do so."""
    for _ in range(MAX_MENDS):
        errors = [problem for problem in problems(experiment, train_size) if problem.severity == "error"]
        fixed = next((problem.fixed for problem in errors if problem.fixed is not None), None)
        if fixed is None:
            break
        experiment = fixed
    return experiment


def with_data(experiment: Experiment, data: DataSpec) -> Experiment:
    """The experiment on other data: as many outputs as those need, and a loss for their task."""
    final = last_linear(experiment.layers)
    if final is not None:
        layer = experiment.layers[final]
        auto = layer.updated(params={**layer.params, "out_features": None})
        experiment = experiment.replace_layer((final,), auto)
    return mended(experiment.updated(data=data))
