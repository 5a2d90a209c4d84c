"""What can be set of a layer on the diagram, as the browser's form shows it: generated from the catalog."""

from __future__ import annotations

from typing import Any

from mlp_core.catalog import ACTIVATIONS, ALL_LAYERS, LAYERS
from mlp_core.catalog.layers import FROZEN
from mlp_core.catalog.parameters import Bool, Choice, Float, Int, Parameter
from mlp_core.spec import LayerSpec, Path, layer_number
from pages.shared.link import hidden, locked


def layer_form(path: Path, layer: LayerSpec, operations: list[dict[str, str]]) -> dict[str, Any]:
    """A layer's type, what that does, its parameters with their values, and what can be done to it while it trains;
    what a teacher's link locks says so."""
    entry = layer.entry
    return {
        "path": list(path),
        "number": layer_number(path),
        "type": entry.name,
        "summary": entry.summary,
        "locked": locked(*entry.choice_controls),
        "parameters": [
            _field(parameter, layer.params[parameter.name])
            for parameter in entry.parameters
            if not hidden(*parameter.controls)
        ],
        "frozen": _field(FROZEN, layer.frozen) | {"locked": locked("network")} if entry.trains else None,
        "operations": operations,
    }


def _field(parameter: Parameter, value: Any) -> dict[str, Any]:
    """One field of the form. No limit is given to the browser: the catalog checks what it sends."""
    field = {
        "name": parameter.name,
        "label": parameter.label,
        "help": parameter.help,
        "value": value,
        "kind": "text",
        "locked": locked(*parameter.controls),
    }
    if isinstance(parameter, Bool):
        return field | {"kind": "switch", "value": bool(value)}
    if isinstance(parameter, Choice):
        first = [["", parameter.none_means]] if parameter.optional else []
        return field | {"kind": "choice", "choices": [*first, *([name, name] for name in parameter.choices)]}
    if isinstance(parameter, Int | Float):
        kind = "whole" if isinstance(parameter, Int) else "number"
        return field | {"kind": kind, "none": parameter.none_means if parameter.optional else None}
    return field


def layer_types() -> list[dict[str, Any]]:
    """The layers that can be chosen, in the groups in which the form offers them."""
    groups = {"Layers": LAYERS, "Activations": ACTIVATIONS}
    return [
        {"label": label, "types": [[name, ALL_LAYERS[name].label] for name in entries]}
        for label, entries in groups.items()
    ]
