"""Histograms of one layer along a run, as a heat map and as a ridge, and figures of every layer as lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mlp_core.figures.encode import encode
from mlp_core.figures.layout import HOVER, Figure, axis, layout
from mlp_core.figures.palette import Stops, Theme, class_colour, mix, palette
from mlp_core.figures.text import escape_label, percent, plain, readable, unique_labels

Array = npt.NDArray[Any]

MOST_OUTLINES = 24
"""Moments that a ridge draws at most."""
OVERLAP = 2.0
"""Height of an outline, in distances between two of them."""


def spread_map(
    steps: Array, edges: Array, shares: Array, *, unit_label: str, chosen: int = -1, theme: Theme = "light",
    uirevision: str = "spread-map",
) -> Figure:  # fmt: skip
    """How values are spread (vertical) along a run (horizontal).

    `steps`: (M,) when each histogram was made; `edges`: (B+1,) limits of the bins of all; `shares`: (M, B) share of the
    values in each bin. `chosen` is the place of the moment that gets a mark.
    """
    middles, colours = (edges[:-1] + edges[1:]) / 2, palette(theme)
    unit = escape_label(unit_label, 40)
    data = [{
        "type": "heatmap", "uid": "shares", "x": encode(_borders(steps)), "y": encode(edges),
        "z": encode(np.round(100 * shares.T, 2)), "zmin": 0, "zmax": 100 * float(shares.max()) or 1.0,
        "colorscale": _shade(theme), "showscale": False,
        "hovertemplate": f"{unit} about %{{y:{HOVER}}}<br>step %{{x:,.0f}} · %{{z:{HOVER}}} % of them<extra></extra>",
    }, {
        "type": "scatter", "mode": "markers", "uid": "chosen", "hoverinfo": "skip",
        "x": [float(steps[chosen])], "y": [float(middles[-1])], "cliponaxis": False,
        "marker": {"symbol": "triangle-down", "size": 11, "color": colours.negative},
    }]  # fmt: skip
    line = {"type": "line", "x0": float(steps[chosen]), "x1": float(steps[chosen]), "yref": "paper", "y0": 0, "y1": 1,
            "line": {"color": colours.negative, "width": 1.5}}  # fmt: skip
    return {
        "data": data,
        "layout": layout(
            uirevision, theme, showlegend=False, shapes=[line], dragmode="zoom",
            xaxis=axis("step", showgrid=False), yaxis=axis(unit, showgrid=False, automargin=True),
            margin={"l": 20, "r": 12, "t": 10, "b": 42},
        ),
    }  # fmt: skip


def spread_map_alt(steps: Array, edges: Array, shares: Array, *, unit_label: str, chosen: int = -1) -> str:
    """Mean and spread at the first and the last moment, in words."""
    ends = dict.fromkeys((0, len(steps) - 1))
    said = [f"step {readable(float(steps[at]))}: {_words(edges, shares[at])}" for at in ends]
    return f"How the {plain(unit_label, 40)} of a layer is spread along the run. {'. '.join(said)}."


def spread_ridge(
    steps: Array, edges: Array, shares: Array, *, unit_label: str, chosen: int = -1, theme: Theme = "light",
    uirevision: str = "spread-ridge",
) -> Figure:  # fmt: skip
    """The same as outlines one in front of the other, the oldest at the back; the chosen one stands out.

    Each is scaled to its own tallest bin: shapes are compared.
    """
    colours = palette(theme)
    chosen %= len(steps)
    drawn = _some(len(steps), chosen)
    middles = (edges[:-1] + edges[1:]) / 2
    x = np.concatenate(([edges[0]], middles, [edges[-1]]))
    data: list[dict[str, Any]] = []
    quiet = mix(colours.positive, colours.background, 0.10)
    for depth, place in enumerate(drawn):
        base = float(len(drawn) - 1 - depth)
        y = base + OVERLAP * np.concatenate(([0.0], shares[place], [0.0])) / (float(shares[place].max()) or 1.0)
        bright = place == chosen
        line = {"color": colours.negative if bright else mix(colours.positive, colours.background, 0.75),
                "width": 2 if bright else 1}  # fmt: skip
        data.append({
            "type": "scatter", "mode": "lines", "uid": f"outline{depth}", "x": encode(x), "y": encode(y),
            "fill": "toself", "line": line, "hoveron": "points", "name": f"step {int(steps[place]):,}",
            "fillcolor": mix(colours.negative, colours.background, 0.35) if bright else quiet,
            "hovertemplate": f"step {int(steps[place]):,}<br>%{{x:{HOVER}}}<extra></extra>",
        })  # fmt: skip
    every = max(1, -(-len(drawn) // 6))
    ticks = [at for at in range(len(drawn)) if at % every == 0 or drawn[at] == chosen]
    return {
        "data": data,
        "layout": layout(
            uirevision, theme, showlegend=False, dragmode="zoom",
            xaxis=axis(escape_label(unit_label, 40), showgrid=False),
            yaxis=axis(
                "step", tickvals=[len(drawn) - 1 - at for at in ticks],
                ticktext=[f"{int(steps[drawn[at]]):,}" for at in ticks],
                range=[-0.2, len(drawn) - 1 + OVERLAP + 0.2], fixedrange=True, automargin=True,
            ),
            margin={"l": 20, "r": 12, "t": 10, "b": 42},
        ),
    }  # fmt: skip


def spread_ridge_alt(steps: Array, edges: Array, shares: Array, *, unit_label: str, chosen: int = -1) -> str:
    """The chosen moment in words."""
    said = f"step {readable(float(steps[chosen]))}: {_words(edges, shares[chosen])}"
    return f"Outlines of the {plain(unit_label, 40)} of a layer along the run. Chosen, {said}."


def layer_lines(
    steps: Array, values: Array, names: Sequence[object], *, unit_label: str, guide: float | None = None,
    theme: Theme = "light", uirevision: str = "layer-lines",
) -> Figure:  # fmt: skip
    """A line for each layer along a run, on a logarithmic scale. `values`: (M, L); `guide` gets a dotted line."""
    labels = unique_labels(names, 20)
    known = np.where(np.isfinite(values) & (values > 0), values, np.nan)
    data = [{
        "type": "scatter", "mode": "lines+markers" if len(steps) < 3 else "lines", "uid": f"layer{place}",
        "name": label, "x": encode(steps), "y": encode(known[:, place].astype(np.float64)),
        "line": {"color": class_colour(place, theme), "width": 1.8},
        "hovertemplate": f"{label}<br>step %{{x:,.0f}}: %{{y:{HOVER}}}<extra></extra>",
    } for place, label in enumerate(labels)]  # fmt: skip
    shapes = [] if guide is None else [{
        "type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": guide, "y1": guide,
        "line": {"color": palette(theme).rule, "width": 1, "dash": "dot"},
    }]  # fmt: skip
    return {
        "data": data,
        "layout": layout(
            uirevision, theme, shapes=shapes, dragmode="zoom", showlegend=len(labels) <= 10,
            xaxis=axis("step"),
            yaxis=axis(
                escape_label(unit_label, 40), type="log", tickformat="", exponentformat="power", automargin=True
            ),
            margin={"l": 20, "r": 12, "t": 28, "b": 42},
        ),
    }  # fmt: skip


def layer_lines_alt(steps: Array, values: Array, names: Sequence[object], *, unit_label: str) -> str:
    """The newest value of each layer in words."""
    said = [f"{plain(name)} {readable(float(value))}" for name, value in zip(names, values[-1], strict=True)]
    what = plain(unit_label, 40).capitalize()
    return f"{what} of each layer along the run; at step {readable(float(steps[-1]))}: {', '.join(said)}."


def _shade(theme: Theme) -> Stops:
    """From the quiet end of the scale of counts to the loud one, fast at first: thin tails stay visible."""
    colours = palette(theme)
    return [[at, mix(colours.ramp_high, colours.ramp_low, at**0.5)] for at in (0.0, 0.01, 0.04, 0.1, 0.25, 0.5, 1.0)]


def _borders(steps: Array) -> Array:
    """Limits of cells around moments, (M+1,): half way between two, and the ends of the run."""
    if len(steps) == 1:
        return np.array([steps[0] - 0.5, steps[0] + 0.5])
    between = (steps[:-1] + steps[1:]) / 2
    return np.concatenate((steps[:1], between, steps[-1:]))


def _some(count: int, chosen: int) -> list[int]:
    """The places of moments to draw: evenly spread, the first, the last and the chosen one among them."""
    if count <= MOST_OUTLINES:
        return list(range(count))
    even = np.linspace(0, count - 1, MOST_OUTLINES).round().astype(int).tolist()
    return sorted({*even, chosen})


def _words(edges: Array, share: Array) -> str:
    total = float(share.sum())
    if total == 0:
        return "no values"
    middles = (edges[:-1] + edges[1:]) / 2
    mean = float((middles * share).sum() / total)
    spread = float(np.sqrt((((middles - mean) ** 2) * share).sum() / total))
    used = np.flatnonzero(share > 0)
    crowd = int(np.argmax(share))
    return (
        f"from {readable(float(edges[used[0]]))} to {readable(float(edges[used[-1] + 1]))}, mean {readable(mean)}, "
        f"spread {readable(spread)}, {percent(float(share[crowd]))} about {readable(float(middles[crowd]))}"
    )
