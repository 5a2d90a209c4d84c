"""How sure a network is, and whether it is as often right."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mlp_core.figures.encode import encode
from mlp_core.figures.layout import HOVER, Figure, axis, layout
from mlp_core.figures.palette import Theme, palette
from mlp_core.figures.text import percent, readable

Array = npt.NDArray[Any]


def calibration_curve(
    confidence: Array, accuracy: Array, counts: Array, *, theme: Theme = "light", uirevision: str = "calibration"
) -> Figure:
    """Mean confidence against the share of right answers, (B,) each; a calibrated network is on the diagonal.

    Empty intervals, of count 0, are left out. The size of a point grows with its samples.
    """
    colours = palette(theme)
    known = np.flatnonzero(np.asarray(counts) > 0)
    sizes = 7 + 13 * np.sqrt(counts[known] / max(1, int(counts.max())))
    data: list[dict[str, Any]] = [
        {
            "type": "scatter", "mode": "lines", "uid": "diagonal", "x": [0, 1], "y": [0, 1], "name": "calibrated",
            "line": {"color": colours.rule, "width": 1, "dash": "dot"}, "hoverinfo": "skip",
        },
        {
            "type": "scatter", "mode": "lines+markers", "uid": "curve", "name": "network",
            "x": encode(confidence[known]), "y": encode(accuracy[known]), "customdata": encode(counts[known]),
            "line": {"color": colours.positive, "width": 2},
            "marker": {"color": colours.positive, "size": encode(sizes), "opacity": 0.9,
                       "line": {"color": colours.outline, "width": 1}},
            "hovertemplate": f"confidence %{{x:{HOVER}}}<br>right %{{y:{HOVER}}}<br>%{{customdata:,}} samples"
            "<extra></extra>",
        },
    ]  # fmt: skip
    both = {"range": [-0.02, 1.05], "nticks": 6}
    return {
        "data": data,
        "layout": layout(
            uirevision, theme, xaxis=axis("confidence", **both), yaxis=axis("share of right answers", **both),
            dragmode="pan",
        ),
    }  # fmt: skip


def calibration_curve_alt(confidence: Array, accuracy: Array, counts: Array, error: float) -> str:
    """The error, and where confidence and accuracy differ most."""
    known = np.flatnonzero(np.asarray(counts) > 0)
    said = f"Calibration curve of {int(counts.sum())} samples. Expected calibration error {readable(error)}."
    if not len(known):
        return said
    worst = known[np.argmax(np.abs(accuracy[known] - confidence[known]))]
    return (
        f"{said} Largest gap: at a confidence of {percent(float(confidence[worst]))}, "
        f"{percent(float(accuracy[worst]))} of {int(counts[worst])} answers are right."
    )


def confidence_histogram(
    counts: Array, right: Array, *, theme: Theme = "light", uirevision: str = "confidence"
) -> Figure:
    """How many answers (B,) lie in each interval of confidence, right ones and wrong ones stacked."""
    colours = palette(theme)
    bins = len(counts)
    middles = (np.arange(bins) + 0.5) / bins
    wrong = np.asarray(counts) - np.asarray(right)
    bars = (("right", right, colours.positive, ""), ("wrong", wrong, colours.negative, "/"))
    data = [
        {
            "type": "bar", "uid": name, "name": name, "x": encode(middles), "y": encode(np.asarray(values)),
            "width": 0.94 / bins, "marker": {"color": colour, "pattern": {"shape": pattern, "fillmode": "overlay"}},
            "hovertemplate": f"confidence about %{{x:.2f}}<br>%{{y:,}} {name}<extra></extra>",
        }
        for name, values, colour, pattern in bars
    ]  # fmt: skip
    return {
        "data": data,
        "layout": layout(
            uirevision, theme, barmode="stack", xaxis=axis("confidence", range=[0, 1]),
            yaxis=axis("samples", rangemode="tozero"), dragmode="pan",
        ),
    }  # fmt: skip


def confidence_histogram_alt(counts: Array, right: Array) -> str:
    """How many answers there are, and how many are very sure."""
    total, sure = int(np.sum(counts)), int(counts[-1])
    low = (len(counts) - 1) / len(counts)
    return (
        f"Histogram of confidences: {total} answers, {int(np.sum(right))} right. {sure} have a confidence above "
        f"{percent(low)}, {sure - int(right[-1])} of them wrong."
    )
