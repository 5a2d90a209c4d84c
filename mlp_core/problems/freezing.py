"""Whether anything is left to train where layers are frozen."""

from __future__ import annotations

from collections.abc import Iterator

from mlp_core.plan import Plan
from mlp_core.problems.problem import Problem
from mlp_core.spec import Experiment


def freezing_problems(experiment: Experiment, found: Plan) -> Iterator[Problem]:
    holders = [layer for layer in found.walk() if layer.own_parameters]
    if not holders or not all(layer.spec.frozen for layer in holders):
        return
    last = holders[-1].path
    yield Problem(
        "error",
        "Every layer that has weights is frozen, so there is nothing to train. Unfreeze one.",
        "Unfreeze the last one",
        experiment.replace_layer(last, experiment.layer_at(last).updated(frozen=False)),
    )
