"""How long a run lasts, as a schedule of the learning rate counts, and what else a schedule has to know of the run."""

from __future__ import annotations

from typing import Any

from mlp_core.catalog.schedulers import Surroundings
from mlp_core.limits import ENDLESS_EPOCHS
from mlp_core.spec import Experiment


def updates_per_epoch(experiment: Experiment, samples: int) -> int:
    """How often the weights are updated in an epoch of so many training samples."""
    batches = -(-samples // (experiment.training.batch_size or samples))
    return -(-batches // experiment.training.accumulate_grad_batches)


def planned_epochs(experiment: Experiment) -> int:
    """The epochs of the run; `ENDLESS_EPOCHS` where it trains until paused."""
    return experiment.training.epochs or ENDLESS_EPOCHS


def surroundings(experiment: Experiment, updates: int) -> Surroundings:
    """What a schedule may have to know of a run with so many updates of the weights in an epoch."""
    chosen, optimizer = experiment.scheduler, experiment.optimizer
    by_step = chosen is not None and chosen.every == "step"
    return Surroundings(
        learning_rate=optimizer.params["lr"],
        length=planned_epochs(experiment) * (updates if by_step else 1),
        has_momentum=optimizer.entry.has_momentum,
    )


def schedule_arguments(experiment: Experiment, updates: int) -> dict[str, Any]:
    """The keywords with which the schedule of a run is made; the experiment must have one."""
    assert experiment.scheduler is not None
    return experiment.scheduler.entry.arguments(experiment.scheduler.params, surroundings(experiment, updates))
