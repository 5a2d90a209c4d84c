"""What was seen of every layer along a run: a bounded number of moments, each with histograms and figures per layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

TAIL = 0.001
"""The share of all values that may lie beyond either end of what is shown: a few outliers would squeeze the rest."""


@dataclass(frozen=True)
class Spread:
    """Something of every layer whose values are spread over a range."""

    label: str
    """Its name for people."""
    unit: str
    """What a value is, on an axis."""
    help: str
    """How to read its histograms along a run."""


SPREADS: dict[str, Spread] = {
    "weights": Spread(
        "Weights", "weight",
        "Training widens the spread of the weights. Weights that run off on both sides explode; weights that never "
        "move are not learned.",
    ),
    "gradients": Spread(
        "Gradients", "gradient",
        "Gradients grow narrower as the loss settles. All near zero from the start in the first layers: they vanish. "
        "Wider and wider: they explode.",
    ),
    "activations": Spread(
        "Activations", "activation",
        "What the layer puts out. Everything at one end of its range: saturated. Everything at zero: dead.",
    ),
    "updates": Spread(
        "Updates", "log₁₀ of |update| / |weight|",
        "How far the next update moves each weight, as a share of its size: -3 is a thousandth, which is healthy for "
        "most networks. Far above, the learning rate is too high; far below, little is learned.",
    ),
}  # fmt: skip
"""What is recorded of every layer, by name."""

LINES: dict[str, str] = {
    "update_size": "update / weight",
    "gradient_norm": "gradient norm",
    "activation_std": "std of activations",
}
"""Fields of `LayerStatistics` that are drawn as lines along a run, with what they are on an axis."""


@dataclass(frozen=True, eq=False)
class Histograms:
    """A histogram of every layer."""

    counts: NDArray[np.int32]
    """Values per bin, (layers, bins); zeros where a layer has none."""
    ranges: Array
    """What the bins of each layer divide evenly, (layers, 2)."""


@dataclass(frozen=True, eq=False)
class Moment:
    """Every layer of a network after a number of steps."""

    step: int
    """Mini-batches done."""
    spreads: Mapping[str, Histograms]
    """Histograms of everything in `SPREADS`."""
    lines: Mapping[str, Array]
    """Figures of everything in `LINES`, (layers,); NaN where a layer has none."""


@dataclass(frozen=True, eq=False)
class Moments:
    """The record of a run."""

    names: tuple[str, ...]
    """The layers' names in the model, in the order of `Plan.walk`."""
    labels: tuple[str, ...]
    """The layers' names for people."""
    kept: tuple[Moment, ...]
    """The moments, oldest first."""

    @property
    def steps(self) -> Array:
        """When each moment was, (moments,)."""
        return np.array([moment.step for moment in self.kept], dtype=np.float64)

    def has(self, spread: str) -> list[int]:
        """The places of the layers that have values of such a kind."""
        if not self.kept:
            return []
        found: list[int] = np.flatnonzero(self.kept[-1].spreads[spread].counts.sum(axis=1)).tolist()
        return found

    def place(self, spread: str, name: str) -> int | None:
        """The place of the layer of that name, or of the first one that has such values; None where none has."""
        known = self.has(spread)
        wanted = self.names.index(name) if name in self.names else -1
        return wanted if wanted in known else next(iter(known), None)

    def evened(self, spread: str, layer: int, bins: int = 40) -> tuple[Array, Array]:
        """Histograms of a layer over one range for all moments: edges (bins + 1,), shares (moments, bins).

        Shares of a moment add up to 1, or 0 where it has no finite value. Within a bin of the record, values count as
        evenly spread; those beyond the ends, at most `TAIL` of all on either side, count to the outermost bins.
        """
        of = [moment.spreads[spread] for moment in self.kept]
        counts = np.array([one.counts[layer] for one in of], dtype=np.float64)
        ranges = np.array([one.ranges[layer] for one in of])
        totals = counts.sum(axis=1)
        low, high = _ends(counts / np.maximum(totals, 1)[:, None], ranges)
        edges = np.linspace(low, high, bins + 1)
        shares = np.zeros((len(of), bins))
        for row, (number, (first, last), total) in enumerate(zip(counts, ranges, totals, strict=True)):
            if total:
                below = np.concatenate(([0.0], np.cumsum(number) / total))
                reached = np.interp(edges, np.linspace(first, last, len(number) + 1), below)
                reached[0], reached[-1] = 0.0, 1.0
                shares[row] = np.diff(reached)
        return edges, shares


def _ends(shares: Array, ranges: Array) -> tuple[float, float]:
    """A range that holds all but the tails of every moment's values together."""
    known = shares.sum(axis=1) > 0
    if not known.any():
        return -1.0, 1.0
    bins = shares.shape[1]
    edges = ranges[known, :1] + (ranges[known, 1:] - ranges[known, :1]) * np.arange(bins + 1) / bins
    weights = shares[known].ravel() / known.sum()
    left, right = edges[:, :-1].ravel(), edges[:, 1:].ravel()
    by_left, by_right = np.argsort(left), np.argsort(-right)
    low = left[by_left][np.searchsorted(np.cumsum(weights[by_left]), TAIL)]
    high = right[by_right][np.searchsorted(np.cumsum(weights[by_right]), TAIL)]
    return (float(low), float(high)) if high > low else (float(low) - 0.5, float(low) + 0.5)
