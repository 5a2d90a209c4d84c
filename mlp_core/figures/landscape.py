"""The loss over a plane of weights: as contour lines, and as a surface."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mlp_core.figures.encode import encode
from mlp_core.figures.layout import HOVER, TICKS, Figure, axis, layout
from mlp_core.figures.palette import Theme, faded, palette, stops
from mlp_core.figures.text import escape_label, plain, readable

Array = npt.NDArray[Any]

LEVELS = 16
"""Contour lines at most, about."""
LIFT = 0.02
"""How far above the surface lines and marks are drawn, as a share of its height: half of each would be hidden in it."""
BENDS = 12
"""Points of the line between two moments, so that it follows the surface."""
CAMERA = {"eye": {"x": 1.1, "y": -1.38, "z": 1.02}, "center": {"x": 0, "y": 0, "z": -0.22}}
"""Where the surface is looked at from: the start of a path, on the left, is seen."""


@dataclass(frozen=True, eq=False)
class Way:
    """Moments of a run on the plane, the oldest first."""

    places: Array
    """Their coordinates (T, 2)."""
    steps: Sequence[int]
    """Mini-batches done at each."""
    losses: Array
    """The loss of each (T,), with its own weights."""


def can_be_logarithmic(losses: Array) -> bool:
    """Whether a logarithmic scale can show these losses: those that are finite are above 0."""
    finite = np.asarray(losses)[np.isfinite(losses)]
    return finite.size > 0 and bool(finite.min() > 0)


def loss_range(*losses: Array) -> tuple[float, float]:
    """The lowest and the highest finite loss of all of them, for scales that can be compared; (0, 1) without one."""
    finite = np.concatenate([np.asarray(each)[np.isfinite(each)].ravel() for each in losses])
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)


def loss_contour(
    x: Array, y: Array, losses: Array, *, names: tuple[object, object], limits: tuple[float, float] | None = None,
    log: bool = False, way: Way | None = None, step: int = 0, theme: Theme = "light", uirevision: str = "landscape",
) -> Figure:  # fmt: skip
    """The loss (H, W) at `y` (H,) and `x` (W,) as colour, teal (low) to orange (high), with contour lines.

    The weights as they are at `step` are at (0, 0). `names` are those of the axes; `limits` fixes the scale. With `log`
    the scale is logarithmic, where all losses are above 0. A loss that is no finite number leaves a gap.
    """
    scale = _Scale(losses, limits, log)
    colours = palette(theme)
    area = {
        "type": "contour", "uid": "area", "x": encode(np.asarray(x, float)), "y": encode(np.asarray(y, float)),
        "z": encode(scale.heights(losses)), "customdata": encode(_finite(losses)),
        "zmin": scale.low, "zmax": scale.high,
        "colorscale": _colours(theme), "colorbar": scale.bar(), "connectgaps": False,
        "contours": {"coloring": "heatmap", "start": scale.low, "end": scale.high, "size": scale.span / LEVELS},
        "autocontour": False, "line": {"width": 0.7, "color": faded(colours.ink, 0.3), "smoothing": 0.6},
        "hovertemplate": f"loss %{{customdata:{HOVER}}}<br>at (%{{x:{HOVER}}}, %{{y:{HOVER}}})<extra></extra>",
    }  # fmt: skip
    ink, paper = _pens(theme)
    line = {"color": ink, "width": 2}
    data = [area]
    if way is not None and len(way.steps) > 1:
        data.append({
            "type": "scatter", "mode": "lines+markers", "uid": "way", **_places(way.places), "line": line,
            "marker": {"size": 5, "color": paper, "line": {"color": ink, "width": 1.2}},
            **_words(way),
        })  # fmt: skip
        data.append(_start(way, theme))
    data.append({
        "type": "scatter", "mode": "markers", "uid": "now", "x": [0], "y": [0],
        "marker": {"symbol": "star", "size": 15, "color": paper, "line": {"color": ink, "width": 1.5}},
        "hovertemplate": f"the weights at step {step:,}<br>loss {_here(x, y, losses)}<extra></extra>",
    })  # fmt: skip
    titles = [escape_label(name, 40) for name in names]
    across = [float(np.min(x)), float(np.max(x))]
    up = [float(np.min(y)), float(np.max(y))]
    return {
        "data": data,
        "layout": layout(
            uirevision, theme, showlegend=False, dragmode="pan", margin={"l": 52, "r": 8, "t": 10, "b": 42},
            xaxis=axis(titles[0], range=across, showgrid=False), yaxis=axis(titles[1], range=up, showgrid=False),
        ),
    }  # fmt: skip


def loss_surface(
    x: Array, y: Array, losses: Array, *, names: tuple[object, object], limits: tuple[float, float] | None = None,
    log: bool = False, way: Way | None = None, step: int = 0, theme: Theme = "light", uirevision: str = "surface",
) -> Figure:  # fmt: skip
    """The same as a surface in space, with the way on it; the loss that a moment of the way tells is its own."""
    scale = _Scale(losses, limits, log)
    colours = palette(theme)
    ink, paper = _pens(theme)
    lift = LIFT * scale.span
    data: list[dict[str, Any]] = [{
        "type": "surface", "uid": "area", "x": encode(np.asarray(x, float)), "y": encode(np.asarray(y, float)),
        "z": encode(scale.heights(losses)), "customdata": encode(_finite(losses)), "cmin": scale.low,
        "cmax": scale.high, "colorscale": _colours(theme), "showscale": False,
        "lighting": {"ambient": 0.75, "diffuse": 0.5, "specular": 0.06, "roughness": 0.9},
        "contours": {"z": {
            "show": True, "start": scale.low, "end": scale.high, "size": scale.span / LEVELS, "width": 1,
            "color": faded(colours.ink, 0.35), "highlight": False,
        }, "x": {"highlight": False}, "y": {"highlight": False}},
        "hovertemplate": f"loss %{{customdata:{HOVER}}}<br>at (%{{x:{HOVER}}}, %{{y:{HOVER}}})<extra></extra>",
    }]  # fmt: skip
    if way is not None and len(way.steps) > 1:
        places = np.asarray(way.places, dtype=np.float64)
        along = np.arange(0, len(places) - 1 + 0.5 / BENDS, 1 / BENDS)
        bent = np.stack([np.interp(along, np.arange(len(places)), line) for line in places.T], axis=1)
        data += [
            {"type": "scatter3d", "uid": "line", "mode": "lines", **_places(bent), "hoverinfo": "skip",
             "z": encode(scale.heights(_between(x, y, losses, bent)) + lift),
             "line": {"color": ink, "width": 5}},
            {"type": "scatter3d", "uid": "way", "mode": "markers", **_places(places), **_words(way),
             "z": encode(scale.heights(_between(x, y, losses, places)) + lift),
             "marker": {"size": [7.0, *[3.0] * (len(places) - 1)], "color": paper,
                        "line": {"color": ink, "width": 1}}},
        ]  # fmt: skip
    here = np.array([_at(x, y, losses)], dtype=np.float64)
    data.append({
        "type": "scatter3d", "mode": "markers", "uid": "now", "x": [0], "y": [0],
        "z": encode(scale.heights(here) + lift),
        "marker": {"symbol": "diamond", "size": 8, "color": ink, "line": {"color": paper, "width": 2}},
        "hovertemplate": f"the weights at step {step:,}<br>loss {_here(x, y, losses)}<extra></extra>",
    })  # fmt: skip
    titles = [escape_label(name, 40) for name in names]
    height = _space_axis("loss", range=[scale.low - 0.02 * scale.span, scale.high + 0.04 * scale.span], **scale.ticks())
    return {
        "data": data,
        "layout": layout(
            uirevision, theme, showlegend=False, margin={"l": 0, "r": 0, "t": 0, "b": 0},
            scene={
                "xaxis": _space_axis(titles[0], tickformat=TICKS), "yaxis": _space_axis(titles[1], tickformat=TICKS),
                "zaxis": height, "dragmode": "turntable",
                "aspectmode": "manual", "aspectratio": {"x": 1, "y": 1, "z": 0.6}, "camera": CAMERA,
            },
        ),
    }  # fmt: skip


def loss_landscape_alt(
    x: Array, y: Array, losses: Array, *, names: tuple[object, object], way: Way | None = None, step: int = 0
) -> str:
    """The lowest and the highest loss with their places, that of the weights as they are, and the path's ends."""
    losses = np.asarray(losses, dtype=np.float64)
    finite = np.isfinite(losses)
    first, second = (plain(name, 40) for name in names)
    said = f"Loss over a plane of weights, {first} and {second}. With those of step {step:,}: {_here(x, y, losses)}."
    if finite.any():
        for word, place in (("Lowest", np.nanargmin), ("Highest", np.nanargmax)):
            row, column = np.unravel_index(int(place(np.where(finite, losses, np.nan))), losses.shape)
            where = f"({readable(x[column])}, {readable(y[row])})"
            said += f" {word}: {readable(float(losses[row, column]))} at {where}."
    if way is not None and len(way.steps) > 1:
        said += (
            f" The path leads from step {way.steps[0]:,}, loss {readable(float(way.losses[0]))}, "
            f"to step {way.steps[-1]:,}, loss {readable(float(way.losses[-1]))}."
        )
    return said


class _Scale:
    """Heights of losses, as they are or as logarithms, between two limits."""

    def __init__(self, losses: Array, limits: tuple[float, float] | None, log: bool) -> None:
        low, high = limits or loss_range(losses)
        self.log = log and low > 0
        self._ends = low, high
        self.low, self.high = (float(np.log10(end)) for end in (low, high)) if self.log else (low, high)
        if not self.high > self.low:  # a plain
            margin = 0.5 if self.log else 0.5 * abs(low) or 0.5
            self.low, self.high = self.low - margin, self.high + margin

    @property
    def span(self) -> float:
        """From the lowest to the highest."""
        return self.high - self.low

    def heights(self, losses: Array) -> Array:
        """Those of losses; NaN for one that has none."""
        found = _finite(losses)
        if not self.log:
            return found
        with np.errstate(divide="ignore", invalid="ignore"):
            logs: Array = np.where(found > 0, np.log10(found), np.nan)
        return logs

    def ticks(self) -> dict[str, Any]:
        """Marks of an axis."""
        if not self.log:
            return {"tickformat": TICKS}
        marks = _decades(10.0**self.low, 10.0**self.high)
        return {"tickvals": [float(np.log10(mark)) for mark in marks], "ticktext": [readable(mark) for mark in marks]}

    def bar(self) -> dict[str, Any]:
        """The bar beside the picture."""
        return {"title": {"text": "loss"}, "thickness": 12, "outlinewidth": 0, "len": 0.92, **self.ticks()}


def _decades(low: float, high: float) -> list[float]:
    """Numbers that begin with 1, 2 or 5 between two others; the ends themselves where there are few."""
    for digits in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 7)):
        powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
        found = [digit * 10.0**power for power in powers for digit in digits if low <= digit * 10.0**power <= high]
        if len(found) >= 4:
            return found[:: -(-len(found) // 8)]
    return [float(mark) for mark in np.linspace(low, high, 5)]


def _colours(theme: Theme) -> list[list[float | str]]:
    return stops(palette(theme).surface[::-1])


def _space_axis(title: str, **changes: Any) -> dict[str, Any]:
    """An axis of space, whose titles and ticks keep their own distance."""
    return {"title": {"text": title}, "nticks": 5, "zeroline": False, **changes}


def _finite(losses: Array) -> Array:
    array = np.asarray(losses, dtype=np.float64)
    return np.where(np.isfinite(array), array, np.nan)


def _at(x: Array, y: Array, losses: Array) -> float:
    return float(losses[int(np.argmin(np.abs(y))), int(np.argmin(np.abs(x)))])


def _here(x: Array, y: Array, losses: Array) -> str:
    return readable(_at(x, y, losses))


def _places(places: Array) -> dict[str, Any]:
    return {"x": encode(places[:, 0].astype(np.float64)), "y": encode(places[:, 1].astype(np.float64))}


def _between(x: Array, y: Array, losses: Array, places: Array) -> Array:
    """The losses (P,) at places (P, 2) between the points of the grid, from the four around each."""
    column = np.clip((places[:, 0] - x[0]) / (x[1] - x[0]), 0, len(x) - 1)
    row = np.clip((places[:, 1] - y[0]) / (y[1] - y[0]), 0, len(y) - 1)
    left, below = np.minimum(column.astype(int), len(x) - 2), np.minimum(row.astype(int), len(y) - 2)
    right, up = column - left, row - below
    grid = np.asarray(losses, dtype=np.float64)
    low = (1 - right) * grid[below, left] + right * grid[below, left + 1]
    high = (1 - right) * grid[below + 1, left] + right * grid[below + 1, left + 1]
    found: Array = (1 - up) * low + up * high
    return found


def _words(way: Way) -> dict[str, Any]:
    own = [f"step {step:,}<br>loss {readable(float(loss))}" for step, loss in zip(way.steps, way.losses, strict=True)]
    return {"text": own, "hovertemplate": "%{text}<extra></extra>"}


def _pens(theme: Theme) -> tuple[str, str]:
    """The colours of lines and of what lies inside of them: on a dark page, light lines stand out."""
    colours = palette(theme)
    return (colours.paper, colours.ink) if theme == "dark" else (colours.ink, colours.paper)


def _start(way: Way, theme: Theme) -> dict[str, Any]:
    ink, paper = _pens(theme)
    return {
        "type": "scatter", "mode": "markers", "uid": "start", "x": [float(way.places[0][0])],
        "y": [float(way.places[0][1])], "hoverinfo": "skip",
        "marker": {"size": 11, "color": ink, "line": {"color": paper, "width": 2}},
    }  # fmt: skip
