"""Which weight is meant: a parameter by its name in the model, and the index of a number in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlp_core.catalog.parameters import shorten
from mlp_core.errors import SpecError

if TYPE_CHECKING:
    from torch import nn

_FORM = re.compile(r"([\w.]+?)((?:\[\d{1,9}\])*)")


@dataclass(frozen=True)
class WeightPlace:
    """One number of a parameter."""

    parameter: str
    """The parameter's name among the model's `named_parameters()`, such as '0.weight'."""
    index: tuple[int, ...]
    """Where the number stands in it: neuron and input of a weight, the neuron alone of a bias."""

    def __str__(self) -> str:
        return self.parameter + "".join(f"[{position}]" for position in self.index)


def shapes(model: nn.Module) -> dict[str, tuple[int, ...]]:
    """The shape of every parameter by name."""
    return {name: tuple(parameter.shape) for name, parameter in model.named_parameters()}


def read_place(text: str, known: Mapping[str, tuple[int, ...]]) -> WeightPlace:
    """The weight that a text such as '0.weight[3][1]' or '0.bias[3]' names, among parameters with these shapes.

    A layer's name alone stands for its weight with two indices, for its bias with one. Raises `SpecError`.
    """
    found = _FORM.fullmatch(text.strip())
    if found is None:
        raise SpecError(
            f"A weight must be named as PATH[i][j], such as 0.weight[3][1]. Got {shorten(text)} instead. "
            "Name a parameter, and the position of a number in it."
        )
    name, index = found[1], tuple(int(part) for part in re.findall(r"\d+", found[2]))
    if name not in known:
        name = f"{name}.{'bias' if len(index) == 1 else 'weight'}"
    if name not in known:
        raise SpecError(
            f"The network has no parameter {shorten(found[1])}. "
            f"Choose one of: {', '.join(known) or 'none, it has no weights'}."
        )
    return checked(WeightPlace(name, index), known)


def checked(place: WeightPlace, known: Mapping[str, tuple[int, ...]]) -> WeightPlace:
    """The place itself; raises `SpecError` where its index does not lie in the parameter, which must be known."""
    shape = known[place.parameter]
    inside = len(place.index) == len(shape) and all(0 <= at < size for at, size in zip(place.index, shape, strict=True))
    if not inside:
        example = WeightPlace(place.parameter, tuple(size - 1 for size in shape))
        raise SpecError(
            f"The index of {place.parameter} must lie in its shape {shape}, counted from 0. "
            f"Got {place} instead. The last one is {example}."
        )
    return place


def sampled(known: Mapping[str, tuple[int, ...]], most: int) -> Iterator[WeightPlace]:
    """The middle number of each parameter, for at most so many parameters spread over the network."""
    names = [name for name, shape in known.items() if all(shape)]
    kept = names if len(names) <= most else [names[round(i * (len(names) - 1) / (most - 1))] for i in range(most)]
    for name in dict.fromkeys(kept):
        yield WeightPlace(name, tuple(size // 2 for size in known[name]))
