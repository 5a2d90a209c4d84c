"""Activations: their curves and slopes, what they cost, and a signal on its way through layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mlp_core.figures.empty import empty
from mlp_core.figures.encode import encode
from mlp_core.figures.layout import HOVER, Figure, axis, layout
from mlp_core.figures.palette import Theme, class_colour, palette
from mlp_core.figures.text import escape_label, plain, readable, unique_labels

Array = npt.NDArray[Any]

DASHES = ("solid", "dash", "dot", "dashdot")
"""Lines are told apart by their dashes too, for who cannot tell their colours."""
TALLEST = 8.0
"""A curve that goes further is cut off by the picture; it can be moved."""
SKETCH_WIDTH, SKETCH_HEIGHT = 120, 64
"""Units of a sketch."""


def activation_curves(
    names: Sequence[object],
    x: Sequence[Array],
    y: Sequence[Array],
    *,
    title: str,
    inputs: str = "input",
    theme: Theme = "light",
    uirevision: str = "activation",
) -> Figure:
    """One line per name. `x[i]`, `y[i]`: (n,) each, NaN for a gap; `title` names the y axis: "output"."""
    if not names:
        return empty("Choose an activation above.", theme=theme, uirevision=uirevision)
    traces = [
        {
            "type": "scatter", "mode": "lines", "uid": f"line{index}", "name": name,
            "x": encode(np.asarray(at, float)), "y": encode(np.asarray(values, float)),
            "line": {"color": class_colour(index, theme), "width": 2.5, "dash": DASHES[index % len(DASHES)]},
            "hovertemplate": f"{name} %{{y:{HOVER}}} at %{{x:{HOVER}}}<extra></extra>",
        }
        for index, (name, at, values) in enumerate(zip(unique_labels(names), x, y, strict=True))
    ]  # fmt: skip
    low, high = _span(y)
    rule = {"type": "line", "line": {"color": palette(theme).rule, "width": 1}, "opacity": 0.7, "layer": "below"}
    return {
        "data": traces,
        "layout": layout(
            uirevision, theme,
            xaxis=axis(escape_label(inputs)),
            yaxis=axis(escape_label(title), range=[low, high]),
            shapes=[
                {**rule, "x0": 0, "x1": 0, "yref": "paper", "y0": 0, "y1": 1},
                {**rule, "xref": "paper", "x0": 0, "x1": 1, "y0": 0, "y1": 0},
            ],
            showlegend=True,
            dragmode="zoom",
        ),
    }  # fmt: skip


def activation_curves_alt(names: Sequence[object], x: Sequence[Array], y: Sequence[Array], *, title: str) -> str:
    """Both ends, the middle, and the least and the greatest value of each line in words."""
    if not names:
        return f"Curves of the {plain(title)}. No activation is chosen."
    said = []
    for name, at, values in zip(names, x, y, strict=True):
        known = np.isfinite(values)
        places, numbers = np.asarray(at)[known], np.asarray(values)[known]
        if not len(numbers):
            said.append(f"{plain(name)}: no value")
            continue
        middle = numbers[int(np.argmin(np.abs(places)))]
        said.append(
            f"{plain(name)}: {readable(float(numbers[0]))} at {readable(float(places[0]))}, "
            f"{readable(float(middle))} at 0, {readable(float(numbers[-1]))} at {readable(float(places[-1]))}; "
            f"between {readable(float(numbers.min()))} and {readable(float(numbers.max()))}"
        )
    return f"Curves of the {plain(title)}. {'. '.join(said)}."


def layer_signal(
    names: Sequence[object],
    values: Sequence[Array],
    *,
    title: str,
    log_y: bool = True,
    theme: Theme = "light",
    uirevision: str = "signal",
) -> Figure:
    """One line per name over layers 1, 2, …; `values[i]`: (layers,). On the log scale a zero is a gap."""
    if not names:
        return empty("Choose an activation above.", theme=theme, uirevision=uirevision)
    traces = []
    for index, (name, numbers) in enumerate(zip(unique_labels(names), values, strict=True)):
        shown = np.asarray(numbers, float)
        if log_y:
            shown = np.where(shown > 0, shown, np.nan)
        colour = class_colour(index, theme)
        traces.append({
            "type": "scatter", "mode": "lines+markers", "uid": f"line{index}", "name": name,
            "x": list(range(1, len(shown) + 1)), "y": encode(shown),
            "line": {"color": colour, "width": 2, "dash": DASHES[index % len(DASHES)]},
            "marker": {"size": 6, "color": colour},
            "hovertemplate": f"{name} %{{y:{HOVER}}} after layer %{{x}}<extra></extra>",
        })  # fmt: skip
    yaxis: dict[str, Any] = {"type": "log", "exponentformat": "power", "tickformat": ""} if log_y else {}
    if not log_y:
        yaxis = {"range": [-0.03, 1.03], "tickformat": ".0%"}
    shapes = []
    if log_y:
        rule = {"color": palette(theme).rule, "width": 1}
        shapes = [{"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 1, "y1": 1, "line": rule,
                   "opacity": 0.7, "layer": "below"}]  # fmt: skip
    return {
        "data": traces,
        "layout": layout(
            uirevision, theme,
            xaxis=axis("layer", showgrid=False, dtick=1, tickformat="d"),
            yaxis=axis(escape_label(title, 40), **yaxis),
            shapes=shapes,
            dragmode="zoom",
            margin={"l": 64, "r": 12, "t": 28, "b": 42},
        ),
    }  # fmt: skip


def layer_signal_alt(names: Sequence[object], values: Sequence[Array], *, title: str) -> str:
    """The first and the last layer's number of each line in words."""
    if not names:
        return f"{plain(title, 60)} per layer. No activation is chosen."
    said = [
        f"{plain(name)}: {readable(float(numbers[0]))} after layer 1, "
        f"{readable(float(numbers[-1]))} after layer {len(numbers)}"
        for name, numbers in zip(names, values, strict=True)
    ]
    return f"{plain(title, 60)} per layer. {'. '.join(said)}."


def activation_costs(
    names: Sequence[object],
    forward: Sequence[float],
    backward: Sequence[float],
    *,
    theme: Theme = "light",
    uirevision: str = "costs",
) -> Figure:
    """Two bars per name, forward and backward, as multiples of ReLU's time; the first name on top."""
    if not names:
        return empty("Press Measure to see what each costs on this machine.", theme=theme, uirevision=uirevision)
    labels = unique_labels(names)
    colours = palette(theme)
    traces = [
        {
            "type": "bar", "orientation": "h", "uid": side, "name": side, "x": encode(np.asarray(times, float)),
            "y": labels, "marker": {"color": colour},
            "hovertemplate": f"%{{y}} {side}: %{{x:.3~r}} times ReLU<extra></extra>",
        }
        for side, times, colour in (
            ("forward", forward, colours.positive), ("backward", backward, colours.negative),
        )
    ]  # fmt: skip
    one = {"type": "line", "x0": 1, "x1": 1, "yref": "paper", "y0": 0, "y1": 1, "opacity": 0.8,
           "line": {"color": colours.rule, "width": 1}}  # fmt: skip
    return {
        "data": traces,
        "layout": layout(
            uirevision, theme,
            xaxis=axis("time relative to ReLU", rangemode="tozero"),
            yaxis=axis(None, autorange="reversed", automargin=True, fixedrange=True, showgrid=False, nticks=0,
                       type="category", dtick=1, tickformat=""),
            barmode="group", bargap=0.3, shapes=[one], dragmode="zoom",
            margin={"l": 20, "r": 12, "t": 28, "b": 42},
        ),
    }  # fmt: skip


def activation_costs_alt(names: Sequence[object], forward: Sequence[float], backward: Sequence[float]) -> str:
    """Every pair of bars in words."""
    if not names:
        return "Costs relative to ReLU. Nothing has been measured yet."
    said = [
        f"{plain(name)}: {readable(there, 3)} times forward, {readable(back, 3)} times backward"
        for name, there, back in zip(names, forward, backward, strict=True)
    ]
    return f"Costs relative to ReLU. {'. '.join(said)}."


def sketch(y: Sequence[Array], *, theme: Theme = "light") -> str:
    """A small picture of curves as SVG, without words: each of `y` (n,), over inputs at equal distances from −m to m.

    It is decoration beside a name; say in words what it shows.
    """
    low, high = _span(y)
    colours = palette(theme)

    def down(value: float) -> float:
        return SKETCH_HEIGHT * (1 - (value - low) / (high - low))

    lines = "".join(
        f'<path d="{_path(np.asarray(values, float), down)}" fill="none" stroke="{class_colour(index, theme)}" '
        'stroke-width="2" stroke-linejoin="round"/>'
        for index, values in reversed(list(enumerate(y)))
    )
    middle, zero = SKETCH_WIDTH / 2, down(0.0)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SKETCH_WIDTH} {SKETCH_HEIGHT}">'
        f'<path d="M{middle:g} 0V{SKETCH_HEIGHT}M0 {zero:.1f}H{SKETCH_WIDTH}" stroke="{colours.rule}" '
        f'stroke-width="0.7" opacity="0.7"/>{lines}</svg>'
    )


def _path(values: Array, down: Any) -> str:
    """An SVG path; a number that is none begins a new line."""
    parts, pen = [], "M"
    for index, value in enumerate(values.tolist()):
        if not np.isfinite(value):
            pen = "M"
            continue
        height = min(max(down(value), -SKETCH_HEIGHT), 2 * SKETCH_HEIGHT)
        parts.append(f"{pen}{index * SKETCH_WIDTH / max(1, len(values) - 1):.1f} {height:.1f}")
        pen = "L"
    return "".join(parts)


def _span(y: Sequence[Array]) -> tuple[float, float]:
    """The heights that a picture shows: all lines and zero, but for what goes far away."""
    numbers = np.concatenate([np.asarray(values, float).ravel() for values in y])
    numbers = numbers[np.isfinite(numbers)]
    if not len(numbers):
        return -1.0, 1.0
    low, high = min(0.0, float(numbers.min())), max(0.0, float(numbers.max()))
    if high - low > 2 * TALLEST:  # where it goes far, its middle half is what there is to see
        low, high = (min(0.0, float(np.quantile(numbers, 0.05))), max(0.0, float(np.quantile(numbers, 0.95))))
    margin = 0.06 * (high - low) or 1.0
    return low - margin, high + margin
