"""Where the values of a layer's neurons go: what reads them, and what has numbers of its own for each of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from mlp_core.errors import SpecError
from mlp_core.plan import LayerPlan, Plan
from mlp_core.spec import Path


@dataclass
class Reach:
    """The layers that a neuron of one layer meets, up to those that make new neurons of it."""

    readers: list[LayerPlan] = field(default_factory=list)
    """Layers with a weight for each pair of neurons, one column for each value that comes in."""
    carriers: list[LayerPlan] = field(default_factory=list)
    """Layers that work on the values one by one, and have numbers of their own."""
    writers: list[LayerPlan] = field(default_factory=list)
    """The last such layer inside each residual block on the way, whose values are added to those of the neurons."""


def reach(plan: Plan, path: Path, why: str) -> Reach:
    """What the values of the layer at a path meet.

    `why` ends what is said of a layer behind it that mixes neurons: 'so …' and what to do. Raises `SpecError` where
    neurons of the layer cannot be operated on one by one.
    """
    layers: tuple[LayerPlan, ...] = plan.layers
    for position in path[:-1]:
        layers = layers[position].inside
    layer = layers[path[-1]]
    named = f"layer {layer.number}"
    if not makes_neurons(layer):
        raise SpecError(
            f"{_title(layer)} has no neurons of its own. Choose a Linear layer."
        )
    if not any(map(makes_neurons, layers[path[-1] + 1 :])):
        if len(path) > 1:
            raise SpecError(
                f"The block around {named} adds what it puts out to its own input, so its neurons belong to both. "
                "Choose a layer before it."
            )
        raise SpecError(f"The neurons of {named} are the network's outputs, which the data decides. Choose a layer "
                        "before it.")  # fmt: skip
    found = Reach()
    _follow(layers[path[-1] + 1 :], named, why, found)
    return found


def makes_neurons(layer: LayerPlan) -> bool:
    """Whether it has neurons: a weight for each value that comes in, and each that goes out."""
    return "out_features" in layer.spec.params


def _follow(layers: tuple[LayerPlan, ...], named: str, why: str, found: Reach) -> bool:
    """Add what these layers, one after the other, do with the values; whether one of them reads them."""
    for layer in layers:
        entry = layer.spec.entry
        if makes_neurons(layer):
            found.readers.append(layer)
            return True
        if layer.inside:
            if not entry.keeps_width:
                raise _mixing(layer, named, why)
            if _follow(layer.inside, named, why, found):
                last = max(place for place, inner in enumerate(layer.inside) if makes_neurons(inner))
                found.writers.append(layer.inside[last])
                _follow(layer.inside[last + 1 :], named, why, found)
        elif not entry.keeps_features_apart(layer.spec.params):
            raise _mixing(layer, named, why)
        elif layer.parameters or layer.buffers:
            found.carriers.append(layer)
    return False


def _mixing(layer: LayerPlan, named: str, why: str) -> SpecError:
    return SpecError(
        f"{_title(layer)} makes each of its values from several neurons of {named}, {why}"
    )


def _title(layer: LayerPlan) -> str:
    return f"Layer {layer.number} ({layer.spec.entry.label})"
