"""Loss, accuracy and learning rate over training."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from mlp_core.figures.curve import Array, Curve, smooth
from mlp_core.figures.empty import empty
from mlp_core.figures.encode import encode
from mlp_core.figures.layout import HOVER, Figure, axis, layout
from mlp_core.figures.palette import Palette, Theme, faded, palette
from mlp_core.figures.text import percent, readable

Unit = Literal["epoch", "step"]
ROBUST, ROOM = 0.99, 1.15
"""The quantile of all values that sets the scale, and how far above it the scale ends."""
EDGE = 0.97
"""Where a triangle stands for what is above the scale, as a share of its height."""


def loss_curves(
    train: Curve,
    test: Curve,
    *,
    steps_per_epoch: float,
    log_y: bool = False,
    smoothing: float = 0.0,
    x: Unit = "epoch",
    theme: Theme = "light",
    uirevision: str = "loss",
    validation: Curve | None = None,
    origin: Curve | None = None,
    mark: float | None = None,
    accuracy: Curve | None = None,
    changes: Sequence[tuple[float, str]] = (),
    jumps: Mapping[int, str] | None = None,
) -> Figure:
    """Training loss in grey with its spread and, if `smoothing` > 0, a smoothed line; validation loss, where there is
    one, dashed in orange; test loss in teal.

    Only the training line is smoothed: a value of the other parts is a mean over all of it, and has no batch noise.
    `origin` is the training loss of the run that this one goes on from, dotted in blue; `mark` a step to be marked.
    `changes` are steps at which something was done to the network, each with what it was.
    `jumps` are values of the training loss, by their place in it, that have a triangle each, with what is said of it.
    `accuracy` is that of the test, dotted on an axis at the right. Losses far above almost all others do not set the
    scale: a triangle at the upper edge stands for each.
    """
    if len(train) == 0 and len(test) == 0:
        return empty("Press Train, and the loss appears here.", theme=theme, uirevision=uirevision)
    scale = _Scale(steps_per_epoch, x, palette(theme), log_y)
    data = _origin_trace(origin, scale) + _train_traces(train, scale, smoothing)
    data += _validation_trace(validation, scale) + _test_trace(test, scale)
    title = "loss, log scale" if log_y else "loss"
    yaxis = axis(title, type="log", nticks=5) if log_y else axis(title, rangemode="tozero")
    top = None if log_y else robust_top(train, test, validation)
    if top is not None:
        yaxis["autorangeoptions"] = {"clipmax": top}
        data += _spikes(train, top, scale, jumps or {})
    data += _jumps(train, top, scale, jumps or {})
    figure = _figure(data, yaxis, scale, theme, uirevision, mark)
    _add_changes(figure, changes, scale)
    if accuracy is not None and np.isfinite(accuracy.mean).any():
        _add_accuracy(figure, accuracy, scale)
    return figure


def robust_top(*curves: Curve | None) -> float | None:
    """The upper end of a scale that the highest hundredth of values does not set; None where they fit in anyway."""
    known = [each for curve in curves if curve is not None for each in (curve.mean, curve.high)]
    values = np.concatenate(known) if known else np.zeros(0)
    values = values[np.isfinite(values)]
    if len(values) < 20:
        return None
    rank = math.ceil(ROBUST * (len(values) - 1))
    values.partition(rank)
    top = ROOM * float(values[rank])
    return top if 0 < top < values[rank:].max() else None


def _spikes(curve: Curve, top: float, scale: _Scale, jumps: Mapping[int, str]) -> list[dict[str, Any]]:
    """A triangle at the upper edge for each value of the line above it that is no jump."""
    told = curve.x[list(jumps)]
    curve = curve.thinned()
    above = (curve.mean > top) & ~np.isin(curve.x, told)
    if not above.any():
        return []
    spikes = Curve.of(curve.x[above], np.full(int(above.sum()), EDGE * top))
    said = [f"train {readable(float(value))}, above the scale" for value in curve.mean[above]]
    return [_triangles(spikes, said, scale) | {"uid": "spikes", "name": "above the scale", "showlegend": False}]


def _jumps(curve: Curve, top: float | None, scale: _Scale, jumps: Mapping[int, str]) -> list[dict[str, Any]]:
    """A triangle on each jump, at the upper edge where it does not fit in, and what it is in the legend."""
    if not jumps:
        return []
    places = list(jumps)
    heights = curve.mean[places] if top is None else np.minimum(curve.mean[places], EDGE * top)
    said = ["<br>".join(textwrap.wrap(text, 44)) for text in jumps.values()]
    return [_triangles(Curve.of(curve.x[places], heights), said, scale) | {"uid": "jumps", "name": "jump"}]


def _triangles(places: Curve, said: list[str], scale: _Scale) -> dict[str, Any]:
    return scale.line(places, places.mean) | {
        "mode": "markers", "text": said, "hovertemplate": "%{text}<extra></extra>",
        "marker": {"symbol": "triangle-up", "size": 8, "color": scale.colours.trend},
    }  # fmt: skip


def _add_changes(figure: Figure, changes: Sequence[tuple[float, str]], scale: _Scale) -> None:
    """A thin line at each step at which something was done to the network, with a diamond that says what."""
    if not changes:
        return
    layout, places = figure["layout"], [scale.place(step) for step, _ in changes]
    thin = {"width": 1, "dash": "dot"}
    lines = [_mark(at, scale) for at in places]
    layout["shapes"] = [*layout.get("shapes", []), *(line | {"line": line["line"] | thin} for line in lines)]
    layout["yaxis3"] = axis(overlaying="y", range=[0, 1], visible=False, fixedrange=True)
    at = Curve.of([step for step, _ in changes], np.full(len(places), 0.03))
    figure["data"].append(scale.line(at, at.mean) | {
        "uid": "changes", "name": "changes of the network", "mode": "markers", "showlegend": False, "yaxis": "y3",
        "text": [f"{what} at {scale.x} {readable(place)}" for place, (_, what) in zip(places, changes, strict=True)],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {"symbol": "diamond", "size": 9, "color": scale.colours.trend},
    })  # fmt: skip


def _add_accuracy(figure: Figure, accuracy: Curve, scale: _Scale) -> None:
    percents = _times(accuracy, 100)
    trace = _Scale(scale.per_epoch, scale.x, scale.colours, unit=" %").line(percents, percents.mean)
    figure["data"].append(trace | {
        "uid": "accuracy", "name": "test accuracy", "yaxis": "y2",
        "hovertemplate": f"test accuracy %{{y:{HOVER}}} % at {scale.x} %{{x:{HOVER}}}<extra></extra>",
        "line": {"color": scale.colours.positive, "width": 1.5, "dash": "dot"},
    })  # fmt: skip
    figure["layout"]["yaxis2"] = axis(
        overlaying="y", side="right", range=[0, 101], showgrid=False, fixedrange=True,
        tickmode="array", tickvals=[0, 50, 100], ticktext=["0 %", "50 %", "100 %"],
    )  # fmt: skip
    figure["layout"]["margin"] |= {"r": 50}


def accuracy_curves(
    train: Curve | None,
    test: Curve,
    *,
    steps_per_epoch: float,
    smoothing: float = 0.0,
    x: Unit = "epoch",
    theme: Theme = "light",
    uirevision: str = "accuracy",
    validation: Curve | None = None,
    origin: Curve | None = None,
    mark: float | None = None,
) -> Figure:
    """Shares from 0 to 1, drawn in percent; `train` and `validation` are None where they are not measured."""
    if not any(map(len, filter(None, (train, validation, test)))):
        return empty("Press Train, and the accuracy appears here.", theme=theme, uirevision=uirevision)
    scale = _Scale(steps_per_epoch, x, palette(theme), unit=" %")
    data = _origin_trace(None if origin is None else _times(origin, 100), scale)
    data += _train_traces(_times(train, 100), scale, smoothing) if train is not None else []
    data += _validation_trace(None if validation is None else _times(validation, 100), scale)
    data += _test_trace(_times(test, 100), scale)
    limits = {"minallowed": 0, "maxallowed": 100}
    return _figure(data, axis("accuracy, %", autorangeoptions=limits), scale, theme, uirevision, mark)


def learning_rate_curve(
    rate: Curve,
    plan: Curve | None = None,
    *,
    steps_per_epoch: float,
    log_y: bool = False,
    x: Unit = "epoch",
    theme: Theme = "light",
    uirevision: str = "learning-rate",
    mark: float | None = None,
) -> Figure:
    """The learning rate of the steps taken, as a step function: it changes between steps, not during one.

    `plan`, what a schedule will make of it in the whole run, is a thin dashed line under it.
    """
    plan = Curve.of([], []) if plan is None else plan
    if len(rate) == 0 and len(plan) == 0:
        return empty("Press Train, and the learning rate appears here.", theme=theme, uirevision=uirevision)
    rate = rate.thinned()
    scale = _Scale(steps_per_epoch, x, palette(theme), log_y)
    traces = []
    if len(plan):
        traces.append(scale.line(plan, plan.mean) | {
            "uid": "plan", "name": "planned", "hovertemplate": scale.hover("planned"),
            "line": {"color": scale.colours.raw, "width": 1.5, "shape": "hv", "dash": "dash"},
        })  # fmt: skip
    if len(rate):
        traces.append(scale.line(rate, rate.mean) | {
            "uid": "rate", "name": "learning rate", "hovertemplate": scale.hover(""),
            "line": {"color": scale.colours.positive, "width": 2, "shape": "hv"},
        })  # fmt: skip
    title = "learning rate, log scale" if log_y else "learning rate"
    yaxis = axis(title, type="log", nticks=5) if log_y else axis(title, rangemode="tozero", nticks=5)
    figure = _figure(traces, yaxis, scale, theme, uirevision, mark)
    figure["layout"]["showlegend"] = len(plan) > 0
    figure["layout"]["margin"] |= {"l": 68}
    return figure


def loss_curves_alt(
    train: Curve, test: Curve, *, steps_per_epoch: float, validation: Curve | None = None
) -> str:
    """Current values and trend in words."""
    if len(train) == 0 and len(test) == 0:
        return "Loss over training. Nothing has been trained yet."
    parts = [_where("Loss", train if len(train) else test, steps_per_epoch)]
    parts.append(_said("Training loss", train, readable))
    for name, curve in (("validation", validation), ("test", test)):
        if curve is not None:
            parts += [_said(f"{name.capitalize()} loss", curve, readable), _least(name, curve, steps_per_epoch)]
    return " ".join(part for part in parts if part)


def _least(name: str, curve: Curve, steps_per_epoch: float) -> str:
    """Where the loss of a part was lowest; '' where that says nothing."""
    if len(curve) < 2 or not np.isfinite(curve.mean).any():
        return ""
    best = int(np.nanargmin(curve.mean))
    at = readable(float(curve.x[best]) / steps_per_epoch)
    return f"The least {name} loss was {readable(float(curve.mean[best]))}, at epoch {at}."


def accuracy_curves_alt(
    train: Curve | None, test: Curve, *, steps_per_epoch: float, validation: Curve | None = None
) -> str:
    """Current values and trend in words."""
    known = next((curve for curve in (train, validation) if curve is not None and len(curve)), test)
    if len(known) == 0:
        return "Accuracy over training. Nothing has been trained yet."
    parts = [_where("Accuracy", known, steps_per_epoch)]
    if train is not None:
        parts.append(_said("Training accuracy", train, percent))
    if validation is not None:
        parts.append(_said("Validation accuracy", validation, percent))
    parts.append(_said("Test accuracy", test, percent))
    return " ".join(part for part in parts if part)


def learning_rate_curve_alt(rate: Curve, plan: Curve | None = None, *, steps_per_epoch: float) -> str:
    """Current value and trend in words, and what is planned."""
    said = "Learning rate over training. Nothing has been trained yet."
    if len(rate):
        said = _where("Learning rate", rate, steps_per_epoch) + " " + _said("Learning rate", rate, readable)
    if plan is None or len(plan) == 0:
        return said
    until = readable(float(plan.x[-1]) / steps_per_epoch)
    low, high, last = (readable(float(value)) for value in (plan.mean.min(), plan.mean.max(), plan.mean[-1]))
    return f"{said} Planned are {low} to {high}, and {last} at epoch {until}."


@dataclass(frozen=True)
class _Scale:
    """How the values of one figure are placed, coloured and named."""

    per_epoch: float
    x: Unit
    colours: Palette
    log_y: bool = False
    unit: str = ""

    def line(self, curve: Curve, values: Array) -> dict[str, Any]:
        """A trace; positions go as start and distance where they are even, which halves its bytes."""
        at = np.asarray(curve.x, dtype=np.float64) / self._unit_steps
        y = np.asarray(values, dtype=np.float64)
        if self.log_y:
            y = np.where(y > 0, y, np.nan)  # zero has no logarithm: a gap, not a line to minus infinity
        trace: dict[str, Any] = {"type": "scatter", "mode": "lines", "y": encode(y)}
        if curve.even:
            return trace | {"x0": float(at[0]), "dx": float(at[-1] - at[0]) / (len(at) - 1)}
        return trace | {"x": encode(at)}

    @property
    def _unit_steps(self) -> float:
        return self.per_epoch if self.x == "epoch" else 1

    def place(self, step: float) -> float:
        """Where a step lies on the axis."""
        return step / self._unit_steps

    def hover(self, name: str) -> str:
        """Name, value and place under the pointer."""
        return f"{name} %{{y:{HOVER}}}{self.unit} at {self.x} %{{x:{HOVER}}}<extra></extra>".strip()


def _figure(
    data: list[dict[str, Any]], yaxis: dict[str, Any], scale: _Scale, theme: Theme, uirevision: str, mark: float | None
) -> Figure:
    xaxis = axis(scale.x, showgrid=False, rangemode="tozero")
    marked = {} if mark is None else {"shapes": [_mark(scale.place(mark), scale)]}
    return {"data": data, "layout": layout(uirevision, theme, xaxis=xaxis, yaxis=yaxis, dragmode="zoom", **marked)}


def _mark(at: float, scale: _Scale) -> dict[str, Any]:
    """A line over the whole height, at the moment that everything else on the page is of."""
    line = {"color": scale.colours.trend, "width": 1.5, "dash": "dash"}
    return {"type": "line", "x0": at, "x1": at, "yref": "paper", "y0": 0, "y1": 1, "line": line}


def _origin_trace(curve: Curve | None, scale: _Scale) -> list[dict[str, Any]]:
    """What the run became that this one goes on from, under its own curve."""
    if curve is None or len(curve) == 0:
        return []
    curve = curve.thinned()
    return [scale.line(curve, curve.mean) | {
        "uid": "origin", "name": "original", "hovertemplate": scale.hover("original"),
        "line": {"color": scale.colours.origin, "width": 2, "dash": "dot"},
    }]  # fmt: skip


def _train_traces(curve: Curve, scale: _Scale, smoothing: float) -> list[dict[str, Any]]:
    curve = curve.thinned()
    if len(curve) == 0:
        return []
    traces = _band(curve, scale) if curve.has_band else []
    smoothed = smoothing > 0
    traces.append(scale.line(curve, curve.mean) | {
        "uid": "raw", "name": "train, each batch" if smoothed else "train", "legendgroup": "raw",
        "line": {"color": scale.colours.raw, "width": 1} if smoothed
        else {"color": scale.colours.trend, "width": 1.5},
        "hovertemplate": scale.hover("train"),
    })  # fmt: skip
    if smoothed:
        traces.append(scale.line(curve, smooth(curve.mean, smoothing)) | {
            "uid": "smooth", "name": "train, smoothed", "hovertemplate": scale.hover("train, smoothed"),
            "line": {"color": scale.colours.trend, "width": 2},
        })  # fmt: skip
    return traces


def _band(curve: Curve, scale: _Scale) -> list[dict[str, Any]]:
    """The band of each bucket's values, faint; it shares the raw line's legend entry."""
    shared = {"line": {"width": 0}, "legendgroup": "raw", "showlegend": False, "hoverinfo": "skip"}
    low = scale.line(curve, curve.low) | shared | {"uid": "low"}
    high = scale.line(curve, curve.high) | shared | {"uid": "high"}
    return [low, high | {"fill": "tonexty", "fillcolor": faded(scale.colours.raw, 0.28)}]


def _test_trace(curve: Curve, scale: _Scale) -> list[dict[str, Any]]:
    return _part_trace("test", curve, scale, scale.colours.positive, {})


def _validation_trace(curve: Curve | None, scale: _Scale) -> list[dict[str, Any]]:
    """Told from the test curve by its dashes too, for whoever does not see the colours."""
    return [] if curve is None else _part_trace("validation", curve, scale, scale.colours.negative, {"dash": "dash"})


def _part_trace(name: str, curve: Curve, scale: _Scale, colour: str, style: dict[str, Any]) -> list[dict[str, Any]]:
    curve = curve.thinned()
    if len(curve) == 0:
        return []
    return [scale.line(curve, curve.mean) | {
        "uid": name, "name": name, "hovertemplate": scale.hover(name),
        # A single value has no line to show.
        "mode": "lines" if len(curve) > 1 else "markers",
        "line": {"color": colour, "width": 2, **style},
        "marker": {"color": colour, "size": 7},
    }]  # fmt: skip


def _times(curve: Curve, factor: float) -> Curve:
    return Curve(curve.x, curve.mean * factor, curve.low * factor, curve.high * factor)


def _where(what: str, curve: Curve, per_epoch: float) -> str:
    return f"{what} over training, {readable(float(curve.x[-1]) / per_epoch)} epochs."


def _said(what: str, curve: Curve, number: Callable[[float], str]) -> str:
    """Value and trend: the mean of the last tenth of the curve against that of the tenth before."""
    if len(curve) == 0:
        return ""
    if not np.isfinite(curve.mean[-1]) and not np.isnan(curve.mean[-1]):
        return f"{what} is {readable(float(curve.mean[-1]))}."
    values = curve.mean[np.isfinite(curve.mean)]
    if len(values) == 0:
        return f"{what} is not a number."
    said = f"{what} is {number(float(values[-1]))}"
    if len(values) < 4:
        return said + "."
    part = max(2, len(values) // 10)
    now, before = float(values[-part:].mean()), float(values[-2 * part : -part].mean())
    change = (now - before) / max(abs(before), 1e-12)
    trend = "steady" if abs(change) < 0.01 else ("rising" if change > 0 else "falling")
    return f"{said}, {trend}."
