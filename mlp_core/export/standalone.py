"""Reading rows and images, and writing answers, with NumPy and Pillow alone.

The text of these functions goes into the `model.py` of a bundle as it stands, so that a bundle reads exactly what
the playground reads. So they use nothing of this package but functions whose text goes
there too, and raise `ValueError` with a sentence for a user.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from mlp_core.data.names import unique_names
from mlp_core.data.pictures import decode_image

Rows = list[tuple[int, list[str]]]

# The text keeps to the width of 88 that ruff has by default.
# fmt: off


MAX_FILE_BYTES = 50_000_000
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
DECIMALS = {
    ".": re.compile(r"[+-]?[0-9]*\.[0-9]+"),
    ",": re.compile(r"[+-]?[0-9]*,[0-9]+"),
}
WHITE = " \t\r\n\v\f\xa0"
MISSING = {
    "",
    "NA",
    "N/A",
    "n/a",
    "#N/A",
    "NaN",
    "nan",
    "-nan",
    "NULL",
    "null",
    "None",
    "?",
    "-",
}


def read_text(path: Path) -> str:
    """The text of a file in UTF-8, or in UTF-16 with its mark."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ValueError(
            f"The file {str(path)!r} cannot be read: {reason}. Choose another."
        ) from None
    if len(content) > MAX_FILE_BYTES:
        raise ValueError(
            f"The file {str(path)!r} has more than {MAX_FILE_BYTES} bytes. "
            "Split it into smaller ones."
        )
    try:
        return content.decode(
            "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        )
    except UnicodeDecodeError:
        raise ValueError(
            f"The file {str(path)!r} is not text in UTF-8. Save it as 'CSV UTF-8'."
        ) from None


def read_rows(text: str, columns: Sequence[str]) -> tuple[Rows, str]:
    """The cells of these columns with the line of each row, and the mark before decimals, from CSV.

    Other columns are not looked at. The first line names the columns.
    """
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t|", key=first.count)
    try:
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        rows = [
            (lines.line_num, [cell.strip(WHITE) for cell in row])
            for row in lines
            if row
        ]
    except csv.Error as error:
        raise ValueError(
            f"The table is not valid CSV: {error}. Save it again as CSV."
        ) from None
    header = unique_names(rows[0][1]) if rows else []
    for name in columns:
        if name not in header:
            raise ValueError(
                f"The table lacks the column {name[:100]!r}. Its first line must name "
                f"each of the {len(columns)} columns: {', '.join(columns)[:500]}."
            )
    places = [header.index(name) for name in columns]
    if len(rows) < 2:
        raise ValueError(
            "The table has no rows. Add at least one below the names of the columns."
        )
    found = []
    for line, cells in rows[1:]:
        found.append(
            (line, [cells[place] if place < len(cells) else "" for place in places])
        )
    marks = {
        mark: sum(bool(form.fullmatch(cell)) for _, row in found for cell in row)
        for mark, form in DECIMALS.items()
    }
    return found, max(marks, key=lambda mark: marks[mark])


def prepare_rows(
    rows: Sequence[tuple[int, Sequence[str]]],
    decimal: str,
    columns: Sequence[str],
    kinds: Sequence[str],
    formats: Sequence[str],
    categories: Sequence[Sequence[str]],
    rest: Sequence[bool],
    fills: Sequence[float | None],
) -> np.ndarray:
    """Cells as numbers (N, inputs), before they are scaled.

    Dates are days since 1970, and each category is an input that is 1 or 0.
    """
    widths = [
        len(texts) + other if kind == "category" else 1
        for kind, texts, other in zip(kinds, categories, rest, strict=True)
    ]
    values = np.zeros((len(rows), sum(widths)))
    for row, (line, cells) in enumerate(rows):
        start = 0
        for column, cell in enumerate(cells):
            kind, fill = kinds[column], fills[column]
            if kind == "category":
                found = category_place(cell, categories[column], rest[column])
            else:
                found = cell_value(cell, decimal, formats[column])
            if found is None and fill is None:
                got = f"{cell[:60]!r}" if cell else "an empty cell"
                raise ValueError(
                    f"The column {columns[column][:100]!r} must hold a {kind}. "
                    f"Got {got} in line {line}. Correct it."
                )
            value = fill if found is None else found
            if kind != "category":
                values[row, start] = value
            elif value is not None and value >= 0:
                values[row, start + int(value)] = 1
            start += widths[column]
    return values


def category_place(cell: str, categories: Sequence[str], rest: bool) -> float | None:
    """The place of a text among the categories; None for a missing one."""
    if cell in categories:
        return categories.index(cell)
    return len(categories) if rest and cell not in MISSING else None


def cell_value(cell: str, decimal: str, form: str) -> float | None:
    """A number, or a date as days since 1 January 1970; None for what is neither."""
    if form:
        try:
            moment = datetime.strptime(cell, form).replace(tzinfo=UTC)
        except ValueError:
            return None
        return moment.timestamp() / 86400
    point = cell.replace(",", ".") if decimal == "," else cell
    mixed = decimal == "," and "." in cell
    if cell in MISSING or mixed or not NUMBER.fullmatch(point):
        return None
    return float(point) if math.isfinite(float(point)) else None


def read_table(text: str, columns: Sequence[str]) -> np.ndarray:
    """The columns of these names as float64 (N, columns), from CSV with ',', ';' or tab between the cells.

    Other columns are not looked at. Without a header, there must be just these columns, in this order.
    """
    delimiter = max(",;\t", key=text.split("\n", 1)[0].count)
    try:
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        rows = [
            (lines.line_num, cells)
            for cells in lines
            if any(cell.strip() for cell in cells)
        ]
    except csv.Error as error:
        raise ValueError(
            f"The table is not valid CSV: {error}. Save it again as CSV."
        ) from None
    header = [cell.strip() for cell in rows[0][1]] if rows else []
    if len(header) == len(columns) and all(NUMBER.fullmatch(name) for name in header):
        places = list(range(len(columns)))
    else:
        missing = [name for name in columns if header.count(name) != 1]
        if missing:
            what = "has the column" if missing[0] in header else "lacks the column"
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            twice = " more than once" if missing[0] in header else ""
            raise ValueError(
                f"The table {what} {missing[0][:100]!r}{twice}{more}. Its first line "
                f"must name each of the {len(columns)} columns once: "
                f"{', '.join(columns)[:500]}."
            )
        places, rows = [header.index(name) for name in columns], rows[1:]
    if not rows:
        raise ValueError(
            "The table has no rows. Add at least one below the names of the columns."
        )
    values = np.empty((len(rows), len(columns)))
    for row, (line, cells) in enumerate(rows):
        for column, place in enumerate(places):
            cell = cells[place].strip() if place < len(cells) else ""
            cell = cell.replace(",", ".") if delimiter == ";" else cell
            number = float(cell) if NUMBER.fullmatch(cell) else math.nan
            if not math.isfinite(number):
                got = f"{cell[:60]!r}" if cell else "an empty cell"
                name = columns[column][:100]
                raise ValueError(
                    f"The column {name!r} must hold numbers. "
                    f"Got {got} in line {line}. Correct it."
                )
            values[row, column] = number
    return values


def read_image(path: Path, shape: Sequence[int]) -> np.ndarray:
    """A PNG or JPEG file as bytes (channels, height, width): grey or colour, resized, as the network takes it."""
    try:
        return decode_image(path, shape)
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ValueError(
            f"The image {str(path)!r} cannot be read: {reason}. "
            "Choose a PNG or JPEG file."
        ) from None


def safe_cell(value: object) -> object:
    """The value; text that a spreadsheet would run as a formula gets an apostrophe."""
    if not isinstance(value, str):
        return value
    value = value.replace("\r\n", "\n").replace("\r", "\n")
    formula = value[:1] in tuple("=+-@\t\n＝＋－＠") and not NUMBER.fullmatch(value)
    return f"'{value}" if formula else value


def write_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """CSV of a header and rows, each cell safe in a spreadsheet."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    for row in (header, *rows):
        writer.writerow([safe_cell(value) for value in row])
    return text.getvalue()
