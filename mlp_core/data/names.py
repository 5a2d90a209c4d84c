"""A name of its own for every column of a table, whatever its first line says.

Exported scripts and bundles contain `unique_names` as it stands, so its code keeps to 88 columns.
"""

from __future__ import annotations

from collections.abc import Sequence

# The text keeps to the width of 88 that ruff has by default.
# fmt: off


def unique_names(names: Sequence[str]) -> list[str]:
    """The names, each its own.

    A blank one becomes 'column N' by its place. The second 'a' becomes 'a.1', as in
    pandas, or the next that no other column has.
    """
    taken = set(names)
    found: set[str] = set()
    counts: dict[str, int] = {}
    unique = []
    for number, name in enumerate(names, start=1):
        base = name or f"column {number}"
        new = base
        while new in found or (new in taken and new != name):
            counts[base] = counts.get(base, 0) + 1
            new = f"{base}.{counts[base]}"
        found.add(new)
        unique.append(new)
    return unique


# fmt: on


def renamings(names: Sequence[str], unique: Sequence[str]) -> tuple[str, ...]:
    """Sentences on the columns whose names in the file are not those that they are called by."""
    numbered = [(number, *pair) for number, pair in enumerate(zip(names, unique, strict=True), start=1)]
    blank = [(number, new) for number, old, new in numbered if not old]
    repeated = [(number, old, new) for number, old, new in numbered if old and old != new]
    said = []
    if len(blank) == 1:
        said.append(f"Column {blank[0][0]} has no name and is called {blank[0][1]!r}.")
    elif blank:
        said.append(f"{len(blank):,} columns have no name and are called by their place: {_shown(blank)}.")
    if len(repeated) == 1:
        number, old, new = repeated[0]
        said.append(f"Column {number} is named {old!r} like another one and is called {new!r}.")
    elif repeated:
        said.append(f"{len(repeated):,} columns are named like another one and are called: {_shown(repeated)}.")
    return tuple(said)


def _shown(columns: Sequence[tuple[object, ...]]) -> str:
    return ", ".join(repr(column[-1]) for column in columns[:5]) + (", …" if len(columns) > 5 else "")
