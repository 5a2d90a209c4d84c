"""What all figures share: margins, axes, hover. Colours of text and grid are added by the page."""

from __future__ import annotations

from typing import Any

from mlp_core.figures.palette import Theme

Figure = dict[str, Any]

# Decimal notation, at most six significant digits, no trailing zeros; never 1e-05.
TICKS = ",.6~r"
HOVER = ",.4~r"
LARGE = [{"dtickrange": [10_000, None], "value": "~s"}]
"""Ticks that are ten thousand or more apart are written as 20k or 3M: whole, they would reach into the title."""


def axis(title: str | None = None, **changes: Any) -> dict[str, Any]:
    """A quiet axis: no frame, no zero line, few ticks."""
    base: dict[str, Any] = {
        "showline": False,
        "zeroline": False,
        "showgrid": True,
        "ticks": "",
        "ticklabelstandoff": 5,
        "tickformat": TICKS,
        "tickformatstops": LARGE,
        "nticks": 6,
    }
    if title is not None:
        base["title"] = {"text": title, "standoff": 8}
    return {**base, **changes}


def hidden_axis(**changes: Any) -> dict[str, Any]:
    """An axis that only places things."""
    return {"visible": False, "fixedrange": True, **changes}


def layout(uirevision: str, theme: Theme, **changes: Any) -> dict[str, Any]:
    """Layout with fixed margins, so that the plot does not jump as tick labels grow.

    `uirevision`: while it stays the same, zoom, pan and hidden legend entries survive new data. `theme` is noted,
    so that a page in the other theme can ask for the figure again.
    """
    base: dict[str, Any] = {
        "uirevision": uirevision,
        "meta": {"theme": theme},
        "margin": {"l": 52, "r": 12, "t": 28, "b": 42},
        "hovermode": "closest",
        "showlegend": True,
        "legend": {
            "orientation": "h", "x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom",
            "traceorder": "normal",
        },
    }  # fmt: skip
    return {**base, **changes}
