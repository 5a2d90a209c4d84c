"""Losses for counts: targets that are none, and outputs that are no means."""

from __future__ import annotations

from collections.abc import Iterator

from mlp_core.problems.problem import Problem, inserted
from mlp_core.spec import Experiment, LayerSpec, LossSpec


def count_problems(experiment: Experiment, targets: tuple[float, float] | None) -> Iterator[Problem]:
    """Hints about a loss for counts.

    `targets` are the lowest and the highest target among the training samples in the unit of the data, once known.
    """
    loss, facts = experiment.loss, experiment.data.facts
    if not loss.entry.counts or facts.classifies:
        return
    if targets is not None and targets[0] < 0:
        names = ", ".join(map(repr, facts.target_names))
        yield Problem(
            "hint",
            f"{loss.type} is for counts, which are never below 0, and the target {names} goes down to "
            f"{targets[0]:.3g}: for such a sample the loss falls without end. Choose a loss for any numbers.",
            "Use mean squared error",
            experiment.updated(loss=LossSpec(type="MSELoss")),
        )
        return
    last = experiment.layers[-1]
    reach = last.entry.facts(last.params) if last.entry.facts is not None else None
    if loss.entry.estimate(loss.params) == "exp" or (reach is not None and reach.low >= 0):
        return
    yield Problem(
        "hint",
        f"{loss.type} takes the outputs as means while 'log_input' is switched off, and the network ends in "
        f"{last.type}, which may put out numbers below 0: their logarithm is NaN. End it in Softplus, or take outputs "
        "as logarithms.",
        "End in Softplus",
        inserted(experiment, (len(experiment.layers),), LayerSpec(type="Softplus")),
    )
