"""How each layer is, in the few numbers that fit beside it in a picture of the network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mlp_core.figures import percent, readable
from mlp_core.health import layers as limits
from mlp_core.health.finding import Level
from mlp_core.health.statistics import LayerStatistics
from mlp_core.spec import Path


@dataclass(frozen=True, kw_only=True)
class LayerHealth:
    """The health of one layer."""

    path: Path
    """Where the layer stands in the experiment."""
    level: Level
    """How it is."""
    sentence: str
    """The same in a few words, with the number that decides."""
    dead: float | None
    """The share of dead units; None where the layer can have none."""
    saturated: float | None
    """The share of saturated outputs; None where the layer can have none."""
    gradient: float | None
    """The gradient by its outputs as a share of that by the outputs of the last layer with weights; None where none
    comes through."""
    update: float | None
    """The norm of an update over that of its weights; None without weights."""


def strip(layers: Sequence[LayerStatistics], step: int) -> dict[Path, LayerHealth]:
    """The health of every layer by its path, after so many steps.

    The last layer's outputs are answers, which may saturate.
    """
    weighted = [layer for layer in layers if layer.copies is not None]
    last = weighted[-1].signal_norm if weighted else None
    end = max((layer.path[0] for layer in layers), default=0)
    judged = step >= limits.FIRST_STEPS
    return {layer.path: _health(layer, last, is_last=layer.path == (end,), judged=judged) for layer in layers}


def _health(layer: LayerStatistics, last: float | None, *, is_last: bool, judged: bool) -> LayerHealth:
    gradient = None if layer.signal_norm is None or not last else layer.signal_norm / last
    level, sentence = _verdict(layer, gradient, is_last, judged)
    return LayerHealth(
        path=layer.path,
        level=level,
        sentence=sentence,
        dead=layer.dead_share,
        saturated=layer.saturated_share,
        gradient=gradient,
        update=layer.update_size,
    )


def _verdict(layer: LayerStatistics, gradient: float | None, is_last: bool, updates: bool) -> tuple[Level, str]:
    numbers = (layer.weight_norm, layer.gradient_norm, layer.activation_std, layer.signal_norm)
    if not all(math.isfinite(number) for number in numbers if number is not None):
        return "bad", "holds numbers that are infinite or not a number"
    judged: list[tuple[Level, str]] = []
    if layer.dead_share is not None and layer.width > 1:
        judged.append((
            _level(layer.dead_share, limits.MANY_DEAD, limits.MOST_DEAD), f"{percent(layer.dead_share, 2)} dead",
        ))  # fmt: skip
    if layer.saturated_share is not None and not is_last:
        judged.append((
            _level(layer.saturated_share, limits.MANY_SATURATED, limits.MOST_SATURATED),
            f"{percent(layer.saturated_share, 2)} saturated",
        ))  # fmt: skip
    if gradient is not None and gradient < 1:
        small = _level(-gradient, -limits.VANISHED, -limits.GONE)
        some = f"gradient {readable(gradient, 2)} times that of the last layer"
        judged.append((small, some if gradient else "no gradient comes through"))
    elif gradient is not None:
        large = _level(gradient, limits.EXPLODED, limits.ENDLESS)
        judged.append((large, f"gradient {readable(gradient, 2)} times that of the last layer"))
    if layer.update_size is not None:
        judged.append((
            _level(layer.update_size, limits.LARGE_UPDATE, limits.HUGE_UPDATE) if updates else "good",
            f"a step changes its weights by {percent(layer.update_size, 2)}",
        ))  # fmt: skip
    if layer.copies is not None and not is_last and layer.width > 1:
        judged.append(("warning" if layer.copies >= limits.COPIED * layer.width else "good",
                       f"{layer.copies} of {layer.width} neurons are copies"))  # fmt: skip
    order: tuple[Level, ...] = ("bad", "warning")
    for level in order:
        said = [text for found, text in judged if found == level]
        if said:
            return level, said[0]
    return "good", ", ".join(text for _, text in judged[:2]) or "passes values on"


def _level(value: float, warning: float, bad: float) -> Level:
    return "bad" if value >= bad else "warning" if value >= warning else "good"
