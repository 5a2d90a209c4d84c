"""What every catalog entry has, and how a set of parameters is checked against it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from importlib import import_module
from typing import Any, ClassVar, TypeVar

from mlp_core.catalog.parameters import Parameter, shorten
from mlp_core.errors import SpecError


def _no_conflict(params: Mapping[str, Any], owner: str) -> str:
    return ""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One thing that can be chosen."""

    name: str
    """Its key everywhere: in the spec, the URL, the dropdown, the error and the exported code. The class's name in
    PyTorch where there is one."""
    label: str
    """What a page calls it."""
    summary: str
    """What it does, in a sentence."""
    parameters: tuple[Parameter, ...] = ()
    """Its settings, in the order in which a page shows them. One that names no controls gets `parameter_controls`."""
    formula: str = ""
    """Its formula in LaTeX."""
    when: str = ""
    """When to use it."""
    cost: str = ""
    """What it costs in time or memory."""
    conflict: Callable[[Mapping[str, Any], str], str] = _no_conflict
    """What is wrong with parameters that each follow their rule, in a sentence; '' where they fit together. The second
    argument says whose parameters they are."""
    _by_name: dict[str, Parameter] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        completed = tuple(
            parameter if parameter.controls else replace(parameter, controls=self.parameter_controls)
            for parameter in self.parameters
        )
        object.__setattr__(self, "parameters", completed)
        self._by_name.update({parameter.name: parameter for parameter in completed})

    @property
    def choice_controls(self) -> tuple[str, ...]:
        """The names in `CONTROLS` by which a teacher's link hides or locks the choice of this entry."""
        return ()

    @property
    def parameter_controls(self) -> tuple[str, ...]:
        """The controls of parameters that name none themselves."""
        return self.choice_controls

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


@dataclass(frozen=True, kw_only=True)
class ClassEntry(Entry):
    """An entry that stands for a class. Its parameters are keywords of the constructor."""

    target: str = ""
    """The class as 'module:class'. Left empty, it is the class of the entry's name in `namespace`."""

    namespace: ClassVar[str]
    """The module whose classes this kind of entry stands for."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.target:
            object.__setattr__(self, "target", f"{self.namespace}:{self.name}")


def load_object(target: str) -> Any:
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
