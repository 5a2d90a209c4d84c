"""The confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from mlp_core.figures.encode import encode
from mlp_core.figures.layout import Figure, axis, layout
from mlp_core.figures.palette import Theme, mix, palette, stops, text_on
from mlp_core.figures.text import escape_label, percent, plain, readable, unique_labels

Array = npt.NDArray[Any]
Normalise = Literal["", "true", "pred"]
"""What cells are shares of: nothing (counts), the true class, or the predicted class."""

MOST_WITH_NUMBERS = 12
"""Above this many classes the cells are too small for numbers; hovering shows them."""
MOST_NAMES = 20
"""Rows with a name beside them, at most."""


def confusion_matrix(
    matrix: Array,
    class_names: Sequence[object],
    *,
    theme: Theme = "light",
    normalise: Normalise = "",
    selected: tuple[int, int] | None = None,
    uirevision: str = "confusion",
) -> Figure:
    """`matrix`: K×K counts, row = true class, column = predicted class.

    The colour is the share of the row (of the column with 'pred'), so that a rare class is as visible as a common one;
    the number is the count, or with `normalise` that share in percent. `selected` is the row and column of a cell that
    gets a frame.
    """
    counts = _checked(matrix, class_names)
    share = _shares(counts, axis=0 if normalise == "pred" else 1)
    of = "column" if normalise == "pred" else "row"
    small = len(class_names) <= MOST_WITH_NUMBERS
    names = unique_labels(class_names, 14 if small else 24)
    colours = palette(theme)
    gap = 2 if small else 0
    data: list[dict[str, Any]] = [{
        "type": "heatmap", "uid": "cells", "x": names, "y": names,
        "z": encode(np.rint(share * 100).astype(np.uint8)), "zmin": 0, "zmax": 100,
        "customdata": encode(counts),
        "colorscale": stops((colours.ramp_low, colours.ramp_high)), "showscale": False,
        "xgap": gap, "ygap": gap,
        "hovertemplate": "true %{y}, predicted %{x}<br>%{customdata:,} · %{z} % of the " + of + "<extra></extra>",
    }]  # fmt: skip
    if small:
        data.append(_numbers(counts, share, names, bool(normalise), theme))
    shared = {"type": "category", "showgrid": False, "automargin": True, "fixedrange": True, "tickformat": ""}
    shared |= {"nticks": 0} if small else some_names(class_names)
    return {
        "data": data,
        "layout": layout(
            uirevision,
            theme,
            xaxis=axis("predicted", **shared),
            yaxis=axis("true", autorange="reversed", **shared),
            dragmode=False,
            showlegend=False,
            shapes=[] if selected is None else [_frame(*selected, theme)],
            margin={"l": 24, "r": 8, "t": 8, "b": 24},
        ),
    }


def some_names(class_names: Sequence[object]) -> dict[str, Any]:
    """Short names for some of many rows, evenly spread; hovering shows the whole ones."""
    places = list(range(0, len(class_names), -(-len(class_names) // MOST_NAMES)))
    names = [escape_label(class_names[place], 10) for place in places]
    return {"tickmode": "array", "tickvals": places, "ticktext": names}


def _frame(row: int, column: int, theme: Theme) -> dict[str, Any]:
    return {
        "type": "rect", "xref": "x", "yref": "y", "x0": column - 0.5, "x1": column + 0.5, "y0": row - 0.5,
        "y1": row + 0.5, "line": {"color": palette(theme).negative, "width": 3},
    }  # fmt: skip


def confusion_matrix_alt(matrix: Array, class_names: Sequence[object]) -> str:
    """How many are right, and the most frequent mistakes."""
    counts = _checked(matrix, class_names)
    total, right = int(counts.sum()), int(np.trace(counts))
    if total == 0:
        return "Confusion matrix. Nothing has been predicted yet."
    said = f"Confusion matrix: {readable(right)} of {readable(total)} right, {percent(right / total)}."
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(wrong, axis=None, kind="stable")[::-1][:3]
    pairs = [divmod(int(place), len(counts)) for place in order]
    mistakes = [
        f"{plain(class_names[row])} taken for {plain(class_names[column])} ({wrong[row, column]})"
        for row, column in pairs
        if wrong[row, column] > 0
    ]
    return said + (f" Most frequent mistakes: {'; '.join(mistakes)}." if mistakes else "")


def _numbers(counts: Array, share: Array, names: list[str], normalise: bool, theme: Theme) -> dict[str, Any]:
    """The number in each cell, in whichever of dark and light text reads better there."""
    colours = palette(theme)
    size = len(names)
    cells = [mix(colours.ramp_high, colours.ramp_low, float(value)) for value in share.ravel()]
    texts = [f"{n:,}" for n in counts.ravel()]
    if normalise:
        texts = [f"{100 * value:.0f} %" for value in share.ravel()]
    return {
        "type": "scatter", "uid": "numbers", "mode": "text", "hoverinfo": "skip",
        "x": names * size, "y": [name for name in names for _ in range(size)],
        "text": texts,
        "textfont": {"size": 13 if size <= 6 else 11, "color": [text_on(cell, theme) for cell in cells]},
    }  # fmt: skip


def _shares(counts: Array, axis: int) -> Array:
    total = counts.sum(axis=axis, keepdims=True)
    share: Array = np.divide(counts, total, out=np.zeros(counts.shape), where=total > 0)
    return share


def _checked(matrix: Array, class_names: Sequence[object]) -> Array:
    counts = np.asarray(matrix)
    size = len(class_names)
    if counts.shape != (size, size):
        raise ValueError(
            f"The 'matrix' parameter must be {size}×{size}, as there are {size} class names. "
            f"Got shape {counts.shape} instead."
        )
    return counts.astype(np.int64)
