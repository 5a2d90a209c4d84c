"""What runs, but seldom does what was meant."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from mlp_core.plan import Plan
from mlp_core.problems.problem import Problem, inserted
from mlp_core.spec import Experiment, LayerSpec


def habit_problems(experiment: Experiment, found: Plan) -> Iterator[Problem]:
    for first, second in (pair for layers in found.lists() for pair in pairwise(layers)):
        if first.spec.type == second.spec.type == "Linear":
            yield Problem(
                "hint",
                f"Layers {first.number} and {second.number} are both Linear with no activation between them: together "
                "they can do no more than one Linear layer.",
                "Put a ReLU between them",
                inserted(experiment, second.path, LayerSpec(type="ReLU")),
            )
    optimizer = experiment.optimizer
    if optimizer.params.get("maximize"):
        yield Problem(
            "hint",
            f"{optimizer.entry.label} maximizes: every step goes up the loss, so the network gets worse.",
            "Step down the loss",
            experiment.updated(optimizer=optimizer.updated(params={**optimizer.params, "maximize": False})),
        )
    if not experiment.training.zero_grad:
        yield Problem(
            "hint",
            "The gradients are never zeroed: every step adds its gradient to all earlier ones.",
            "Zero the gradients",
            experiment.updated(training=experiment.training.updated(zero_grad=True)),
        )
