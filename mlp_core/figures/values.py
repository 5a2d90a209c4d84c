"""A heat map of numbers that can be read: what goes through a layer, weights, gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mlp_core.figures.encode import encode
from mlp_core.figures.layout import HOVER, Figure, axis, layout
from mlp_core.figures.palette import Theme, mix, palette, stops, text_on
from mlp_core.figures.text import escape_label, plain, readable

Array = npt.NDArray[Any]

MOST_WITH_NUMBERS = 12
"""Above this many columns the cells are too narrow for numbers; hovering shows them."""


def value_map(
    values: Array,
    rows: Sequence[object],
    columns: Sequence[object],
    *,
    row_title: str = "",
    column_title: str = "",
    theme: Theme = "light",
    selected: tuple[int, int] | None = None,
    uirevision: str = "values",
) -> Figure:
    """`values` (R, C) as cells: teal above zero, orange below, stronger the further from zero.

    `rows` and `columns` name them. `selected` is the row and column of a cell that gets a frame. What is not finite is
    left blank.
    """
    table = _checked(values, rows, columns)
    colours = palette(theme)
    finite = np.where(np.isfinite(table), table, np.nan)
    reach = float(np.nanmax(np.abs(finite))) if np.isfinite(finite).any() else 0.0
    reach = reach or 1.0
    data: list[dict[str, Any]] = [{
        "type": "heatmap", "uid": "cells", "z": encode(finite.astype(np.float32)), "zmin": -reach, "zmax": reach,
        "colorscale": stops(colours.surface), "showscale": False, "xgap": 1, "ygap": 1,
        "hovertemplate": f"{escape_label(row_title)} %{{y}}, {escape_label(column_title)} %{{x}}: %{{z:{HOVER}}}"
        "<extra></extra>",
    }]  # fmt: skip
    if len(columns) <= MOST_WITH_NUMBERS:
        data.append(_numbers(table, reach, theme))
    shared = {"showgrid": False, "fixedrange": True, "tickmode": "array", "automargin": True}
    return {
        "data": data,
        "layout": layout(
            uirevision,
            theme,
            xaxis=axis(escape_label(column_title) or None, **shared, tickvals=list(range(len(columns))),
                       ticktext=[escape_label(name, 12) for name in columns], range=[-0.5, len(columns) - 0.5]),
            yaxis=axis(escape_label(row_title) or None, **shared, tickvals=list(range(len(rows))),
                       ticktext=[escape_label(name, 14) for name in rows], range=[len(rows) - 0.5, -0.5]),
            dragmode=False,
            showlegend=False,
            shapes=[] if selected is None else [_frame(*selected, theme)],
            margin={"l": 24, "r": 8, "t": 6, "b": 24},
        ),
    }  # fmt: skip


def value_map_alt(values: Array, rows: Sequence[object], columns: Sequence[object]) -> str:
    """The size of the table, and its lowest and highest number."""
    table = _checked(values, rows, columns)
    found = table[np.isfinite(table)]
    size = f"Numbers in {len(rows)} rows and {len(columns)} columns"
    if not found.size:
        return f"{size}, none of them finite."
    row, column = (int(at) for at in np.unravel_index(np.nanargmax(np.abs(np.where(np.isfinite(table), table, 0))),
                                                      table.shape))  # fmt: skip
    return (
        f"{size}, from {readable(float(found.min()))} to {readable(float(found.max()))}. Furthest from zero: "
        f"row {plain(rows[row])}, column {plain(columns[column])}."
    )


def _numbers(table: Array, reach: float, theme: Theme) -> dict[str, Any]:
    """The number in each cell, in whichever of dark and light text reads better there."""
    rows, columns = table.shape
    return {
        "type": "scatter", "uid": "numbers", "mode": "text", "hoverinfo": "skip",
        "x": [column for _ in range(rows) for column in range(columns)],
        "y": [row for row in range(rows) for _ in range(columns)],
        "text": [readable(float(value), 2) if np.isfinite(value) else str(value) for value in table.ravel()],
        "textfont": {"size": 11 if columns <= 9 else 9,
                     "color": [text_on(_colour(float(value) / reach, theme), theme) for value in table.ravel()]},
    }  # fmt: skip


def _colour(share: float, theme: Theme) -> str:
    """The colour of a cell, from -1 to 1, on the scale of the heat map."""
    scale = palette(theme).surface
    place = (min(1.0, max(-1.0, share if np.isfinite(share) else 0.0)) + 1) / 2 * (len(scale) - 1)
    at = min(int(place), len(scale) - 2)
    return mix(scale[at + 1], scale[at], place - at)


def _frame(row: int, column: int, theme: Theme) -> dict[str, Any]:
    return {
        "type": "rect", "xref": "x", "yref": "y", "x0": column - 0.5, "x1": column + 0.5, "y0": row - 0.5,
        "y1": row + 0.5, "line": {"color": palette(theme).trend, "width": 2},
    }  # fmt: skip


def _checked(values: Array, rows: Sequence[object], columns: Sequence[object]) -> Array:
    table = np.asarray(values, dtype=np.float64)
    if table.shape != (len(rows), len(columns)):
        raise ValueError(
            f"The 'values' parameter must be {len(rows)}×{len(columns)}, as there are so many names. "
            f"Got shape {table.shape} instead."
        )
    return table
