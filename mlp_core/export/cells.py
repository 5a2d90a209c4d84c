"""A user's own table in an exported script: its cells as pandas reads them, as numbers, dates and categories.

The text of these functions goes into scripts as it stands. What they give equals what `mlp_core.data.cells` gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from mlp_core.data.names import unique_names
from mlp_core.export.standalone import MISSING, WHITE

# The text keeps to the width of 88 that ruff has by default.
# fmt: off


def named(table: pd.DataFrame) -> pd.DataFrame:
    """The table with its first row as the names of its columns."""
    return table[1:].set_axis(table.iloc[0].tolist(), axis=1).reset_index(drop=True)


def stripped(table: pd.DataFrame) -> pd.DataFrame:
    """The table without white space around names and cells, each column by its own."""
    table.columns = unique_names([str(name).strip(WHITE) for name in table.columns])
    return table.apply(lambda column: column.str.strip(WHITE))


def read_parquet(path: str) -> pd.DataFrame:
    """A Parquet file with every cell as text."""
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import parquet

    columns = {}
    table = parquet.read_table(path)
    for name in table.column_names:
        array = table[name].combine_chunks()
        if isinstance(array, pa.DictionaryArray):
            array = array.dictionary_decode()
        if pa.types.is_timestamp(array.type):
            seconds = pc.cast(array, pa.timestamp("s"), safe=False)
            array = pc.strftime(seconds, format="%Y-%m-%d %H:%M:%S")
        texts = pc.fill_null(pc.cast(array, pa.string()), "")
        columns[name] = pd.Series(texts.to_pylist(), dtype="str")
    return pd.DataFrame(columns)


def numbers(texts: pd.Series, decimal: str) -> np.ndarray[Any, Any]:
    """Cells as numbers; what is missing or no finite number is NaN."""
    form = rf"[+-]?([0-9]+[{decimal}]?[0-9]*|[{decimal}][0-9]+)([eE][+-]?[0-9]{{1,3}})?"
    good = texts.str.fullmatch(form) & ~texts.isin(MISSING)
    found = texts.where(good, "nan").str.replace(decimal, ".").astype(float).to_numpy()
    return np.where(np.isinf(found), np.nan, found)


def days(texts: pd.Series, form: str) -> np.ndarray[Any, Any]:
    """Cells as days since 1 January 1970; what is no such date is NaN."""
    moments = pd.to_datetime(texts, format=form, errors="coerce", utc=True)
    start = pd.Timestamp("1970-01-01", tz="UTC")
    return np.asarray((moments - start) / pd.Timedelta(days=1), dtype=float)


def codes(texts: pd.Series, categories: Sequence[str], rest: bool) -> np.ndarray[Any, Any]:
    """The place of each cell among the categories; -1 for a missing one.

    With `rest` all other texts share the place after the last.
    """
    places = {text: place for place, text in enumerate(categories)}
    other = len(categories) if rest else -1
    found = [places.get(text, -1 if text in MISSING else other) for text in texts]
    return np.array(found, dtype=np.int64)
