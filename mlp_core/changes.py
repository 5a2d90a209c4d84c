"""What differs between two experiments, in the words of the page: 'learning rate 0.03 → 0.1'."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlp_core.catalog import ACTIVATIONS, TRAINING
from mlp_core.catalog.layers import FROZEN
from mlp_core.catalog.parameters import Parameter, in_sentence
from mlp_core.catalog.training import DATA_SEED, TEST_FRACTION, VALIDATION_FRACTION
from mlp_core.spec import Experiment, LayerSpec, layer_number

MOST_NAMED = 6
"""Layers whose widths are named one by one."""
LONGEST = 24
"""Characters of a value; what is longer is only said to have changed."""


def changes(before: Experiment, after: Experiment) -> list[str]:
    """One text for each setting that differs, in the order of the page; none where the experiments are equal."""
    return list(_changes(before, after))


def _changes(before: Experiment, after: Experiment) -> Iterator[str]:
    yield from _of_data(before, after)
    yield from _of_layers(before.layers, after.layers)
    for part in ("loss", "optimizer", "scheduler"):
        old, new = getattr(before, part), getattr(after, part)
        if (old and old.type) != (new and new.type):
            yield f"{_PARTS[part]} {_label(old)} → {_label(new)}"
        elif old is not None:
            yield from _of_params(old.entry.parameters, old.params, new.params)
            if part == "scheduler" and old.every != new.every:
                yield f"schedule counted in {old.every}s → {new.every}s"
    for parameter in TRAINING.parameters:
        values = (getattr(one.training, parameter.name) for one in (before, after))
        yield from _of_value(parameter, *values)


_PARTS = {"loss": "loss", "optimizer": "optimizer", "scheduler": "schedule"}


def _of_data(before: Experiment, after: Experiment) -> Iterator[str]:
    old, new = before.data, after.data
    if old.dataset != new.dataset:
        yield f"data set {old.entry.label} → {new.entry.label}"
    else:
        yield from _of_params(old.entry.parameters, old.params, new.params)
    for parameter, name in ((DATA_SEED, "data seed"), (TEST_FRACTION, ""), (VALIDATION_FRACTION, "")):
        field = "seed" if parameter is DATA_SEED else parameter.name
        yield from _of_value(parameter, getattr(old, field), getattr(new, field), name)


def _of_layers(old: tuple[LayerSpec, ...], new: tuple[LayerSpec, ...]) -> Iterator[str]:
    if old == new:
        return
    differing = [index for index, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]]
    if len(old) == len(new) and len(differing) == 1:
        index = differing[0]
        one, other = old[index], new[index]
        place = f"layer {layer_number((index,))}"
        if one.type != other.type:
            yield f"{place}: {one.entry.label} → {other.entry.label}"
            return
        found = list(_of_params(one.entry.parameters, one.params, other.params))
        found += _of_value(FROZEN, one.frozen, other.frozen)
        yield from [f"{place}: {text}" for text in found] or [f"{place} changed"]
        return
    names = describe_layers(old), describe_layers(new)
    yield f"network {names[0]} → {names[1]}" if names[0] != names[1] else "layers changed"


def describe_layers(layers: tuple[LayerSpec, ...]) -> str:
    """A network in short: the widths of its hidden Linear layers and its activations, as '8-8 Tanh'."""
    widths = [layer.params["out_features"] for layer in layers if layer.type == "Linear"]
    widths = [str(width) for width in widths if width is not None]
    named = [layer.entry.label for layer in layers if layer.type in ACTIVATIONS]
    activations = list(dict.fromkeys(named))
    if len(widths) > MOST_NAMED:
        widths = [f"{len(widths)} layers"]
    more = ["and others"] if len(activations) > 1 else []
    return " ".join(["-".join(widths) or "no hidden layer", *activations[:1], *more])


def _of_params(parameters: tuple[Parameter, ...], old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for parameter in parameters:
        yield from _of_value(parameter, old[parameter.name], new[parameter.name])


def _of_value(parameter: Parameter, old: Any, new: Any, name: str = "") -> Iterator[str]:
    if old == new:
        return
    label = name or in_sentence(parameter.label)
    texts = [parameter.text(value) for value in (old, new)]
    yield f"{label} {texts[0]} → {texts[1]}" if max(map(len, texts)) <= LONGEST else f"{label} changed"


def _label(chosen: Any) -> str:
    return "constant" if chosen is None else str(chosen.entry.label)
