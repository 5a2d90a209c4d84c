"""What is set of the whole network at once: depth, width and activation of its hidden layers, and initial weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from mlp_core.catalog import ACTIVATIONS
from mlp_core.plan import last_linear
from mlp_core.settings.values import NONE, of_type
from mlp_core.spec import Experiment, LayerSpec, Path

DEPTH, WIDTH, ACTIVATION, INITIALIZER = "hidden.layers", "hidden.width", "hidden.activation", "init.type"
"""Paths of what is set of the whole network at once."""
USUAL_WIDTH = 8
"""Neurons of a hidden layer of a network that had none."""


@dataclass(frozen=True)
class Whole:
    """One such setting."""

    get: Callable[[Experiment], Any]
    """Its value: the first where layers differ, and None where no layer has it."""
    put: Callable[[Experiment, Any], Experiment]
    """The experiment with another value."""


def _end(experiment: Experiment) -> int:
    """The place of the output layer in the network's own list; behind the last one where there is none."""
    last = last_linear(experiment.layers)
    return len(experiment.layers) if last is None else last


def _blocks(layers: tuple[LayerSpec, ...]) -> list[tuple[LayerSpec, ...]]:
    """Hidden layers, each Linear with what follows it; what comes before the first of them is left out."""
    starts = [place for place, layer in enumerate(layers) if layer.type == "Linear"]
    return [layers[start:end] for start, end in pairwise([*starts, len(layers)])]


def _depth(experiment: Experiment) -> int:
    return len(_blocks(experiment.layers[: _end(experiment)]))


def _with_depth(experiment: Experiment, depth: int) -> Experiment:
    before, after = experiment.layers[: _end(experiment)], experiment.layers[_end(experiment) :]
    blocks = _blocks(before)
    first = before[: len(before) - sum(map(len, blocks))]
    usual = (LayerSpec(type="Linear", params={"out_features": USUAL_WIDTH}), LayerSpec(type="ReLU"))
    wanted = [*blocks[:depth], *[blocks[-1] if blocks else usual] * (depth - len(blocks))]
    return experiment.updated(layers=(*first, *(layer for block in wanted for layer in block), *after))


def _each(
    holds: Callable[[Experiment, Path, LayerSpec], bool], get: Callable[[LayerSpec], Any],
    put: Callable[[LayerSpec, Any], LayerSpec],
) -> Whole:  # fmt: skip
    """A setting of every layer that holds it."""

    def value(experiment: Experiment) -> Any:
        return next((get(layer) for path, layer in experiment.walk() if holds(experiment, path, layer)), None)

    def changed(experiment: Experiment, value: Any) -> Experiment:
        for path, layer in experiment.walk():
            if holds(experiment, path, layer):
                experiment = experiment.replace_layer(path, put(experiment.layer_at(path), value))
        return experiment

    return Whole(value, changed)


WHOLE: Mapping[str, Whole] = {
    DEPTH: Whole(_depth, _with_depth),
    WIDTH: _each(
        lambda experiment, path, layer: path != (_end(experiment),) and layer.params.get("out_features") is not None,
        lambda layer: layer.params["out_features"],
        lambda layer, width: layer.updated(params={**layer.params, "out_features": width}),
    ),
    ACTIVATION: _each(
        lambda experiment, path, layer: path[0] < _end(experiment) and layer.type in ACTIVATIONS,
        lambda layer: layer.type, of_type,
    ),
    INITIALIZER: _each(
        lambda experiment, path, layer: layer.entry.initialised, lambda layer: layer.init.type if layer.init else NONE,
        lambda layer, type: layer.updated(init=of_type(layer.init, type, "init")),
    ),
}  # fmt: skip
"""By their paths."""
