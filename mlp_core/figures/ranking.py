"""ROC and precision-recall curves, each class against the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mlp_core.figures.encode import encode
from mlp_core.figures.layout import HOVER, Figure, axis, layout
from mlp_core.figures.palette import Theme, class_colour, palette
from mlp_core.figures.text import plain, readable, unique_labels

Array = npt.NDArray[Any]
Line = tuple[Array, Array]
"""x and y of a curve, of the same length."""

MOST_CURVES = 12
"""More would share colours and cover each other."""
LOWEST_CURVES = 6
"""Where there are more classes, so many of the smallest areas are drawn."""
UNIT_RANGE = [-0.02, 1.02]


def roc(
    curves: Sequence[Line | None],
    areas: Sequence[float | None],
    class_names: Sequence[object],
    *,
    marks: tuple[float, float] | None = None,
    chosen: Sequence[int] = (),
    theme: Theme = "light",
    uirevision: str = "roc",
) -> Figure:
    """False against true positive rate of each class (None where undefined), with the areas in the legend.

    `marks` is a point of the (only) curve: where the chosen threshold is. `chosen` are the classes that are drawn; ()
    are all, or those of the smallest areas where there are more than `MOST_CURVES`.
    """
    diagonal = ([0.0, 1.0], [0.0, 1.0])
    return _curves(
        curves, areas, class_names, ("false positive rate", "true positive rate"), "AUC", diagonal, marks, chosen,
        theme, uirevision,
    )  # fmt: skip


def roc_alt(areas: Sequence[float | None], class_names: Sequence[object], chosen: Sequence[int] = ()) -> str:
    """The areas in words."""
    return "ROC curve. " + _said(areas, class_names, "area under the curve", chosen)


def precision_recall(
    curves: Sequence[Line | None],
    areas: Sequence[float | None],
    class_names: Sequence[object],
    *,
    marks: tuple[float, float] | None = None,
    base: float | None = None,
    chosen: Sequence[int] = (),
    theme: Theme = "light",
    uirevision: str = "precision-recall",
) -> Figure:
    """Recall against precision of each class, with the average precisions in the legend.

    `base` is the precision of answers at random: the share of the (only) class. `chosen` is as of `roc`.
    """
    line = None if base is None else ([0.0, 1.0], [base, base])
    return _curves(curves, areas, class_names, ("recall", "precision"), "AP", line, marks, chosen, theme, uirevision)


def precision_recall_alt(
    areas: Sequence[float | None], class_names: Sequence[object], chosen: Sequence[int] = ()
) -> str:
    """The average precisions in words."""
    return "Precision-recall curve. " + _said(areas, class_names, "average precision", chosen)


def _curves(
    curves: Sequence[Line | None], areas: Sequence[float | None], class_names: Sequence[object],
    titles: tuple[str, str], short: str, reference: tuple[list[float], list[float]] | None,
    marks: tuple[float, float] | None, chosen: Sequence[int], theme: Theme, uirevision: str,
) -> Figure:  # fmt: skip
    colours = palette(theme)
    names = unique_labels(class_names, 16)
    data: list[dict[str, Any]] = []
    if reference is not None:
        data.append({
            "type": "scatter", "mode": "lines", "uid": "chance", "x": reference[0], "y": reference[1],
            "line": {"color": colours.rule, "width": 1, "dash": "dot"}, "hoverinfo": "skip", "showlegend": False,
        })  # fmt: skip
    drawn = shown(areas, chosen)
    for place, index in enumerate(drawn):
        curve = curves[index]
        if curve is None:
            continue
        data.append({
            "type": "scatter", "mode": "lines", "uid": f"class{index}",
            "name": f"{names[index]} {_area(short, areas[index])}",
            "x": encode(curve[0]), "y": encode(curve[1]),
            "line": {"color": class_colour(index if len(areas) <= MOST_CURVES else place, theme), "width": 2},
            "hovertemplate": f"{names[index]}<br>{titles[0]} %{{x:{HOVER}}}<br>{titles[1]} %{{y:{HOVER}}}"
            "<extra></extra>",
        })  # fmt: skip
    if marks is not None:
        data.append({
            "type": "scatter", "mode": "markers", "uid": "threshold", "name": "threshold", "x": [marks[0]],
            "y": [marks[1]], "showlegend": False,
            "marker": {"color": colours.negative, "size": 13, "line": {"color": colours.outline, "width": 2}},
            "hovertemplate": f"threshold<br>{titles[0]} %{{x:{HOVER}}}<br>{titles[1]} %{{y:{HOVER}}}<extra></extra>",
        })  # fmt: skip
    both = {"range": UNIT_RANGE, "nticks": 6}
    many = len([line for line in data if line.get("name")]) > 4
    font = {"size": 11}
    key: dict[str, Any] = {"orientation": "v", "x": 1.02, "xanchor": "left", "y": 1, "yanchor": "top", "font": font}
    if len(areas) > MOST_CURVES and not chosen:
        key["title"] = {"text": f"lowest {len(drawn)} of {len(areas)}", "font": font}
    return {
        "data": data,
        "layout": layout(
            uirevision, theme, xaxis=axis(titles[0], **both), yaxis=axis(titles[1], **both), dragmode="pan",
            **({"legend": key} if many else {}),
        ),
    }  # fmt: skip


def shown(areas: Sequence[float | None], chosen: Sequence[int] = ()) -> list[int]:
    """The classes that are drawn: those chosen, else those of the smallest areas where there are too many; of two
    classes, class 1."""
    if len(areas) == 2:
        return [1]
    if chosen:
        return [index for index in chosen if areas[index] is not None]
    known = [(area, index) for index, area in enumerate(areas) if area is not None]
    most = len(known) if len(areas) <= MOST_CURVES else LOWEST_CURVES
    return sorted(index for _, index in sorted(known)[:most])


def _area(short: str, area: float | None) -> str:
    return "" if area is None else f"{short} {area:.3f}"


def _said(areas: Sequence[float | None], class_names: Sequence[object], what: str, chosen: Sequence[int]) -> str:
    drawn = shown(areas, chosen)
    parts = [f"{plain(class_names[index])} {readable(area)}" for index in drawn if (area := areas[index]) is not None]
    if not parts:
        return f"No {what} is defined."
    rest = len(areas) - len(drawn) if len(areas) > 2 else 0
    more = f" {rest} more classes are not drawn." if rest else ""
    return f"{what.capitalize()}: {', '.join(parts)}.{more}"


def threshold_rates(confusion: Array) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """Where a threshold lies on both curves, (FPR, TPR) and (recall, precision), from its 2×2 confusion matrix."""
    (negatives, alarms), (missed, found) = np.asarray(confusion).tolist()
    if not negatives + alarms or not missed + found:
        return None
    recall = found / (missed + found)
    precision = found / (found + alarms) if found + alarms else 1.0
    return (alarms / (negatives + alarms), recall), (recall, precision)
