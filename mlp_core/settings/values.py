"""One value of an experiment by its path: 'optimizer.lr', 'layers.1.type', 'layers.2.inside.0.out_features'.

A path names fields of the spec with dots between; a parameter stands beside the fields of its part, and the type of a
part that may be absent is then `NONE`. The runs that are kept have their settings at the same paths.
"""

from __future__ import annotations

from typing import Any

from mlp_core.catalog import ALL_LAYERS
from mlp_core.spec import Experiment, InitSpec, LayerSpec, Path, SchedulerSpec

NONE = "none"
"""The type of no scheduler, and of an initialiser that is PyTorch's own."""
_KINDS: dict[str, Any] = {"scheduler": SchedulerSpec, "init": InitSpec, "bias_init": InitSpec}
"""Parts that may be absent."""


def path_in_layer(place: Path, name: str) -> str:
    """The path of a setting of the layer at a place: 'layers.1.inside.0.out_features'."""
    return f"layers.{'.inside.'.join(map(str, place))}.{name}"


def value_at(experiment: Experiment, path: str) -> Any:
    """The value at a path; None where the experiment has nothing there."""
    part: Any = experiment
    *names, last = path.split(".")
    try:
        for name in names:
            part = part[int(name)] if isinstance(part, tuple) else getattr(part, name)
    except (IndexError, AttributeError):
        return None
    if part is None:
        return NONE if last == "type" else None
    params = getattr(part, "params", {})
    return params[last] if last in params else getattr(part, last, None)


def with_value(experiment: Experiment, path: str, value: Any) -> Experiment:
    """The experiment with a value at a path. A part that has no such setting stays as it is.

    Raises `SpecError` where the value does not fit its part, and IndexError where there is no such layer.
    """
    changed: Experiment = _with(experiment, path.split("."), value, "")
    return changed


def _with(part: Any, names: list[str], value: Any, kind: str) -> Any:
    """A part of the experiment with a value at what is left of the path; `kind` is the name by which it was found."""
    name, *rest = names
    if isinstance(part, tuple):
        place = int(name)
        return (*part[:place], _with(part[place], rest, value, ""), *part[place + 1 :])
    if name == "type":
        return of_type(part, value, kind)
    if part is None or not _has(part, name, bool(rest)):
        return part
    if rest:
        return part.updated(**{name: _with(getattr(part, name), rest, value, name)})
    if name in getattr(part, "params", ()):  # before the fields: PReLU has an 'init' of its own
        return part.updated(params={**part.params, name: value})
    return part.updated(**{name: value})


def _has(part: Any, name: str, inner: bool) -> bool:
    """Whether a part has a setting, or settings inside a field, of this name."""
    if not inner and name in getattr(part, "params", ()):
        return True
    if isinstance(part, LayerSpec) and name in ("init", "bias_init", "frozen"):
        return part.entry.trains if name == "frozen" else part.entry.initialised
    return name in type(part).model_fields


def of_type(part: Any, type: str, kind: str = "") -> Any:
    """A part as one of another type, with what has a meaning there of what was set here."""
    if type == NONE:
        return None
    if part is None:
        made = _KINDS[kind]
        return made(type=type, every=made.entries[type].counts[0]) if made is SchedulerSpec else made(type=type)
    if part.type == type:
        return part
    if isinstance(part, SchedulerSpec):
        return part.with_type(type)
    return _layer(part, type) if isinstance(part, LayerSpec) else part.changed_to(type)


def _layer(layer: LayerSpec, type: str) -> LayerSpec:
    entry = ALL_LAYERS[type]
    kept = {each.name: layer.params[each.name] for each in entry.parameters
            if each.name in layer.params and each.accepts(layer.params[each.name])}  # fmt: skip
    return LayerSpec(type=type, params={} if entry.conflict(entry.fill(kept), entry.name) else kept)
