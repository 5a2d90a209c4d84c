"""The cells of an uploaded table, block by block, and what they say as numbers, dates and categories.

pyarrow reads and converts: exactly, without the interpreter lock, and in as much memory as a block needs.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mlp_core.catalog.tables import MISSING
from mlp_core.data.errors import DataCancelled
from mlp_core.data.sniff import WHITE, Layout
from mlp_core.data.waiting import Cancelled, Progress, Report
from mlp_core.errors import DataError
from mlp_core.limits import MAX_CELL_BYTES, MAX_TABLE_CELLS, MAX_TABLE_ROWS

if TYPE_CHECKING:
    import pyarrow as pa

Texts = Any
"""A column's cells: a `pyarrow.StringArray`, which has no types of its own to check."""

BLOCK_BYTES = 4 << 20
"""How much of a CSV file is read at once, a quarter in other encodings than UTF-8; a row must be shorter."""
BLOCK_CELLS = 500_000
"""How many cells of a Parquet file are read at once."""

NUMBER = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?\d{1,3})?"
"""What a number looks like, with a decimal point."""
_NUMBERS = {mark: f"^{NUMBER.replace(chr(92) + '.', '[' + mark + ']')}$" for mark in ".,"}
_INFINITE = r"^[+-]?(inf|infinity|∞)$"

SECONDS_A_DAY = 86_400.0


def blocks(
    path: Path, name: str, layout: Layout, columns: Sequence[str], progress: Report, cancelled: Cancelled
) -> Generator[Mapping[str, Texts], None, None]:
    """The columns' cells as text without white space around them, some thousand rows at a time.

    Reads no other columns. `progress` is told how far it is, and `cancelled` is asked at every block. Raises
    `DataError` naming what is wrong with the file, and `DataCancelled`.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    missing = next((column for column in columns if column not in layout.names), None)
    if missing is not None:
        raise DataError(f"The table {name!r} has no column {missing!r}. Choose its columns again on the Data page.")
    read = _parquet_blocks if layout.reading.format == "parquet" else _csv_blocks
    rows, total = 0, path.stat().st_size
    try:
        with closing(read(path, name, layout, columns)) as batches:
            for batch, share in batches:
                if cancelled():
                    raise DataCancelled("Reading the table was stopped. Open it again when you like.")
                rows += batch.num_rows
                if rows > MAX_TABLE_ROWS or rows * len(layout.names) > MAX_TABLE_CELLS:
                    raise DataError(
                        f"The table {name!r} has more than {MAX_TABLE_ROWS:,} rows or {MAX_TABLE_CELLS:,} cells, "
                        "which are the limits. Choose a part of it."
                    )
                found = {}
                for column, texts in zip(columns, batch.columns, strict=True):
                    longest = pc.max(pc.binary_length(texts)).as_py() or 0
                    if longest > MAX_CELL_BYTES:
                        raise DataError(
                            f"The column {column!r} of the table {name!r} has a cell of {longest:,} bytes; the limit "
                            f"is {MAX_CELL_BYTES:,}. Shorten it, or close the quotation mark that may be open."
                        )
                    found[column] = pc.fill_null(pc.utf8_trim(texts, characters=WHITE), "")
                progress(Progress(f"Reading {name}", int(share * total), total))
                yield found
    except pa.ArrowException as error:
        raise _unreadable(name, error) from None
    except (OSError, UnicodeError) as error:
        raise DataError(f"The table {name!r} cannot be read: {str(error)[:200]}. Upload it again.") from None


def _csv_blocks(
    path: Path, name: str, layout: Layout, columns: Sequence[str]
) -> Generator[tuple[pa.RecordBatch, float], None, None]:
    import pyarrow as pa
    from pyarrow import csv

    reading, bad, rows = layout.reading, [], 0

    def note(row: Any) -> str:
        bad.append(row)
        return "error"

    utf8 = reading.encoding == "utf-8"
    # Many blocks are read ahead. Of a file that is mapped, they are no copies: the system may drop them.
    with pa.memory_map(str(path)) if utf8 else pa.OSFile(str(path)) as file:
        try:
            reader = csv.open_csv(
                file,
                read_options=csv.ReadOptions(
                    use_threads=False,
                    block_size=BLOCK_BYTES if utf8 else BLOCK_BYTES // 4,
                    encoding="utf8" if utf8 else reading.encoding,
                    column_names=list(layout.names),
                    skip_rows_after_names=int(reading.header),
                ),
                parse_options=csv.ParseOptions(
                    delimiter=reading.separator, newlines_in_values=True, invalid_row_handler=note
                ),
                convert_options=csv.ConvertOptions(
                    column_types=dict.fromkeys(columns, pa.string()),
                    include_columns=list(columns),
                    strings_can_be_null=False,
                ),
            )
            while (batch := next(reader, None)) is not None:
                rows += batch.num_rows
                yield batch, min(1.0, rows / layout.lines)
                del batch  # not kept while the next one is read
        except pa.ArrowInvalid:
            if not bad:
                raise
            row = bad[0]
            place = f"Row {row.number:,}" if row.number is not None else f"The row {row.text[:60]!r}"
            raise DataError(
                f"{place} of the table {name!r} has {row.actual_columns:,} cells, and there are "
                f"{row.expected_columns:,} columns. Correct that row, or choose another separator."
            ) from None


def _parquet_blocks(
    path: Path, name: str, layout: Layout, columns: Sequence[str]
) -> Generator[tuple[pa.RecordBatch, float], None, None]:
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        stored = dict(zip(layout.names, file.schema_arrow.names, strict=True))
        done, whole = 0, max(1, file.metadata.num_rows)
        at_once = max(1, BLOCK_CELLS // max(1, len(columns)))
        for batch in file.iter_batches(at_once, columns=[stored[column] for column in columns], use_threads=False):
            texts = []
            for column in columns:
                array = batch.column(stored[column])
                if isinstance(array, pa.DictionaryArray):
                    array = array.dictionary_decode()
                if pa.types.is_nested(array.type) or pa.types.is_binary(array.type):
                    raise DataError(
                        f"The column {column!r} of the table {name!r} holds {array.type}, and a cell must be a "
                        "number, a text or a date. Ignore that column, or write it another way."
                    )
                if pa.types.is_timestamp(array.type):  # to whole seconds, in a form of `DATE_FORMATS`
                    array = pc.strftime(pc.cast(array, pa.timestamp("s"), safe=False), format="%Y-%m-%d %H:%M:%S")
                texts.append(pc.cast(array, pa.string()))
            done += batch.num_rows
            yield pa.RecordBatch.from_arrays(texts, names=list(columns)), done / whole


def _unreadable(name: str, error: Exception) -> DataError:
    said = str(error)
    if "straddling" in said:
        return DataError(
            f"The table {name!r} has a row of more than {BLOCK_BYTES // 4:,} bytes. Close the quotation mark that "
            "may be open, or choose a table with shorter cells."
        )
    if "Empty CSV" in said:
        return DataError(f"The file {name!r} is empty. Choose one that holds a table.")
    return DataError(f"The table {name!r} cannot be read: {said.splitlines()[0][:200]}. Save it again as CSV in UTF-8.")


def are_missing(texts: Texts) -> NDArray[np.bool_]:
    """Which cells count as missing (N,)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return _as_array(pc.is_in(texts, value_set=pa.array(MISSING)))


def numbers_of(texts: Texts, decimal: str) -> NDArray[np.float64]:
    """The cells as numbers (N,); what is missing or no finite number is NaN."""
    import pyarrow as pa
    import pyarrow.compute as pc

    good = pc.match_substring_regex(texts, _NUMBERS[decimal])
    kept = pc.if_else(good, texts, pa.scalar(None, pa.string()))
    if decimal != ".":
        kept = pc.replace_substring(kept, decimal, ".")
    found = np.array(pc.fill_null(pc.cast(kept, pa.float64()), np.nan).to_numpy(zero_copy_only=False))
    found[np.isinf(found)] = np.nan
    return found


def are_infinite(texts: Texts, decimal: str) -> NDArray[np.bool_]:
    """Which cells are called infinite, or are numbers too large for float64 (N,)."""
    import pyarrow.compute as pc

    called = _as_array(pc.match_substring_regex(texts, _INFINITE, ignore_case=True))
    numeric = _as_array(pc.match_substring_regex(texts, _NUMBERS[decimal]))
    return called | (numeric & np.isnan(numbers_of(texts, decimal)))


def days_of(texts: Texts, form: str) -> NDArray[np.float64]:
    """The cells as days since 1 January 1970 (N,); what is missing or no such date is NaN."""
    import pyarrow as pa
    import pyarrow.compute as pc

    moments = pc.strptime(texts, format=form, unit="s", error_is_null=True)
    seconds = pc.cast(pc.cast(moments, pa.int64()), pa.float64())
    days: NDArray[np.float64] = np.array(pc.fill_null(seconds, np.nan).to_numpy(zero_copy_only=False))
    return days / SECONDS_A_DAY


def codes_of(texts: Texts, categories: Sequence[str], rest: bool) -> NDArray[np.int64]:
    """The position of each cell among the categories (N,), -1 for one that is missing.

    Another text is -1, too; with `rest` it is the number of categories.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    places = pc.index_in(texts, value_set=pa.array(categories, pa.string()))
    codes: NDArray[np.int64] = np.array(pc.fill_null(places, -1).to_numpy(zero_copy_only=False), dtype=np.int64)
    if rest:
        codes[(codes < 0) & ~are_missing(texts)] = len(categories)
    return codes


def _as_array(mask: Any) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = np.asarray(mask.to_numpy(zero_copy_only=False), dtype=bool)
    return found
