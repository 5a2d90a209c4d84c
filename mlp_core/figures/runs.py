"""Several runs in one picture: their curves, a setting against a figure, and many of both side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlp_core.figures.confusion import MOST_WITH_NUMBERS, some_names
from mlp_core.figures.curve import Array, Curve, smooth
from mlp_core.figures.empty import empty
from mlp_core.figures.encode import encode
from mlp_core.figures.layout import HOVER, Figure, axis, hidden_axis, layout
from mlp_core.figures.palette import Theme, class_colour, faded, mix, palette, stops, text_on
from mlp_core.figures.text import escape_label, plain, readable, unique_labels

COLOURS = 12
"""Colours that differ; further runs have a dashed line."""
DASHES = ("solid", "dash")
Value = str | int | float | bool | None


@dataclass(frozen=True, eq=False)
class RunCurve:
    """The curve of a run."""

    name: str
    """What the run is called."""
    curve: Curve
    """By its steps."""
    steps_per_unit: float
    """Steps of a unit of the axis."""


@dataclass(frozen=True)
class Dimension:
    """One setting or figure of several runs."""

    label: str
    """Its name for people."""
    values: tuple[Value, ...]
    """Its value in each run; None where a run has none."""
    log: bool = False
    """Whether equal distances stand for equal ratios, where all values are above zero."""

    @property
    def numeric(self) -> bool:
        """Whether all values that there are are numbers."""
        known = [value for value in self.values if value is not None]
        return bool(known) and all(isinstance(value, int | float) and not isinstance(value, bool) for value in known)

    @property
    def logarithmic(self) -> bool:
        """Whether it is drawn so."""
        return self.log and self.numeric and all(value is None or float(value) > 0 for value in self.values)

    @property
    def classes(self) -> list[str]:
        """The different texts of values that are no numbers, in order."""
        return sorted({str(value) for value in self.values if value is not None})

    def places(self) -> list[float]:
        """Where each value lies, from 0 to 1; NaN where there is none."""
        if not self.numeric:
            classes, last = self.classes, max(1, len(self.classes) - 1)
            return [math.nan if v is None else classes.index(str(v)) / last for v in self.values]
        found = [math.nan if v is None else math.log(float(v)) if self.logarithmic else float(v) for v in self.values]
        known = [value for value in found if math.isfinite(value)]
        low, width = min(known), max(known) - min(known)
        return [(value - low) / width if width else 0.5 if math.isfinite(value) else math.nan for value in found]


def run_colour(index: int, theme: Theme) -> str:
    """The colour of the run at a place of the list."""
    return class_colour(index % COLOURS, theme)


def run_curves(
    runs: Sequence[RunCurve], *, x: str, y: str, percents: bool = False, log_y: bool = False, smoothing: float = 0.0,
    theme: Theme = "light", uirevision: str = "runs",
) -> Figure:  # fmt: skip
    """A line per run over `x`; with `smoothing` above 0, each on its raw line, which is faint then."""
    if not any(len(run.curve) for run in runs):
        return empty("None of these runs has this curve. Choose another.", theme=theme, uirevision=uirevision)
    data: list[dict[str, Any]] = []
    for place, (run, name) in enumerate(zip(runs, _names(runs), strict=True)):
        curve = run.curve.thinned()
        if not len(curve):
            continue
        at = encode(np.asarray(curve.x, dtype=np.float64) / run.steps_per_unit)
        values = np.asarray(curve.mean, dtype=np.float64) * (100 if percents else 1)
        if log_y:
            values = np.where(values > 0, values, np.nan)
        colour, dash = run_colour(place, theme), DASHES[place // COLOURS % len(DASHES)]
        line = {"type": "scatter", "mode": "lines", "x": at, "legendgroup": str(place)}
        if smoothing > 0:
            data.append(line | {
                "uid": f"raw-{place}", "y": encode(values), "showlegend": False, "hoverinfo": "skip",
                "line": {"color": faded(colour, 0.28), "width": 1, "dash": dash},
            })  # fmt: skip
        drawn = smooth(values, smoothing) if smoothing > 0 else values
        single = {"mode": "lines+markers"} if len(curve) == 1 else {}
        data.append(line | single | {
            "uid": f"run-{place}", "name": name, "y": encode(drawn),
            "line": {"color": colour, "width": 2, "dash": dash},
            "hovertemplate": f"{name}<br>%{{y:{HOVER}}}{' %' * percents} at {x} %{{x:{HOVER}}}<extra></extra>",
        })  # fmt: skip
    title = f"{y}, log scale" if log_y else f"{y}, %" if percents else y
    yaxis = axis(title, type="log", nticks=5) if log_y else axis(title)
    return {"data": data, "layout": layout(
        uirevision, theme, xaxis=axis(x, showgrid=False, rangemode="tozero"), yaxis=yaxis, dragmode="zoom",
    )}  # fmt: skip


def run_curves_alt(runs: Sequence[RunCurve], *, x: str, y: str, percents: bool = False) -> str:
    """Where each run ended, in words."""
    said = [
        f"{plain(run.name, 60)}: {readable(run.curve.last * (100 if percents else 1))}{' %' * percents} at {x} "
        f"{readable(float(run.curve.x[-1]) / run.steps_per_unit)}"
        for run in runs
        if len(run.curve)
    ]
    return f"{y} of {len(runs)} runs. " + ("; ".join(said) + "." if said else "None has this curve.")


def run_scatter(
    names: Sequence[str], x: Dimension, y: Dimension, *, theme: Theme = "light", uirevision: str = "run-scatter"
) -> Figure:
    """A point per run: one setting or figure against another."""
    data: list[dict[str, Any]] = []
    labels = unique_labels(names, 40)
    for place, label in enumerate(labels):
        if x.values[place] is None or y.values[place] is None:
            continue
        data.append({
            "type": "scatter", "mode": "markers", "uid": f"run-{place}", "name": label,
            "x": [_shown(x, place)], "y": [_shown(y, place)],
            "marker": {"size": 11, "color": run_colour(place, theme),
                       "symbol": "circle" if place < COLOURS else "diamond",
                       "line": {"width": 1, "color": palette(theme).outline}},
            "hovertemplate": f"{label}<br>%{{x}}, %{{y}}<extra></extra>",
        })  # fmt: skip
    if not data:
        return empty("None of these runs has both. Choose another pair.", theme=theme, uirevision=uirevision)
    return {"data": data, "layout": layout(uirevision, theme, xaxis=_axis(x), yaxis=_axis(y), dragmode="zoom")}


def run_scatter_alt(names: Sequence[str], x: Dimension, y: Dimension) -> str:
    """The pairs in words."""
    pairs = [
        f"{plain(name, 60)}: {_text(one)}, {_text(other)}"
        for name, one, other in zip(names, x.values, y.values, strict=True)
        if one is not None and other is not None
    ]
    return f"{y.label} against {x.label}. " + ("; ".join(pairs) + "." if pairs else "No run has both.")


def parallel_runs(
    names: Sequence[str], dimensions: Sequence[Dimension], *, theme: Theme = "light", uirevision: str = "parallel"
) -> Figure:
    """A line per run across upright axes, one per dimension."""
    known = [each for each in dimensions if any(value is not None for value in each.values)]
    if len(known) < 2:
        return empty("Choose at least two settings or figures that these runs have.", theme=theme,
                     uirevision=uirevision)  # fmt: skip
    places = np.array([each.places() for each in known])
    data: list[dict[str, Any]] = []
    for run, label in enumerate(unique_labels(names, 40)):
        texts = [f"{escape_label(each.label)}: {escape_label(_text(each.values[run]))}" for each in known]
        data.append({
            "type": "scatter", "mode": "lines+markers", "uid": f"run-{run}", "name": label, "connectgaps": True,
            "x": list(range(len(known))), "y": encode(places[:, run]), "text": texts,
            "line": {"color": run_colour(run, theme), "width": 2, "dash": DASHES[run // COLOURS % len(DASHES)]},
            "marker": {"size": 7}, "hovertemplate": f"{label}<br>%{{text}}<extra></extra>",
        })  # fmt: skip
    return beside(data, known, theme=theme, uirevision=uirevision)


def confusion_difference(
    difference: Array, class_names: Sequence[object], *, theme: Theme = "light", uirevision: str = "difference"
) -> Figure:
    """Shares (K, K) of true classes (rows) that one run predicts more often than another, in percentage points: teal
    above zero, orange below."""
    small = len(class_names) <= MOST_WITH_NUMBERS
    names, colours = unique_labels(class_names, 14 if small else 24), palette(theme)
    limit = max(1.0, float(np.abs(difference).max()))
    data: list[dict[str, Any]] = [{
        "type": "heatmap", "uid": "cells", "x": names, "y": names,
        "z": encode(np.asarray(difference, dtype=np.float64)),
        "zmin": -limit, "zmax": limit, "showscale": False, "xgap": 2 * small, "ygap": 2 * small,
        "colorscale": stops(colours.surface),
        "hovertemplate": "true %{y}, predicted %{x}: %{z:+.1f} points<extra></extra>",
    }]  # fmt: skip
    if small:
        cells = [(row, column) for row in range(len(names)) for column in range(len(names))]
        level = [float(difference[cell]) for cell in cells]
        ends = [colours.surface[-1 if value > 0 else 0] for value in level]
        scale = [mix(end, colours.surface[2], abs(value) / limit) for end, value in zip(ends, level, strict=True)]
        data.append({
            "type": "scatter", "mode": "text", "uid": "numbers", "hoverinfo": "skip",
            "x": [names[column] for _, column in cells], "y": [names[row] for row, _ in cells],
            "text": ["0" if round(value) == 0 else f"{value:+.0f}".replace("-", "−") for value in level],
            "textfont": {"size": 12, "color": [text_on(colour, theme) for colour in scale]},
        })  # fmt: skip
    shared = {"type": "category", "showgrid": False, "automargin": True, "fixedrange": True, "tickformat": ""}
    shared |= {"constrain": "domain"} | ({"nticks": 0} if small else some_names(class_names))
    return {"data": data, "layout": layout(
        uirevision, theme, dragmode=False, showlegend=False, margin={"l": 24, "r": 8, "t": 8, "b": 24},
        xaxis=axis("predicted", **shared), yaxis=axis("true", autorange="reversed", scaleanchor="x", **shared),
    )}  # fmt: skip


def confusion_difference_alt(difference: Array, class_names: Sequence[object]) -> str:
    """How much the right answers differ, and where most."""
    diagonal = np.diag(difference)
    best, worst = int(diagonal.argmax()), int(diagonal.argmin())
    return (
        f"Difference of two confusion matrices, in percentage points of the true class. Right answers differ by "
        f"{diagonal[worst]:+.1f} ({plain(class_names[worst])}) to {diagonal[best]:+.1f} ({plain(class_names[best])})."
    )


def parallel_runs_alt(names: Sequence[str], dimensions: Sequence[Dimension]) -> str:
    """What each run has, in words."""
    said = [
        f"{plain(name, 60)}: " + ", ".join(f"{each.label} {_text(each.values[run])}" for each in dimensions)
        for run, name in enumerate(names)
    ]
    return "Parallel coordinates. " + "; ".join(said) + "."


def beside(
    data: list[dict[str, Any]], dimensions: Sequence[Dimension], *, theme: Theme, uirevision: str
) -> Figure:  # fmt: skip
    """Lines across uprights, one for each dimension, as parallel coordinates have them."""
    rule, room = {"color": palette(theme).rule, "width": 1}, 22 if len(dimensions) > 5 else 32
    uprights = [{"type": "line", "x0": at, "x1": at, "y0": 0, "y1": 1, "line": rule, "layer": "below"}
                for at in range(len(dimensions))]  # fmt: skip
    return {"data": data, "layout": layout(
        uirevision, theme, dragmode=False, shapes=uprights, annotations=marks(dimensions),
        xaxis=axis(None, tickmode="array", tickvals=list(range(len(dimensions))), showgrid=False, fixedrange=True,
                   automargin=True, ticktext=[escape_label(each.label, room) for each in dimensions],
                   range=[-0.35, len(dimensions) - 0.55]),
        yaxis=hidden_axis(range=[-0.06, 1.06]), margin={"l": 20, "r": 20, "t": 40, "b": 44},
    )}  # fmt: skip


def marks(dimensions: Sequence[Dimension]) -> list[dict[str, Any]]:
    """The values at the axes: both ends of numbers, every class."""
    found = []
    for at, each in enumerate(dimensions):
        if each.numeric:
            known = [float(value) for value in each.values if value is not None and not isinstance(value, str)]
            ends = [(0.0, min(known)), (1.0, max(known))] if min(known) < max(known) else [(0.5, known[0])]
            ticks = [(place, readable(value)) for place, value in ends]
        else:
            classes = each.classes
            ticks = [(place / max(1, len(classes) - 1), plain(name, 16)) for place, name in enumerate(classes)]
        found += [
            {"x": at, "y": place, "text": escape_label(text), "showarrow": False, "xanchor": "left", "xshift": 6,
             "yshift": -10 if place == 0 else 10, "font": {"size": 11}}
            for place, text in ticks
        ]  # fmt: skip
    return found


def _axis(dimension: Dimension) -> dict[str, Any]:
    label = escape_label(dimension.label, 40)
    if not dimension.numeric:
        return axis(label, type="category", tickformat="")
    return axis(f"{label}, log scale", type="log", nticks=5) if dimension.logarithmic else axis(label)


def _shown(dimension: Dimension, place: int) -> Any:
    value = dimension.values[place]
    return value if dimension.numeric else escape_label(value, 30)


def _names(runs: Sequence[RunCurve]) -> list[str]:
    return unique_labels([run.name for run in runs], 40)


def _text(value: Value) -> str:
    return readable(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
