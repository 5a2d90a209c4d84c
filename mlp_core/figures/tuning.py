"""What is seen when settings are tried out: bands of seeds, the ramp of the learning rate, and scans of one setting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlp_core.figures.curve import Array
from mlp_core.figures.empty import empty
from mlp_core.figures.encode import encode
from mlp_core.figures.layout import HOVER, Figure, axis, layout
from mlp_core.figures.palette import Theme, class_colour, faded, palette
from mlp_core.figures.text import plain, readable, unique_labels

BAND_OPACITY, LINE_OPACITY = 0.2, 0.35
ORDER = (1, 0)
"""Places in the list of colours: the setting at hand is teal, the one beside it orange."""
ROOM = 0.4
"""How far the axis of a ramp goes above the loss that it begins with, in heights of its fall: what explodes is cut."""
NO_SEEDS = "The band grows with the first runs."
NO_RAMP = "The loss is drawn while the learning rate grows."
NO_SCAN = "A point stands here for each run that has come to its end."


@dataclass(frozen=True, eq=False)
class Band:
    """The curves of several seeds at the epochs that any of them has reached."""

    epochs: Array
    """(E,) epochs finished."""
    lines: Array
    """(S, E) the figure of each seed; NaN where a seed has none."""
    low: Array
    """(E,) the lower quartile."""
    median: Array
    """(E,) the median."""
    high: Array
    """(E,) the upper quartile."""


def seed_bands(
    names: Sequence[str], bands: Sequence[Band], *, y: str, percents: bool = False, lines: bool = False,
    log_y: bool = False, theme: Theme = "light", uirevision: str = "seeds",
) -> Figure:  # fmt: skip
    """The median of each setting's seeds over epochs, in the band of its quartiles; with `lines` every seed too."""
    if not any(len(band.epochs) for band in bands):
        return empty(NO_SEEDS, theme=theme, uirevision=uirevision)
    bands_data: list[dict[str, Any]] = []
    lines_data: list[dict[str, Any]] = []
    medians: list[dict[str, Any]] = []
    for place, (band, name) in enumerate(zip(bands, unique_labels(names, 40), strict=True)):
        if not len(band.epochs):
            continue
        colour = class_colour(ORDER[place % len(ORDER)], theme)
        common = {"type": "scatter", "mode": "lines", "x": encode(band.epochs), "legendgroup": str(place)}
        quiet = common | {"showlegend": False, "hoverinfo": "skip"}
        low, median, high = (_drawn(values, percents, log_y) for values in (band.low, band.median, band.high))
        bands_data += [
            quiet | {"uid": f"low-{place}", "y": encode(low), "line": {"width": 0}},
            quiet | {"uid": f"band-{place}", "y": encode(high), "line": {"width": 0}, "fill": "tonexty",
                     "fillcolor": faded(colour, BAND_OPACITY)},
        ]  # fmt: skip
        if lines:
            lines_data += [
                quiet | {"uid": f"seed-{place}-{seed}", "y": encode(_drawn(line, percents, log_y)),
                         "line": {"color": faded(colour, LINE_OPACITY), "width": 1}}
                for seed, line in enumerate(band.lines)
            ]  # fmt: skip
        medians.append(common | {
            "uid": f"median-{place}", "name": name, "y": encode(median),
            "mode": "lines+markers" if len(band.epochs) == 1 else "lines",
            "line": {"color": colour, "width": 2.5, "dash": "solid" if place == 0 else "dash"},
            "hovertemplate": f"{name}<br>median %{{y:{HOVER}}}{' %' * percents} at epoch %{{x}}<extra></extra>",
        })  # fmt: skip
    title = f"{y}, log scale" if log_y else f"{y}, %" if percents else y
    return {"data": [*bands_data, *lines_data, *medians], "layout": layout(
        uirevision, theme, dragmode="zoom", xaxis=axis("epoch", showgrid=False, rangemode="tozero"),
        yaxis=axis(title, type="log", nticks=5) if log_y else axis(title),
    )}  # fmt: skip


def seed_bands_alt(names: Sequence[str], bands: Sequence[Band], *, y: str, percents: bool = False) -> str:
    """Where the median and the quartiles of each setting are at the end."""
    said = []
    for name, band in zip(names, bands, strict=True):
        if len(band.epochs):
            low, median, high = (readable(float(values[-1]) * (100 if percents else 1))
                                 for values in (band.low, band.median, band.high))  # fmt: skip
            said.append(f"{plain(name, 60)}, {len(band.lines)} seeds: median {median}{' %' * percents} at epoch "
                        f"{readable(float(band.epochs[-1]))}, quartiles {low} and {high}")  # fmt: skip
    return f"{y} over epochs. " + ("; ".join(said) + "." if said else NO_SEEDS)


def rate_ramp(
    rates: Array, losses: Array, smoothed: Array, *, suggested: float | None = None, current: float | None = None,
    ends: tuple[float, float] | None = None, theme: Theme = "light", uirevision: str = "ramp",
) -> Figure:  # fmt: skip
    """The loss (N,) of each update over its learning rate, raw and smoothed, with marks at the suggested rate and at
    the one that the run has. `ends` are the first and the last rate of a ramp that goes on."""
    if not len(rates):
        return empty(NO_RAMP, theme=theme, uirevision=uirevision)
    colours = palette(theme)
    bottom, top = _heights(losses, smoothed)
    x = encode(rates)
    data: list[dict[str, Any]] = [
        {"type": "scatter", "mode": "lines", "uid": "raw", "name": "each update", "x": x, "y": encode(losses),
         "line": {"color": colours.raw, "width": 1}, "hoverinfo": "skip"},
        {"type": "scatter", "mode": "lines", "uid": "smoothed", "name": "smoothed", "x": x, "y": encode(smoothed),
         "line": {"color": colours.positive, "width": 2.5},
         "hovertemplate": f"learning rate %{{x:{HOVER}}}<br>loss %{{y:{HOVER}}}<extra></extra>"},
    ]  # fmt: skip
    for uid, rate, colour, dash, said in (
        ("current", current, colours.trend, "dot", "now"),
        ("suggested", suggested, colours.negative, "dash", "suggested"),
    ):
        if rate is not None and rate > 0:
            data.append({
                "type": "scatter", "mode": "lines", "uid": uid, "name": f"{said}: {readable(rate)}",
                "x": [rate, rate], "y": [bottom, top], "line": {"color": colour, "width": 1.5, "dash": dash},
                "hoverinfo": "skip",
            })  # fmt: skip
    first, last = ends or (float(rates[0]), float(rates[-1]))
    shown = [rate for rate in (first, last, suggested) if rate]
    limits = [float(np.log10(min(shown))), float(np.log10(max(shown)))]
    return {"data": data, "layout": layout(
        uirevision, theme, dragmode="zoom",
        xaxis=axis("learning rate, log scale", type="log", showgrid=False, tickformat="", exponentformat="power",
                   range=limits if limits[0] < limits[1] else None),
        yaxis=axis("training loss", range=[bottom, top]),
    )}  # fmt: skip


def rate_ramp_alt(rates: Array, losses: Array, smoothed: Array, *, suggested: float | None = None) -> str:
    """Where the smoothed loss begins, is lowest and ends."""
    known = np.flatnonzero(np.isfinite(smoothed))
    if not len(known):
        return f"Training loss over the learning rate. {NO_RAMP}"
    lowest = int(known[np.asarray(smoothed)[known].argmin()])
    points = [("begins at", known[0]), ("is lowest at", lowest), ("ends at", known[-1])]
    said = ", ".join(f"{what} {readable(float(smoothed[at]))} with rate {readable(float(rates[at]))}"
                     for what, at in points)  # fmt: skip
    more = "" if suggested is None else f" Suggested: {readable(suggested)}."
    return f"Training loss over the learning rate: smoothed, it {said}.{more}"


def value_scan(
    values: Array, series: Sequence[tuple[str, Array]], *, x: str, y: str, suggested: float | None = None,
    theme: Theme = "light", uirevision: str = "scan",
) -> Figure:  # fmt: skip
    """Figures (N,) of runs that differ in one setting, over its values (N,); NaN where there is none yet."""
    known = [(name, np.asarray(found, dtype=np.float64)) for name, found in series]
    drawn = [found[np.isfinite(found)] for _, found in known]
    if not len(values) or not any(map(len, drawn)):
        return empty(NO_SCAN, theme=theme, uirevision=uirevision)
    colours, data = palette(theme), []
    looks = [("solid", colours.positive, "circle"), ("dot", colours.trend, "diamond")]
    for place, (name, found) in enumerate(known):
        dash, colour, symbol = looks[place % len(looks)]
        data.append({
            "type": "scatter", "mode": "lines+markers", "uid": f"line-{place}", "name": plain(name),
            "x": encode(np.asarray(values, dtype=np.float64)), "y": encode(found), "connectgaps": True,
            "line": {"color": colour, "width": 2, "dash": dash}, "marker": {"size": 8, "color": colour,
                                                                           "symbol": symbol},
            "hovertemplate": f"{plain(name)}<br>{plain(x)} %{{x}}: %{{y:{HOVER}}}<extra></extra>",
        })  # fmt: skip
    everything = np.concatenate(drawn)
    if suggested is not None:
        data.append({
            "type": "scatter", "mode": "lines", "uid": "suggested", "name": f"suggested: {readable(suggested)}",
            "x": [suggested, suggested], "y": [float(everything.min()), float(everything.max())], "hoverinfo": "skip",
            "line": {"color": colours.negative, "width": 1.5, "dash": "dash"},
        })  # fmt: skip
    ticks = [float(value) for value in values]
    return {"data": data, "layout": layout(
        uirevision, theme, dragmode="zoom", showlegend=len(data) > 1,
        xaxis=axis(f"{x}, log scale", type="log", showgrid=False, tickmode="array", tickvals=ticks,
                   ticktext=[f"{int(value):,}" for value in ticks]),
        yaxis=axis(y),
    )}  # fmt: skip


def value_scan_alt(
    values: Array, series: Sequence[tuple[str, Array]], *, x: str, y: str, suggested: float | None = None
) -> str:
    """Every value with its figures."""
    said = [
        f"{x} {int(value):,}: " + ", ".join(f"{name} {readable(float(found[at]))}" for name, found in series)
        for at, value in enumerate(values)
        if any(np.isfinite(found[at]) for _, found in series)
    ]
    more = "" if suggested is None else f" Suggested: {int(suggested):,}."
    return f"{y} over {x}. " + ("; ".join(said) + "." if said else NO_SCAN) + more


def _drawn(values: Array, percents: bool, log_y: bool) -> Array:
    found = np.asarray(values, dtype=np.float64) * (100 if percents else 1)
    return np.where(found > 0, found, np.nan) if log_y else found


def _heights(losses: Array, smoothed: Array) -> tuple[float, float]:
    """The ends of the axis: around what happens before the loss grows."""
    values = np.asarray(smoothed, dtype=np.float64)
    known = np.flatnonzero(np.isfinite(values))
    if not len(known):
        return 0.0, 1.0
    lowest = int(known[values[known].argmin()])
    raw = np.asarray(losses, dtype=np.float64)[: lowest + 1]
    raw = raw[np.isfinite(raw)]
    bottom, top = min(float(raw.min()), float(values[lowest])), max(float(raw.max()), float(values[known[0]]))
    room = (top - bottom) or abs(top) or 1.0
    return bottom - 0.08 * room, top + ROOM * room
