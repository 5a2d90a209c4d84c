"""What an uploaded table holds, column by column, and which table to make of it when nobody says otherwise."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from mlp_core.catalog.facts import Task
from mlp_core.catalog.parameters import shorten
from mlp_core.catalog.tables import DATE_FORMATS, IGNORED, MISSING, Column, Table, TableFile
from mlp_core.data import uploads
from mlp_core.data.cells import Texts, are_infinite, are_missing, blocks, days_of, numbers_of
from mlp_core.data.reading import reading_turn
from mlp_core.data.sniff import Layout, Reading, find_layout
from mlp_core.data.waiting import Cancelled, Report, ignore, never
from mlp_core.errors import DataError
from mlp_core.limits import MAX_CATEGORIES, MAX_CLASSES, MAX_NAME

PREVIEW_ROWS = 50
"""How many rows are kept to be shown."""
COUNTED = 20_000
"""How many different texts of a column are told apart; one with more is no category and no class."""
COUNTED_IN_ALL = 1_000_000
"""How many of all columns together: a wide table has fewer for each, though as many as a target may have classes."""
SAMPLE = 5_000
"""How many numbers of a column are kept for its distribution."""
SAMPLE_OF_A_BLOCK = 500
NEARLY_ALL = 0.9
"""The share of numbers, among the cells that are not missing, that makes a column one of numbers."""
CLASS_NUMBERS = 20
"""A target of whole numbers with more different ones than this is a regression."""


@dataclass
class ColumnSummary:
    """What one column holds."""

    name: str
    """Its name."""
    missing: int = 0
    """Cells that count as missing."""
    numbers: int = 0
    """Cells that are finite numbers."""
    whole: bool = True
    """Whether all of those are whole."""
    infinite: int = 0
    """Cells that are numbers beyond those that a computer has, or are called infinite."""
    dates: int = 0
    """Cells that are dates of the form `format`."""
    format: str = ""
    """The form of its dates; '' where it has none."""
    texts: Counter[str] = field(default_factory=Counter)
    """How often each text occurs; what is not told apart is left out."""
    many: bool = False
    """Whether it has more texts than are told apart."""
    low: float = math.inf
    """The smallest number, or the earliest date in days since 1 January 1970."""
    high: float = -math.inf
    """The largest number, or the latest date."""
    odd: str = ""
    """The first cell that is neither missing nor a number."""
    odd_row: int = 0
    """Its row, counted from 1 below the header."""
    no_date: str = ""
    """In a column with dates, the first cell that is neither missing nor one."""
    no_date_row: int = 0
    """Its row, likewise."""
    sample: list[NDArray[np.float64]] = field(default_factory=list)
    """Numbers, or dates in days, from all over the column."""

    @property
    def values(self) -> NDArray[np.float64]:
        """The sample in one array."""
        return np.concatenate(self.sample) if self.sample else np.empty(0)

    @property
    def distinct(self) -> int:
        """How many different texts it has that are not missing; 0 where `many`."""
        return sum(not is_missing(text) for text in self.texts)


@dataclass(frozen=True)
class Inspection:
    """What a file holds."""

    name: str
    """What the user calls it."""
    sha256: str
    """Its sum."""
    size: int
    """Its bytes."""
    layout: Layout
    """How it is read, and its columns."""
    rows: int
    """Its rows."""
    columns: Mapping[str, ColumnSummary]
    """What each column holds."""
    preview: Sequence[Sequence[str]]
    """The first rows."""

    def file(self) -> TableFile:
        """The file as a part of a table."""
        return TableFile(
            name=self.name, sha256=self.sha256, size=self.size, rows=self.rows, **vars(self.layout.reading)
        )


def inspect(
    path: Path,
    sha256: str,
    name: str,
    reading: Reading | None = None,
    progress: Report = ignore,
    cancelled: Cancelled = never,
) -> Inspection:
    """Read the whole file once, as given or as its bytes look.

    Raises `DataError` naming what is wrong with it, and `DataCancelled`.
    """
    with reading_turn(name, path.stat().st_size, progress, cancelled):
        layout = find_layout(path, name, reading, cancelled)
        found = {column: ColumnSummary(column) for column in layout.names}
        counted = _texts_told_apart(len(found))
        preview: list[list[str]] = []
        rows = 0
        for block in blocks(path, name, layout, layout.names, progress, cancelled):
            size = len(next(iter(block.values())))
            if len(preview) < PREVIEW_ROWS:
                heads = [texts.slice(0, PREVIEW_ROWS - len(preview)).to_pylist() for texts in block.values()]
                preview += [[shorten_cell(cell) for cell in row] for row in zip(*heads, strict=True)]
            for column, texts in block.items():
                _add(found[column], texts, rows, layout.reading.decimal, counted)
            rows += size
            del block
    if rows < 2:
        raise DataError(f"The table {name!r} has {rows} rows, and at least 2 are needed. Choose one that holds more.")
    return Inspection(name, sha256, path.stat().st_size, layout, rows, found, preview)


def add_table(
    source: IO[bytes],
    name: str,
    data_dir: Path,
    reading: Reading | None = None,
    progress: Report = ignore,
    cancelled: Cancelled = never,
    copied: Callable[[], None] = lambda: None,
    accept: Callable[[Inspection], object] = lambda inspection: None,
) -> tuple[Inspection, tuple[str, ...]]:
    """Put a table into the data folder; returns what it holds, and sentences about older files that made room.

    A file that is refused leaves nothing behind. `copied` is called when `source` is needed no more. `accept` is called
    with what the file holds before it is kept, and raises where nothing can be made of it. Raises `DataError` and
    `DataCancelled`.
    """
    name = file_name(name)

    def check(path: Path, sha256: str) -> Inspection:
        found = inspect(path, sha256, name, reading, progress, cancelled)
        accept(found)
        return found

    return uploads.add(source, name, data_dir, check, progress, cancelled, copied)


def open_table(file: TableFile, data_dir: Path, progress: Report = ignore, cancelled: Cancelled = never) -> Inspection:
    """What a table holds that is in the data folder; raises `DataMissing` where it is not."""
    path = uploads.find(file.sha256, file.name, data_dir)
    reading = Reading(file.format, file.encoding, file.separator, file.decimal, file.header)
    return inspect(path, file.sha256, file.name, reading, progress, cancelled)


def file_name(name: str, usual: str = "table") -> str:
    """The last part of a path, as a name that can be shown and written into a script; `usual` where there is none."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1].strip() or usual
    kept = "".join(character if character.isprintable() else "_" for character in last)
    if len(kept) <= MAX_NAME:
        return kept
    stem, dot, suffix = kept.rpartition(".")
    return f"{stem[: MAX_NAME - 10]}{dot}{suffix[:9]}" if dot else kept[:MAX_NAME]


def shorten_cell(cell: str) -> str:
    """A cell cut to what a row of a page can show."""
    return cell if len(cell) <= 60 else cell[:59] + "…"


def _texts_told_apart(columns: int) -> int:
    """How many texts each of so many columns may have: they are Python's own, of some hundred bytes each."""
    return max(MAX_CLASSES + 1, min(COUNTED, COUNTED_IN_ALL // columns))


def _add(summary: ColumnSummary, texts: Texts, before: int, decimal: str, counted: int) -> None:
    """Take the cells of a block into the summary of their column; `before` rows came earlier, and so many different
    texts are told apart."""
    import pyarrow.compute as pc

    gone = are_missing(texts)
    present = len(gone) - int(gone.sum())
    summary.missing += int(gone.sum())
    numbers = numbers_of(texts, decimal)
    good = ~np.isnan(numbers) & ~gone
    summary.numbers += int(good.sum())
    measured = numbers[good]
    summary.whole = summary.whole and bool((measured == np.floor(measured)).all())
    if not summary.odd and int(good.sum()) < present:
        row = int(np.flatnonzero(~good & ~gone)[0])
        summary.odd, summary.odd_row = texts[row].as_py(), before + row + 1
    if int(good.sum()) < present:
        summary.infinite += int(are_infinite(texts, decimal).sum())
    if int(good.sum()) < present and (summary.format or not summary.dates):
        measured = _add_dates(summary, texts, gone, before) if not measured.size else measured
    if measured.size:
        summary.low, summary.high = min(summary.low, float(measured.min())), max(summary.high, float(measured.max()))
        step = max(1, len(measured) // SAMPLE_OF_A_BLOCK)
        if sum(map(len, summary.sample)) < SAMPLE:
            summary.sample.append(measured[::step][:SAMPLE_OF_A_BLOCK].copy())
    if not summary.many:
        counts = pc.value_counts(texts)
        if len(counts) <= counted:
            for text, count in zip(*(counts.field(place).to_pylist() for place in (0, 1)), strict=True):
                summary.texts[text] += count
        if max(len(counts), len(summary.texts)) > counted:
            summary.many = True
            summary.texts.clear()


def _add_dates(
    summary: ColumnSummary, texts: Texts, gone: NDArray[np.bool_], before: int
) -> NDArray[np.float64]:
    """Count dates of the column's form, which its first block decides; the dates in days."""
    forms = [summary.format] if summary.format else DATE_FORMATS
    best, chosen = np.zeros(len(gone), dtype=bool), ""
    found = np.empty(0)
    for form in forms:
        days = days_of(texts, form)
        good = ~np.isnan(days) & ~gone
        if good.sum() > best.sum():
            best, chosen, found = good, form, days[good]
    if chosen:
        summary.format = chosen
        summary.dates += len(found)
        if not summary.no_date and (wrong := np.flatnonzero(~best & ~gone)).size:
            summary.no_date, summary.no_date_row = texts[int(wrong[0])].as_py(), before + int(wrong[0]) + 1
    elif summary.missing < len(gone):
        summary.format, summary.dates = "", summary.dates or -1  # it is not tried again
    return found


def kind_of(summary: ColumnSummary, rows: int) -> str:
    """What a column holds when nobody says otherwise: a kind of `catalog.tables.KINDS`, or 'ignored'."""
    present = rows - summary.missing
    if present == 0:
        return IGNORED
    if summary.numbers >= NEARLY_ALL * present:
        return "number"
    if summary.format and summary.dates >= NEARLY_ALL * present:
        return "date"
    if summary.many:
        return IGNORED
    if (
        summary.distinct > MAX_CATEGORIES and summary.distinct > present / 2
    ):  # names, numbers of tickets: each has its own
        return IGNORED
    return "category"


def column_of(summary: ColumnSummary, kind: str) -> Column:
    """The column as one of that kind; raises `DataError` where it holds no such thing."""
    if kind == "date":
        if not summary.format:
            raise DataError(
                f"The column {summary.name!r} holds no dates in a form that is known, such as 2024-12-31 or "
                "31.12.2024. Choose another kind for it."
            )
        return Column(name=summary.name, kind="date", format=summary.format)
    if kind == "category":
        if summary.many:
            raise DataError(
                f"The column {summary.name!r} has too many different texts for categories. "
                "Ignore it, or choose another kind."
            )
        counts = {
            text: count for text, count in summary.texts.items() if not is_missing(text) and len(text) <= MAX_NAME
        }
        if not counts:
            raise DataError(f"The column {summary.name!r} has no text to make categories of. Ignore it.")
        frequent = sorted(counts, key=lambda text: (-counts[text], text))[:MAX_CATEGORIES]
        return Column(
            name=summary.name,
            kind="category",
            categories=tuple(sorted(frequent, key=_order)),
            rest=sum(not is_missing(text) for text in summary.texts) > len(frequent),
        )
    if not summary.numbers:
        raise DataError(f"The column {summary.name!r} holds no number. Choose another kind for it.")
    return Column(name=summary.name)


def task_of(summary: ColumnSummary) -> Task:
    """Whether a target is a class or a number when nobody says otherwise."""
    if summary.many:
        return "regression" if summary.numbers else "classification"
    present = sum(count for text, count in summary.texts.items() if not is_missing(text))
    if summary.numbers == 0 or summary.numbers < NEARLY_ALL * present:
        return "classification"
    return "classification" if summary.whole and len(class_names(summary)) <= CLASS_NUMBERS else "regression"


def class_names(summary: ColumnSummary) -> tuple[str, ...]:
    """The texts of a target in order: numbers by size, other texts by the alphabet."""
    return tuple(sorted((text for text in summary.texts if not is_missing(text)), key=_order))


def target_classes(summary: ColumnSummary, task: Task | None = None) -> tuple[str, ...]:
    """The classes of a target; none where its task is regression. Raises `DataError` where it cannot be the target."""
    task = task or task_of(summary)
    if task == "regression":
        if not summary.numbers:
            raise DataError(
                f"The target {summary.name!r} holds no number, so that it is none for regression. Predict its class, "
                "or choose another target."
            )
        if summary.low == summary.high:
            raise DataError(
                f"The target {summary.name!r} has the same value in every row, so that nothing is to learn. "
                "Choose another target."
            )
        return ()
    names = class_names(summary)
    if summary.many or len(names) > MAX_CLASSES:
        count = f"more than {MAX_CLASSES:,}" if summary.many else f"{len(names):,}"
        raise DataError(
            f"The target {summary.name!r} has {count} classes; the limit is {MAX_CLASSES:,}. "
            "Predict it as a number, or choose another target."
        )
    if len(names) < 2:
        what = "no value" if not names else f"one class, {shorten(names[0])}"
        raise DataError(f"The target {summary.name!r} has {what}, so that nothing is to learn. Choose another target.")
    if too_long := next((name for name in names if len(name) > MAX_NAME), None):
        raise DataError(
            f"The target {summary.name!r} has a class of {len(too_long):,} characters; the limit is {MAX_NAME}. "
            "Choose another target."
        )
    return names


def can_be_target(summary: ColumnSummary, task: Task | None = None) -> bool:
    """Whether the column can be predicted."""
    try:
        target_classes(summary, task)
    except DataError:
        return False
    return True


def propose(
    inspection: Inspection, target: str | None = None, task: Task | None = None, kinds: Mapping[str, str] | None = None
) -> Table:
    """The table to make of a file: its target, or the last column that can be one; and all others by what they hold,
    or as told.

    Raises `DataError` where there is no such column, or nothing to learn from.
    """
    names = inspection.layout.names
    if target is None:
        target = next((name for name in reversed(names) if can_be_target(inspection.columns[name], task)), names[-1])
    if target not in inspection.columns:
        shown = ", ".join(map(repr, names[:20])) + (", …" if len(names) > 20 else "")
        raise DataError(f"The table {inspection.name!r} has no column {target!r}. Its columns are: {shown}.")
    classes = target_classes(inspection.columns[target], task)
    features = []
    for name, summary in inspection.columns.items():
        kind = (kinds or {}).get(name) or kind_of(summary, inspection.rows)
        if name != target and kind != IGNORED:
            features.append(column_of(summary, kind))
    if not features:
        others = ", ".join(repr(name) for name in names if name != target)
        raise DataError(
            f"The table {inspection.name!r} has no column to learn {target!r} from: {shorten_cell(others)} would be "
            "ignored, being empty or of too many different texts. Choose a table with numbers, dates or texts that "
            "repeat."
        )
    return Table(file=inspection.file(), features=tuple(features), target=target, classes=classes)


def with_kind(table: Table, inspection: Inspection, name: str, kind: str) -> Table:
    """The table with a column of another kind, or without it; raises `DataError` where it does not fit."""
    order = {column: place for place, column in enumerate(inspection.layout.names)}
    features = [column for column in table.features if column.name != name]
    if kind != IGNORED:
        features.append(column_of(inspection.columns[name], kind))
    if not features:
        raise DataError("A table needs one column at least to learn from. Give another one a kind first.")
    return replace(table, features=tuple(sorted(features, key=lambda column: order[column.name])))


def with_target(table: Table, inspection: Inspection, target: str, task: Task | None = None) -> Table:
    """The table with another target; the one before becomes a feature again. Raises `DataError`."""
    kinds = {column.name: column.kind for column in table.features}
    found = {name: kinds.get(name, IGNORED) for name in inspection.layout.names}
    if target != table.target:
        del found[table.target]  # as it looks
    proposed = propose(inspection, target, task, found)
    chosen = {column.name: column for column in table.features}
    return replace(proposed, features=tuple(chosen.get(column.name, column) for column in proposed.features))


def _order(text: str) -> Any:
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        return (1, 0.0, text)
    return (0, number if math.isfinite(number) else 0.0, text)


def is_missing(text: str) -> bool:
    """Whether a cell counts as missing."""
    return text in MISSING
