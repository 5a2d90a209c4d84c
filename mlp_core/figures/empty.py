"""The figure shown while there is nothing to draw."""

from __future__ import annotations

import textwrap

from mlp_core.figures.layout import Figure, hidden_axis, layout
from mlp_core.figures.palette import Theme
from mlp_core.figures.text import escape_label, plain


def empty(message: str, *, theme: Theme = "light", uirevision: str = "empty") -> Figure:
    """A calm sentence in the middle; it should say what to do next."""
    lines = textwrap.wrap(plain(message, 300), 42) or [""]
    note = {
        "text": "<br>".join(escape_label(line, 300) for line in lines),
        "xref": "paper", "yref": "paper", "x": 0.5, "y": 0.5,
        "showarrow": False, "font": {"size": 14},
    }  # fmt: skip
    return {
        "data": [],
        "layout": layout(
            uirevision,
            theme,
            xaxis=hidden_axis(),
            yaxis=hidden_axis(),
            annotations=[note],
            dragmode=False,
            showlegend=False,
            margin={"l": 8, "r": 8, "t": 8, "b": 8},
        ),
    }


def empty_alt(message: str) -> str:
    """The same sentence."""
    return plain(message, 300)
