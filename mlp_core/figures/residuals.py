"""Residuals of a regression: what the network says, less what is true, against anything."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mlp_core.figures.encode import encode
from mlp_core.figures.layout import HOVER, Figure, axis, layout
from mlp_core.figures.palette import Theme, palette
from mlp_core.figures.points import chosen
from mlp_core.figures.text import escape_label, plain, readable

Array = npt.NDArray[Any]

MOST_POINTS = 1000


def residuals(
    against: Array, values: Array, *, name: object, unit: str = "", theme: Theme = "light",
    uirevision: str = "residuals",
) -> Figure:  # fmt: skip
    """Residuals (N,) against other numbers (N,) called `name`; a line through the means of ten equal shares of them.

    Without structure they lie evenly around zero; at most `MOST_POINTS` points are drawn.
    """
    colours, label = palette(theme), escape_label(name)
    suffix = f", {escape_label(unit)}" if unit else ""
    keep = chosen(len(values), MOST_POINTS)
    x, y = np.asarray(against, float), np.asarray(values, float)
    data: list[dict[str, Any]] = [{
        "type": "scatter", "mode": "markers", "uid": "samples", "name": "samples",
        "x": encode(x[keep]), "y": encode(y[keep]),
        "marker": {"color": colours.positive, "size": 6, "opacity": 0.7},
        "hovertemplate": f"{label} %{{x:{HOVER}}}<br>residual %{{y:{HOVER}}}<extra></extra>",
    }]  # fmt: skip
    places, means = _means(x, y)
    if len(places) > 1:
        data.append({
            "type": "scatter", "mode": "lines", "uid": "mean", "name": "mean",
            "x": encode(places), "y": encode(means), "line": {"color": colours.negative, "width": 2},
            "hovertemplate": f"{label} about %{{x:{HOVER}}}<br>mean residual %{{y:{HOVER}}}<extra></extra>",
        })  # fmt: skip
    zero = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 0, "y1": 0,
            "line": {"color": colours.rule, "width": 1, "dash": "dot"}}  # fmt: skip
    return {
        "data": data,
        "layout": layout(
            uirevision, theme, xaxis=axis(label), yaxis=axis(f"residual{suffix}"), shapes=[zero], dragmode="pan"
        ),
    }


def residuals_alt(against: Array, values: Array, *, name: object, unit: str = "") -> str:
    """Mean and spread, and how far residuals go along with the other numbers."""
    x, y = np.asarray(against, float), np.asarray(values, float)
    of = f" {plain(unit)}" if unit else ""
    said = f"Residuals of {len(y)} samples against {plain(name)}: mean {readable(float(y.mean()))}{of}, "
    said += f"standard deviation {readable(float(y.std()))}{of}"
    if x.std() > 0 and y.std() > 0:
        said += f", correlation {readable(float(np.corrcoef(x, y)[0, 1]), 2)}"
    return said + "."


def _means(x: Array, y: Array, groups: int = 10) -> tuple[Array, Array]:
    """Mean x and y of neighbouring samples, as many in each group as possible; none for a few samples."""
    known = np.isfinite(x) & np.isfinite(y)
    order = np.argsort(x[known], kind="stable")
    if len(order) < 3 * groups:
        return np.array([]), np.array([])
    parts = np.array_split(order, groups)
    return (
        np.array([x[known][part].mean() for part in parts]),
        np.array([y[known][part].mean() for part in parts]),
    )
