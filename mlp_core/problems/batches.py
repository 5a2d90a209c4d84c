"""Whether batches fit the training samples and the layers."""

from __future__ import annotations

from collections.abc import Iterator

from mlp_core.errors import SpecError
from mlp_core.plan import plan
from mlp_core.problems.problem import Problem
from mlp_core.spec import Experiment


def batch_problems(experiment: Experiment, train_size: int | None) -> Iterator[Problem]:
    training = experiment.training
    batch = training.batch_size or train_size
    if batch is None:
        return
    if train_size is not None and batch > train_size:
        yield Problem(
            "error",
            f"The 'batch_size' parameter of the training must be at most the number of training samples, {train_size}. "
            f"Got {batch} instead. Make it smaller, or leave it empty to take all samples at once.",
            "Take all samples at once",
            _all_at_once(experiment, train_size),
        )
        return
    mixing = next((layer.type for _, layer in experiment.walk() if layer.entry.mixes_batch), None)
    rest = train_size % batch if train_size is not None else 0
    if mixing and train_size == 1:
        yield Problem(
            "error",
            f"{mixing} needs at least two samples in a batch, and there is only one training sample. Use more samples, "
            "or a smaller share of them for testing.",
        )
    elif mixing and (batch == 1 or rest == 1):
        larger = batch + 1
        while train_size is not None and train_size % larger == 1:
            larger += 1
        which = "every batch has" if batch == 1 else f"with {train_size} training samples the last batch has"
        yield Problem(
            "error",
            f"{mixing} needs at least two samples in a batch, and {which} one. Change the batch size.",
            f"Use batches of {larger}",
            experiment.updated(training=training.updated(batch_size=larger)),
        )


def with_fitting_batches(experiment: Experiment, train_size: int) -> Experiment:
    """The experiment itself, or with batches of all training samples where those are fewer than a batch."""
    training = experiment.training
    if training.batch_size is None or training.batch_size <= train_size:
        return experiment
    return experiment.updated(training=training.updated(batch_size=train_size))


def _all_at_once(experiment: Experiment, train_size: int) -> Experiment:
    """The experiment with one batch of all samples; by their number where memory is reckoned with more of them."""
    every = experiment.updated(training=experiment.training.updated(batch_size=None))
    try:
        plan(every)
    except SpecError:
        return experiment.updated(training=experiment.training.updated(batch_size=train_size))
    return every
