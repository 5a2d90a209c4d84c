"""The schedule of a run's learning rate: PyTorch's own scheduler, and what a run needs of it besides.

A schedule that has reached its end stays there, where PyTorch's one-cycle schedule raises an error.
"""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any

import torch
from torch.optim import lr_scheduler

from mlp_core.catalog import load_object
from mlp_core.spec import Experiment
from mlp_core.timing import schedule_arguments


def make(experiment: Experiment, optimizer: torch.optim.Optimizer, updates: int) -> Any:
    """The scheduler of a run with so many updates of the weights in an epoch; None where the experiment has none."""
    if experiment.scheduler is None:
        return None
    return load_object(experiment.scheduler.entry.target)(optimizer, **schedule_arguments(experiment, updates))


def looks_at_loss(scheduler: Any) -> bool:
    """Whether it is told a loss after every epoch, rather than counting by itself."""
    return isinstance(scheduler, lr_scheduler.ReduceLROnPlateau)


def counts_left(scheduler: Any) -> float:
    """After how many counts it stands still for ever; infinite where it never does."""
    if isinstance(scheduler, lr_scheduler.OneCycleLR):
        return max(0, scheduler.total_steps - 1 - scheduler.last_epoch)
    return math.inf


def count(scheduler: Any) -> None:
    """Let it count one epoch or step, as a script calls `scheduler.step()`."""
    if counts_left(scheduler) > 0:
        with suppress(OverflowError):  # a cycle whose height has been halved a thousand times has none any more
            scheduler.step()


def base_rate(scheduler: Any) -> float:
    """The learning rate that is set for the optimizer, from which the schedule makes those of the steps."""
    (group, *_) = scheduler.optimizer.param_groups
    if isinstance(scheduler, lr_scheduler.OneCycleLR):
        return float(group["max_lr"])
    if looks_at_loss(scheduler):
        return float(group.get("initial_lr", group["lr"]))
    return float(scheduler.base_lrs[0])


def set_base_rate(experiment: Experiment, scheduler: Any, value: float, updates: int) -> float:
    """Change it while the run goes on, which has so many updates in an epoch. Gives the rate of the next step: what it
    would be, had the schedule started from this one."""
    groups = scheduler.optimizer.param_groups
    if looks_at_loss(scheduler):
        return _set_of_plateau(scheduler, value)
    if isinstance(scheduler, lr_scheduler.OneCycleLR):
        fresh = _fresh(experiment, value, updates)
        scheduler.total_steps, scheduler._schedule_phases = fresh.total_steps, fresh._schedule_phases
        for group in groups:
            group.update({name: fresh.optimizer.param_groups[0][name] for name in ("initial_lr", "max_lr", "min_lr")})
        scheduler.base_lrs = [group["initial_lr"] for group in groups]
        scheduler.last_epoch = min(scheduler.last_epoch, scheduler.total_steps - 1)
    else:
        scheduler.base_lrs = [value] * len(groups)
        for group in groups:
            group["initial_lr"] = value
    rate = _scheduled(scheduler)
    scheduler._last_lr = [rate] * len(groups)
    return rate


def _set_of_plateau(scheduler: Any, value: float) -> float:
    """A rate that was reduced before is as much smaller than the new one as it was than the old one."""
    groups, before = scheduler.optimizer.param_groups, base_rate(scheduler)
    share = float(groups[0]["lr"]) / before if before > 0 else 1.0
    rate = value if share == 1.0 else max(value * share, min(scheduler.min_lrs[0], value))
    for group in groups:
        group["initial_lr"] = value
    scheduler._last_lr = [rate] * len(groups)
    return rate


def _fresh(experiment: Experiment, rate: float, updates: int) -> Any:
    """A schedule that starts from this rate, for an optimizer of its own."""
    params = {**experiment.optimizer.params, "lr": rate}
    changed = experiment.updated(optimizer=experiment.optimizer.updated(params=params))
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.empty(0))], lr=rate)
    return make(changed, optimizer, updates)


def _scheduled(scheduler: Any) -> float:
    """The rate of a schedule at its time, from the rate that it starts from; infinite where it has grown too large."""
    # `get_lr` is a closed form where there is no other; outside of `step` it would warn that it may not be one.
    closed_form = getattr(scheduler, "_get_closed_form_lr", scheduler.get_lr)
    scheduler._get_lr_called_within_step = True
    try:
        return float(closed_form()[0])
    except OverflowError:
        return float(scheduler.base_lrs[0]) if isinstance(scheduler, lr_scheduler.CyclicLR) else math.inf
    finally:
        scheduler._get_lr_called_within_step = False
