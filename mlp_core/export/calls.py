"""Calls of PyTorch's classes and functions, written as people write them.

What a call may leave out is asked of PyTorch itself: an argument that equals the default of the class's signature is
not written, and the leading ones without default are written by position.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from mlp_core.catalog import load_object
from mlp_core.export.python import Expression, Group, Item, Keyword, literal

NAMESPACES = {
    "torch.nn": "nn",
    "torch.optim": "torch.optim",
    "torch.optim.lr_scheduler": "torch.optim.lr_scheduler",
}
"""Modules of PyTorch as scripts name them. A class of another module is imported by its own name."""


def constructor(
    target: str,
    values: Mapping[str, Any],
    *,
    first: tuple[Item, ...] = (),
    shown: Collection[str] = (),
    explode: bool = False,
) -> Group:
    """The call that makes an object of the class 'module:class', such as `nn.Linear(2, 8)`.

    `target` is the class as 'module:class'. `first` are arguments that come before, and `shown` names those to write
    even when they equal the default. With `explode` each argument gets a line of its own.
    """
    module, name = target.split(":")
    written = f"{NAMESPACES[module]}.{name}" if module in NAMESPACES else name
    return replace(_call(written, load_object(target), values, first, shown), explode=explode)


def call_of(target: str, written: str, values: Mapping[str, Any], first: tuple[Item, ...]) -> Group:
    """The call of the function 'module:name', written so, with values by name after the first arguments."""
    return _call(written, load_object(target), values, first, ())


def is_own(target: str) -> bool:
    """Whether the class is one of this project, so that scripts must contain it."""
    return target.startswith("mlp_core.")


def import_of(target: str) -> str:
    """The line that imports a class which scripts call by its own name; '' for PyTorch's and this project's."""
    module, name = target.split(":")
    return "" if module in NAMESPACES or is_own(target) else f"from {module} import {name}"


def function_of(target: str, values: Mapping[str, Any], x: Expression, *more: Item) -> Group | None:
    """The call on `x` of the function that does what the `torch.nn` class does, if there is one.

    It is the function of `torch.nn.functional` that has the same name but for underscores, and takes every value by
    its name.
    """
    module, name = target.split(":")
    found = functional_names().get(name.lower()) if module == "torch.nn" else None
    if found is None:
        return None
    function: Callable[..., Any] = load_object(f"torch.nn.functional:{found}")
    if _parameters(function) is None:  # a builtin tells nothing about itself, but has the defaults of its class
        defaults = _parameters(load_object(f"torch.nn:{name}")) or {}
        set_here = {key: value for key, value in values.items() if value != defaults[key].default}
        return Group(f"F.{found}(", (x, *(Keyword(key, literal(value)) for key, value in set_here.items()), *more))
    try:
        return _call(f"F.{found}", function, values, (x,), (), *more)
    except TypeError:
        return None


@cache
def functional_names() -> dict[str, str]:
    """Functions of `torch.nn.functional` by their names in small letters without underscores.

    Names that end in one are left out: those functions change their input.
    """
    from torch.nn import functional

    names = [name for name in dir(functional) if not (name.startswith("_") or name.endswith("_"))]
    return {name.replace("_", ""): name for name in names if callable(getattr(functional, name))}


def _call(
    written: str,
    target: Callable[..., Any],
    values: Mapping[str, Any],
    first: tuple[Item, ...],
    shown: Collection[str],
    *more: Item,
) -> Group:
    known = _parameters(target)
    assert known is not None, f"{written} does not tell its parameters"
    if unknown := set(values) - set(known):
        raise TypeError(f"{written} has no parameter {sorted(unknown)}")
    items: list[Item] = [*first]
    by_position = True
    for parameter in _after(first, known):
        required = parameter.default is inspect.Parameter.empty
        by_position = by_position and required and parameter.kind is not inspect.Parameter.KEYWORD_ONLY
        if parameter.name not in values:
            continue
        value = values[parameter.name]
        if not required and parameter.name not in shown and value == parameter.default:
            continue
        items.append(literal(value) if by_position else Keyword(parameter.name, literal(value)))
    return Group(f"{written}(", (*items, *more))


def _after(first: tuple[Item, ...], known: Mapping[str, inspect.Parameter]) -> list[inspect.Parameter]:
    """The parameters that are left once some arguments are given by position."""
    any_number = [place for place, found in enumerate(known.values()) if found.kind is inspect.Parameter.VAR_POSITIONAL]
    return list(known.values())[any_number[0] + 1 if any_number else len(first) :]


def _parameters(target: Callable[..., Any]) -> dict[str, inspect.Parameter] | None:
    try:
        return dict(inspect.signature(target).parameters)
    except ValueError:
        return None
