"""Learning rates far from those that an optimizer usually learns with."""

from __future__ import annotations

from collections.abc import Iterator

from mlp_core.problems.problem import Problem
from mlp_core.spec import Experiment


def rate_problems(experiment: Experiment, train_size: int | None) -> Iterator[Problem]:
    """A hint where the highest rate of the run is outside of the usual range of its optimizer."""
    optimizer, scheduler = experiment.optimizer, experiment.scheduler
    parameter = optimizer.entry.parameter("lr")
    low, high = optimizer.entry.usual_rates
    rate = optimizer.params["lr"]
    highest = (
        rate if scheduler is None else scheduler.entry.highest(scheduler.params, rate, _counts(experiment, train_size))
    )
    usual = f"{optimizer.entry.label} usually learns with {low:g} to {high:g}"
    if rate <= high and low <= highest <= high:  # a low rate that a schedule raises is a way to search
        return
    if low <= rate <= high:
        assert scheduler is not None
        how = "takes" if highest > high else "holds"
        effect = "above the usual: the loss may jump" if highest > high else "below the usual: learning takes very long"
        yield Problem(
            "hint",
            f"The schedule ({scheduler.entry.label}) {how} the learning rate of {rate:g} "
            f"{'up to' if highest > high else 'at no more than'} {highest:.2g}, far {effect}. {usual}.",
            "Remove the schedule",
            experiment.updated(scheduler=None),
        )
        return
    if rate == 0:
        said = "The learning rate is 0: no weight ever changes."
    elif rate > high:
        said = f"The learning rate of {rate:g} is far above the usual: the loss may jump or become NaN."
    else:
        said = f"The learning rate of {rate:g} is far below the usual: learning takes very long."
    usual_one = parameter.default
    fixed = experiment.updated(optimizer=optimizer.updated(params={**optimizer.params, "lr": usual_one}))
    label = f"Set the learning rate to {usual_one:g}"
    if any(rate_problems(fixed, train_size)):
        fixed, label = fixed.updated(scheduler=None), f"{label}, without the schedule"
    yield Problem("hint", f"{said} {usual}.", label, fixed)


def _counts(experiment: Experiment, train_size: int | None) -> int:
    """How often the schedule counts in the run; 0 where the run has no end, or that is not known."""
    training = experiment.training
    if training.epochs is None:
        return 0
    if experiment.scheduler is None or experiment.scheduler.every == "epoch":
        return training.epochs
    samples = train_size or experiment.data.facts.most_train_samples
    return training.epochs * -(-samples // (training.batch_size or samples)) if samples else 0
