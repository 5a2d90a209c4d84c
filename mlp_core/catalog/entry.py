"""What every catalog entry has, and how a set of parameters is checked against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib import import_module
from typing import Any, TypeVar

from mlp_core.catalog.parameters import Parameter, shorten
from mlp_core.errors import SpecError


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One thing that can be chosen.

    `name` is its key everywhere: in the spec, the URL, the dropdown, the error and the exported code; it is the
    class's name in PyTorch where there is one. `formula` is LaTeX. Plain-language fields are shown on the pages.
    """

    name: str
    label: str
    summary: str
    parameters: tuple[Parameter, ...] = ()
    formula: str = ""
    when: str = ""
    cost: str = ""
    _by_name: dict[str, Parameter] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._by_name.update({parameter.name: parameter for parameter in self.parameters})

    def parameter(self, name: str) -> Parameter:
        """The parameter of that name; raises KeyError."""
        return self._by_name[name]

    def fill(self, params: Mapping[str, Any], owner: str = "") -> dict[str, Any]:
        """Every parameter of the entry: given ones checked, absent ones at their defaults.

        Raises `SpecError` for an unknown name or a value outside its rule.
        """
        owner = owner or self.name
        for name in params:
            if name not in self._by_name:
                known = ", ".join(map(repr, self._by_name)) or "none"
                raise SpecError(
                    f"{owner} has no parameter {shorten(name)}. Its parameters are: {known}. "
                    f"Remove or rename it{_nearest(name, self._by_name)}."
                )
        return {
            parameter.name: parameter.check(params.get(parameter.name, parameter.default), owner)
            for parameter in self.parameters
        }


def resolve(target: str) -> Any:
    """The object that 'module:name' names. Imports the module, which may be heavy."""
    module, name = target.split(":")
    return getattr(import_module(module), name)


EntryT = TypeVar("EntryT", bound=Entry)
ValueT = TypeVar("ValueT")


def table(*entries: EntryT) -> dict[str, EntryT]:
    """Entries by name, in the order that a dropdown shows them."""
    found = {entry.name: entry for entry in entries}
    assert len(found) == len(entries), "two entries share a name"
    return found


def look_up(entries: Mapping[str, ValueT], name: object, kind: str) -> ValueT:
    """The entry of that name; raises `SpecError` naming the kind, the name and the nearest known ones."""
    if isinstance(name, str) and name in entries:
        return entries[name]
    raise SpecError(
        f"There is no {kind} named {shorten(name)}. Choose one of: {', '.join(entries)}{_nearest(name, entries)}."
    )


def _nearest(name: object, known: Mapping[str, object]) -> str:
    close = get_close_matches(str(name)[:60], list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
