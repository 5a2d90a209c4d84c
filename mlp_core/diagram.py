"""The network as a picture: columns of neurons from left to right, and what links each to the one before.

A layer that sets a width of its own begins a column, and the layers after it that work on its neurons one by one, such
as an activation or a normalisation, stand in the same column. Residual blocks and layers that mix the neurons without a
weight for each pair have columns too. No tensor is needed, so that a page can draw at every keystroke.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from mlp_core.plan import LayerPlan, Plan

SHOWN, WHOLE = 12, 16
"""Neurons of a wide column that are shown, and the widest column that is shown whole."""
SCROLLED = 64
"""Neurons of a wide column that are shown at the most, where a reader wants to scroll through them."""

Link = Literal["none", "weights", "one to one", "mixed", "sum"]


@dataclass(frozen=True)
class Column:
    """Neurons that stand one below the other."""

    layers: tuple[LayerPlan, ...]
    """The layers whose work it shows, in order; none for the network's input."""
    width: int
    """How many neurons it has: the values of one sample that leave its last layer."""
    link: Link
    """What joins it to the column before: a weight for each pair, neuron by neuron, everything with everything without
    such weights, or the sum at the end of a residual block."""
    skip: int = 0
    """The column whose values are added here, at the end of a residual block."""
    depth: int = 0
    """In how many residual blocks it stands."""

    @property
    def weighted(self) -> LayerPlan | None:
        """The layer with a weight for each pair of neurons; None in a column without."""
        return self.layers[0] if self.link == "weights" else None


def columns(plan: Plan) -> tuple[Column, ...]:
    """The columns of a network, its input first."""
    features = plan.layers[0].in_features
    found = [Column((), features, "none")]
    _add(found, plan.layers, 0)
    return tuple(found)


def _add(found: list[Column], layers: tuple[LayerPlan, ...], depth: int) -> None:
    for layer in layers:
        if layer.inside:
            skip = len(found) - 1
            _add(found, layer.inside, depth + 1)
            found.append(Column((layer,), layer.out_features, "sum", skip, depth))
        elif "out_features" in layer.spec.params:
            found.append(Column((layer,), layer.out_features, "weights", depth=depth))
        elif layer.spec.entry.family == "attention":
            found.append(Column((layer,), layer.out_features, "mixed", depth=depth))
        elif found[-1].link == "none" or found[-1].depth != depth:
            found.append(Column((layer,), layer.out_features, "one to one", depth=depth))
        else:
            last = found.pop()
            found.append(replace(last, layers=(*last.layers, layer), width=layer.out_features))


Shown = Mapping[int, tuple[int, ...]]
"""Neurons that a reader has chosen to see, by the place of their column; others show some evenly spread."""


def shown_neurons(width: int, chosen: Iterable[int] = ()) -> list[int]:
    """Which neurons of a column are shown: all of a narrow one; else the chosen ones that it has, `SCROLLED` at the
    most; without any, some evenly spread, the first and the last among them."""
    if width <= WHOLE:
        return list(range(width))
    if found := sorted({neuron for neuron in chosen if 0 <= neuron < width}):
        return found[:SCROLLED]
    return [round(place * (width - 1) / (SHOWN - 1)) for place in range(SHOWN)]


def row_of_neurons(width: int, first: int, count: int = SHOWN) -> tuple[int, ...]:
    """So many neurons in a row from one on, `SCROLLED` at the most; at the end of the column, its last ones."""
    count = max(1, min(count, SCROLLED))
    start = max(0, min(first, width - count))
    return tuple(range(start, min(width, start + count)))


def write_shown(shown: Shown | Iterable[tuple[int, tuple[int, ...]]]) -> str:
    """Chosen neurons as a text, such as '1:0+5,3:12+13+14'."""
    return ",".join(f"{place}:{'+'.join(map(str, neurons))}" for place, neurons in sorted(dict(shown).items()))


def read_shown(text: str) -> dict[int, tuple[int, ...]]:
    """What `write_shown` has written."""
    pairs = (pair.split(":") for pair in text.split(",") if pair)
    return {int(place): tuple(map(int, neurons.split("+"))) for place, neurons in pairs if neurons}


def describe(
    found: tuple[Column, ...],
    picture: bool,
    names: tuple[str, ...],
    outputs: tuple[str, ...],
    shown: Shown,
) -> list[dict[str, object]]:
    """The columns as the browser draws them, a dict each.

    `picture`: whether the input is an image; `names` are those of the inputs, `outputs` those of the last neurons,
    where they have any; `shown` are the neurons that a reader has chosen to see.
    """
    described: list[dict[str, object]] = []
    for place, column in enumerate(found):
        neurons = [] if picture and place == 0 else shown_neurons(column.width, shown.get(place, ()))
        given = names if place == 0 else outputs if place == len(found) - 1 else ()
        described.append(
            {
                "title": "input" if place == 0 else _title(column),
                "name": "input" if place == 0 else " · ".join(layer.spec.entry.label for layer in column.layers),
                "paths": [list(layer.path) for layer in column.layers],
                "width": column.width,
                "shown": neurons,
                "folds": column.width > WHOLE and bool(neurons),
                "names": [given[neuron] for neuron in neurons] if len(given) == column.width else None,
                "link": column.link,
                "skip": column.skip,
                "depth": column.depth,
                "picture": picture and place == 0,
            }
        )
    return described


def _title(column: Column) -> str:
    """Its layers in few words, a Linear by its number of neurons: '8 · Tanh'."""
    first, *others = (layer.spec.entry.label for layer in column.layers)
    if column.weighted is None:
        return " · ".join((first, *others))
    return " · ".join((f"{column.weighted.out_features:,}", *(others or [first])))
