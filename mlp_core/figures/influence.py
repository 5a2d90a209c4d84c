"""One sample: the probabilities of its classes, and what each pixel or feature does to a class's score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mlp_core.figures.encode import encode
from mlp_core.figures.layout import HOVER, Figure, axis, hidden_axis, layout
from mlp_core.figures.palette import Theme, palette, stops
from mlp_core.figures.text import percent, plain, readable, unique_labels

Array = npt.NDArray[Any]

MOST_BARS = 20


def class_bars(
    values: Array, names: Sequence[object], *, title: str, signed: bool = False, theme: Theme = "light",
    uirevision: str = "bars",
) -> Figure:  # fmt: skip
    """A bar for each name (N,), the largest (in size where `signed`) at the top, at most `MOST_BARS`."""
    colours = palette(theme)
    order = largest(values)[::-1]
    labels = unique_labels(names, 22)
    data: list[dict[str, Any]] = [{
        "type": "bar", "orientation": "h", "uid": "bars", "y": [labels[i] for i in order],
        "x": encode(np.asarray(values, float)[order]),
        "marker": {"color": [colours.negative if values[i] < 0 else colours.positive for i in order]},
        "text": [readable(float(values[i])) if signed else percent(float(values[i])) for i in order],
        "textposition": "auto", "cliponaxis": False,
        "hovertemplate": f"%{{y}}: %{{x:{HOVER}}}<extra></extra>",
    }]  # fmt: skip
    scale = {} if signed else {"range": [0, 1.12]}
    return {
        "data": data,
        "layout": layout(
            uirevision, theme, xaxis=axis(title, fixedrange=True, **scale),
            yaxis=axis(type="category", automargin=True, fixedrange=True, showgrid=False, nticks=0, tickformat=""),
            dragmode=False, showlegend=False, margin={"l": 24, "r": 16, "t": 8, "b": 42},
        ),
    }  # fmt: skip


def class_bars_alt(values: Array, names: Sequence[object], *, title: str, signed: bool = False) -> str:
    """The first three."""
    shown = [
        f"{plain(names[i])} {readable(float(values[i])) if signed else percent(float(values[i]))}"
        for i in largest(values)[:3]
    ]
    return f"Bars of {title}, largest first: {', '.join(shown)}."


def largest(values: Array) -> list[int]:
    """Places of at most `MOST_BARS` values, the largest in size first."""
    order: list[int] = np.argsort(-np.abs(np.nan_to_num(values)), kind="stable")[:MOST_BARS].tolist()
    return order


def influence_map(influence: Array, *, theme: Theme = "light", uirevision: str = "influence") -> Figure:
    """Pixels (H, W) that speak for a class in teal, against it in orange; the strength relative to the strongest."""
    strongest = float(np.nanmax(np.abs(influence))) or 1.0
    colours = palette(theme)
    return {
        "data": [{
            "type": "heatmap", "uid": "pixels", "z": encode(np.asarray(influence, float) / strongest),
            "zmin": -1, "zmax": 1, "colorscale": stops((colours.negative, colours.background, colours.positive)),
            "showscale": False, "hovertemplate": "row %{y}, column %{x}: %{z:.2f} of the strongest<extra></extra>",
        }],
        "layout": layout(
            uirevision, theme, xaxis=hidden_axis(constrain="domain"),
            yaxis=hidden_axis(autorange="reversed", scaleanchor="x"), dragmode=False, showlegend=False,
            margin={"l": 4, "r": 4, "t": 4, "b": 4},
        ),
    }  # fmt: skip


def influence_map_alt(influence: Array) -> str:
    """How much speaks for the class, and where the strongest pixel is."""
    total = float(np.abs(influence).sum())
    if total == 0:
        return "Influence of the pixels: none has any."
    row, column = divmod(int(np.argmax(np.abs(influence))), influence.shape[1])
    share = float(influence[influence > 0].sum()) / total
    return (
        f"Influence of {influence.shape[0]}×{influence.shape[1]} pixels on the class's score: {percent(share)} of it "
        f"speaks for the class; the strongest pixel is in row {row + 1}, column {column + 1}."
    )
