"""What happened when a loss broke: the first number that was bad, and how large the layers were before it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from mlp_core.figures import readable
from mlp_core.spec import Path, layer_number

Place = Literal["gradient", "weights", "output", "loss"]


@dataclass(frozen=True, kw_only=True)
class LayerSizes:
    """How large a layer was around the step that broke the loss. None where there is no such number."""

    path: Path
    """Where the layer stands in the experiment."""
    type: str
    """Its type in the catalog."""
    activation: float | None
    """The norm of its outputs in the last step whose loss was sound."""
    weight: float | None
    """The norm of its weights before that step's update."""
    gradient: float | None
    """The norm of the gradient by its weights in that step."""
    weight_after: float | None
    """The norm of its weights after that update."""
    activation_after: float
    """The norm of its outputs in the step whose loss broke."""

    @property
    def title(self) -> str:
        """The layer as sentences name it, such as 'layer 2 (ReLU)'."""
        return f"layer {layer_number(self.path)} ({self.type})"


@dataclass(frozen=True, kw_only=True)
class Autopsy:
    """What happened when a loss broke."""

    step: int
    """The step in which the first bad number came up, counted from 1."""
    place: Place
    """What it was: a gradient, a weight after the update, an output of a layer, or the loss of sound outputs."""
    path: Path
    """The layer of it; for a loss the last one."""
    sentence: str
    """The same in words, with the numbers before it."""
    layers: tuple[LayerSizes, ...]
    """The sizes of all layers, in the order of the network."""

    @property
    def title(self) -> str:
        """The layer as sentences name it."""
        return next(layer.title for layer in self.layers if layer.path == self.path)

    def as_record(self) -> dict[str, Any]:
        """The same as plain values for JSON; a number that is not finite is None."""
        found = asdict(self)
        found["layers"] = [
            {"layer": layer_number(one.path), **{k: _plain(v) for k, v in asdict(one).items() if k != "path"}}
            for one in self.layers
        ]
        return {"layer": layer_number(self.path), **{k: v for k, v in found.items() if k != "path"}}


def autopsy(broken: int, loss: float, layers: Sequence[LayerSizes]) -> Autopsy:
    """The first bad number, looked for in the order in which a step computes: the gradient of the last sound step, from
    the last layer to the first; the weights that its update made; then the outputs of step `broken`, counted
    from 1, and its loss. `layers` give their outputs in this order. Where all is finite, it is the layer whose weights
    grew most.
    """
    assert layers
    first = _first(layers)
    if first is not None:
        place, layer = first
    elif not math.isfinite(loss):
        place, layer = "loss", layers[-1]
    else:
        place, layer = "output", max(layers, key=_growth)
    return Autopsy(
        step=broken - 1 if place in ("gradient", "weights") else broken,
        place=place,
        path=layer.path,
        sentence=_sentence(place, layer, broken, loss),
        layers=tuple(sorted(layers, key=lambda one: one.path)),
    )


def _first(layers: Sequence[LayerSizes]) -> tuple[Place, LayerSizes] | None:
    """The first number that is not finite."""
    for layer in reversed(layers):
        if _is_bad(layer.gradient):
            return "gradient", layer
    for layer in layers:
        if _is_bad(layer.weight_after):
            return "weights", layer
    for layer in layers:
        if _is_bad(layer.activation_after):
            return "output", layer
    return None


def _sentence(place: Place, layer: LayerSizes, broken: int, loss: float) -> str:
    before, title = f"step {broken - 1:,}", layer.title
    if place == "gradient":
        return (
            f"The first bad number is in the gradient of {title} in {before}, whose loss was still sound: that "
            f"layer's outputs had a norm of {_size(layer.activation)}, and its weights {_size(layer.weight)}."
        )
    if place == "weights":
        return (
            f"The first bad number is in the weights of {title}: the update of {before} made it. Before, they had a "
            f"norm of {_size(layer.weight)}, and their gradient {_size(layer.gradient)}."
        )
    if place == "loss":
        return (
            f"All layers gave sound numbers in step {broken:,}; the first bad one is the loss itself, of outputs with "
            f"a norm of {_size(layer.activation_after)}: the loss has no value for some of these, as a logarithm has "
            "none below 0."
        )
    weights = f"the update of {before} took its weights from {_size(layer.weight)} to {_size(layer.weight_after)}"
    if layer.weight_after is None:
        weights = "it has no weights of its own, so what came in was too large"
    elif layer.weight is None:
        weights = f"its weights have a norm of {_size(layer.weight_after)}"
    if not math.isfinite(layer.activation_after):
        return (
            f"The first bad number is in what {title} put out in step {broken:,}. One step before, its outputs had a "
            f"norm of {_size(layer.activation)}; {weights}."
        )
    return (
        f"No number was NaN or infinite, but the loss of step {broken:,} was {readable(loss, 2)}. It began in {title}: "
        f"its outputs went from a norm of {_size(layer.activation)} to {_size(layer.activation_after)}, and {weights}."
    )


def _growth(layer: LayerSizes) -> tuple[float, float]:
    """How many times larger its last update made a layer's weights, and how large its outputs are."""
    known = layer.weight and layer.weight_after
    return (layer.weight_after or 0) / (layer.weight or 1) if known else 0.0, layer.activation_after


def _is_bad(size: float | None) -> bool:
    return size is not None and not math.isfinite(size)


def _size(size: float | None) -> str:
    return "unknown size" if size is None else readable(size, 2)


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
