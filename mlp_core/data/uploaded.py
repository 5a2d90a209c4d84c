"""An uploaded table as a data set: read, split, and made ready by what its training part holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlp_core.catalog.tables import Column, Table, table_of
from mlp_core.data import uploads
from mlp_core.data.cells import blocks, codes_of, days_of, numbers_of
from mlp_core.data.dataset import Array, Dataset, read_only
from mlp_core.data.errors import DataCancelled, DataMissing
from mlp_core.data.preparation import Preparation, fit_category, fit_numbers, fit_scale, one_hot, scaled, starts
from mlp_core.data.reading import SMALL_BYTES, give_back_memory, reading_turn
from mlp_core.data.sniff import Layout, Reading, find_layout
from mlp_core.data.split import split_parts
from mlp_core.data.waiting import Cancelled, Progress, Report, never
from mlp_core.errors import DataError
from mlp_core.spec import DataSpec

CELLS_AT_ONCE = 250_000
"""How many cells become inputs at a time, so that a large table is not copied whole."""


class Columns:
    """The columns of a table as arrays: numbers and dates as float64 (N, F), categories as codes (N, C)."""

    def __init__(self, table: Table, rows: int) -> None:
        self.table = table
        self.measured = [column for column in table.features if column.kind != "category"]
        self.chosen = [column for column in table.features if column.kind == "category"]
        self.numbers = np.empty((rows, len(self.measured)))
        self.codes = np.empty((rows, len(self.chosen)), dtype=np.int16)
        self.target: Array = np.empty(rows, dtype=np.int64 if table.classes else np.float64)
        self.filled = 0

    def take(self, block: object) -> None:
        """Add the cells of a block."""
        cells, table, decimal = dict(block), self.table, self.table.file.decimal  # type: ignore[call-overload]
        size = len(cells[table.target])
        rows = slice(self.filled, self.filled + size)
        if rows.stop > len(self.numbers):
            raise _other_rows(table, rows.stop)
        for place, column in enumerate(self.measured):
            texts = cells[column.name]
            self.numbers[rows, place] = days_of(texts, column.format) if column.format else numbers_of(texts, decimal)
        for place, column in enumerate(self.chosen):
            self.codes[rows, place] = codes_of(cells[column.name], column.categories, column.rest)
        texts = cells[table.target]
        self.target[rows] = codes_of(texts, table.classes, False) if table.classes else numbers_of(texts, decimal)
        self.filled = rows.stop

    def kept(self) -> NDArray[np.bool_]:
        """Which rows are used (N,): those with a target, and with a value where a column leaves others out."""
        found: NDArray[np.bool_] = self.target >= 0 if self.table.classes else ~np.isnan(self.target)
        for place, column in enumerate(self.measured):
            if column.fill == "drop":
                found = found & ~np.isnan(self.numbers[:, place])
        for place, column in enumerate(self.chosen):
            if column.fill == "drop":
                found = found & (self.codes[:, place] >= 0)
        return found

    def keep(self, rows: NDArray[np.bool_]) -> None:
        """Leave out all other rows."""
        self.numbers, self.codes, self.target = self.numbers[rows], self.codes[rows], self.target[rows]


def layout_of(table: Table, path: Path, cancelled: Cancelled = never) -> Layout:
    """How the file of a table is read, and its columns; raises `DataError` where it is not as the table says."""
    file = table.file
    reading = Reading(file.format, file.encoding, file.separator, file.decimal, file.header)
    return find_layout(path, file.name, reading, cancelled)


def read_columns(table: Table, path: Path, progress: Report, cancelled: Cancelled) -> Columns:
    """The columns of a table from its file; raises `DataError` and `DataCancelled`."""
    progress(Progress(f"Reading {table.file.name}", 0, table.file.size))
    columns = Columns(table, table.file.rows)
    names = [*(column.name for column in table.features), table.target]
    for block in blocks(path, table.file.name, layout_of(table, path, cancelled), names, progress, cancelled):
        columns.take(block)
        del block
    if columns.filled != table.file.rows:
        raise _other_rows(table, columns.filled)
    return columns


def load_uploaded(spec: DataSpec, data_dir: Path, progress: Report, cancelled: Cancelled) -> Dataset:
    """The table that the spec names: split, then prepared by its training part.

    Raises `DataMissing` where no table is chosen or its file is not there, `DataCancelled`, or another `DataError`.
    """
    table = table_of(spec.params)
    if table is None:
        raise DataMissing("No table is chosen yet. Upload one on the Data page.")
    path = uploads.find(table.file.sha256, table.file.name, data_dir)
    with reading_turn(table.file.name, path.stat().st_size, progress, cancelled):
        return _load(spec, table, path, progress, cancelled)


def _load(spec: DataSpec, table: Table, path: Path, progress: Report, cancelled: Cancelled) -> Dataset:
    columns = read_columns(table, path, progress, cancelled)
    if table.file.size > SMALL_BYTES:
        give_back_memory()
    kept = columns.kept()
    left_out = len(kept) - int(kept.sum())
    if left_out:
        columns.keep(kept)
    _check_rows(table, columns)
    parts = split_parts(spec, len(columns.target), columns.target if table.classes else None)
    step = _Steps(table, len(columns.target), progress, cancelled)
    fitted, notes = _fit(table, columns, parts.train, spec.params["scaling"], step)
    targets, target_mean, target_std, raw = columns.target, None, None, None
    if not table.classes:
        targets = targets.reshape(-1, 1)
        raw = targets.astype(np.float32)
        target_mean, target_std = fit_scale(targets[parts.train], "standard")
        targets = ((targets - target_mean) / target_std).astype(np.float32)
    held_out = parts.validation
    mean, std = input_scale(table.features, fitted)
    return Dataset(
        spec=spec,
        x_train=read_only(_inputs(columns, fitted, parts.train, step)),
        y_train=read_only(targets[parts.train]),
        x_validation=None if held_out is None else read_only(_inputs(columns, fitted, held_out, step)),
        y_validation=None if held_out is None else read_only(targets[held_out]),
        x_test=read_only(_inputs(columns, fitted, parts.test, step)),
        y_test=read_only(targets[parts.test]),
        feature_names=tuple(name for column in table.features for name in column.input_names),
        feature_mean=read_only(mean.astype(np.float32)),
        feature_std=read_only(std.astype(np.float32)),
        target_mean=None if target_mean is None else read_only(target_mean.astype(np.float32)),
        target_std=None if target_std is None else read_only(target_std.astype(np.float32)),
        unscaled_train=None if raw is None else read_only(raw[parts.train]),
        unscaled_validation=None if raw is None or held_out is None else read_only(raw[held_out]),
        unscaled_test=None if raw is None else read_only(raw[parts.test]),
        preparation=fitted,
        notes=(*_left_out(left_out), *notes),
    )


class _Steps:
    """Counts the steps of preparing a table: tells how far it is, and stops where that is wanted."""

    def __init__(self, table: Table, rows: int, progress: Report, cancelled: Cancelled) -> None:
        self._name, self._progress, self._cancelled = table.file.name, progress, cancelled
        self._cells = rows * len(table.features)
        self._done = 0
        self(0)

    def __call__(self, cells: int) -> None:
        """So many cells were fitted, or became inputs: each is looked at twice."""
        if self._cancelled():
            raise DataCancelled("Preparing the table was stopped. Open it again when you like.")
        self._done += cells
        self._progress(Progress(f"Preparing {self._name}", min(self._done, 2 * self._cells), 2 * self._cells))


def _fit(
    table: Table, columns: Columns, train: NDArray[np.int64], scaling: str, step: Callable[[int], None]
) -> tuple[Preparation, tuple[str, ...]]:
    """What the training part holds, and sentences about it."""
    fills = [column.fill if column.fill != "drop" else "mean" for column in columns.measured]
    rows, found = len(columns.target), []
    for start, end in starts(len(fills)):
        found.append(fit_numbers(columns.numbers[:, start:end], train, fills[start:end], scaling))
        step(rows * (end - start))
    numbers = [np.concatenate([one[part] for one in found]) if found else np.empty(0) for part in range(3)]
    chosen = []
    for place, column in enumerate(columns.chosen):
        chosen.append(fit_category(columns.codes[train, place].astype(np.int64), column.fill))
        step(rows)
    notes = []
    if columns.measured and scaling != "none":
        notes.append("Numbers were scaled by what the training part holds.")
    if columns.chosen:
        notes.append("Each category became an input that is 1 or 0.")
    constant = [column.name for place, column in enumerate(columns.measured) if _is_constant(columns, train, place)]
    if constant:
        shown = ", ".join(map(repr, constant[:5])) + (", …" if len(constant) > 5 else "")
        notes.append(f"Constant in the training part, and so without information: {shown}.")
    fill, centre, scale = numbers
    return Preparation(fill, centre, scale, tuple(chosen)), tuple(notes)


def _is_constant(columns: Columns, train: NDArray[np.int64], place: int) -> bool:
    values = columns.numbers[train, place]
    values = values[~np.isnan(values)]
    return bool(len(values) == 0 or np.ptp(values) == 0)


def _inputs(
    columns: Columns, fitted: Preparation, rows: NDArray[np.int64], step: Callable[[int], None]
) -> NDArray[np.float32]:
    """The inputs of some rows, float32 (rows, inputs), some thousand at a time."""
    features = columns.table.features
    found = np.empty((len(rows), sum(column.width for column in features)), dtype=np.float32)
    at_once = max(1, CELLS_AT_ONCE // max(1, len(features)))
    for start in range(0, len(rows), at_once):
        some = rows[start : start + at_once]
        numbers = scaled(columns.numbers[some], fitted.number_fills, fitted.centre, fitted.scale)
        measured = chosen = at = 0
        for column in features:
            place = slice(at, at + column.width)
            if column.kind == "category":
                codes = columns.codes[some, chosen].astype(np.int64)
                found[start : start + len(some), place] = one_hot(codes, fitted.category_fills[chosen], column.width)
                chosen += 1
            else:
                found[start : start + len(some), at] = numbers[:, measured]
                measured += 1
            at = place.stop
        step(len(some) * len(features))
    return found


def input_scale(features: Sequence[Column], fitted: Preparation) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What is taken from each input (inputs,), and what it is divided by: 0 and 1 for those of categories."""
    centre, scale, measured = [], [], 0
    for column in features:
        if column.kind == "category":
            centre += [0.0] * column.width
            scale += [1.0] * column.width
        else:
            centre.append(float(fitted.centre[measured]))
            scale.append(float(fitted.scale[measured]))
            measured += 1
    return np.array(centre), np.array(scale)


def _check_rows(table: Table, columns: Columns) -> None:
    """Refuse a table of which too little is left to train and test on."""
    name, rows = table.file.name, len(columns.target)
    if rows < 2:
        raise DataError(
            f"The table {name!r} has {rows} rows with a target and no cell that leaves the row out, and at least 2 are "
            "needed. Fill missing cells instead of leaving rows out, or choose another target."
        )
    if not table.classes:
        if np.ptp(columns.target) == 0:
            raise DataError(
                f"The target {table.target!r} has the same value in every row, so that nothing is to learn. "
                "Choose another target."
            )
        return
    counts = np.bincount(columns.target, minlength=len(table.classes))
    if (counts == 0).any():
        gone = table.classes[int(np.argmin(counts))]
        raise DataError(
            f"The class {gone!r} of the target {table.target!r} has no row that is used. Fill missing cells instead of "
            "leaving rows out, or choose the target again on the Data page."
        )


def _left_out(rows: int) -> tuple[str, ...]:
    if not rows:
        return ()
    what = "1 row was" if rows == 1 else f"{rows:,} rows were"
    return (f"{what} left out: no target, or no value in a column whose missing cells leave the row out.",)


def _other_rows(table: Table, rows: int) -> DataError:
    return DataError(
        f"The file {table.file.name!r} has another number of rows ({rows:,}) than its table says "
        f"({table.file.rows:,}). Choose the table again on the Data page."
    )
