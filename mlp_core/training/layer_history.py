"""The record of every layer along a run, bounded in size and in what it costs. Needs PyTorch."""

from __future__ import annotations

import time
from collections import deque

import numpy as np
import torch
from torch import Tensor

from mlp_core.run.build import Run
from mlp_core.run.layer_statistics import Measurement, measure, statistics_of
from mlp_core.run.metrics import passes_of
from mlp_core.views.moments import LINES, SPREADS, Histograms, Moment, Moments

CAPACITY = 60
"""Moments that are kept at most."""
SHARE = 0.02
"""The share of a run's time that its record may take."""
BINS = 32
"""Bins of each histogram."""
EARLY, FACTOR = 3, 10
"""Moments that come early, when most happens: each after so many times the steps of the one before it."""
FIRST_COST = 0.02
"""Seconds that a moment is taken to cost until one was taken."""
REMEMBERED = 5
"""Moments whose cost is remembered. The lowest counts: the first one compiles, others may wait for the processor."""


class LayerHistory:
    """Takes moments between chunks of steps. When the record is full, every second moment goes, and the next ones are
    taken at twice the distance. Training waits meanwhile, so but for a few early ones a moment has to be earned by the
    work since the last one: together they cost no more than `SHARE`. In a crowd the early ones have to be earned too.
    """

    def __init__(self, run: Run) -> None:
        layers = list(run.plan.walk())
        names = tuple(layer.name for layer in layers)
        self.moments = Moments(names, tuple(f"{layer.number} {layer.spec.type}" for layer in layers), ())
        self._run = run
        self._distance = 1.0  # steps between two moments, at least
        self._costs: deque[float] = deque(maxlen=REMEMBERED)  # seconds that the last ones took
        self._worked = 0.0  # what the run had worked at the last one

    def look(self, worked: float, *, now: bool = False, crowded: bool = False) -> None:
        """Take a moment if one is due; with `now`, as where training ends, if there is none of this step.

        `worked`: seconds that the run has trained so far, and its part of those in which it rested. `crowded`: whether
        more runs than there are cores train.
        """
        step = self._run.position.step
        self.forget_from(step + 1)  # the run may have gone back
        kept = self.moments.kept
        if (kept and kept[-1].step == step) or not (now or self._is_due(step, worked, crowded)):
            return
        began = time.perf_counter()
        moment = take(self._run)
        self._costs.append(time.perf_counter() - began)
        self._worked = worked
        if len(kept) == CAPACITY:
            kept = (*kept[:-1:2], kept[-1])
            self._distance = (kept[-1].step - kept[0].step) / (len(kept) - 1)
        self._keep((*kept, moment))

    def _is_due(self, step: int, worked: float, crowded: bool) -> bool:
        kept = self.moments.kept
        if len(kept) < EARLY and not crowded and (not kept or step >= FACTOR * kept[-1].step):
            return True
        far = not kept or step >= kept[-1].step + self._distance
        return far and worked >= self._worked + min(self._costs, default=FIRST_COST) / SHARE

    def forget_from(self, step: int) -> None:
        """What was seen from this step on is out of date."""
        kept = self.moments.kept
        if kept and kept[-1].step >= step:
            self._keep(tuple(moment for moment in kept if moment.step < step))

    def _keep(self, kept: tuple[Moment, ...]) -> None:
        self.moments = Moments(self.moments.names, self.moments.labels, kept)


def take(run: Run) -> Moment:
    """Every layer of a run as it is now."""
    found = measure(run)
    asked = _values(found)
    counted = iter(passes_of(run).histograms([one for of in asked.values() for one in of], BINS))
    spreads = {}
    for name, of in asked.items():
        histograms = [next(counted) for _ in of]
        counts = np.array([counts.numpy() for counts, _, _ in histograms]).astype(np.int32)
        spreads[name] = Histograms(counts, np.array([(low, high) for _, low, high in histograms]))
    figures = statistics_of(found)
    lines = {
        name: np.array([np.nan if (value := getattr(layer, name)) is None else value for layer in figures])
        for name in LINES
    }
    return Moment(run.position.step, spreads, lines)


def _values(found: Measurement) -> dict[str, list[Tensor]]:
    """The numbers of every layer that each of `SPREADS` counts; empty tensors where a layer has none."""
    weights = [_flat(own.weights) for own in found.own]
    with torch.no_grad():
        pairs = zip(found.updates, weights, strict=True)
        moved = [torch.log10(_flat(update).abs() / weight.abs()) for update, weight in pairs]
    values = {
        "weights": weights,
        "gradients": [_flat(own.gradients) for own in found.own],
        "activations": [output.reshape(-1) for output in found.outputs],
        "updates": moved,
    }
    assert values.keys() == SPREADS.keys()
    return values


def _flat(tensors: list[Tensor]) -> Tensor:
    return torch.cat([tensor.detach().reshape(-1) for tensor in tensors]) if tensors else torch.empty(0)
