"""The data as a layer sees it: samples as points of a plane, coloured by class or by target."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mlp_core.figures.encode import encode
from mlp_core.figures.layout import HOVER, Figure, axis, layout
from mlp_core.figures.palette import Theme, class_colour, palette, stops
from mlp_core.figures.points import point_size
from mlp_core.figures.text import escape_label, percent, plain, readable, unique_labels

Array = npt.NDArray[Any]

MOST_LEGEND = 12
"""Classes with an entry in the legend."""


def hidden_space(
    points: Array, targets: Array, *, wrong: Array, class_names: Sequence[object] = (), axes: tuple[str, str],
    wrong_label: str = "predicted wrong", unit: str = "", theme: Theme = "light", uirevision: str = "hidden-space",
) -> Figure:  # fmt: skip
    """Samples (N, 2) with a ring around each that `wrong`, bool (N,), says.

    `targets`: (N,) class indices where there are class names, else values. Points that are no numbers are left out.
    """
    colours = palette(theme)
    keep = np.isfinite(points).all(axis=1)
    points, targets, wrong = points[keep], np.asarray(targets)[keep], np.asarray(wrong)[keep]
    size = point_size(len(points))
    data: list[dict[str, Any]] = []
    if class_names:
        for number, label in enumerate(unique_labels(class_names, 16)):
            of = targets == number
            if of.any():
                data.append({
                    **_marks(points[of]), "uid": f"class{number}", "name": label,
                    "marker": {"color": class_colour(number, theme), "size": size,
                               "line": {"color": colours.outline, "width": 0.8}},
                    "hovertemplate": f"{label}<extra></extra>",
                })  # fmt: skip
    else:
        data.append({
            **_marks(points), "uid": "samples", "name": "samples", "showlegend": False,
            "marker": {"color": encode(targets.astype(np.float64)), "size": size, "colorscale": stops(colours.surface),
                       "colorbar": {"thickness": 8, "outlinewidth": 0, "nticks": 5,
                                    "title": {"text": escape_label(unit)}},
                       "line": {"color": colours.rule, "width": 0.6}},
            "hovertemplate": f"target %{{marker.color:{HOVER}}}<extra></extra>",
        })  # fmt: skip
    if wrong.any():
        data.append({
            **_marks(points[wrong]), "uid": "wrong", "name": escape_label(wrong_label), "hoverinfo": "skip",
            "marker": {"symbol": "circle-open", "size": size + 6, "color": colours.trend, "line": {"width": 1.4}},
        })  # fmt: skip
    return {
        "data": data,
        "layout": layout(
            uirevision, theme, dragmode="pan", showlegend=len(class_names) <= MOST_LEGEND,
            xaxis=axis(escape_label(axes[0], 40)), yaxis=axis(escape_label(axes[1], 40), automargin=True),
            margin={"l": 20, "r": 12, "t": 28, "b": 42},
        ),
    }  # fmt: skip


def hidden_space_alt(
    points: Array, targets: Array, *, wrong: Array, class_names: Sequence[object] = (), layer: object
) -> str:
    """How many samples there are, how many are marked, and how far the classes lie apart."""
    keep = np.isfinite(points).all(axis=1)
    points, targets = points[keep], np.asarray(targets)[keep]
    said = f"{len(points)} samples as {plain(layer, 40)} sees them, {int(np.sum(np.asarray(wrong)[keep]))} marked."
    groups = [points[targets == number] for number in range(len(class_names))]
    groups = [group for group in groups if len(group)]
    if len(groups) < 2:
        return said
    centres = np.array([group.mean(axis=0) for group in groups])
    pairs = zip(groups, centres, strict=True)
    inside = float(np.mean([np.linalg.norm(group - centre, axis=1).mean() for group, centre in pairs]))
    between = [float(np.linalg.norm(a - b)) for i, a in enumerate(centres) for b in centres[:i]]
    return said + (
        f" Samples lie {readable(inside)} from the middle of their class on average; the middles of two classes lie "
        f"{readable(float(np.mean(between)))} apart."
    )


def component_axes(shares: Sequence[float]) -> tuple[str, str]:
    """What the axes of two principal components are called, with the share of the variance that each explains."""
    said = [f"component {number}, {percent(share, 2)} of the variance" for number, share in enumerate(shares, 1)]
    return said[0], said[1]


def _marks(points: Array) -> dict[str, Any]:
    return {"type": "scatter", "mode": "markers", "x": encode(points[:, 0]), "y": encode(points[:, 1])}
