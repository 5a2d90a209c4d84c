"""Scans: a short run for each of a few batch sizes or widths, and which of them to take."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlp_core.catalog.entry import Entry
from mlp_core.catalog.tuning import BATCH_SCAN, WIDTH_SCAN, filled
from mlp_core.errors import SpecError
from mlp_core.figures.text import readable
from mlp_core.spec import Experiment
from mlp_core.tuning.rate_ramp import Suggestion
from mlp_core.tuning.trials import Member

TOLERANCE = 0.05
"""A loss counts as good as the lowest one if it is above it by no more than this share: other seeds differ as much."""


@dataclass(frozen=True)
class Scan:
    """A setting that is scanned."""

    entry: Entry
    """Its parameters: from, to, how many, epochs."""
    unit: str
    """What a value is called."""
    change: Callable[[Experiment, int, int | None], Experiment]
    """The experiment with a value, for a layer where the setting belongs to one; None for all hidden ones."""
    current: Callable[[Experiment, int | None], int | None]
    """The value as it is; None for the full batch, and where layers differ."""


def values_of(scan: Scan, params: Mapping[str, Any], most: int | None = None) -> list[int]:
    """The values to try, at equal ratios, each a whole number once; those above `most` are left out. Raises
    `SpecError` where fewer than two are left."""
    found = filled(scan.entry, params, f"the scan of the {scan.unit}")
    spread = np.geomspace(found["low"], found["high"], found["count"]).round().astype(int)
    values = sorted({int(value) for value in spread if most is None or value <= most})
    if len(values) < 2:
        assert most is not None, "two ends that differ are two values"
        raise SpecError(
            f"The 'low' parameter of the scan of the {scan.unit} must leave two values up to {most:,}, the largest "
            f"that fits. Got {found['low']:,} instead. Lower it, or ask for more values."
        )
    return values


def members_of(scan: Scan, experiment: Experiment, values: Sequence[int], layer: int | None = None) -> list[Member]:
    """A member for each value, by that name."""
    return [Member(name=str(value), experiment=scan.change(experiment, value, layer)) for value in values]


def hidden_layers(experiment: Experiment) -> list[int]:
    """The places of the layers that have a width of their own: Linear ones but the last, whose width the data give."""
    return [
        place for place, layer in enumerate(experiment.layers)
        if layer.type == "Linear" and layer.params["out_features"] is not None
    ]  # fmt: skip


def measure_of(member: Member) -> str:
    """What values are chosen by: the validation loss where there is one, else the test loss."""
    return "test_loss" if member.final("validation_loss") is None else "validation_loss"


def suggest(scan: Scan, members: Sequence[Member]) -> Suggestion:
    """The value to take: of those whose loss is about as low as the lowest one, the fastest batch size, or the smallest
    width."""
    losses = {each: loss for each in members if (loss := each.final(measure_of(each))) is not None}
    if len(losses) < 2:
        return Suggestion(None, "Fewer than two of these runs came to a loss, so there is nothing to choose between.")
    best = min(losses, key=lambda each: losses[each])
    limit = losses[best] + TOLERANCE * abs(losses[best])
    good = [each for each in losses if losses[each] <= limit]
    by_speed = scan is BATCH
    alike = f" All are within {TOLERANCE:.0%} of it: more epochs may tell them apart." * (len(good) == len(losses))
    chosen = max(good, key=lambda each: each.samples_per_second) if by_speed else min(good, key=lambda m: int(m.name))
    label = measure_of(best).replace("_", " ")
    said = f"The {label} is lowest at {_number(best)} ({readable(losses[best])})."
    if chosen is best:
        other = f"No other is within {TOLERANCE:.0%} of it." if len(good) == 1 else (
            f"Of those within {TOLERANCE:.0%} of it, none is {'faster' if by_speed else 'smaller'}."
        )  # fmt: skip
        return Suggestion(float(chosen.name), f"{said} {other}{alike}")
    more = "is the fastest" if by_speed else "is the smallest"
    within = f"{_number(chosen)} ({readable(losses[chosen])}) {more} of those within {TOLERANCE:.0%} of it"
    gain = (
        f", with {readable(chosen.samples_per_second / best.samples_per_second, 2)} times the samples per second"
        if by_speed and best.samples_per_second
        else "" if by_speed else f", with {chosen.parameters:,} parameters instead of {best.parameters:,}"
    )  # fmt: skip
    return Suggestion(float(chosen.name), f"{said} {within}{gain}.{alike}")


def _number(member: Member) -> str:
    return f"{int(member.name):,}"


def _with_batch_size(experiment: Experiment, value: int, layer: int | None) -> Experiment:
    return experiment.updated(training=experiment.training.updated(batch_size=value))


def _with_width(experiment: Experiment, value: int, layer: int | None) -> Experiment:
    places = hidden_layers(experiment) if layer is None else [layer]
    return experiment.updated(
        layers=tuple(
            each.updated(params={**each.params, "out_features": value}) if place in places else each
            for place, each in enumerate(experiment.layers)
        )
    )


def _width(experiment: Experiment, layer: int | None) -> int | None:
    places = hidden_layers(experiment) if layer is None else [layer]
    widths = {experiment.layers[place].params["out_features"] for place in places}
    return widths.pop() if len(widths) == 1 else None


BATCH = Scan(BATCH_SCAN, "batch size", _with_batch_size, lambda experiment, layer: experiment.training.batch_size)
"""Samples of a mini-batch."""
WIDTH = Scan(WIDTH_SCAN, "width", _with_width, _width)
"""Neurons of hidden layers."""
