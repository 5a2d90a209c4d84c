"""Targets that the outputs of the network cannot reach."""

from __future__ import annotations

from collections.abc import Iterator

from mlp_core.problems.problem import Problem
from mlp_core.spec import Experiment

TOLERANCE = 0.05
"""The share of the targets' span by which they may lie outside: noise does, and nothing is lost."""


def range_problems(experiment: Experiment, targets: tuple[float, float]) -> Iterator[Problem]:
    """A hint where a regression ends in an activation whose range leaves out some of the targets."""
    last, loss = experiment.layers[-1], experiment.loss
    if experiment.data.facts.classifies or last.entry.facts is None or loss.entry.estimate(loss.params) == "exp":
        return
    facts, (low, high) = last.entry.facts(last.params), targets
    room = TOLERANCE * (high - low)
    if low >= facts.low - room and high <= facts.high + room:
        return
    before = max((i + 1 for i, layer in enumerate(experiment.layers) if layer.entry.facts is None), default=0)
    yield Problem(
        "hint",
        f"The network ends in {last.type}, whose outputs lie in {facts.range}, and the targets that it learns from go "
        f"from {low:.3g} to {high:.3g}: it can never reach them all. Let it end in a Linear layer.",
        f"Remove the {last.type}",
        experiment.updated(layers=experiment.layers[:before]) if before else None,
    )
