"""What a classifier answers over a plane of two features, with the samples on top."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mlp_core.figures.encode import encode, encode_levels
from mlp_core.figures.layout import HOVER, Figure, layout
from mlp_core.figures.palette import Stops, Theme, boundary_stops, class_area, class_colour, mix, palette
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
from mlp_core.figures.text import escape_label, percent, plain, unique_labels

LOG_ODDS = 8.0
"""Beyond so many a probability is 0 or 1 for the eye."""
MOST_NAMED = 4
"""Classes whose share of the area is said in words."""


def decision_boundary(
    grid: Array | None,
    extent: Extent,
    *,
    train_points: Array,
    train_labels: Array,
    test_points: Array,
    test_labels: Array,
    validation_points: Array | None = None,
    validation_labels: Array | None = None,
    class_names: Sequence[object],
    confidence: Array | None = None,
    show: Show = "both",
    axis_names: tuple[object, object] = AXES,
    theme: Theme = "light",
    discretise: bool = False,
    truth: tuple[Array, Array] | None = None,
    wrong: Mapping[Part, Array] | None = None,
    uirevision: str = "boundary",
) -> Figure:
    """Areas in the pale class colours; training points filled, test points as rings, validation points
    as diamonds.

    `grid`: H×W over `extent`, row 0 at y_min. For two classes P(class 1) in [0, 1], pale where undecided; for
    more, the index of the winner, with its probability in `confidence` (H×W): the colour fades into the
    background as it falls to 1/K. Without `confidence` it does not fade. None draws the points alone.
    `discretise` shows the decision only. `truth` is a curve, x (M,) and y (M,), that the classes lie on either side of:
    dotted, NaN for gaps. `wrong` says for each part which of its points (N,) are answered wrong: these get a ring.
    Points: (N, 2) and (N,) class indices; at most `MOST_DRAWN` of them are drawn.
    """
    size = len(class_names)
    data: list[dict[str, Any]] = []
    if grid is not None and not _holds_winners(confidence, class_names):
        data.append(_two_classes(np.asarray(grid), extent, class_names, theme, discretise))
    elif grid is not None:
        sure = np.ones(np.shape(grid)) if discretise or confidence is None else np.asarray(confidence)
        data.append(_more_classes(np.asarray(grid), sure, extent, size, theme))
    if truth is not None:
        data.append({
            "type": "scatter", "mode": "lines", "uid": "truth", "name": "formula", "hoverinfo": "skip",
            "x": encode(np.asarray(truth[0], float)), "y": encode(np.asarray(truth[1], float)),
            "line": {"color": palette(theme).trend, "width": 2, "dash": "dot"},
        })  # fmt: skip
    kept = shares(len(train_points), len(test_points), show)
    names = unique_labels(class_names, 16)
    parts: list[tuple[Part, Array, Array, int]] = [
        ("train", train_points, train_labels, kept[0]), ("test", test_points, test_labels, kept[1])
    ]  # fmt: skip
    missed: list[Array] = []
    validates = 0
    if validation_points is not None and validation_labels is not None:
        validates = validation_share(len(validation_points), show)
        parts.insert(1, ("validation", validation_points, validation_labels, validates))
    for part, points, labels, limit in parts:
        keep = chosen(len(points), limit) if limit else np.arange(0)
        traces = _samples(np.asarray(points)[keep], np.asarray(labels)[keep], names, part, theme)
        for trace in traces:
            trace["marker"] |= {"size": point_size(sum(kept))}
            # With both parts on screen, one legend entry per class hides both.
            trace["showlegend"] = not (part != "train" and kept[0] > 0)
        data += traces
        if wrong is not None and part in wrong:
            missed.append(np.asarray(points)[keep][np.asarray(wrong[part])[keep]])
    if missed:
        data.append(_rings(np.concatenate(missed), point_size(sum(kept)), theme))
    return {
        "data": data,
        "layout": layout(
            uirevision,
            theme,
            meta={"theme": theme, "plane": True},
            **plane_axes(extent, (escape_label(axis_names[0]), escape_label(axis_names[1]))),
            annotations=[key_to_marks(validates > 0)] if min(kept) > 0 else [],
            dragmode="pan",
            showlegend=bool(data) and size <= 12,
            margin={"l": 48, "r": 8, "t": 30, "b": 46},
        ),
    }


def decision_boundary_alt(
    grid: Array | None,
    train_labels: Array,
    test_labels: Array,
    class_names: Sequence[object],
    *,
    confidence: Array | None = None,
    show: Show = "both",
    axis_names: tuple[object, object] = AXES,
    validation: int = 0,
) -> str:
    """Which class covers which share of the plane, and how many points are shown. Takes what the figure takes, and
    how many validation points there are."""
    over = f"{plain(axis_names[0])} and {plain(axis_names[1])}"
    said = f"Samples of {len(class_names)} classes over {over}."
    if grid is not None:
        answers = np.asarray(grid) if _holds_winners(confidence, class_names) else np.asarray(grid) > 0.5
        cover = np.bincount(answers.astype(np.int64).ravel(), minlength=len(class_names)) / answers.size
        largest = [k for k in np.argsort(-cover, kind="stable") if cover[k] > 0]
        listed = [f"{plain(class_names[k])} on {percent(float(cover[k]), 2)}" for k in largest[:MOST_NAMED]]
        if rest := largest[MOST_NAMED:]:
            listed.append(f"{len(rest)} more on {percent(float(cover[rest].sum()), 2)}")
        said = f"Decision boundary over {over}. The network answers {', '.join(listed)} of the area."
    return f"{said} {shown_points(len(train_labels), len(test_labels), show, validation)}"


def _holds_winners(confidence: Array | None, class_names: Sequence[object]) -> bool:
    """Whether the grid holds class indices, and not the probability of the second of two classes."""
    return confidence is not None or len(class_names) > 2


def _two_classes(
    grid: Array, extent: Extent, class_names: Sequence[object], theme: Theme, discretise: bool
) -> dict[str, Any]:
    """Probability in whole percent: one byte per cell, and the number under the pointer is the one drawn."""
    shown = np.where(np.isnan(grid), np.nan, grid > 0.5) if discretise else grid
    hover = "" if discretise else f"P({escape_label(class_names[-1], 16)}) = %{{z}} %"
    return {
        "type": "heatmap", "uid": "area", **field(grid.shape, extent),
        "z": encode_levels(shown, 0.0, 1.0, 100), "zmin": 0, "zmax": 100,
        "colorscale": boundary_stops(theme), "showscale": False, "zsmooth": False if discretise else "fast",
        **_smooth(grid, theme, discretise),
        **({"hovertemplate": hover + "<extra></extra>"} if hover else {"hoverinfo": "skip"}),
    }  # fmt: skip


def _smooth(grid: Array, theme: Theme, discretise: bool) -> dict[str, Any]:
    """What a browser interpolates between the grid's points: log-odds, which change evenly where probabilities jump."""
    with np.errstate(divide="ignore", invalid="ignore"):
        odds = np.log(np.asarray(grid, dtype=np.float64) / (1 - np.asarray(grid, dtype=np.float64)))
    shown = encode_levels(odds, -LOG_ODDS, LOG_ODDS)
    return {"meta": {"smooth": {
        "kind": "odds", "z": shown, "reach": LOG_ODDS, "stops": boundary_stops(theme), "steps": discretise,
    }}}  # fmt: skip


def _more_classes(grid: Array, sure: Array, extent: Extent, size: int, theme: Theme) -> dict[str, Any]:
    """One byte per cell: class × levels + confidence level, and a colour scale with one ramp per class."""
    if size > 256:
        raise ValueError(f"The 'class_names' parameter may hold at most 256 names here. Got {size} instead.")
    levels = max(1, min(16, 256 // size))
    above_chance = np.clip((np.nan_to_num(sure) - 1 / size) / (1 - 1 / size), 0, 1)
    level = np.rint(above_chance * (levels - 1))
    code = (np.clip(grid, 0, size - 1) * levels + level).astype(np.uint8)
    scale: Stops = []
    for index in range(size):
        full = class_area(index, theme)
        pale = mix(full, palette(theme).background, 0.15 if levels > 1 else 1.0)
        scale += [[index / size, pale], [(index + 1) / size, full]]
    return {
        "type": "heatmap", "uid": "area", **field(grid.shape, extent),
        "z": encode(code), "zmin": -0.5, "zmax": size * levels - 0.5,
        "colorscale": scale, "showscale": False, "zsmooth": False, "hoverinfo": "skip",
        "meta": {"smooth": {"kind": "classes", "levels": levels, "stops": scale}},
    }  # fmt: skip


def _rings(points: Array, size: float, theme: Theme) -> dict[str, Any]:
    """A ring around each of these points, of which there may be none."""
    return {
        "type": "scatter", "mode": "markers", "uid": "wrong", "name": "wrong", "hoverinfo": "skip",
        **places(np.reshape(points, (-1, 2))),
        "marker": {"symbol": "circle-open", "size": size + 6, "color": palette(theme).trend, "line": {"width": 1.3}},
        "showlegend": True,
    }  # fmt: skip


def _samples(points: Array, labels: Array, names: list[str], part: Part, theme: Theme) -> list[dict[str, Any]]:
    colours = palette(theme)
    traces = []
    for index, name in enumerate(names):
        of_class = points[labels == index]
        if len(of_class) == 0:
            continue
        colour = class_colour(index, theme)
        traces.append({
            "type": "scatter", "mode": "markers", "uid": f"{part}{index}", **places(of_class),
            "name": name, "legendgroup": name,
            "marker": of_part(part, colour, colours.outline, colours.background),
            "hovertemplate": f"{name}, {part}<br>%{{x:{HOVER}}}, %{{y:{HOVER}}}<extra></extra>",
        })  # fmt: skip
    return traces
