"""Whether the optimizer and the schedule fit each other and the run."""

from __future__ import annotations

import math
from collections.abc import Iterator

from mlp_core.limits import ENDLESS_EPOCHS
from mlp_core.problems.problem import Problem
from mlp_core.spec import Experiment
from mlp_core.timing import surroundings, updates_per_epoch


def update_problems(experiment: Experiment) -> Iterator[Problem]:
    """An error where the optimizer cannot be called as the training asks."""
    training, optimizer = experiment.training, experiment.optimizer
    if optimizer.entry.closure and training.accumulate_grad_batches > 1:
        yield Problem(
            "error",
            f"The 'accumulate_grad_batches' parameter of the training must be 1 with {optimizer.type}, which computes "
            f"the gradient of one mini-batch several times. Got {training.accumulate_grad_batches} instead. Make the "
            "batch larger.",
            "Update after every mini-batch",
            experiment.updated(training=training.updated(accumulate_grad_batches=1)),
        )


def schedule_problems(experiment: Experiment, train_size: int | None) -> Iterator[Problem]:
    """Whether a schedule fits the run around it."""
    chosen, optimizer = experiment.scheduler, experiment.optimizer
    if chosen is None:
        return
    if train_size is not None or chosen.every == "epoch":
        around = surroundings(experiment, updates_per_epoch(experiment, train_size or 1))
        if misfit := chosen.entry.misfit(chosen.params, around):
            yield Problem("error", misfit)
    if chosen.params.get("cycle_momentum") and not optimizer.entry.has_momentum:
        off = chosen.updated(params={**chosen.params, "cycle_momentum": False})
        yield Problem(
            "hint",
            f"{chosen.type} cycles a momentum, and {optimizer.type} has none: only its learning rate changes.",
            "Cycle the rate alone",
            experiment.updated(scheduler=off),
        )
    if chosen.params.get("total_steps", 0) is None and experiment.training.epochs is None:
        yield Problem(
            "hint",
            f"{chosen.type} ends with the run, and this run has no end: the cycle takes {ENDLESS_EPOCHS} epochs.",
            f"End after {ENDLESS_EPOCHS} epochs",
            experiment.updated(training=experiment.training.updated(epochs=ENDLESS_EPOCHS)),
        )
    if chosen.params.get("max_lr", math.inf) < optimizer.params["lr"]:
        yield Problem(
            "hint",
            f"The highest rate of {chosen.type}, {chosen.params['max_lr']:g}, is below the learning rate, "
            f"{optimizer.params['lr']:g}: its cycles go down first, and up again.",
            "Exchange them",
            experiment.updated(
                optimizer=optimizer.updated(params={**optimizer.params, "lr": chosen.params["max_lr"]}),
                scheduler=chosen.updated(params={**chosen.params, "max_lr": optimizer.params["lr"]}),
            ),
        )
