"""What in a user's table is not as it should be: which column, how many cells, and tables in which it is put right."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from mlp_core.catalog.facts import Task
from mlp_core.catalog.parameters import shorten
from mlp_core.catalog.tables import FILLS, FILLS_OF, IGNORED, Column, Table
from mlp_core.data.inspection import (
    ColumnSummary,
    Inspection,
    can_be_target,
    is_missing,
    kind_of,
    propose,
    shorten_cell,
    target_classes,
    with_kind,
    with_target,
)
from mlp_core.errors import DataError
from mlp_core.limits import MAX_CATEGORIES

SHOWN = 5
"""How many columns or classes a sentence names at most."""


@dataclass(frozen=True)
class Fix:
    """One way to put something right."""

    label: str
    """What a button says that does so."""
    table: Table
    """The table after that."""


@dataclass(frozen=True)
class Fault:
    """Something about a table that its owner should know."""

    message: str
    """What is wrong, where, how often, and what becomes of it."""
    fixes: tuple[Fix, ...] = ()
    """Ways to put it right, the usual first."""
    decided: bool = False
    """Whether it is only worth knowing: nothing waits for a decision."""


def find_faults(inspection: Inspection, table: Table, validated: bool = False) -> tuple[Fault, ...]:
    """Everything about the table of a file that its owner should know, what waits for a decision first.

    `validated` says whether there is a validation part, in which every class needs a row, too.
    """
    found = [
        *_unreadable(inspection, table),
        *_missing(inspection, table),
        *_constant(inspection, table),
        *_row_numbers(inspection, table),
        *_rare_classes(inspection, table, 3 if validated else 2),
        *_target(inspection, table),
        *_shared_inputs(inspection, table),
        *_ignored(inspection, table),
        *(Fault(sentence, decided=True) for sentence in inspection.layout.renamed),
    ]
    return tuple(sorted(found, key=lambda fault: fault.decided))


def target_fixes(inspection: Inspection, table: Table | None, target: str, task: Task | None = None) -> tuple[Fix, ...]:
    """What can be predicted where this column cannot: the same as a number or a class, or another column."""

    def make(name: str, as_task: Task | None) -> Table:
        if table is None:
            return propose(inspection, name, as_task)
        return with_target(table, inspection, name, as_task)

    found: list[Fix] = []
    words: dict[Task, str] = {"regression": "a number", "classification": "a class"}
    for other, what in words.items():
        if other != task:
            found += _fix(f"Predict {shorten(target)} as {what}", partial(make, target, other))
    return (*found, *_other_target(inspection, target, make))


def without_drops(table: Table) -> Table | None:
    """The table with missing cells filled instead of rows left out; None where it leaves none out."""
    if all(column.missing != "drop" for column in table.features):
        return None
    kept = (replace(column, missing="") if column.missing == "drop" else column for column in table.features)
    return replace(table, features=tuple(kept))


def _unreadable(inspection: Inspection, table: Table) -> Iterator[Fault]:
    """Columns of numbers or dates with cells that are none."""
    for column in table.features:
        summary = inspection.columns[column.name]
        bad = _unread(inspection, column)
        if not bad:
            continue
        infinite = summary.infinite if column.kind == "number" else 0
        text = bad - infinite
        dated = column.kind == "date"
        odd, row = (summary.no_date, summary.no_date_row) if dated else (summary.odd, summary.odd_row)
        first = f" (the first is {shorten_cell(odd)!r} in row {row:,})" if odd else ""
        what = "no date" if dated else "text"
        parts = [_cells(text, what), _cells(infinite, "infinite")]
        said = " and ".join(part for part in parts if part)
        yield Fault(
            f"Column {column.name!r}: {said}{first}. They count as missing: {_becomes(column)}.",
            _column_fixes(inspection, table, column),
            decided=bool(column.missing),
        )


def _column_fixes(inspection: Inspection, table: Table, column: Column) -> tuple[Fix, ...]:
    found = [Fix(f"Fill with {FILLS[fill]}", _filled(table, [column], fill)) for fill in ("mean", "median")
             if fill != column.missing]  # fmt: skip
    found += _dropped(inspection, table, [column])
    summary = inspection.columns[column.name]
    if not summary.many and summary.distinct <= MAX_CATEGORIES:
        found += _fix("Take it as a category", lambda: with_kind(table, inspection, column.name, "category"))
    return (*found, *_without(inspection, table, [column]))


def _missing(inspection: Inspection, table: Table) -> Iterator[Fault]:
    """Columns with empty cells, and nothing else amiss."""
    undecided = [
        column
        for column in table.features
        if inspection.columns[column.name].missing and not column.missing and not _unread(inspection, column)
    ]
    if not undecided:
        return
    counted = [f"{column.name!r} ({inspection.columns[column.name].missing:,})" for column in undecided]
    total = sum(inspection.columns[column.name].missing for column in undecided)
    one = len(undecided) == 1
    where = f"column {undecided[0].name!r}" if one else f"{len(counted):,} columns: {_listed(counted)}"
    fills = ", ".join(f"{FILLS[FILLS_OF[kind][0]]} of a {kind}" for kind in dict.fromkeys(c.kind for c in undecided))
    cells = "1 cell is" if total == 1 else f"{total:,} cells are"
    yield Fault(
        f"{cells} missing in {where}. What stands for one is learned from the training part: {fills}.",
        (
            Fix("Keep them filled", _filled(table, undecided, "")),
            *_dropped(inspection, table, undecided),
            *_without(inspection, table, undecided),
        ),
    )


def _constant(inspection: Inspection, table: Table) -> Iterator[Fault]:
    found = [column for column in table.features if _has_one_value(inspection.columns[column.name], column)]
    if found:
        names = [repr(column.name) for column in found]
        what = f"Column {names[0]} has" if len(names) == 1 else f"{len(names):,} columns have"
        which = "" if len(names) == 1 else f" ({_listed(names)})"
        said = f"{what} one value throughout{which}: constant columns carry no information."
        yield Fault(said, _without(inspection, table, found))


def _has_one_value(summary: ColumnSummary, column: Column) -> bool:
    if column.kind == "category":
        return summary.distinct == 1 and not summary.many and not summary.missing
    return summary.low == summary.high


def _row_numbers(inspection: Inspection, table: Table) -> Iterator[Fault]:
    """Columns that count the rows, which tell a network nothing that holds for new ones."""
    for column in table.features:
        summary = inspection.columns[column.name]
        counts = column.kind == "number" and summary.whole and summary.numbers == inspection.rows > 2
        differ = summary.many or summary.distinct == inspection.rows
        if counts and differ and summary.high - summary.low == inspection.rows - 1:
            yield Fault(
                f"Column {column.name!r} seems to count the rows, which says nothing about new ones.",
                _without(inspection, table, [column]),
            )


def _rare_classes(inspection: Inspection, table: Table, parts: int) -> Iterator[Fault]:
    """Classes with fewer rows than there are parts."""
    counts = inspection.columns[table.target].texts
    rare = [name for name in table.classes if counts[name] < parts]
    if not rare:
        return
    fewest = min(counts[name] for name in rare)
    rows = f"{'a single row' if fewest == 1 else f'{fewest} rows'}"
    if len(rare) == 1:
        said = f"Class {shorten(rare[0])} of {table.target!r} has {rows}"
    else:
        listed = _listed([f"{shorten(name)} ({counts[name]})" for name in rare])
        said = f"{len(rare):,} classes of {table.target!r} have fewer than {parts} rows: {listed}"
    others = tuple(name for name in table.classes if name not in rare)
    fixes = [*_fix("Leave their rows out" if len(rare) > 1 else "Leave its rows out",
                   lambda: replace(table, classes=others))] if len(others) > 1 else []  # fmt: skip
    yield Fault(
        f"{said}, and {parts} are needed for one in each part. A test cannot say how well such a class is learned.",
        (*fixes, *_other_target(inspection, table.target, partial(with_target, table, inspection))),
    )


def _target(inspection: Inspection, table: Table) -> Iterator[Fault]:
    """Rows that are left out for their target, and a last column that cannot be one."""
    summary = inspection.columns[table.target]
    others = _other_target(inspection, table.target, partial(with_target, table, inspection))
    if summary.missing:
        rows = "1 row has" if summary.missing == 1 else f"{summary.missing:,} rows have"
        out = "is" if summary.missing == 1 else "are"
        yield Fault(f"{rows} no value of the target {table.target!r} and {out} left out.", others, decided=True)
    if not table.classes:
        bad = inspection.rows - summary.missing - summary.numbers
        if bad:
            rows = "1 row" if bad == 1 else f"{bad:,} rows"
            first = f" (the first is {shorten_cell(summary.odd)!r} in row {summary.odd_row:,})"
            as_class = _fix(
                "Predict it as a class", lambda: with_target(table, inspection, table.target, "classification")
            )
            yield Fault(
                f"The target {table.target!r} is no finite number in {rows}{first}, left out of the data.",
                (*as_class, *others), decided=True,
            )  # fmt: skip
    else:
        gone = [text for text in summary.texts if text not in table.classes and not is_missing(text)]
        if gone:
            count = sum(summary.texts[text] for text in gone)
            listed = _listed([shorten(text) for text in gone])
            rows = "1 row is" if count == 1 else f"{count:,} rows are"
            again = _fix("Take all classes", lambda: replace(table, classes=target_classes(summary, "classification")))
            yield Fault(f"{rows} left out for the class: {listed}.", tuple(again), decided=True)
    last = inspection.layout.names[-1]
    if last != table.target and not can_be_target(inspection.columns[last]):
        try:
            target_classes(inspection.columns[last])
        except DataError as error:
            reason = str(error).split(", so that")[0].split("; the limit")[0].split(". ")[0]
            yield Fault(f"{reason}, so that {table.target!r} is predicted instead.", decided=True)


def _shared_inputs(inspection: Inspection, table: Table) -> Iterator[Fault]:
    for column in table.features:
        if column.rest:
            shown = len(column.categories)
            yield Fault(
                f"Column {column.name!r} has more than {shown} texts: all but the {shown} most frequent share an "
                "input.", _without(inspection, table, [column]), decided=True,
            )  # fmt: skip


def _ignored(inspection: Inspection, table: Table) -> Iterator[Fault]:
    """Columns that nobody but `kind_of` has left out."""
    used = {column.name for column in table.features} | {table.target}
    left = [summary for name, summary in inspection.columns.items()
            if name not in used and kind_of(summary, inspection.rows) == IGNORED]  # fmt: skip
    for empty, why in ((True, "every cell is missing"), (False, "nearly every row has a text of its own")):
        names = [repr(summary.name) for summary in left if (summary.missing == inspection.rows) == empty]
        if names:
            what = f"Column {names[0]} is" if len(names) == 1 else f"{len(names):,} columns are"
            which = "" if len(names) == 1 else f": {_listed(names)}"
            yield Fault(f"{what} ignored, as {why}{which}.", decided=True)


def _unread(inspection: Inspection, column: Column) -> int:
    """Cells of a column of numbers or dates that are there, and none."""
    summary = inspection.columns[column.name]
    present = inspection.rows - summary.missing
    return present - {"number": summary.numbers, "date": summary.dates}.get(column.kind, present)


def _becomes(column: Column) -> str:
    return "their rows are left out" if column.fill == "drop" else f"{FILLS[column.fill]} stands for them"


def _cells(count: int, what: str) -> str:
    if not count:
        return ""
    return f"1 cell is {what}" if count == 1 else f"{count:,} cells are {what}"


def _filled(table: Table, columns: Sequence[Column], fill: str) -> Table:
    """The table with a decision on what stands for missing cells of these columns; '' for the usual of each."""
    names = {column.name for column in columns}
    features = (
        replace(column, missing=fill or FILLS_OF[column.kind][0]) if column.name in names else column
        for column in table.features
    )
    return replace(table, features=tuple(features))


def _dropped(inspection: Inspection, table: Table, columns: Sequence[Column]) -> list[Fix]:
    """Leaving out the rows in which these columns have nothing, if rows are left for sure."""
    names = [column for column in columns if column.missing != "drop"]
    lost = sum(inspection.columns[column.name].missing + _unread(inspection, column) for column in columns)
    if not names or inspection.rows - lost < 2:
        return []
    return [Fix("Leave the rows out", _filled(table, names, "drop"))]


def _without(inspection: Inspection, table: Table, columns: Sequence[Column]) -> tuple[Fix, ...]:
    """Ignoring these columns, if others are left."""

    def make() -> Table:
        found = table
        for column in columns:
            found = with_kind(found, inspection, column.name, IGNORED)
        return found

    label = "Ignore the column" if len(columns) == 1 else f"Ignore these {len(columns):,} columns"
    return tuple(_fix(label, make))


def _other_target(
    inspection: Inspection, target: str, make: Callable[[str, Task | None], Table]
) -> tuple[Fix, ...]:
    """The last column but the target that can be predicted instead."""
    for name in reversed(inspection.layout.names):
        if name == target or not can_be_target(inspection.columns[name]):
            continue
        if found := _fix(f"Predict {shorten(name)} instead", partial(make, name, None)):
            return tuple(found)
    return ()


def _fix(label: str, make: Callable[[], Table]) -> list[Fix]:
    """A fix, unless such a table cannot be."""
    try:
        return [Fix(label, make())]
    except DataError:
        return []


def _listed(items: Sequence[str]) -> str:
    return ", ".join(items[:SHOWN]) + (f" and {len(items) - SHOWN:,} more" if len(items) > SHOWN else "")
