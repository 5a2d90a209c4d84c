"""Figures of a data set: how many samples each class has, and how features go together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mlp_core.figures.encode import encode
from mlp_core.figures.layout import Figure, axis, layout
from mlp_core.figures.palette import Theme, palette, stops
from mlp_core.figures.text import plain, readable, unique_labels

MOST_NAMED = 30
"""Classes with a name each under their bars; where there are more, the most frequent ones come first."""
MOST_CLASSES = 300
"""How many classes a figure shows; the most frequent ones."""


def class_balance(
    names: Sequence[object], train: npt.NDArray[Any], test: npt.NDArray[Any], *, theme: Theme = "light"
) -> Figure:
    """Bars of the samples (K,) that each class has in the training and in the test part."""
    many, colours = len(names) > MOST_NAMED, palette(theme)
    order = _by_frequency(train, test)[:MOST_CLASSES] if many else np.arange(len(names))
    labels = unique_labels([names[place] for place in order.tolist()], 18)
    parts = (("training", train, colours.positive), ("test", test, colours.negative))
    ticks = {"tickmode": "array", "tickvals": labels[:: -(-len(labels) // MOST_NAMED)]} if many else {"nticks": 0}
    return {
        "data": [
            {"type": "bar", "name": part, "x": labels, "y": encode(np.asarray(counts)[order]),
             "marker": {"color": colour}, "hovertemplate": "%{x}: %{y:,} " + part + "<extra></extra>"}
            for part, counts, colour in parts
        ],
        "layout": layout(
            "balance", theme, barmode="stack",
            xaxis=axis("classes, the most frequent first" if many else None, type="category", showgrid=False,
                       tickformat="", automargin=True, **ticks),
            yaxis=axis("samples", rangemode="tozero"),
        ),
    }  # fmt: skip


def _by_frequency(train: npt.NDArray[Any], test: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    return np.argsort(-(np.asarray(train, np.int64) + np.asarray(test, np.int64)), kind="stable")


def class_balance_alt(names: Sequence[object], train: npt.NDArray[Any], test: npt.NDArray[Any]) -> str:
    """The rarest and the most frequent class."""
    total = np.asarray(train) + np.asarray(test)
    low, high = int(total.argmin()), int(total.argmax())
    cut = f" The {MOST_CLASSES} most frequent are drawn." if len(names) > MOST_CLASSES else ""
    return (
        f"Samples of {len(names)} classes. Most: {plain(names[high])} with {readable(float(total[high]))}; "
        f"fewest: {plain(names[low])} with {readable(float(total[low]))}.{cut}"
    )


def correlation_matrix(names: Sequence[object], matrix: npt.NDArray[Any], *, theme: Theme = "light") -> Figure:
    """`matrix`: F×F correlations from -1 to 1; what is not defined is left blank."""
    labels = unique_labels(names, 16)
    both: dict[str, Any] = {"type": "category", "showgrid": False, "tickformat": "", "automargin": True, "nticks": 0}
    if len(labels) <= MOST_NAMED:
        both |= {"tickmode": "array", "tickvals": labels, "tickfont": {"size": 10}}
    return {
        "data": [{
            "type": "heatmap", "x": labels, "y": labels, "z": encode(np.asarray(matrix, dtype=np.float32)),
            "zmin": -1, "zmax": 1, "colorscale": stops(palette(theme).surface),
            "colorbar": {"thickness": 10, "outlinewidth": 0}, "hovertemplate": "%{y} and %{x}: %{z:.2f}<extra></extra>",
        }],
        "layout": layout(
            "correlations", theme, showlegend=False,
            xaxis=axis(**both), yaxis=axis(**both, autorange="reversed"),
        ),
    }  # fmt: skip


def correlation_matrix_alt(names: Sequence[object], matrix: npt.NDArray[Any]) -> str:
    """The two features that go together most."""
    off = np.abs(np.nan_to_num(np.asarray(matrix, dtype=np.float64)))
    np.fill_diagonal(off, 0)
    if len(names) < 2 or off.max() == 0:
        return f"Correlations of {len(names)} features."
    row, column = divmod(int(off.argmax()), len(names))
    return (
        f"Correlations of {len(names)} features. Closest: {plain(names[row])} and {plain(names[column])}, "
        f"{readable(float(np.asarray(matrix)[row, column]))}."
    )
