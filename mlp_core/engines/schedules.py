"""The learning rates of a chunk's steps, in a table that is made before it, so that the chunk needs no Python.

Each entry of `RULES` repeats, operation by operation, what `get_lr` of a scheduler of `torch.optim.lr_scheduler`
computes from one count to the next, so that the rates are the same floats. Calling the scheduler itself costs four
to six microseconds a step, which is a fifth of a small network's step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.optim import lr_scheduler

from mlp_core.run import scheduling
from mlp_core.run.build import Run
from mlp_core.spec import Experiment

Rates = Iterator[float]


@dataclass(frozen=True)
class Course:
    """What a schedule sets for each of some steps."""

    rates: list[float]
    """The learning rate of each step; empty where no schedule counts."""
    momenta: list[float]
    """The momentum, or the first beta, of each step; empty where the schedule leaves it as it is."""


def follow(run: Run, steps: int) -> Course:
    """What the schedule sets for each of the next steps. It is then where it is after them."""
    if not run.schedule_counts:
        return Course([], [])
    counted = _counted(run, steps)
    total, before = int(counted.sum()), np.cumsum(counted) - counted
    momenta = _momenta(run.scheduler, total)
    rates = [*_advance(run.scheduler, total), run.learning_rate]
    if momenta:
        _set_momentum(run.scheduler, momenta[-1])
    return Course(*(np.array(table)[before].tolist() if table else [] for table in (rates, momenta)))


def _counted(run: Run, steps: int) -> NDArray[np.int64]:
    """For each of the next steps, 1 where the schedule counts after it, else 0."""
    done = run.position.batch + np.arange(1, steps + 1)
    counted: NDArray[np.bool_] = done % run.batches.per_epoch == 0
    if run.scheduled_by_step:
        counted |= (done % run.batches.per_epoch) % run.experiment.training.accumulate_grad_batches == 0
    found: NDArray[np.int64] = counted.astype(np.int64)
    return found


def planned(experiment: Experiment, updates: int, counts: int) -> list[float]:
    """The learning rate before each of the first counts of the experiment's schedule, in a run with so many updates in
    an epoch; empty without a schedule, or with one that goes by the loss."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.empty(0))], lr=experiment.optimizer.params["lr"])
    scheduler = scheduling.make(experiment, optimizer, updates)
    if scheduler is None or scheduling.looks_at_loss(scheduler):
        return []
    return _advance(scheduler, counts)


def _advance(scheduler: Any, count: int) -> list[float]:
    """The rates from now on, before each of `count` counts; sets the scheduler and its optimizer to the one after."""
    left = scheduling.counts_left(scheduler)
    if count > left:
        found = _advance(scheduler, int(left))
        return found + [float(scheduler.optimizer.param_groups[0]["lr"])] * (count - int(left))
    if type(scheduler) not in RULES:
        return _called(scheduler, count)
    groups = scheduler.optimizer.param_groups
    rates = [float(groups[0]["lr"]), *islice(RULES[type(scheduler)](scheduler, float(groups[0]["lr"])), count)]
    scheduler.last_epoch += count
    if not isinstance(scheduler, lr_scheduler.CosineAnnealingWarmRestarts):  # it has a `step` of its own
        scheduler._step_count += count
    rate = rates.pop()
    for group in groups:
        group["lr"] = rate
    scheduler._last_lr = [rate] * len(groups)
    return rates


def _momenta(scheduler: Any, count: int) -> list[float]:
    """The momentum before each of `count` counts and after them; empty where it is not cycled."""
    if not getattr(scheduler, "cycle_momentum", False):
        return []
    group, at = scheduler.optimizer.param_groups[0], MOMENTA[type(scheduler)]
    last = scheduler.last_epoch + scheduling.counts_left(scheduler)
    now = float(group["betas"][0] if scheduler.use_beta1 else group["momentum"])
    times = [min(scheduler.last_epoch + i, last) for i in range(1, count + 1)]
    return [now, *(at(scheduler, int(time)) for time in times)]


def _set_momentum(scheduler: Any, value: float) -> None:
    for group in scheduler.optimizer.param_groups:
        if scheduler.use_beta1:
            group["betas"] = (value, *group["betas"][1:])
        else:
            group["momentum"] = value


def _called(scheduler: Any, count: int) -> list[float]:
    """As `_advance`, for a schedule that is not in `RULES`: the scheduler itself counts."""
    group = scheduler.optimizer.param_groups[0]
    scheduler.optimizer._opt_called = True  # engines do the steps, and the scheduler warns where there were none
    rates = []
    for _ in range(count):
        rates.append(float(group["lr"]))
        scheduler.step()
    return rates


def _step(scheduler: Any, rate: float) -> Rates:
    now = scheduler.last_epoch
    while True:
        now += 1
        if now % scheduler.step_size == 0:
            rate = rate * scheduler.gamma
        yield rate


def _exponential(scheduler: Any, rate: float) -> Rates:
    gamma = scheduler.gamma
    while True:
        rate = rate * gamma
        yield rate


def _cosine(scheduler: Any, rate: float) -> Rates:
    now, length, lowest, (base,) = scheduler.last_epoch, scheduler.T_max, scheduler.eta_min, scheduler.base_lrs
    before = 1 + math.cos(math.pi * now / length)
    while True:
        now += 1
        after = 1 + math.cos(math.pi * now / length)
        if (now - 1 - length) % (2 * length) == 0:
            rate = rate + (base - lowest) * (1 - math.cos(math.pi / length)) / 2
        else:
            rate = after / before * (rate - lowest) + lowest
        before = after
        yield rate


def _restarts(scheduler: Any, rate: float) -> Rates:
    lowest, (base,) = scheduler.eta_min, scheduler.base_lrs
    while True:
        scheduler.T_cur += 1
        if scheduler.T_cur >= scheduler.T_i:
            scheduler.T_cur %= scheduler.T_i
            scheduler.T_i *= scheduler.T_mult
        yield lowest + (base - lowest) * (1 + math.cos(math.pi * scheduler.T_cur / scheduler.T_i)) / 2


def _linear(scheduler: Any, rate: float) -> Rates:
    now, length, start = scheduler.last_epoch, scheduler.total_iters, scheduler.start_factor
    rise = scheduler.end_factor - start
    while now < length:
        now += 1
        rate = rate * (1.0 + rise / (length * start + (now - 1) * rise))
        yield rate
    while True:
        yield rate


def _constant(scheduler: Any, rate: float) -> Rates:
    now = scheduler.last_epoch
    while True:
        now += 1
        if now == scheduler.total_iters:
            rate = rate * (1.0 / scheduler.factor)
        yield rate


def _polynomial(scheduler: Any, rate: float) -> Rates:
    now, length, power = scheduler.last_epoch, scheduler.total_iters, scheduler.power
    while now < length:
        now += 1
        rate = rate * ((1.0 - now / length) / (1.0 - (now - 1) / length)) ** power
        yield rate
    while True:
        yield rate


def _milestones(scheduler: Any, rate: float) -> Rates:
    now, milestones, gamma = scheduler.last_epoch, scheduler.milestones, scheduler.gamma
    while True:
        now += 1
        if now in milestones:
            rate = rate * gamma ** milestones[now]
        yield rate


def _one_cycle(scheduler: Any, rate: float) -> Rates:
    now = scheduler.last_epoch
    while True:
        now += 1
        yield _one_cycle_at(scheduler, now, "start_lr", "end_lr")


def _one_cycle_at(scheduler: Any, now: int, start: str, end: str) -> float:
    """The value between those that a part of the cycle starts and ends with."""
    group, phases, begin = scheduler.optimizer.param_groups[0], scheduler._schedule_phases, 0.0
    for number, phase in enumerate(phases, start=1):
        if now <= phase["end_step"] or number == len(phases):
            share = (now - begin) / (phase["end_step"] - begin)
            return float(scheduler._anneal_func(group[phase[start]], group[phase[end]], share))
        begin = phase["end_step"]
    raise AssertionError("a cycle has parts")


def _cyclic(scheduler: Any, rate: float) -> Rates:
    now, (base,), (top,) = scheduler.last_epoch, scheduler.base_lrs[:1], scheduler.max_lrs[:1]
    while True:
        now += 1
        height = _height(scheduler, now)
        yield base + (top - base) * height[0] * height[1]


def _height(scheduler: Any, now: int) -> tuple[float, float]:
    """How high a cycle is at a time, and how high the cycle is itself, both as shares."""
    total, ratio = scheduler.total_size, scheduler.step_ratio
    cycle = math.floor(1 + now / total)
    x = 1.0 + now / total - cycle
    share = x / ratio if x <= ratio else (x - 1) / (ratio - 1)
    try:
        return share, scheduler.scale_fn(cycle if scheduler.scale_mode == "cycle" else now)
    except OverflowError:  # halved a thousand times
        return share, 0.0


def _cyclic_momentum(scheduler: Any, now: int) -> float:
    (base,), (top,) = scheduler.base_momentums[:1], scheduler.max_momentums[:1]
    share, scale = _height(scheduler, now)
    return float(top - (top - base) * share * scale)


RULES: dict[type[lr_scheduler.LRScheduler], Callable[[Any, float], Rates]] = {
    lr_scheduler.StepLR: _step,
    lr_scheduler.ExponentialLR: _exponential,
    lr_scheduler.CosineAnnealingLR: _cosine,
    lr_scheduler.CosineAnnealingWarmRestarts: _restarts,
    lr_scheduler.LinearLR: _linear,
    lr_scheduler.ConstantLR: _constant,
    lr_scheduler.PolynomialLR: _polynomial,
    lr_scheduler.MultiStepLR: _milestones,
    lr_scheduler.OneCycleLR: _one_cycle,
    lr_scheduler.CyclicLR: _cyclic,
}
"""The rates after a scheduler's count, one by one, by its class. Others are called, which takes longer."""

MOMENTA: dict[type[lr_scheduler.LRScheduler], Callable[[Any, int], float]] = {
    lr_scheduler.OneCycleLR: lambda scheduler, now: _one_cycle_at(scheduler, now, "start_momentum", "end_momentum"),
    lr_scheduler.CyclicLR: _cyclic_momentum,
}
"""The momentum at a time, by the class of the scheduler."""
