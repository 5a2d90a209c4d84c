"""Regression: the surface that a network has learned, and predicted against actual values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mlp_core.figures.empty import empty
from mlp_core.figures.encode import encode, encode_levels
from mlp_core.figures.layout import HOVER, TICKS, Figure, axis, layout
from mlp_core.figures.palette import Theme, palette, stops
from mlp_core.figures.points import Array, Extent, chosen, field, marker, places, plane_axes, point_size
from mlp_core.figures.text import escape_label, plain, readable


def regression_surface(
    grid: Array | None,
    extent: Extent,
    points: Array,
    values: Array,
    *,
    unit: str = "",
    limits: tuple[float, float] | None = None,
    axis_names: tuple[object, object] = ("x", "y"),
    theme: Theme = "light",
    uirevision: str = "surface",
) -> Figure:
    """Predicted value as colour, orange (low) to teal (high); points in the same scale vanish where they fit.

    `grid`: H×W predictions over `extent`, row 0 at y_min, or None; `points` (N, 2), `values` (N,) in `unit`.
    `limits` fixes the scale; without it the scale spans `values`, symmetric if they lie around zero.
    """
    low, high = limits or _limits(values if len(values) else grid)
    colours = palette(theme)
    scale = stops(colours.surface)
    title = {"text": escape_label(unit), "side": "top"}
    bar = {
        "thickness": 8, "outlinewidth": 0, "len": 0.9, "nticks": 5, "ticks": "",
        "tickformat": TICKS, "title": title,
    }  # fmt: skip
    data: list[dict[str, Any]] = []
    if grid is not None:
        grid = np.asarray(grid)
        data.append({
            "type": "heatmap", "uid": "area", **field(grid.shape, extent), "hoverinfo": "skip",
            "z": encode_levels(grid, low, high), "zmin": 0, "zmax": 255,
            "colorscale": scale, "showscale": False, "zsmooth": "fast",
        })  # fmt: skip
    keep = chosen(len(points), 1000)
    values = np.asarray(values, dtype=np.float64)[keep]
    ring = marker(encode(values), colours.outline, colours.background, hollow=False)
    ring |= {"size": point_size(len(keep))}
    data.append({
        "type": "scatter", "mode": "markers", "uid": "points", "showlegend": False,
        **places(np.asarray(points)[keep]),
        "marker": ring | {"colorscale": scale, "cmin": low, "cmax": high, "showscale": True, "colorbar": bar},
        "hovertemplate": f"%{{marker.color:{HOVER}}} {escape_label(unit)}<br>"
        f"%{{x:{HOVER}}}, %{{y:{HOVER}}}<extra></extra>",
    })  # fmt: skip
    return {
        "data": data,
        "layout": layout(
            uirevision,
            theme,
            **plane_axes(extent, (escape_label(axis_names[0]), escape_label(axis_names[1]))),
            dragmode="pan",
            showlegend=False,
            margin={"l": 48, "r": 8, "t": 12, "b": 42},
        ),
    }


def regression_surface_alt(
    grid: Array | None,
    points: Array,
    values: Array,
    *,
    unit: str = "",
    axis_names: tuple[object, object] = ("x", "y"),
) -> str:
    """Range of the predictions and of the data."""
    over = f"{plain(axis_names[0])} and {plain(axis_names[1])}"
    said = [f"{len(points)} points over {over}."]
    for name, shown in (("Predictions", grid), ("Data", values)):
        if shown is not None and np.isfinite(shown).any():
            low, high = readable(float(np.nanmin(shown))), readable(float(np.nanmax(shown)))
            said.append(f"{name} range from {low} to {high} {plain(unit)}".rstrip() + ".")
    return " ".join(said)


def predicted_vs_actual(
    actual: Sequence[Array],
    predicted: Sequence[Array],
    *,
    split_names: Sequence[str] = ("train", "test"),
    unit: str = "",
    theme: Theme = "light",
    uirevision: str = "predicted",
) -> Figure:
    """One (N,) array per split; a perfect network puts each point on the diagonal. The last split is teal."""
    total = sum(len(part) for part in actual)
    if total == 0:
        return empty("Train the network, and its predictions appear here.", theme=theme, uirevision=uirevision)
    colours = palette(theme)
    everything = np.concatenate([np.asarray(part, float).ravel() for part in (*actual, *predicted)])
    low, high = _padded(everything)
    data: list[dict[str, Any]] = [{
        "type": "scatter", "mode": "lines", "uid": "diagonal", "x": [low, high], "y": [low, high],
        "line": {"color": colours.rule, "width": 1, "dash": "dot"}, "hoverinfo": "skip", "showlegend": False,
    }]  # fmt: skip
    for index, (name, true, guess) in enumerate(zip(split_names, actual, predicted, strict=True)):
        keep = chosen(len(true), max(1, round(1000 * len(true) / max(total, 1000))))
        last = index == len(split_names) - 1
        data.append({
            "type": "scatter", "mode": "markers", "uid": f"split{index}", "name": escape_label(name),
            "x": encode(np.asarray(true, float)[keep]), "y": encode(np.asarray(guess, float)[keep]),
            "marker": {
                "color": colours.positive if last else colours.raw, "size": 6, "opacity": 0.85,
                "symbol": "circle" if last else "circle-open",
            },
            "hovertemplate": f"{escape_label(name)}<br>actual %{{x:{HOVER}}}, predicted %{{y:{HOVER}}}"
            "<extra></extra>",
        })  # fmt: skip
    suffix = f", {escape_label(unit)}" if unit else ""
    both = {"range": [low, high], "constrain": "domain", "nticks": 5}
    return {
        "data": data,
        "layout": layout(
            uirevision,
            theme,
            xaxis=axis(f"actual{suffix}", **both),
            yaxis=axis(f"predicted{suffix}", scaleanchor="x", **both),
            dragmode="pan",
        ),
    }


def predicted_vs_actual_alt(
    actual: Sequence[Array],
    predicted: Sequence[Array],
    *,
    split_names: Sequence[str] = ("train", "test"),
    unit: str = "",
) -> str:
    """Mean error and share of the variance explained, per split."""
    said = ["Predicted against actual values."]
    for name, values, guesses in zip(split_names, actual, predicted, strict=True):
        true, guess = np.asarray(values, float), np.asarray(guesses, float)
        if len(true) == 0:
            continue
        error = readable(float(np.mean(np.abs(true - guess))))
        spread = float(np.sum((true - true.mean()) ** 2))
        missed = float(np.sum((true - guess) ** 2))
        explained = readable(1 - missed / spread, 2) if spread > 0 else "not defined"
        of = f" {plain(unit)}" if unit else ""
        said.append(f"{plain(name)}: {len(true)} points, mean absolute error {error}{of}, R² {explained}.")
    return " ".join(said)


def _limits(values: Array | None) -> tuple[float, float]:
    known = np.asarray(values if values is not None else [], dtype=float)
    known = known[np.isfinite(known)]
    if known.size == 0:
        return -1.0, 1.0
    low, high = float(known.min()), float(known.max())
    if low < 0 < high:
        high = max(-low, high)
        low = -high
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _padded(values: Array) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    if known.size == 0:
        return -1.0, 1.0
    low, high = float(known.min()), float(known.max())
    margin = 0.05 * (high - low) or 0.5
    return low - margin, high + margin
