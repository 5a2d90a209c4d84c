"""The learning rate over a whole run, drawn ahead from the rules of its schedule."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from mlp_core.spec import Experiment
from mlp_core.timing import planned_epochs

PLAN_COUNTS = 200_000
"""The most counts of a schedule that are looked ahead: some tenths of a second of work."""
PLAN_POINTS = 500
"""The most points of a plan."""


def plan_of(experiment: Experiment, batches_per_epoch: int, step: int) -> np.ndarray:
    """Rows of the first step done at a learning rate, and that rate, float64 (n, 2), from the run's first step to its
    last one, or further where it is beyond that already; the last row is the end.

    Empty without a schedule, and for one that goes by the loss.
    """
    if experiment.scheduler is None or experiment.scheduler.entry.looks_at_loss:
        return np.empty((0, 2))
    steps = planned_epochs(experiment) * batches_per_epoch
    while steps < step:
        steps *= 2
    return _plan(_without_seed(experiment), batches_per_epoch, steps)


@lru_cache(maxsize=256)
def _without_seed(experiment: Experiment) -> Experiment:
    """The same for all experiments that have the same plan: a class shares its plans."""
    return experiment.updated(training=experiment.training.updated(seed=0, report_every=None))


@lru_cache(maxsize=64)
def _plan(experiment: Experiment, batches_per_epoch: int, steps: int) -> np.ndarray:
    from mlp_core.engines.schedules import planned

    assert experiment.scheduler is not None
    together = experiment.training.accumulate_grad_batches
    updates = -(-batches_per_epoch // together)
    by_step = experiment.scheduler.every == "step"
    per_epoch = updates if by_step else 1
    counts = min(steps // batches_per_epoch * per_epoch, PLAN_COUNTS)
    rates = np.array(planned(experiment, updates, counts))
    time = np.arange(counts)
    starts = time // per_epoch * batches_per_epoch + time % per_epoch * together
    changed = np.flatnonzero(np.diff(rates, prepend=np.nan) != 0)
    end = counts / per_epoch * batches_per_epoch
    return np.vstack([_thinned(np.column_stack([starts[changed], rates[changed]])), [end, rates[-1]]])


def _thinned(rows: np.ndarray) -> np.ndarray:
    """At most `PLAN_POINTS` rows: of many neighbours the lowest and the highest one, in their order."""
    if len(rows) <= PLAN_POINTS:
        return rows
    parts = np.array_split(np.arange(len(rows)), PLAN_POINTS // 2)
    kept = {part[pick(rows[part, 1])] for part in parts for pick in (np.argmin, np.argmax)}
    return np.asarray(rows[sorted(kept)])
