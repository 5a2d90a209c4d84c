"""Numbers that can be read: heat maps and tables, folded to a sample where there are many."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from mlp_core import figures
from pages.components.live_plot import plot
from pages.shared.layout import theme

MOST_ROWS = 12
MOST_COLUMNS = 12
"""Rows and columns of a heat map whose numbers can be read."""
ROW_HEIGHT = 25
"""Pixels."""


def number(value: float, digits: int = 4) -> str:
    """A number for people."""
    return figures.readable(value, digits)


def shown(table: np.ndarray, most: int, *, axis: int, by_size: bool) -> list[int]:
    """Which rows (axis 0) or columns (axis 1) are shown: all, else the first ones or those with the largest numbers."""
    size = table.shape[axis]
    if size <= most:
        return list(range(size))
    if not by_size:
        return list(range(most))
    norms = (np.nan_to_num(table.astype(np.float64), posinf=0.0, neginf=0.0) ** 2).sum(axis=1 - axis)
    return sorted(int(at) for at in np.argsort(-norms, kind="stable")[:most])


def heat_map(
    title: str,
    values: np.ndarray,
    *,
    key: str,
    rows: str = "sample",
    columns: str = "neuron",
    row_names: Sequence[object] | None = None,
    column_names: Sequence[object] | None = None,
) -> None:
    """Draw a matrix, or a vector as one row, with its title; says how much of it is not shown."""
    table = values.reshape(1, -1) if values.ndim < 2 else values.reshape(len(values), -1)
    at_rows = shown(table, MOST_ROWS, axis=0, by_size=rows != "sample")
    at_columns = shown(table, MOST_COLUMNS, axis=1, by_size=True)
    part = table[np.ix_(at_rows, at_columns)]
    names = ([""] if values.ndim < 2 else at_rows) if row_names is None else [row_names[at] for at in at_rows]
    heads = at_columns if column_names is None else [column_names[at] for at in at_columns]
    size = " × ".join(map(str, values.shape)) or "1"
    st.markdown(f"**{title}** ({size})")
    figure = figures.value_map(part, names, heads, row_title="" if values.ndim < 2 else rows, column_title=columns,
                               theme=theme(), uirevision=key)  # fmt: skip
    alt = f"{title}. {figures.value_map_alt(part, names, heads)}"
    height = (58 if len(at_rows) > 1 else 90) + ROW_HEIGHT * max(1, len(at_rows))
    plot(figure, key=key, height=height, alt=alt).mount(time.time_ns() // 1000)
    if hidden := not_shown(table, at_rows, at_columns, rows if values.ndim > 1 else "", columns):
        st.caption(hidden)


def not_shown(table: np.ndarray, rows: Sequence[int], columns: Sequence[int], row: str, column: str) -> str:
    """How much of a table is not shown, in a sentence; '' for nothing."""
    parts = []
    if row and len(rows) < table.shape[0]:
        parts.append(f"{table.shape[0] - len(rows):,} more {row}s")
    if len(columns) < table.shape[1]:
        parts.append(f"{table.shape[1] - len(columns):,} more {column}s, whose numbers are smaller")
    if not parts:
        return ""
    finite = table[np.isfinite(table)]
    reach = f" All lie from {number(finite.min())} to {number(finite.max())}." if finite.size else ""
    return f"Not shown: {' and '.join(parts)}.{reach}"


def table(columns: dict[str, Sequence[Any]]) -> None:
    """Draw columns of texts."""
    st.dataframe(pd.DataFrame(columns), hide_index=True)
