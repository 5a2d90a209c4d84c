"""Many columns of a table chosen at once, by their names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Literal, get_args

from mlp_core.catalog.tables import IGNORED, Table
from mlp_core.data.inspection import Inspection, column_of, kind_of, shorten_cell
from mlp_core.errors import DataError

Choice = Literal["only", "add", "leave out"]
"""What is done with the columns that are named: the network learns from them alone, from them too, or not from them."""


def match_columns(names: Sequence[str], wanted: str) -> tuple[str, ...]:
    """The names that a text means, in the order of the file; an empty text means all.

    Parts are separated by commas. A part is a name, `first:last` for all columns from one to another, a pattern with
    `*` and `?`, or a piece of the names; only a whole name and a range tell capitals from small letters. Raises
    `DataError` for a part that no column has.
    """
    if not wanted.strip():
        return tuple(names)
    if wanted in names:
        return (wanted,)
    found: set[str] = set()
    for part in filter(None, map(str.strip, wanted.split(","))):
        meant = _meant(names, part)
        if not meant:
            raise DataError(
                f"No column matches {shorten_cell(part)!r}. Write a name, a piece of it, a pattern such as 'a*', or "
                "'first:last'."
            )
        found.update(meant)
    return tuple(name for name in names if name in found)


def _meant(names: Sequence[str], part: str) -> Sequence[str]:
    if part in names:
        return (part,)
    places = {name: place for place, name in enumerate(names)}
    for cut in (place for place, mark in enumerate(part) if mark == ":"):
        ends = part[:cut].strip(), part[cut + 1 :].strip()
        if all(end in places for end in ends):
            first, last = sorted(places[end] for end in ends)
            return names[first : last + 1]
    small = part.casefold()
    if "*" in part or "?" in part:
        pattern = small.replace("[", "[[]")  # no sets of letters
        return [name for name in names if fnmatchcase(name.casefold(), pattern)]
    return [name for name in names if small in name.casefold()]


def choose_columns(table: Table, inspection: Inspection, wanted: str, choice: Choice) -> Table:
    """The table that learns from other columns; `wanted` as in `match_columns`.

    A column that is added gets the kind that its cells look like; one that is empty or of too many different texts
    stays out. Raises `DataError` where no column matches or none is left.
    """
    assert choice in get_args(Choice)
    others = [name for name in inspection.layout.names if name != table.target]
    named = set(match_columns(others, wanted))
    features = {column.name: column for column in table.features}
    wanted_names = {"only": named, "add": named | set(features), "leave out": set(features) - named}[choice]
    found = []
    for name in (name for name in others if name in wanted_names):
        summary = inspection.columns[name]
        if name in features:
            found.append(features[name])
        elif (kind := kind_of(summary, inspection.rows)) != IGNORED:
            found.append(column_of(summary, kind))
    if not found:
        raise DataError("A table needs one column at least to learn from. Leave one in, or name others.")
    return replace(table, features=tuple(found))
