"""Parameters that hold text, lists and records: data of some depth, with a rule and a limit for every part of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mlp_core.catalog.parameters import Parameter, shorten
from mlp_core.errors import SpecError


def _no_conflict(values: Mapping[str, Any]) -> str:
    return ""


def is_text(value: object) -> bool:
    """Whether it is text that can be written: half of a surrogate pair, which JSON can spell, cannot."""
    return isinstance(value, str) and value.encode("utf-8", "ignore").decode("utf-8") == value


@dataclass(frozen=True, kw_only=True)
class Text(Parameter):
    """Text of a limited length."""

    most: int
    """How many characters it may have."""
    least: int = 0
    """How many characters it must have."""
    pattern: str = ""
    """A regular expression for the whole of it; '' where any text will do."""
    pattern_words: str = ""
    """The same in words."""

    def accepts(self, value: object) -> bool:
        if not isinstance(value, str) or not self.least <= len(value) <= self.most or not is_text(value):
            return False
        return not self.pattern or re.fullmatch(self.pattern, value) is not None

    def rule(self) -> str:
        return self.pattern_words or f"text of {self.least} to {self.most} characters"

    def bad_values(self) -> list[object]:
        too_long = "x" * (self.most + 1)
        return [None, 1, True, "\ud800", *([""] if self.least else []), *([too_long] if len(too_long) < 150 else [])]


@dataclass(frozen=True, kw_only=True)
class Items(Parameter):
    """A list of values that follow one rule."""

    element: Parameter
    """The rule."""
    most: int
    """How many there may be."""
    least: int = 0
    """How many there must be."""
    unique: str | None = None
    """What may not occur twice: '' for the items themselves, or the name of a field of theirs."""

    def accepts(self, value: object) -> bool:
        try:
            self.check(value, "")
        except SpecError:
            return False
        return True

    def rule(self) -> str:
        return f"a list of {self.least} to {self.most} items, each {self.element.rule()}"

    def convert(self, value: Any) -> tuple[Any, ...]:
        return tuple(self.element.convert(item) for item in value)

    def bad_values(self) -> list[object]:
        return [None, 1, "x", {}, [self.element.bad_values()[0]]]

    def check(self, value: object, owner: str) -> Any:
        """As for every parameter; a fault of an item is said of that item."""
        if not isinstance(value, list | tuple) or not self.least <= len(value) <= self.most:
            got = f"{len(value):,} items" if isinstance(value, list | tuple) else shorten(value)
            raise SpecError(f"The {self.name!r} parameter of {owner} must be {self.rule()}. Got {got} instead. "
                            f"{self.advice or 'Correct it.'}")  # fmt: skip
        found = tuple(self.element.check(item, f"{owner}, {self.name} {at}") for at, item in enumerate(value, start=1))
        if self.unique is not None:
            names = [item[self.unique] if self.unique else item for item in found]
            if len(set(names)) < len(names):
                twice = next(name for name in names if names.count(name) > 1)
                raise SpecError(f"The {self.name!r} of {owner} hold {shorten(twice)} more than once. Remove one.")
        return found


@dataclass(frozen=True, kw_only=True)
class Record(Parameter):
    """Named values, each with a rule of its own. Those at their default are left out of the converted value."""

    fields: tuple[Parameter, ...]
    """The rules by name."""
    required: tuple[str, ...] = ()
    """The names that must be given."""
    conflict: Callable[[Mapping[str, Any]], str] = _no_conflict
    """What is wrong with values that each follow their rule, in a sentence; '' where they fit together."""
    most_characters: int | None = None
    """How long it may be as JSON."""
    optional: bool = False
    """Whether None is accepted too."""
    none_means: str = ""
    """What None stands for."""

    def accepts(self, value: object) -> bool:
        if value is None:
            return self.optional
        try:
            return isinstance(value, Mapping) and self._checked(value, "") is not None
        except SpecError:
            return False

    def rule(self) -> str:
        rule = f"an object with the keys {', '.join(field.name for field in self.fields)}"
        return f"{rule}, or None ({self.none_means})" if self.optional else rule

    def convert(self, value: Any) -> dict[str, Any] | None:
        return None if value is None else self._checked(value, "")

    def bad_values(self) -> list[object]:
        return [1, "x", [], True, *([] if self.optional else [None])]

    def check(self, value: object, owner: str) -> Any:
        """As for every parameter; a fault inside is said of the value that has it."""
        if isinstance(value, Mapping):
            return self._checked(value, f"the {self.name} of {owner}")
        return super().check(value, owner)

    def filled(self, value: Mapping[str, Any]) -> dict[str, Any]:
        """A converted value with every field, those that were left out at their defaults."""
        return {field.name: value.get(field.name, field.default) for field in self.fields}

    def _checked(self, value: Mapping[str, Any], owner: str) -> dict[str, Any]:
        known = {field.name: field for field in self.fields}
        for name in value:
            if name not in known:
                raise SpecError(
                    f"In {owner} there is an unknown key {shorten(name)}. Its keys are: {', '.join(known)}."
                )
        for name in self.required:
            if name not in value:
                raise SpecError(f"In {owner} the key {name!r} is missing. Add it.")
        checked = {name: field.check(value[name], owner) for name, field in known.items() if name in value}
        if problem := self.conflict(self.filled(checked)):
            raise SpecError(problem)
        found = {
            name: given
            for name, given in checked.items()
            if name in self.required or given != known[name].convert(known[name].default)
        }
        if self.most_characters is not None:
            size = len(json.dumps(found, default=dict))
            if size > self.most_characters:
                raise SpecError(
                    f"The description of {owner} may have {self.most_characters:,} characters. Got {size:,} instead. "
                    f"{self.advice or 'Make it shorter.'}"
                )
        return found
