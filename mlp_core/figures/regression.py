"""Regression: the surface that a network has learned, and predicted against actual values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mlp_core.figures.empty import empty
from mlp_core.figures.encode import encode, encode_levels
from mlp_core.figures.layout import HOVER, TICKS, Figure, axis, layout
from mlp_core.figures.palette import Stops, Theme, palette, stops
from mlp_core.figures.points import (
    AXES,
    Array,
    Extent,
    Part,
    Show,
    chosen,
    field,
    key_to_marks,
    of_part,
    places,
    plane_axes,
    point_size,
    shares,
    shown_points,
    validation_share,
)
from mlp_core.figures.text import escape_label, plain, readable

BANDS = 8
"""Bands of equal height that a surface is cut into on request."""


def regression_surface(
    grid: Array | None,
    extent: Extent,
    *,
    train_points: Array,
    train_values: Array,
    test_points: Array,
    test_values: Array,
    validation_points: Array | None = None,
    validation_values: Array | None = None,
    show: Show = "both",
    discretise: bool = False,
    unit: str = "",
    limits: tuple[float, float] | None = None,
    axis_names: tuple[object, object] = AXES,
    theme: Theme = "light",
    uirevision: str = "surface",
) -> Figure:
    """Predicted value as colour, orange (low) to teal (high); points in the same scale vanish where they fit.

    `grid`: H×W predictions over `extent`, row 0 at y_min, or None. Points (N, 2) and values (N,) in `unit`: training
    points are filled with the colour of their value, test points are rings of it, validation points
    diamonds. At most `MOST_DRAWN` are drawn.
    `limits` fixes the scale; without it the scale spans the values, symmetric if they lie around zero. `discretise`
    cuts the surface into `BANDS` bands of equal height, as contour lines would, each in the colour of its middle.
    """
    values = np.concatenate([np.asarray(train_values, float).ravel(), np.asarray(test_values, float).ravel()])
    low, high = limits or _limits(values if len(values) else grid)
    scale = stops(palette(theme).surface)
    data = [] if grid is None else [_area(np.asarray(grid), extent, (low, high), scale, discretise)]
    kept = shares(len(train_points), len(test_points), show)
    parts: list[tuple[Part, Array, Array, int]] = [
        ("train", train_points, train_values, kept[0]), ("test", test_points, test_values, kept[1])
    ]  # fmt: skip
    validates = 0
    if validation_points is not None and validation_values is not None:
        validates = validation_share(len(validation_points), show)
        parts.insert(1, ("validation", validation_points, validation_values, validates))
    for part, points, of_points, limit in parts:
        if limit:
            keep = chosen(len(points), limit)
            made = _points(np.asarray(points)[keep], np.asarray(of_points, float)[keep], unit, part, theme)
            made["marker"] |= {"size": point_size(sum(kept))}
            coloured = made["marker"] if part == "train" else made["marker"]["line"]
            coloured.update(colorscale=scale, cmin=low, cmax=high)
            data.append(made)
    return {
        "data": [*data, _scale(low, high, unit, theme)],
        "layout": layout(
            uirevision,
            theme,
            meta={"theme": theme, "plane": True},
            **plane_axes(extent, (escape_label(axis_names[0]), escape_label(axis_names[1]))),
            annotations=[key_to_marks(validates > 0)] if min(kept) > 0 else [],
            dragmode="pan",
            showlegend=False,
            margin={"l": 48, "r": 8, "t": 12, "b": 42},
        ),
    }


def regression_surface_alt(
    grid: Array | None,
    *,
    train_points: Array,
    train_values: Array,
    test_points: Array,
    test_values: Array,
    validation_points: Array | None = None,
    validation_values: Array | None = None,
    show: Show = "both",
    discretise: bool = False,
    unit: str = "",
    axis_names: tuple[object, object] = AXES,
) -> str:
    """Range of the predictions and of the values that are shown. Takes what the figure takes."""
    over = f"{plain(axis_names[0])} and {plain(axis_names[1])}"
    said = f"Predicted value over {over}{f', in {BANDS} bands' if discretise and grid is not None else ''}."
    known = {"Predictions": grid, "Training values": train_values, "Test values": test_values}
    left_out = {"train": "Test values", "test": "Training values"}.get(show)
    ranges = []
    for name, values in known.items():
        if name != left_out and values is not None and np.isfinite(values).any():
            low, high = readable(float(np.nanmin(values))), readable(float(np.nanmax(values)))
            ranges.append(f"{name} range from {low} to {high} {plain(unit)}".rstrip() + ".")
    return " ".join([said, *ranges, _shown(train_points, validation_points, test_points, show)])


def _shown(train: Array, validation: Array | None, test: Array, show: Show) -> str:
    return shown_points(len(train), len(test), show, 0 if validation is None else len(validation))


def _area(grid: Array, extent: Extent, limits: tuple[float, float], scale: Stops, discretise: bool) -> dict[str, Any]:
    """The surface: one byte per cell."""
    low, high = limits
    if discretise:
        height = (high - low) / BANDS
        grid = low + height * (np.clip(np.floor((grid - low) / height), 0, BANDS - 1) + 0.5)
    return {
        "type": "heatmap", "uid": "area", **field(grid.shape, extent), "hoverinfo": "skip",
        "z": encode_levels(grid, low, high), "zmin": 0, "zmax": 255,
        "colorscale": scale, "showscale": False, "zsmooth": False if discretise else "fast",
    }  # fmt: skip


def _points(points: Array, values: Array, unit: str, part: Part, theme: Theme) -> dict[str, Any]:
    colours = palette(theme)
    return {
        "type": "scatter", "mode": "markers", "uid": part, "showlegend": False, **places(points),
        "customdata": encode(values),
        "marker": of_part(part, encode(values), colours.outline, colours.background),
        "hovertemplate": f"{part}: %{{customdata:{HOVER}}} {escape_label(unit)}<br>"
        f"%{{x:{HOVER}}}, %{{y:{HOVER}}}<extra></extra>",
    }  # fmt: skip


def _scale(low: float, high: float, unit: str, theme: Theme) -> dict[str, Any]:
    """The bar that explains the colours, in a trace of its own: it is the same whichever points are drawn."""
    bar = {
        "thickness": 8, "outlinewidth": 0, "len": 0.9, "nticks": 5, "ticks": "", "tickformat": TICKS,
        "title": {"text": escape_label(unit), "side": "top"},
    }  # fmt: skip
    return {
        "type": "scatter", "mode": "markers", "uid": "scale", "showlegend": False, "hoverinfo": "skip",
        "x": [None], "y": [None],
        "marker": {
            "color": [low], "colorscale": stops(palette(theme).surface), "cmin": low, "cmax": high, "showscale": True,
            "colorbar": bar,
        },
    }  # fmt: skip


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
