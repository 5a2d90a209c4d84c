"""Whether there can be a validation part, and whether it is there where something looks at it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlp_core.catalog.parameters import shorten
from mlp_core.catalog.training import USUAL_VALIDATION_FRACTION
from mlp_core.problems.problem import Problem
from mlp_core.spec import Experiment


def split_problems(experiment: Experiment) -> Iterator[Problem]:
    """An error where the one training sample is to be divided, as far as that is known before loading.

    Of classes, a stratified split leaves a sample of each for training.
    """
    data, given = experiment.data, experiment.data.facts.samples
    if data.validation_fraction is None or given is None or data.facts.classifies or data.facts.official_split:
        return
    tests = min(max(round(given * data.test_fraction), 1), given - 1)
    if given - tests < 2:
        yield Problem(
            "error",
            f"A validation part needs at least 2 training samples, and of {given} samples {tests} are for testing. Use "
            "more samples, a smaller test share, or no validation part.",
            "Leave the validation part out",
            experiment.updated(data=data.updated(validation_fraction=None)),
        )


def validation_hints(experiment: Experiment, unvalidated: Sequence[str]) -> Iterator[Problem]:
    """A hint where classes have no sample in the validation part."""
    if unvalidated:
        data = experiment.data
        shown = ", ".join(map(shorten, unvalidated[:5])) + (", …" if len(unvalidated) > 5 else "")
        classes = "class" if len(unvalidated) == 1 else "classes"
        yield Problem(
            "hint",
            f"The validation part has no sample of the {classes} {shown}, because the training part has only one of "
            "each: nothing that looks at the validation part sees how well such samples are told. Use more samples, or "
            "no validation part.",
            "Leave the validation part out",
            experiment.updated(data=data.updated(validation_fraction=None)),
        )


def stopping_hints(experiment: Experiment) -> Iterator[Problem]:
    """A hint where early stopping looks at the test part, as there is no validation part."""
    data = experiment.data
    if experiment.training.patience is not None and data.validation_fraction is None:
        validated = experiment.updated(data=data.updated(validation_fraction=USUAL_VALIDATION_FRACTION))
        divisible = not any(split_problems(validated))
        yield Problem(
            "hint",
            "There is no validation part, so early stopping looks at the test loss: the test samples then help to "
            "choose the weights, and their figures are too good to be an honest test.",
            f"Validate on {USUAL_VALIDATION_FRACTION:.0%} of the training part" if divisible else "",
            validated if divisible else None,
        )
