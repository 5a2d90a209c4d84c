"""How an uploaded file is to be read, found from its bytes: format, encoding, separator, decimal mark, header."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mlp_core.catalog.tables import MISSING, SEPARATORS
from mlp_core.data.errors import DataCancelled
from mlp_core.data.names import renamings, unique_names
from mlp_core.data.waiting import Cancelled, never
from mlp_core.errors import DataError
from mlp_core.limits import MAX_CELL_BYTES, MAX_NAME, MAX_TABLE_CELLS, MAX_TABLE_COLUMNS, MAX_TABLE_ROWS

SAMPLE_BYTES = 1 << 18
"""How much of a file is looked at for separator, decimal mark and header."""
SAMPLE_ROWS = 200
BLOCK_BYTES = 1 << 20
WHITE = " \t\r\n\v\f\xa0"
"""What is cut from both ends of a cell."""

_NUMBER = re.compile(r"[+-]?(\d+[.,]?\d*|[.,]\d+)([eE][+-]?\d{1,3})?")
_DECIMAL = {mark: re.compile(rf"[+-]?\d*\{mark}\d+([eE][+-]?\d{{1,3}})?") for mark in ".,"}
_KINDS = (
    (b"PAR1", "parquet"), (b"PK\x03\x04", "an Excel workbook or another zip archive"), (b"%PDF", "a PDF document"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"), (b"\x89PNG", "a PNG image"), (b"\xff\xd8\xff", "a JPEG image"),
    (b"\x1f\x8b", "a gzip archive"), (b"SQLite format 3", "an SQLite database"), (b"GIF8", "a GIF image"),
)  # fmt: skip
"""What files begin with that are no text."""
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_CONTROLS = bytes(set(range(32)) - {9, 10, 11, 12, 13, 27})


@dataclass(frozen=True)
class Reading:
    """How a file is read."""

    format: str = "csv"
    """'csv' or 'parquet'."""
    encoding: str = "utf-8"
    """How its bytes are text: one of `catalog.tables.ENCODINGS`."""
    separator: str = ","
    """What stands between two cells."""
    decimal: str = "."
    """What stands before the decimals of a number."""
    header: bool = True
    """Whether its first line names the columns."""


@dataclass(frozen=True)
class Layout:
    """A file's reading and the names of its columns."""

    reading: Reading
    """How it is read."""
    names: tuple[str, ...]
    """Its columns, each by a name of its own."""
    lines: int = 1
    """How many lines it has at the most; of no meaning for Parquet."""
    given: tuple[str, ...] = ()
    """Their names in the file, where those are blank or repeated."""

    @property
    def renamed(self) -> tuple[str, ...]:
        """Sentences on the columns that are called by another name than in the file."""
        return renamings(self.given, self.names) if self.given else ()


def find_layout(path: Path, name: str, given: Reading | None = None, cancelled: Cancelled = never) -> Layout:
    """How the file is to be read, or what its columns are if it is read as given.

    `name` is what the user calls it; `cancelled` is asked at every block. Raises `DataError` for a file that is no
    table, or larger than a limit, and `DataCancelled`.
    """
    with path.open("rb") as file:
        start = file.read(SAMPLE_BYTES)
    if not start.strip(b" \t\r\n\0"):
        raise DataError(f"The file {name!r} is empty. Choose one that holds a table.")
    kind = next((kind for mark, kind in _KINDS if start.startswith(mark)), "")
    if kind == "parquet":
        return _layout(name, Reading(format="parquet"), _parquet_names(path, name))
    if kind:
        raise DataError(
            f"The file {name!r} is {kind}, not a table as text. Save the table as CSV, and choose that file."
        )
    reading = given or Reading(encoding=_find_encoding(path, start, cancelled))
    lines = _check_text(path, reading.encoding, name, cancelled)
    rows = _decoded(start, reading.encoding, name)
    if given is None:
        reading = _find_marks(reading, rows)
    cells = _cells(rows, reading.separator)
    if not cells:
        raise DataError(f"The file {name!r} is empty. Choose one that holds a table.")
    if given is None:
        reading = replace(reading, header=_has_header(cells, reading.decimal))
    names = [cell.strip(WHITE) for cell in cells[0]]
    _check_size(name, lines, len(names), whole=len(start) < SAMPLE_BYTES or len(cells) > 1)
    if not reading.header:
        names = [f"column {number}" for number in range(1, len(names) + 1)]
    elif len(cells) == 1 and len(start) < SAMPLE_BYTES:
        raise DataError(f"The file {name!r} has a first line and no rows below it. Choose one that holds rows.")
    return _layout(name, reading, names, lines)


def _layout(name: str, reading: Reading, given: Sequence[str], lines: int = 1) -> Layout:
    names = tuple(unique_names(given))
    check_names(name, names)
    return Layout(reading, names, lines, () if names == tuple(given) else tuple(given))


def check_names(name: str, names: Sequence[str]) -> None:
    """Raise `DataError` if columns are too few, or have names that are too long."""
    if len(names) < 2:
        words = ", ".join(SEPARATORS.values())
        raise DataError(
            f"The table {name!r} has one column, and at least two are needed: one to learn from, and one to predict. "
            f"Separate the cells by one of: {words}."
        )
    for number, column in enumerate(names, start=1):
        if len(column) > MAX_NAME:
            raise DataError(
                f"Column {number} of the table {name!r} has a name of {len(column):,} characters; the limit is "
                f"{MAX_NAME}. Give it a shorter name."
            )


def _check_size(name: str, lines: int, columns: int, whole: bool = True) -> None:
    """Refuse too much before it is read. `lines` is how many there are at the most; `whole`: all columns are "
    "counted."""
    for what, found, limit in (
        ("columns", columns, MAX_TABLE_COLUMNS),
        ("lines", lines, MAX_TABLE_ROWS + 1),
        ("cells (rows times columns)", lines * columns, MAX_TABLE_CELLS + columns),
    ):
        if found > limit:
            raise DataError(
                f"The table {name!r} has {'' if whole else 'at least '}{found:,} {what}; the limit is {limit:,}. "
                "Choose a part of it."
            )


def _find_encoding(path: Path, start: bytes, cancelled: Cancelled) -> str:
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            return encoding
    if b"\0" in start:  # every second byte of Latin text in UTF-16
        for encoding, offset in (("utf-16-le", 1), ("utf-16-be", 0)):
            share = start[offset::2].count(0) / max(1, len(start[offset::2]))
            if share > 0.6 and start[1 - offset :: 2].count(0) == 0:
                return encoding
        return "utf-8"
    return next(encoding for encoding in ("utf-8", "cp1252", "latin-1") if _decodes(path, encoding, cancelled))


def _decodes(path: Path, encoding: str, cancelled: Cancelled) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    with path.open("rb") as file:
        try:
            while block := file.read(BLOCK_BYTES):
                _stop_if(cancelled)
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _check_text(path: Path, encoding: str, name: str, cancelled: Cancelled) -> int:
    """How many lines the file has at the most. Raises `DataError` for bytes that no text has."""
    lines, wide = 1, encoding.startswith("utf-16")
    decoder = codecs.getincrementaldecoder(encoding)()
    last = b""
    with path.open("rb") as file:
        while True:
            _stop_if(cancelled)
            block = file.read(BLOCK_BYTES)
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                raise DataError(
                    f"The file {name!r} is not text in {encoding} ({error.reason}, near line {lines:,}). "
                    "Choose its encoding, or save it as 'CSV UTF-8'."
                ) from None
            # Bytes are looked at faster than characters; in UTF-16, other characters have such bytes as well.
            if bad := _CONTROL.search(text) if wide or block.translate(None, _TEXT_BYTES) else None:
                what = "a NUL byte" if bad[0] == "\0" else "a control character"
                at = lines + text.count("\n", 0, bad.start())
                raise DataError(
                    f"The file {name!r} has {what} in line {at:,}, so that it is no text, or a damaged one. "
                    "Save the table as CSV again."
                )
            lines += text.count("\n") + text.count("\r") - text.count("\r\n")
            if last.endswith(b"\r") and block.startswith(b"\n") and not wide:
                lines -= 1
            if lines > MAX_TABLE_ROWS + 2:
                _check_size(name, lines, 1, whole=False)
            if not block:
                return lines
            last = block


_TEXT_BYTES = bytes(sorted(set(range(256)) - set(_CONTROLS)))
_CONTROL = re.compile("[" + re.escape(_CONTROLS.decode()) + "]")


def _stop_if(cancelled: Cancelled) -> None:
    if cancelled():
        raise DataCancelled("Reading the table was stopped. Open it again when you like.")


def _decoded(start: bytes, encoding: str, name: str) -> str:
    """The beginning of the text; what is left of a character or a line at the end is cut off."""
    text = codecs.getincrementaldecoder(encoding)(errors="strict").decode(start)
    text = text.removeprefix("\ufeff")
    if len(start) == SAMPLE_BYTES and "\n" in text:
        text = text[: text.rindex("\n") + 1]
    return text


def _cells(text: str, separator: str, most: int = SAMPLE_ROWS) -> list[list[str]]:
    """The cells of the first rows, blank lines left out."""
    found = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            if row:
                found.append(row)
            if len(found) == most:
                break
    except csv.Error:  # a cell beyond the limit of Python's module, which the whole reading names
        pass
    return found


def _find_marks(reading: Reading, text: str) -> Reading:
    """The separator that gives most rows as many cells as the first, and more than one; then the decimal mark."""
    best, marks = (0.0, 0), ","
    for separator in SEPARATORS:
        rows = _cells(text, separator)
        width = len(rows[0]) if rows else 0
        even = sum(len(row) == width for row in rows) / max(1, len(rows)) if width > 1 else 0.0
        if (even, width) > best:
            best, marks = (even, width), separator
    cells = [cell.strip(WHITE) for row in _cells(text, marks)[1:] for cell in row]
    commas, points = (sum(map(bool, map(_DECIMAL[mark].fullmatch, cells))) for mark in ",.")
    return replace(reading, separator=marks, decimal="," if commas > points else ".")


def _has_header(cells: Sequence[Sequence[str]], decimal: str) -> bool:
    """Whether the first row names columns: it does unless it holds a number, and rows below it do too."""
    first = [cell.strip(WHITE) for cell in cells[0]]
    filled = [cell for cell in first if cell not in MISSING]
    return not filled or not any(_NUMBER.fullmatch(cell) for cell in filled)


def _parquet_names(path: Path, name: str) -> tuple[str, ...]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            stored = [str(column) for column in file.schema_arrow.names]
            names = [column.strip(WHITE) for column in stored]
            rows = file.metadata.num_rows
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(f"The file {name!r} is not a sound Parquet file: {str(error)[:150]}. Write it again.") from None
    if rows < 1:
        raise DataError(f"The file {name!r} has no rows. Choose one that holds rows.")
    _check_size(name, rows, len(names))
    if len(set(stored)) < len(stored):
        twice = next(column for column in stored if stored.count(column) > 1)
        raise DataError(
            f"The file {name!r} has more than one column {twice!r}, which no reader of Parquet tells apart. Write it "
            "again with a name for each."
        )
    return tuple(names)


assert MAX_CELL_BYTES < SAMPLE_BYTES
