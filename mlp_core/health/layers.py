"""What the figures of layers say: units that are stuck, gradients that vanish or explode, updates of the wrong size."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from statistics import median

from mlp_core.figures import percent, readable
from mlp_core.health import changes
from mlp_core.health.finding import Evidence, Seen
from mlp_core.health.statistics import SATURATION_MARGIN, LayerStatistics

MANY_DEAD, MOST_DEAD = 0.6, 0.9
"""Shares of a layer's units: from the first on it is a warning, from the second on the layer passes nothing on."""
MANY_SATURATED, MOST_SATURATED = 0.8, 0.95
"""Shares of a layer's outputs likewise."""
VANISHED, GONE = 1e-3, 1e-6
"""The gradient behind the first layer as a share of that behind the last, below which it is a warning, or bad."""
EXPLODED, ENDLESS = 1e3, 1e6
"""The same, above which it is a warning, or bad."""
LARGE_UPDATE, HUGE_UPDATE = 0.2, 1.0
"""The norm of an update over that of the weights, above which it is a warning, or bad. About 0.001 is usual."""
FIRST_STEPS = 10
"""Steps after which updates are judged: the first ones of many an optimizer are larger."""
SMALL_UPDATE = 1e-7
"""The same, below which it is a warning: float32 numbers hardly change."""
GOOD_UPDATE = 1e-3
"""The same where a run learns well."""
SHIFTED = 10.0
"""Standard deviations that a layer's values lie away from 0, from which on their activation sees one side only."""
COPIED = 0.5
"""The share of a layer's neurons that are copies, from which on it is a warning."""


def dead(evidence: Evidence) -> Iterator[Seen]:
    """Units that put out the same flat value for every sample."""
    found = [layer for layer in evidence.hidden if (layer.dead_share or 0) >= MANY_DEAD and layer.width > 1]
    if found:
        worst = max(found, key=lambda layer: layer.dead_share or 0)
        share = worst.dead_share or 0
        paths = tuple(layer.path for layer in found)
        where = _linears_before(evidence, found)
        yield Seen(
            level="bad" if share >= MOST_DEAD else "warning",
            path=worst.path,
            sentence=f"{round(share * worst.width)} of the {worst.width} units of {worst.title} put out the same value "
            f"for all {worst.samples} samples looked at, and get no gradient{_others(found, worst)}.",
            fixes=(
                (f"Use LeakyReLU {'there' if len(found) == 1 else 'in these layers'}",
                 changes.other_layer(paths, "LeakyReLU")),
                *((("Use PyTorch's own initial weights", changes.usual_weights),) if where else ()),
            ),
        )  # fmt: skip


def saturated(evidence: Evidence) -> Iterator[Seen]:
    """Outputs of S-curves at their flat ends."""
    found = [layer for layer in evidence.hidden if (layer.saturated_share or 0) >= MANY_SATURATED]
    if found:
        worst = max(found, key=lambda layer: layer.saturated_share or 0)
        share = worst.saturated_share or 0
        yield Seen(
            level="bad" if share >= MOST_SATURATED else "warning",
            path=worst.path,
            sentence=f"{percent(share)} of what {worst.title} puts out lies within {SATURATION_MARGIN:.0%} of an end "
            f"of its range, where its curve is flat{_others(found, worst)}.",
            fixes=(
                ("Use PyTorch's own initial weights", changes.usual_weights),
                ("Put BatchNorm1d before it", changes.normalised_at(worst.path)),
            ),
        )


def vanishing(evidence: Evidence) -> Iterator[Seen]:
    """A gradient that gets smaller and smaller on its way to the first layer."""
    ratio, first, last = _passage(evidence)
    if first is None or last is None or not ratio < VANISHED or is_blocked(evidence):
        return
    yield Seen(
        level="bad" if ratio < GONE else "warning",
        path=first.path,
        sentence=f"The gradient that reaches {first.title} is {readable(first.signal_norm or 0, 2)}, and that of "
        f"{last.title} {readable(last.signal_norm or 0, 2)}: {_times(ratio)} smaller after "
        f"{len(evidence.weighted) - 1} layers.",
        fixes=(
            ("Use ReLU with Kaiming weights", changes.rectified),
            ("Use Kaiming weights", changes.kaiming),
            ("Put BatchNorm1d before the second layer", changes.normalised_at(evidence.weighted[1].path)),
        ),
    )


def exploding(evidence: Evidence) -> Iterator[Seen]:
    """A gradient that gets larger and larger on its way to the first layer, or is no number."""
    wrong = [layer for layer in evidence.layers if not math.isfinite(layer.gradient_norm or 0)]
    fixes = (
        ("Use PyTorch's own initial weights", changes.usual_weights),
        (f"Clip gradients at a norm of {changes.USUAL_NORM:g}", changes.clipped),
    )
    if wrong:
        yield Seen(
            level="bad",
            path=wrong[-1].path,
            sentence=f"The gradient of {wrong[-1].title} is {readable(wrong[-1].gradient_norm or 0)}"
            f"{_others(wrong, wrong[-1])}.",
            fixes=fixes,
        )
        return
    ratio, first, last = _passage(evidence)
    if first is not None and last is not None and ratio > EXPLODED:
        yield Seen(
            level="bad" if ratio > ENDLESS else "warning",
            path=first.path,
            sentence=f"The gradient that reaches {first.title} is {readable(first.signal_norm or 0, 2)}, and that of "
            f"{last.title} {readable(last.signal_norm or 0, 2)}: {_times(ratio)} larger after "
            f"{len(evidence.weighted) - 1} layers.",
            fixes=fixes,
        )


def update_size(evidence: Evidence) -> Iterator[Seen]:
    """Updates that are too large or too small for the weights that they change."""
    sizes = [layer.update_size for layer in evidence.weighted if layer.update_size is not None]
    if not sizes or evidence.step < FIRST_STEPS:
        return
    usual = median(sizes)
    rate, experiment = evidence.experiment.optimizer.params["lr"], evidence.experiment
    largest = max(evidence.weighted, key=lambda layer: layer.update_size or 0)
    if usual > LARGE_UPDATE:
        smaller = changes.scaled_rate(experiment, 0.1)
        yield Seen(
            level="bad" if usual > HUGE_UPDATE else "warning",
            path=largest.path,
            sentence=f"One step changes the weights of half of the layers by {percent(usual, 2)} of their size or "
            f"more, most in {largest.title} with {percent(largest.update_size or 0, 2)}; 0.1 % is usual. "
            f"The learning rate is {readable(rate)}.",
            fixes=((f"Set the learning rate to {readable(smaller)}", changes.rate(smaller)),),
        )
        return
    most = experiment.optimizer.entry.usual_rates[1]
    if rate >= most or is_blocked(evidence) or _has_learned(evidence):
        return  # then small updates come from a gradient that does not get through, or the run is done
    if usual < SMALL_UPDATE and largest.update_size is not None:
        # Most optimizers' updates grow as the rate does.
        usual_rate = experiment.optimizer.entry.parameter("lr").default
        larger = min(changes.scaled_rate(experiment, GOOD_UPDATE / usual), most) if usual else usual_rate
        yield Seen(
            path=largest.path,
            sentence=f"One step changes the weights of half of the layers by {readable(usual, 2)} of their size or "
            f"less, most in {largest.title} with {readable(largest.update_size, 2)}; 0.001 is usual. The learning "
            f"rate is {readable(rate)}.",
            fixes=((f"Set the learning rate to {readable(larger)}", changes.rate(larger)),),
        )


def shifted(evidence: Evidence) -> Iterator[Seen]:
    """Values far from 0 in front of an activation."""
    found = [
        layer
        for layer in evidence.hidden
        if (layer.shift or 0) > SHIFTED and evidence.followed_by_activation(layer) and layer.activation_std > 0
    ]
    if found:
        worst = max(found, key=lambda layer: layer.shift or 0)
        after = (*worst.path[:-1], worst.path[-1] + 1)
        yield Seen(
            path=worst.path,
            sentence=f"Half of the neurons of {worst.title} or more have a mean that lies {readable(worst.shift or 0)} "
            f"standard deviations or further from 0, so the activation behind sees only one side of its curve"
            f"{_others(found, worst)}.",
            fixes=(("Put BatchNorm1d behind it", changes.normalised_at(after)),),
        )


def symmetric(evidence: Evidence) -> Iterator[Seen]:
    """Neurons of a layer that are copies of each other."""
    if not evidence.step:
        return  # a step may tell them apart
    found = [
        layer
        for layer in evidence.hidden
        if layer.width > 1 and (layer.copies or 0) >= COPIED * layer.width and layer.weight_norm
    ]
    zeros = [layer for layer in evidence.hidden if layer.copies and layer.copies == layer.width - 1]
    found = [layer for layer in evidence.hidden if layer in found or layer in zeros]
    if found:
        worst = max(found, key=lambda layer: (layer.copies or 0) / layer.width)
        yield Seen(
            level="bad" if (worst.copies or 0) == worst.width - 1 else "warning",
            path=worst.path,
            sentence=f"{worst.copies} of the {worst.width} neurons of {worst.title} have the same weights as another "
            f"one after {evidence.step:,} step{'s' if evidence.step > 1 else ''}: the layer can do no more than one "
            f"with {worst.width - (worst.copies or 0)}{_others(found, worst)}.",
            fixes=(("Use PyTorch's own initial weights", changes.usual_weights),),
        )


def _passage(evidence: Evidence) -> tuple[float, LayerStatistics | None, LayerStatistics | None]:
    """The gradient behind the first layer with weights over that behind the last, and these two layers."""
    layers = evidence.weighted
    if len(layers) < 2 or not layers[-1].signal_norm or not math.isfinite(layers[-1].signal_norm):
        return math.nan, None, None
    return (layers[0].signal_norm or 0) / layers[-1].signal_norm, layers[0], layers[-1]


def is_blocked(evidence: Evidence) -> bool:
    """Whether a layer of dead units keeps the gradient back: that is the finding to put right first."""
    return any((layer.dead_share or 0) >= MOST_DEAD for layer in evidence.hidden)


def _has_learned(evidence: Evidence) -> bool:
    """Whether the loss has come down: then small updates are those of a run that is done."""
    losses = evidence.losses
    return len(losses) > 1 and losses[-1] < 0.8 * losses[0]


def _linears_before(evidence: Evidence, found: Sequence[LayerStatistics]) -> bool:
    """Whether initial weights or biases were chosen in front of one of these layers."""
    before = {(*layer.path[:-1], layer.path[-1] - 1) for layer in found}
    return any(
        path in before and (layer.init is not None or layer.bias_init is not None)
        for path, layer in evidence.experiment.walk()
    )


def _times(ratio: float) -> str:
    """How many times smaller or larger, from a ratio below or above 1."""
    if ratio == 0:
        return "endlessly"
    return f"{readable(1 / ratio if ratio < 1 else ratio, 2)} times"


def _others(found: Sequence[LayerStatistics], said: LayerStatistics) -> str:
    """The layers that a sentence does not name yet."""
    others = [layer.number for layer in found if layer is not said]
    if not others:
        return ""
    shown = ", ".join(others[:4]) + (", …" if len(others) > 4 else "")
    return f"; likewise layer{'s' if len(others) > 1 else ''} {shown}"
