"""The trials of a sweep in pictures: along the sweep, across settings, one setting at a time, and the Pareto front."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlp_core.figures.curve import Array
from mlp_core.figures.empty import empty
from mlp_core.figures.encode import encode
from mlp_core.figures.layout import HOVER, Figure, axis, layout
from mlp_core.figures.palette import Theme, mix, palette
from mlp_core.figures.runs import Dimension, beside
from mlp_core.figures.text import escape_label, readable

LEVELS = 5
"""Shades from the poorest fifth of the trials to the best."""
NOTHING = "No trial has ended with a figure yet."


@dataclass(frozen=True, eq=False)
class Trials:
    """The trials that ended with a figure."""

    numbers: tuple[int, ...]
    """Their numbers for people, from 1."""
    objective: Array
    """float64 (N,): what each came to."""
    title: str
    """What that is."""
    higher: bool = False
    """Whether more is better."""

    @property
    def best(self) -> int:
        """The place of the best one."""
        return int(np.argmax(self.objective) if self.higher else np.argmin(self.objective))

    def ids(self, places: Iterable[int]) -> list[str]:
        """The numbers of some as the `ids` of points, by which a page knows which one is pressed."""
        return [str(self.numbers[place]) for place in places]

    def levels(self) -> Array:
        """int (N,): the fifth that each belongs to; the best ones have the highest."""
        if len(self.objective) < 2:
            return np.full(len(self.objective), LEVELS - 1)
        order = np.argsort(np.argsort(self.objective if self.higher else -self.objective, kind="stable"))
        levels: Array = order * LEVELS // len(order)
        return levels


def sweep_history(trials: Trials, *, log: bool = False, theme: Theme = "light", uirevision: str = "history") -> Figure:
    """Each trial's figure by its number, and the best one so far."""
    if not len(trials.objective):
        return empty(NOTHING, theme=theme, uirevision=uirevision)
    colours, best = palette(theme), np.maximum if trials.higher else np.minimum
    x = encode(np.asarray(trials.numbers, dtype=np.float64))
    log = log and bool((trials.objective > 0).all())
    data: list[dict[str, Any]] = [
        {"type": "scatter", "mode": "markers", "uid": "trials", "name": "trial", "x": x, "y": encode(trials.objective),
         "ids": trials.ids(range(len(trials.numbers))),
         "marker": {"size": 8, "color": colours.area_positive, "line": {"width": 1, "color": colours.outline}},
         "hovertemplate": f"trial %{{x}}: %{{y:{HOVER}}}<extra></extra>"},
        {"type": "scatter", "mode": "lines", "uid": "best", "name": "best so far", "x": x,
         "y": encode(best.accumulate(trials.objective)), "line": {"width": 2, "color": colours.positive},
         "hovertemplate": f"best of %{{x}}: %{{y:{HOVER}}}<extra></extra>"},
    ]  # fmt: skip
    yaxis = axis(f"{trials.title}, log scale", type="log", nticks=5) if log else axis(trials.title)
    return {"data": data, "layout": layout(uirevision, theme, xaxis=axis("trial", showgrid=False), yaxis=yaxis)}


def sweep_history_alt(trials: Trials) -> str:
    """The best one in words."""
    if not len(trials.objective):
        return NOTHING
    best = trials.best
    return (
        f"{trials.title} of {len(trials.objective)} trials. The best is trial {trials.numbers[best]} with "
        f"{readable(float(trials.objective[best]))}."
    )


def sweep_parallel(
    trials: Trials, dimensions: Sequence[Dimension], *, theme: Theme = "light", uirevision: str = "sweep-parallel"
) -> Figure:
    """A line per trial across upright axes, one per setting and the objective; better trials are darker."""
    if not len(trials.objective):
        return empty(NOTHING, theme=theme, uirevision=uirevision)
    known = [*dimensions, Dimension(trials.title, tuple(map(float, trials.objective)))]
    places = np.array([each.places() for each in known]).T  # (trials, axes)
    gap = np.full((len(places), 1), np.nan)
    levels, across = trials.levels(), [*range(len(known)), None]
    data: list[dict[str, Any]] = []
    for level in range(LEVELS):
        chosen = np.flatnonzero(levels == level)
        if not len(chosen):
            continue
        lines = np.hstack([places, gap])[chosen].ravel()
        data.append({
            "type": "scatter", "mode": "lines", "uid": f"level-{level}", "name": _fifth(level),
            "x": across * len(chosen), "y": encode(lines), "ids": [id for id in trials.ids(chosen) for _ in across],
            "text": [f"trial {trials.numbers[place]}" for place in chosen for _ in across],
            "hovertemplate": "%{text}<extra></extra>",
            "line": {"color": _shade(level, theme), "width": 1 + level / 2},
        })  # fmt: skip
    return beside(data, known, theme=theme, uirevision=uirevision)


def sweep_parallel_alt(trials: Trials, dimensions: Sequence[Dimension]) -> str:
    """The best trial's settings in words."""
    if not len(trials.objective):
        return NOTHING
    best = trials.best
    said = ", ".join(f"{each.label} {_text(each.values[best])}" for each in dimensions)
    return f"Parallel coordinates of {len(trials.objective)} trials. The best, {trials.numbers[best]}, has {said}."


def sweep_slice(
    trials: Trials, dimension: Dimension, *, theme: Theme = "light", uirevision: str = "slice"
) -> Figure:
    """The objective of each trial against one setting; better trials are darker."""
    kept = [place for place, value in enumerate(dimension.values) if value is not None]
    if not kept:
        return empty("No trial has this setting.", theme=theme, uirevision=uirevision)
    levels, data = trials.levels(), []
    for level in range(LEVELS):
        chosen = [place for place in kept if levels[place] == level]
        if chosen:
            shown = [dimension.values[place] if dimension.numeric else escape_label(dimension.values[place], 20)
                     for place in chosen]  # fmt: skip
            data.append({
                "type": "scatter", "mode": "markers", "uid": f"level-{level}", "name": _fifth(level), "x": shown,
                "y": [float(trials.objective[place]) for place in chosen],
                "ids": trials.ids(chosen), "text": [f"trial {trials.numbers[place]}" for place in chosen],
                "marker": {"size": 8, "color": _shade(level, theme),
                           "line": {"width": 1, "color": palette(theme).outline}},
                "hovertemplate": f"%{{text}}<br>%{{x}}: %{{y:{HOVER}}}<extra></extra>",
            })  # fmt: skip
    label = escape_label(dimension.label, 40)
    if not dimension.numeric:
        xaxis = axis(label, type="category", tickformat="")
    else:
        xaxis = axis(f"{label}, log scale", type="log", nticks=5) if dimension.logarithmic else axis(label)
    return {"data": data, "layout": layout(uirevision, theme, xaxis=xaxis, yaxis=axis(trials.title), showlegend=False)}


def sweep_slice_alt(trials: Trials, dimension: Dimension) -> str:
    """Where the best trial lies, in words."""
    if not len(trials.objective):
        return NOTHING
    return f"{trials.title} against {dimension.label}. The best trial has {_text(dimension.values[trials.best])}."


def pareto_front(
    trials: Trials, parameters: Array, front: Sequence[int], *, theme: Theme = "light", uirevision: str = "front"
) -> Figure:
    """Parameters against the objective; `front` are the places of the trials that no other beats in both."""
    if not len(trials.objective):
        return empty(NOTHING, theme=theme, uirevision=uirevision)
    colours, best = palette(theme), sorted(front, key=lambda place: float(parameters[place]))
    others = [place for place in range(len(trials.objective)) if place not in set(front)]
    data = []
    for uid, name, chosen, colour in (("others", "beaten by another", others, colours.area_positive),
                                      ("front", "Pareto front", best, colours.positive)):  # fmt: skip
        mode = "lines+markers" if uid == "front" else "markers"
        data.append({
            "type": "scatter", "mode": mode, "uid": uid, "name": name, "x": [float(parameters[at]) for at in chosen],
            "y": [float(trials.objective[at]) for at in chosen],
            "ids": trials.ids(chosen), "text": [f"trial {trials.numbers[at]}" for at in chosen],
            "line": {"color": colour, "width": 2},
            "marker": {"size": 9, "color": colour, "line": {"width": 1, "color": colours.outline}},
            "hovertemplate": f"%{{text}}<br>%{{x}} parameters: %{{y:{HOVER}}}<extra></extra>",
        })  # fmt: skip
    xaxis = axis("parameters, log scale", type="log", nticks=5)
    return {"data": data, "layout": layout(uirevision, theme, xaxis=xaxis, yaxis=axis(trials.title))}


def pareto_front_alt(trials: Trials, parameters: Array, front: Sequence[int]) -> str:
    """The front in words."""
    said = "; ".join(
        f"trial {trials.numbers[at]}: {int(parameters[at]):,} parameters, {readable(float(trials.objective[at]))}"
        for at in sorted(front, key=lambda place: float(parameters[place]))[:8]
    )
    return f"{trials.title} against parameters. " + (f"The front: {said}." if said else NOTHING)


def _shade(level: int, theme: Theme) -> str:
    colours = palette(theme)
    return mix(colours.positive, colours.rule, level / (LEVELS - 1))


def _fifth(level: int) -> str:
    return "best fifth" if level == LEVELS - 1 else "poorest fifth" if level == 0 else f"fifth {LEVELS - level}"


def _text(value: Any) -> str:
    return readable(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
