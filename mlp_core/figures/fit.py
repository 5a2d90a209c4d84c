"""A network of one input as a curve through the samples."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlp_core.figures.encode import encode
from mlp_core.figures.layout import HOVER, Figure, axis, layout
from mlp_core.figures.palette import Theme, faded, palette
from mlp_core.figures.points import (
    Array,
    Part,
    Show,
    chosen,
    key_to_marks,
    of_part,
    point_size,
    shares,
    shown_points,
    validation_share,
)
from mlp_core.figures.text import escape_label, plain, readable

BAND = 2
"""Standard deviations from the curve to the edge of its band: of a normal distribution, 95.4 in 100 lie inside."""
BAND_OPACITY = 0.18
"""How much of the band's colour covers what lies behind it."""
HEADROOM = 0.15
"""How far the axis of values goes beyond the samples, as a share of their range: a network that runs off is cut."""


def fitted_curve(
    x: Array | None,
    predicted: Array | None,
    *,
    train: tuple[Array, Array],
    test: tuple[Array, Array],
    validation: tuple[Array, Array] | None = None,
    deviation: Array | None = None,
    true: Array | None = None,
    true_x: Array | None = None,
    show: Show = "both",
    names: tuple[object, object] = ("x", "y"),
    theme: Theme = "light",
    uirevision: str = "fit",
) -> Figure:
    """The network's curve (teal), the true function (dotted) and the samples: training points full, test points rings,
    validation points diamonds.

    `x` and `predicted` are (M,), or None before there is a network; where `deviation` (M,) is given, a band reaches
    `BAND` standard deviations to either side of the curve, and about 95 of 100 samples should lie in it. `true` is (K,)
    at `true_x`, NaN where it has no value. `train` and `test` hold x and y of the samples, (N,) each; at most
    `MOST_DRAWN` of them are drawn.
    """
    colours = palette(theme)
    data: list[dict[str, Any]] = []
    if x is not None and predicted is not None and deviation is not None:
        data += _band(x, predicted, deviation, faded(colours.positive, BAND_OPACITY))
    kept = shares(len(train[0]), len(test[0]), show)
    parts: list[tuple[Part, tuple[Array, Array], int]] = [("train", train, kept[0]), ("test", test, kept[1])]
    if validation is not None:
        parts.insert(1, ("validation", validation, validation_share(len(validation[0]), show)))
    for part, (at, values), limit in parts:
        if limit:
            keep = chosen(len(at), limit)
            data.append({
                "type": "scatter", "mode": "markers", "uid": part, "showlegend": False,
                "x": encode(np.asarray(at, float)[keep]), "y": encode(np.asarray(values, float)[keep]),
                "marker": of_part(part, colours.raw, colours.outline, colours.background)
                | {"size": point_size(sum(kept))},
                "hovertemplate": f"{part}<br>%{{x:{HOVER}}}, %{{y:{HOVER}}}<extra></extra>",
            })  # fmt: skip
    if true is not None and true_x is not None:
        data.append(_line("true", "formula", true_x, true, colours.trend, "dot"))
    if x is not None and predicted is not None:
        data.append(_line("fit", "network", x, predicted, colours.positive, "solid"))
    return {
        "data": data,
        "layout": layout(
            uirevision,
            theme,
            xaxis=axis(escape_label(names[0])),
            yaxis=axis(escape_label(names[1]), range=_range(train[1], test[1])),
            annotations=[key_to_marks(validation is not None)] if min(kept) > 0 else [],
            dragmode="pan",
        ),
    }


def fitted_curve_alt(
    x: Array | None,
    predicted: Array | None,
    *,
    train: tuple[Array, Array],
    test: tuple[Array, Array],
    validation: tuple[Array, Array] | None = None,
    deviation: Array | None = None,
    true: Array | None = None,
    true_x: Array | None = None,
    show: Show = "both",
    names: tuple[object, object] = ("x", "y"),
) -> str:
    """The range of the curve, its distance from the true function, and how many points are shown."""
    said = [f"{plain(names[1])} over {plain(names[0])}."]
    if x is not None and predicted is not None:
        low, high = readable(float(np.nanmin(predicted))), readable(float(np.nanmax(predicted)))
        said.append(f"The network's curve lies between {low} and {high}.")
        if deviation is not None:
            mean = readable(float(np.nanmean(deviation)))
            said.append(f"The standard deviation that it gives its values is {mean} on average.")
        if true is not None and true_x is not None and len(true) == len(predicted):
            apart = np.abs(np.asarray(predicted, float) - np.asarray(true, float))
            if np.isfinite(apart).any():
                said.append(f"It is {readable(float(np.nanmean(apart)))} from the formula on average.")
    said.append(shown_points(len(train[0]), len(test[0]), show, 0 if validation is None else len(validation[0])))
    return " ".join(said)


def _band(x: Array, predicted: Array, deviation: Array, colour: str) -> list[dict[str, Any]]:
    """The lower edge, and the upper one with the room between them filled."""
    middle, room = np.asarray(predicted, float), BAND * np.asarray(deviation, float)
    common = {
        "type": "scatter", "mode": "lines", "x": encode(np.asarray(x, float)), "line": {"width": 0},
        "hoverinfo": "skip",
    }  # fmt: skip
    lower = {**common, "uid": "below", "y": encode(middle - room), "showlegend": False}
    upper = {
        **common, "uid": "band", "y": encode(middle + room), "fill": "tonexty", "fillcolor": colour,
        "name": f"± {BAND}σ",
    }  # fmt: skip
    return [lower, upper]


def _line(uid: str, name: str, x: Array, y: Array, colour: str, dash: str) -> dict[str, Any]:
    return {
        "type": "scatter", "mode": "lines", "uid": uid, "name": name, "x": encode(np.asarray(x, float)),
        "y": encode(np.asarray(y, float)), "line": {"color": colour, "width": 2.5, "dash": dash},
        "hovertemplate": f"{name}<br>%{{x:{HOVER}}}, %{{y:{HOVER}}}<extra></extra>",
    }  # fmt: skip


def _range(*values: Array) -> list[float]:
    """A fixed range around the samples, so that the axis does not jump while the network learns."""
    known = np.concatenate([np.asarray(part, float).ravel() for part in values])
    known = known[np.isfinite(known)]
    if known.size == 0:
        return [-1.0, 1.0]
    low, high = float(known.min()), float(known.max())
    margin = HEADROOM * (high - low) or 0.5
    return [low - margin, high + margin]
