"""Sample points on a plane: which ones to draw, and how train and test differ without colour."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from mlp_core.figures.encode import encode
from mlp_core.figures.layout import axis

Array = npt.NDArray[Any]
Show = Literal["train", "test", "both"]
"""Which points are drawn; with both, those of a validation part too."""
Part = Literal["train", "validation", "test"]
Extent = tuple[float, float, float, float]
"""(x_min, x_max, y_min, y_max) in data units"""

AXES = ("x₁", "x₂")
"""What both axes are called where nobody says otherwise."""

MOST_DRAWN = 1000
"""Points in one figure: more take long to send and cover each other."""


def chosen(count: int, limit: int) -> Array:
    """At most `limit` of `count` indices, spread evenly; the same at every tick, so nothing flickers."""
    if count <= limit:
        return np.arange(count)
    return (np.arange(limit) * count) // limit


def shares(train: int, test: int, show: Show) -> tuple[int, int]:
    """How many training and test points to draw: together at most 1,000, in proportion."""
    train, test = (train if show != "test" else 0), (test if show != "train" else 0)
    total = train + test
    if total <= MOST_DRAWN:
        return train, test
    kept = round(MOST_DRAWN * train / total)
    return kept, MOST_DRAWN - kept


def marker(colour: Any, outline: str, background: str, hollow: bool) -> dict[str, Any]:
    """Training points are filled discs with a thin outline; test points are rings around the background."""
    if hollow:
        return {"color": background, "line": {"color": colour, "width": 2}}
    return {"color": colour, "line": {"color": outline, "width": 1}}


def of_part(part: Part, colour: Any, outline: str, background: str) -> dict[str, Any]:
    """The marker of a point of a part; validation points are diamonds around the background."""
    found = marker(colour, outline, background, part != "train")
    return found | {"symbol": "diamond"} if part == "validation" else found


def validation_share(validation: int, show: Show) -> int:
    """How many validation points to draw."""
    return min(validation, MOST_DRAWN // 4) if show == "both" else 0


def shown_points(train: int, test: int, show: Show, validation: int = 0) -> str:
    """How many points are shown, in words. There may be more of them than are drawn."""
    said = {"train": f"{train} training points", "test": f"{test} test points"}
    if show != "both":
        return f"{said[show]} shown."
    if validation:
        return f"{said['train']}, {validation} validation points and {said['test']} shown."
    return f"{said['train']} and {said['test']} shown."


def point_size(count: int) -> float:
    """Smaller points when there are many."""
    return 8.0 if count <= 250 else 7.0 if count <= 600 else 6.0


def places(points: Array) -> dict[str, Any]:
    """x and y of a trace from (N, 2) points."""
    points = np.asarray(points)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"The points must have shape (N, 2). Got shape {points.shape} instead.")
    return {"x": encode(points[:, 0].astype(np.float64)), "y": encode(points[:, 1].astype(np.float64))}


def field(shape: tuple[int, ...], extent: Extent) -> dict[str, float]:
    """Centres of the cells of a grid of `shape` (H, W) over `extent`; row 0 is at y_min."""
    height, width = shape
    x_min, x_max, y_min, y_max = extent
    dx, dy = (x_max - x_min) / width, (y_max - y_min) / height
    return {"x0": x_min + dx / 2, "dx": dx, "y0": y_min + dy / 2, "dy": dy}


def plane_axes(extent: Extent, names: tuple[str, str]) -> dict[str, Any]:
    """Both axes with a fixed range; the area is square on the screen."""
    x_min, x_max, y_min, y_max = extent
    if not (x_max > x_min and y_max > y_min):
        raise ValueError(f"The 'extent' parameter must be (x_min, x_max, y_min, y_max). Got {extent} instead.")
    xaxis = axis(names[0], range=[x_min, x_max], showgrid=False, nticks=5, constrain="domain")
    # Square on the screen whatever the units are: centimetres against kilograms would give a thin strip.
    ratio = (x_max - x_min) / (y_max - y_min)
    square = {"constrain": "domain", "scaleanchor": "x", "scaleratio": ratio}
    yaxis = axis(names[1], range=[y_min, y_max], showgrid=False, nticks=5, **square)
    return {"xaxis": xaxis, "yaxis": yaxis}


def key_to_marks(validation: bool = False) -> dict[str, Any]:
    """A line of text that tells the parts' points apart; the legend has one entry per class."""
    return {
        "text": f"● training  {'◇ validation  ' if validation else ''}○ test", "showarrow": False, "font": {"size": 11},
        "xref": "paper", "yref": "paper", "x": 0, "xanchor": "left", "y": 0, "yanchor": "top", "yshift": -22,
    }  # fmt: skip
