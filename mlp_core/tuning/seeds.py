"""Repetitions with other seeds: which runs they are, the band of their curves, and what differs beyond their seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mlp_core.catalog.training import SEED
from mlp_core.evaluation.intervals import LEVEL
from mlp_core.evaluation.intervals import SEED as RESAMPLING_SEED
from mlp_core.figures import Band
from mlp_core.figures.text import percent, readable
from mlp_core.spec import Experiment
from mlp_core.tuning.trials import Member

RESAMPLES = 10_000
"""Resamples of a bootstrap interval; there are as many numbers as seeds, so that this takes milliseconds."""
LEAST_SEEDS = 3
"""Seeds of each setting below which nothing is said of a difference."""
POWER_QUANTILES = 1.959963984540054 + 0.8416212335729143
"""Of the normal distribution, at 97.5 % and at 80 %: the interval excludes zero in four of five repetitions."""
MOST_NAMED_SEEDS = 1000
"""More seeds than these are said to be more than that."""

Measure = Literal["test_loss", "validation_loss", "train_loss", "test_accuracy", "validation_accuracy"]
MEASURES: Mapping[Measure, str] = {
    "test_loss": "Test loss",
    "validation_loss": "Validation loss",
    "train_loss": "Training loss",
    "test_accuracy": "Test accuracy",
    "validation_accuracy": "Validation accuracy",
}
"""The figures that seeds are compared by, with their labels."""


def seeds_from(first: int, count: int) -> list[int]:
    """So many seeds, the first one and those that follow; after the largest comes 0."""
    return [(first + place) % (SEED.high + 1) for place in range(count)]


def with_seed(experiment: Experiment, seed: int, *, data: bool = False) -> Experiment:
    """The experiment with other weights and another order of samples; with `data`, with other points and another split
    too."""
    changed = experiment.updated(training=experiment.training.updated(seed=seed))
    return changed.updated(data=changed.data.updated(seed=seed)) if data else changed


def members_of(settings: Sequence[Experiment], seeds: Sequence[int], *, data: bool = False) -> list[Member]:
    """One member for each seed and setting: with a seed, all settings, so that pairs are there early."""
    return [
        Member(name=f"{place}-{seed}", experiment=with_seed(setting, seed, data=data))
        for seed in seeds
        for place, setting in enumerate(settings)
    ]


def of_setting(members: Sequence[Member], place: int, settings: int) -> list[Member]:
    """Those of one setting, in the order of the seeds."""
    return list(members[place::settings])


def band_of(members: Sequence[Member], measure: Measure) -> Band:
    """The band of a figure. Quartiles are those of the seeds that have a value at the epoch (NumPy's `percentile`)."""
    found = [
        {one.epoch: value for one in member.evaluations if (value := getattr(one, measure)) is not None}
        for member in members
    ]
    epochs = sorted({epoch for each in found for epoch in each})
    lines = np.array([[each.get(epoch, math.nan) for epoch in epochs] for each in found], dtype=np.float64)
    lines = lines.reshape(len(found), len(epochs))
    lines[~np.isfinite(lines)] = math.nan
    known = np.isfinite(lines).any(axis=0)
    epochs_known, lines = np.array(epochs, dtype=np.float64)[known], lines[:, known]
    low, median, high = np.nanpercentile(lines, [25, 50, 75], axis=0) if lines.size else np.empty((3, 0))
    return Band(epochs_known, lines, low, median, high)


def finals_of(members: Sequence[Member], measure: Measure) -> dict[int, float]:
    """The figure at the end of each seed that came to its end and did not diverge."""
    found = {member.experiment.training.seed: member.final(measure) for member in members}
    return {seed: value for seed, value in found.items() if value is not None and math.isfinite(value)}


@dataclass(frozen=True)
class SeedComparison:
    """Whether two settings differ by more than their seeds do."""

    difference: float
    """The mean of the second setting less that of the first."""
    interval: tuple[float, float]
    """Its bootstrap interval, which covers the true difference in about 95 of 100 repetitions."""
    seeds: tuple[int, int]
    """How many seeds of each setting it is of."""
    paired: bool
    """Whether it is of the differences of seeds that both have."""
    needed: int | None
    """Seeds of each setting with which the interval would exclude 0 in four of five repetitions, if the difference and
    the spread are as they look; None where there is no difference, and so no such number."""

    @property
    def clear(self) -> bool:
        """Whether they differ by more than their seeds do: the interval excludes 0."""
        low, high = self.interval
        return low > 0 or high < 0


def compare(first: Mapping[int, float], second: Mapping[int, float]) -> SeedComparison | None:
    """Compare a figure of two settings, each by its seed: paired where at least `LEAST_SEEDS` are shared, else as two
    samples. None where there are fewer seeds than that.

    The interval is the percentile interval of the mean (Efron and Tibshirani, An Introduction to the Bootstrap, 1993,
    chapter 13). The number of seeds is that of a z-test with a power of 80 %.
    """
    shared = sorted(first.keys() & second.keys())
    paired = len(shared) >= LEAST_SEEDS
    if paired:
        samples = [np.array([second[seed] - first[seed] for seed in shared])]
    elif min(len(first), len(second)) >= LEAST_SEEDS:
        samples = [np.array(list(second.values())), -np.array(list(first.values()))]
    else:
        return None
    generator = np.random.default_rng(RESAMPLING_SEED)
    means = sum(_resampled_means(sample, generator) for sample in samples)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    difference = float(sum(sample.mean() for sample in samples))
    spread = float(sum(sample.var(ddof=1) for sample in samples))
    sizes = (len(shared), len(shared)) if paired else (len(first), len(second))
    needed = None if difference == 0 else max(LEAST_SEEDS, math.ceil(POWER_QUANTILES**2 * spread / difference**2))
    return SeedComparison(difference, (float(low), float(high)), sizes, paired, needed)


def _resampled_means(sample: NDArray[np.float64], generator: np.random.Generator) -> NDArray[np.float64]:
    drawn = generator.integers(len(sample), size=(RESAMPLES, len(sample)))
    means: NDArray[np.float64] = sample[drawn].mean(axis=1)
    return means


def in_words(found: SeedComparison | None, measure: Measure) -> str:
    """The answer in sentences, in which the settings are A and B."""
    label = MEASURES[measure].lower()
    if found is None:
        return f"At least {LEAST_SEEDS} seeds of each setting have to come to their end before they can be compared."
    if found.needed is None:
        return f"A and B have the same {label} on average."
    size, low, high = (_amount(value, measure) for value in (abs(found.difference), *sorted(_away(found))))
    seeds = f"{found.seeds[0]} shared seeds" if found.paired else f"{found.seeds[0]} and {found.seeds[1]} seeds"
    more = "higher" if found.difference > 0 else "lower"
    said = f"The {label} of B is {size} {more} than that of A on average (95 % interval {low} to {high}, {seeds})."
    if found.clear:
        return f"{said} The settings differ by more than their seeds do."
    many = f"more than {MOST_NAMED_SEEDS:,}" if found.needed > MOST_NAMED_SEEDS else f"about {found.needed:,}"
    if found.needed <= min(found.seeds):
        many = f"more than {min(found.seeds):,}"
    return f"{said} Their seeds differ as much: it would take {many} seeds of each to settle it."


def _away(found: SeedComparison) -> tuple[float, float]:
    """The interval in the direction of the difference."""
    sign = 1 if found.difference > 0 else -1
    return sign * found.interval[0], sign * found.interval[1]


def _amount(value: float, measure: Measure) -> str:
    return percent(value, 2).replace(" %", " points") if measure.endswith("accuracy") else readable(value, 2)
