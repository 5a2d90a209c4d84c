"""Matrices of a layer as heat maps: weights, their gradients, activations, and weights as images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mlp_core.figures.encode import encode, encode_levels
from mlp_core.figures.layout import HOVER, Figure, axis, hidden_axis, layout
from mlp_core.figures.palette import Stops, Theme, palette, stops
from mlp_core.figures.text import plain, readable, unique_labels

Array = npt.NDArray[Any]

MOST_CELLS = 4600
"""Cells of a heat map that is drawn; a larger matrix is drawn in blocks."""
MOST_NAMES = 24
"""Columns with a name each, at most."""
IMAGE_CELLS = 16_000
"""Pixels of all images of weights together."""


def matrix(
    values: Array, *, rows: str, columns: str, unit_label: str, bias: Array | None = None,
    column_names: Sequence[object] = (), row_groups: Sequence[tuple[object, int]] = (), theme: Theme = "light",
    uirevision: str = "matrix",
) -> Figure:  # fmt: skip
    """A matrix (R, C), orange below zero and teal above, with a column of biases (R,) beside it if there are any.

    `rows` and `columns` say what these are ("neuron", "input"). `row_groups` are names for neighbouring rows, each with
    how many there are. A matrix with more than `MOST_CELLS` cells is drawn in blocks, each of their mean.
    """
    shown, down, across = blocks(np.asarray(values, dtype=np.float64), MOST_CELLS)
    aside = None if bias is None else _means(np.asarray(bias, dtype=np.float64)[:, None], down, 1)
    limit = _limit(shown, aside)
    names = unique_labels(column_names, 12) if len(column_names) == values.shape[1] <= MOST_NAMES else []
    x: Any = names or encode(np.arange(shown.shape[1]) * across)
    groups = row_groups if len(row_groups) <= MOST_NAMES else ()
    ends = np.cumsum([0, *(count for _, count in groups)])
    block = "" if down == across == 1 else f"<br>mean of {down}×{across}"
    shared = {"type": "heatmap", "zmin": -limit, "zmax": limit, "colorscale": _diverging(theme)}
    data: list[dict[str, Any]] = [{
        **shared, "uid": "cells", "z": encode(_finite(shown)), "x": x,
        "y": encode(np.arange(len(shown)) * down),
        "colorbar": {"thickness": 8, "outlinewidth": 0, "nticks": 5, "tickformat": ",.3~r", "len": 1, "x": 1.01},
        "hovertemplate": f"{rows} %{{y}}, {columns} %{{x}}: %{{z:{HOVER}}}{block}<extra></extra>",
    }]  # fmt: skip
    if aside is not None:
        data.append({
            **shared, "uid": "bias", "z": encode(_finite(aside)), "x": ["b"], "xaxis": "x2", "showscale": False,
            "y": data[0]["y"],
            "hovertemplate": f"{rows} %{{y}}, bias: %{{z:{HOVER}}}<extra></extra>",
        })  # fmt: skip
    quiet = {"showgrid": False, "automargin": True}
    named: dict[str, Any] = {
        "tickmode": "array", "tickvals": [float(at) for at in (ends[:-1] + ends[1:] - 1) / 2],
        "ticktext": unique_labels([name for name, _ in groups], 14),
    } if groups else {}  # fmt: skip
    lines = [
        {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": float(at) - 0.5, "y1": float(at) - 0.5,
         "line": {"color": palette(theme).rule, "width": 1}}
        for at in ends[1:-1]
    ]  # fmt: skip
    return {
        "data": data,
        "layout": layout(
            uirevision, theme, showlegend=False, dragmode="zoom",
            xaxis=axis(columns, domain=[0, 0.93 if bias is not None else 1], **quiet,
                       **({"type": "category"} if names else {})),
            yaxis=axis(rows, autorange="reversed", **quiet, **named), shapes=lines,
            **({"xaxis2": axis(None, domain=[0.95, 1], showgrid=False, fixedrange=True)} if bias is not None else {}),
            margin={"l": 20, "r": 12, "t": 10, "b": 30},
        ),
    }  # fmt: skip


def matrix_alt(values: Array, *, name: object, unit_label: str) -> str:
    """Shape, range and the value farthest from zero, in words."""
    known = np.asarray(values, dtype=np.float64)
    if not np.isfinite(known).any():
        return f"{plain(unit_label).capitalize()} of {plain(name)}: no finite value."
    row, column = np.unravel_index(int(np.nanargmax(np.abs(np.where(np.isfinite(known), known, 0)))), known.shape)
    return (
        f"{plain(unit_label).capitalize()} of {plain(name)}, {known.shape[0]} rows by {known.shape[1]} columns, from "
        f"{readable(float(np.nanmin(known)))} to {readable(float(np.nanmax(known)))}; farthest from zero is row {row}, "
        f"column {column}."
    )


def weight_images(
    images: Array, numbers: Sequence[int], *, theme: Theme = "light", uirevision: str = "weight-images"
) -> Figure:
    """The weights of neurons as images (n, H, W), side by side, each scaled to its own largest value.

    `numbers` says which neurons they are.
    """
    count, height, width = images.shape
    across = min(count, min(range(4, 9), key=lambda columns: (-count % columns, -columns)))  # the fewest empty places
    down, above = -(-count // across), max(2, height // 6)  # numbers stand above the images
    tall = height + above
    sheet = np.zeros((down * tall, across * (width + 1)))
    for place, image in enumerate(np.asarray(images, dtype=np.float64)):
        row, column = divmod(place, across)
        top, left = row * tall + above, column * (width + 1)
        sheet[top : top + height, left : left + width] = image / _limit(image)
    data = [{
        "type": "heatmap", "uid": "images", "z": encode_levels(sheet, -1.0, 1.0, 254), "zmin": 0, "zmax": 254,
        "colorscale": _diverging(theme), "showscale": False, "hoverinfo": "skip",
    }, {
        "type": "scatter", "mode": "text", "uid": "numbers", "hoverinfo": "skip",
        "x": [place % across * (width + 1) for place in range(count)],
        "y": [place // across * tall + above / 2 - 0.5 for place in range(count)],
        "text": [str(number) for number in numbers], "textposition": "middle right", "textfont": {"size": 10},
    }]  # fmt: skip
    return {
        "data": data,
        "layout": layout(
            uirevision, theme, showlegend=False, dragmode=False,
            xaxis=hidden_axis(range=[-1, across * (width + 1) - 1], constrain="domain"),
            yaxis=hidden_axis(range=[down * tall - 0.5, -0.5], scaleanchor="x", constrain="domain"),
            margin={"l": 4, "r": 4, "t": 4, "b": 4},
        ),
    }  # fmt: skip


def weight_images_alt(images: Array, numbers: Sequence[int]) -> str:
    """How many images there are, and of which neurons."""
    return f"The weights of neuron {numbers[0]} to {numbers[-1]} of the first layer, as images."


def blocks(values: Array, most: int) -> tuple[Array, int, int]:
    """A matrix with at most about so many cells, each the mean of a block; rows and columns of a block.

    Blocks are so wide and high that the picture becomes no narrower than needed.
    """
    rows, columns = values.shape
    side = math.sqrt(most)
    down = max(1, math.ceil(rows / max(side, most / columns)))
    across = max(1, math.ceil(columns / max(side, most / math.ceil(rows / down))))
    if down == across == 1:
        return values, 1, 1
    return _means(values, down, across), down, across


def _means(values: Array, down: int, across: int) -> Array:
    """The means of blocks of so many rows and columns, of fewer at the ends."""
    rows, columns = np.arange(0, len(values), down), np.arange(0, values.shape[1], across)
    sums = np.add.reduceat(np.add.reduceat(values, rows, axis=0), columns, axis=1)
    sizes = np.minimum(down, len(values) - rows)[:, None] * np.minimum(across, values.shape[1] - columns)
    means: Array = sums / sizes
    return means


def _limit(*arrays: Array | None) -> float:
    """The largest finite size, or 1."""
    sizes = [np.abs(array[np.isfinite(array)]) for array in arrays if array is not None]
    return max((float(size.max()) for size in sizes if size.size), default=0.0) or 1.0


def _finite(values: Array) -> Array:
    return np.where(np.isfinite(values), values, np.nan).astype(np.float64)


def _diverging(theme: Theme) -> Stops:
    colours = palette(theme)
    return stops((colours.negative, *colours.surface[1:-1], colours.positive))
