"""The part of a script that reads a user's own table, and makes it ready by what its training part holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mlp_core.catalog.tables import Column, Table, table_of
from mlp_core.data import preparation
from mlp_core.errors import SpecError
from mlp_core.export import cells
from mlp_core.export.python import Group, assign, call, layout, literal
from mlp_core.spec import Experiment


@dataclass(frozen=True)
class TableProgram:
    """How a script reads and prepares a table."""

    text: str
    """What it needs."""
    functions: tuple[Callable[..., Any], ...]
    """The functions that it calls."""
    lines: tuple[str, ...]
    """The code up to the split: the target, and a dict `columns`."""
    after: tuple[str, ...]
    """The code after the split, which makes `inputs`."""


def program(experiment: Experiment) -> TableProgram:
    """The code for the experiment's table; raises `SpecError` where none is chosen."""
    table = table_of(experiment.data.params)
    if table is None:
        raise SpecError("No table is chosen yet, so there is no script to write. Choose one on the Data page.")
    after, preparing = _prepare(table, experiment.data.params["scaling"], experiment.loss.entry.counts)
    kinds = {column.kind for column in table.features}
    reading: list[Callable[..., Any]] = [cells.stripped]
    if table.file.format == "parquet":
        reading.append(cells.read_parquet)
    elif table.file.header:
        reading.append(cells.named)
    wanted: list[tuple[Callable[..., Any], bool]] = [
        (cells.numbers, "number" in kinds or not table.classes),
        (cells.days, "date" in kinds),
        (cells.codes, "category" in kinds or bool(table.classes)),
    ]
    return TableProgram(
        f"The file {table.file.name!r} must lie where this is run. Its target is {table.target!r}.",
        tuple(dict.fromkeys([*reading, *(function for function, used in wanted if used), *preparing])),
        (*_read(table), "table = stripped(table)", "columns = {}", *_columns(table), *_target(table)),
        tuple(after),
    )


def _read(table: Table) -> Iterator[str]:
    file = table.file
    if file.format == "parquet":
        yield from assign("table", call("read_parquet", literal(file.name)))
        return
    encoding = "utf-8-sig" if file.encoding == "utf-8" else file.encoding
    read = call("pd.read_csv", literal(file.name), sep=_mark(file.separator), encoding=literal(encoding), header="None",
                dtype="str", keep_default_na="False")  # fmt: skip
    yield from assign("table", read)
    if file.header:
        yield "table = named(table)"
    else:
        yield 'table.columns = [f"column {number + 1}" for number in table.columns]'


def _columns(table: Table) -> Iterator[str]:
    for column in table.features:
        cell = f"table[{literal(column.name)}]"
        if column.kind == "date":
            made = call("days", cell, literal(column.format))
        elif column.kind == "number":
            made = _numbers(table, cell)
        else:
            made = call("codes", cell, _list(column.categories), rest=str(column.rest))
        yield from assign(_column(column), made)


def _target(table: Table) -> Iterator[str]:
    name, cell = ("labels" if table.classes else "targets"), f"table[{literal(table.target)}]"
    classes = call("codes", cell, _list(table.classes), rest="False")
    yield from assign(name, classes if table.classes else _numbers(table, cell))
    yield f"used = {name} >= 0" if table.classes else f"used = ~np.isnan({name})"
    for column in table.features:
        if column.fill == "drop":
            there = f"{_column(column)} >= 0" if column.kind == "category" else f"~np.isnan({_column(column)})"
            yield f"used = used & ({there})" if column.kind == "category" else f"used = used & {there}"
    yield f"{name} = {name}[used]"
    if not table.classes:
        yield "targets = targets.reshape(-1, 1)"
    yield "columns = {name: values[used] for name, values in columns.items()}"


def _prepare(table: Table, scaling: str, counts: bool) -> tuple[list[str], list[Callable[..., Any]]]:
    """The code after the split, and the functions that it calls; `counts` tells whether targets stay as they are."""
    measured = [column for column in table.features if column.kind != "category"]
    lines: list[str] = []
    functions: list[Callable[..., Any]] = []
    if measured:
        fills = tuple(literal("mean" if column.fill == "drop" else column.fill) for column in measured)
        stacked = Group("[", tuple(map(_column, measured)), "]")
        lines += assign("measured", call("np.stack", stacked, axis="1"))
        lines += assign("fitted", call("fit_numbers", "measured", "train", Group("[", fills, "]"), literal(scaling)))
        lines.append("measured = scaled(measured, *fitted)")
        functions += [preparation.fit_numbers, preparation.scaled]
    for column in table.features:
        if column.kind == "category":
            values = _column(column)
            strategy = "mean" if column.fill == "drop" else column.fill
            lines += layout(call("fit_category", f"{values}[train]", literal(strategy)), "fill = ")
            lines += assign(values, call("one_hot", values, "fill", str(column.width)))
            functions += [preparation.fit_category, preparation.one_hot]
    if len(measured) == len(table.features):
        lines.append("inputs = measured.astype(np.float32)")
    else:
        place = {column.name: f"measured[:, [{number}]]" for number, column in enumerate(measured)}
        parts = tuple(place.get(column.name) or _column(column) for column in table.features)
        lines += assign("inputs", call("np.hstack", Group("[", parts, "]")))
        lines.append("inputs = inputs.astype(np.float32)")
    if counts:
        lines.append("targets = targets.astype(np.float32)  # counts stay as they are")
    elif not table.classes:
        lines += ['centre, scale = fit_scale(targets[train], "standard")']
        lines.append("targets = ((targets - centre) / scale).astype(np.float32)")
        functions.append(preparation.fit_scale)
    return lines, functions


def _numbers(table: Table, cell: str) -> Group:
    return call("numbers", cell, decimal=literal(table.file.decimal))


def _column(column: Column) -> str:
    return f"columns[{literal(column.name)}]"


def _mark(separator: str) -> str:
    return '"\\t"' if separator == "\t" else literal(separator)


def _list(texts: Sequence[str]) -> Group:
    return Group("[", tuple(map(literal, texts)), "]")
