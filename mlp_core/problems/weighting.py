"""Whether weights of classes fit the classes, and whether there should be some."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlp_core.catalog.parameters import shorten
from mlp_core.catalog.weighting import BALANCED, IMBALANCE, ClassWeights, Weighting
from mlp_core.problems.problem import Problem
from mlp_core.spec import Experiment


def weighting_problems(experiment: Experiment, class_counts: Sequence[int]) -> Iterator[Problem]:
    """An error where there are not as many weights as classes; a hint where classes are rare and nothing is weighed.

    `class_counts` are the training samples of each class, once known.
    """
    facts, loss = experiment.data.facts, experiment.loss
    if not facts.classifies:
        return
    for parameter in loss.entry.parameters:
        if not isinstance(parameter, Weighting):
            continue
        value = loss.params[parameter.name]
        balanced = experiment.updated(loss=loss.updated(params={**loss.params, parameter.name: BALANCED}))
        if isinstance(parameter, ClassWeights) and isinstance(value, tuple) and len(value) != facts.classes:
            yield Problem(
                "error",
                f"The {parameter.name!r} parameter of loss {loss.type} must hold {facts.classes} numbers, one for each "
                f"class of {experiment.data.entry.label}. Got {len(value)} instead. Give one for each, or choose "
                f"{BALANCED!r}.",
                f"Set it to {BALANCED!r}",
                balanced,
            )
        elif value is None:
            yield from _imbalance(experiment, class_counts, parameter, balanced)


def _imbalance(
    experiment: Experiment, class_counts: Sequence[int], parameter: Weighting, balanced: Experiment
) -> Iterator[Problem]:
    """A hint where the largest class has `IMBALANCE` times the training samples of the smallest, or more."""
    names = experiment.data.facts.class_names
    present = [(count, name) for count, name in zip(class_counts, names, strict=False) if count]
    if len(present) < 2:
        return
    (few, rare), (many, frequent) = min(present), max(present)
    if many >= IMBALANCE * few:
        yield Problem(
            "hint",
            f"The class {shorten(frequent)} has {many:,} training samples and {shorten(rare)} {few:,}. From "
            f"{IMBALANCE:g} times as many on, a network that never answers {shorten(rare)} is seldom wrong. Set "
            f"{parameter.label.lower()} to {BALANCED!r}, and both count alike.",
            f"Set {parameter.label.lower()} to {BALANCED!r}",
            balanced,
        )
