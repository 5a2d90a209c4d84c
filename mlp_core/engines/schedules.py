"""The learning rates of a chunk's steps, in a table that is made before it, so that the chunk needs no Python.

Each entry of `RULES` repeats, operation by operation, what `get_lr` of a scheduler of `torch.optim.lr_scheduler`
computes from one count to the next, so that the rates are the same floats. Calling the scheduler itself costs four
to six microseconds a step, which is a fifth of a small network's step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from torch.optim import lr_scheduler

from mlp_core.run.build import Run

Rates = Iterator[float]


def follow(run: Run, steps: int) -> list[float]:
    """The learning rate of each of the next steps. The schedule is then where it is after them."""
    scheduler = run.scheduler
    if scheduler is None:
        return []
    if run.scheduled_by_step:
        return _advance(scheduler, steps)
    left, per_epoch = run.batches.per_epoch - run.position.batch, run.batches.per_epoch
    epochs, over = divmod(max(0, steps - left), per_epoch)
    if steps < left:
        return [run.learning_rate] * steps
    first, *later = [*_advance(scheduler, 1 + epochs), run.learning_rate]
    table = [first] * left
    for rate in later[:-1]:
        table += [rate] * per_epoch
    return table + [later[-1]] * over


def _advance(scheduler: Any, count: int) -> list[float]:
    """The rates from now on, before each of `count` counts; sets the scheduler and its optimizer to the one after."""
    if type(scheduler) not in RULES:
        return _called(scheduler, count)
    (group,) = scheduler.optimizer.param_groups
    rates = [float(group["lr"]), *islice(RULES[type(scheduler)](scheduler, float(group["lr"])), count)]
    scheduler.last_epoch += count
    if not isinstance(scheduler, lr_scheduler.CosineAnnealingWarmRestarts):  # it has a `step` of its own
        scheduler._step_count += count
    group["lr"] = rates.pop()
    scheduler._last_lr = [group["lr"]]
    return rates


def _called(scheduler: Any, count: int) -> list[float]:
    """As `_advance`, for a schedule that is not in `RULES`: the scheduler itself counts."""
    (group,) = scheduler.optimizer.param_groups
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


RULES: dict[type[lr_scheduler.LRScheduler], Callable[[Any, float], Rates]] = {
    lr_scheduler.StepLR: _step,
    lr_scheduler.ExponentialLR: _exponential,
    lr_scheduler.CosineAnnealingLR: _cosine,
    lr_scheduler.CosineAnnealingWarmRestarts: _restarts,
    lr_scheduler.LinearLR: _linear,
    lr_scheduler.ConstantLR: _constant,
    lr_scheduler.PolynomialLR: _polynomial,
}
"""The rates after a scheduler's count, one by one, by its class. Others are called, which takes longer."""
