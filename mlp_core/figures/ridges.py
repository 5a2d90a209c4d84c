"""Histograms of many layers, one above the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mlp_core.figures.empty import empty
from mlp_core.figures.encode import encode
from mlp_core.figures.layout import HOVER, Figure, axis, layout
from mlp_core.figures.palette import Theme, mix, palette
from mlp_core.figures.text import escape_label, plain, readable, unique_labels

Array = npt.NDArray[Any]

HEIGHT = 0.86
"""Height of a layer's tallest bin, in distances between two layers"""


def histograms(
    names: Sequence[object],
    edges: Sequence[Array],
    counts: Sequence[Array],
    *,
    unit_label: str,
    theme: Theme = "light",
    uirevision: str = "histograms",
) -> Figure:
    """One filled outline per layer, the first on top; what is below zero is orange, what is above teal.

    `edges[i]`: (B+1,) bin limits of layer i, increasing; `counts[i]`: (B,) values per bin. Each layer is
    scaled to its own tallest bin: shapes are compared, not sizes. `unit_label` names the x axis: "weight".
    """
    if not len(names) == len(edges) == len(counts):
        raise ValueError(
            "The 'names', 'edges' and 'counts' parameters of histograms must have one length. "
            f"Got {len(names)}, {len(edges)} and {len(counts)} instead."
        )
    if not names:
        return empty("No layer to show yet.", theme=theme, uirevision=uirevision)
    colours = palette(theme)
    traces = []
    for side, colour in ((-1, colours.negative), (1, colours.positive)):
        x, y, number = _outlines(edges, counts, side)
        traces.append({
            "type": "scatter", "mode": "lines", "uid": f"side{side}",
            "name": "below zero" if side < 0 else "above zero",
            "x": encode(x), "y": encode(y), "customdata": encode(number),
            "fill": "toself", "fillcolor": mix(colour, colours.background, 0.32), "hoveron": "points",
            "line": {"color": colour, "width": 1.2},
            "hovertemplate": f"%{{x:{HOVER}}}: %{{customdata:,}}<extra></extra>",
        })  # fmt: skip
    places = list(range(len(names)))[::-1]
    zero = {
        "type": "line", "x0": 0, "x1": 0, "yref": "paper", "y0": 0, "y1": 1,
        "line": {"color": colours.rule, "width": 1}, "opacity": 0.6, "layer": "below",
    }  # fmt: skip
    return {
        "data": traces,
        "layout": layout(
            uirevision,
            theme,
            xaxis=axis(escape_label(unit_label), showgrid=False),
            yaxis=axis(
                None, tickvals=places, ticktext=unique_labels(names, 16), range=[-0.12, len(names)],
                fixedrange=True, automargin=True, ticklabelshift=-8,
            ),
            shapes=[zero],
            showlegend=False,
            dragmode="zoom",
            margin={"l": 20, "r": 12, "t": 8, "b": 42},
        ),
    }  # fmt: skip


def histograms_alt(names: Sequence[object], edges: Sequence[Array], counts: Sequence[Array], *, unit_label: str) -> str:
    """Range, middle and spread of each layer in words, estimated from the bins."""
    if not names:
        return f"Histograms of {plain(unit_label)}. No layer to show yet."
    said = []
    for name, limits, number in zip(names, edges, counts, strict=True):
        total = float(np.sum(number))
        if total == 0:
            said.append(f"{plain(name)}: no values")
            continue
        middle = (np.asarray(limits[:-1], float) + np.asarray(limits[1:], float)) / 2
        mean = float(np.sum(middle * number) / total)
        spread = float(np.sqrt(np.sum((middle - mean) ** 2 * number) / total))
        used = np.flatnonzero(number)
        low, high = readable(float(limits[used[0]])), readable(float(limits[used[-1] + 1]))
        said.append(f"{plain(name)}: from {low} to {high}, mean {readable(mean)}, spread {readable(spread)}")
    return f"Histograms of {plain(unit_label)} per layer. {'. '.join(said)}."


def _outlines(edges: Sequence[Array], counts: Sequence[Array], side: int) -> tuple[Array, Array, Array]:
    """One closed outline per layer as (x, y, count), NaN between layers; `side` −1 below zero, 1 above."""
    xs: list[Array] = []
    ys: list[Array] = []
    numbers: list[Array] = []
    for index, (limits, number) in enumerate(zip(edges, counts, strict=True)):
        base = len(edges) - 1 - index
        x, heights, held = _steps(np.asarray(limits, float), np.asarray(number, float), side)
        if len(x) == 0:
            continue
        top = float(np.max(number))
        y = base + HEIGHT * heights / top
        xs.append(np.concatenate(([x[0]], x, [x[-1], np.nan])))
        ys.append(np.concatenate(([base], y, [base, np.nan])))
        numbers.append(np.concatenate(([held[0]], held, [held[-1], 0])))
    if not xs:
        nothing = np.zeros(0)
        return nothing, nothing, nothing.astype(np.int64)
    return np.concatenate(xs), np.concatenate(ys), np.concatenate(numbers).astype(np.int64)


def _steps(limits: Array, number: Array, side: int) -> tuple[Array, Array, Array]:
    """Corners of the stairs on one side of zero, without the empty bins at either end."""
    left, right = limits[:-1], limits[1:]
    lower = np.minimum(left, 0) if side < 0 else np.maximum(left, 0)
    upper = np.minimum(right, 0) if side < 0 else np.maximum(right, 0)
    used = np.flatnonzero((upper > lower) & (number > 0))
    if len(used) == 0:
        return limits[:0], limits[:0], limits[:0]
    part = slice(used[0], used[-1] + 1)
    x = np.stack((lower[part], upper[part]), axis=1).ravel()
    heights = np.repeat(number[part], 2)
    return x, heights, heights
