"""Every activation of the catalog at a glance."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from typing import Any

import streamlit as st

from mlp_core import figures
from mlp_core.catalog import ACTIVATIONS
from mlp_core.spec import LayerSpec
from pages.shared.layout import theme

REACH, POINTS = 4.0, 61
"""How far the inputs of a sketch go from zero, and how many there are."""


def gallery_tab(layers: Sequence[LayerSpec]) -> None:
    """Draw a card for each: a sketch of its curve (strong) and slope, its name and what it does."""
    from mlp_core.activations.response import cut_at, elementwise, respond

    cards = []
    for name, entry in ACTIVATIONS.items():
        layer = LayerSpec(type=name)
        facts = None if entry.facts is None else entry.facts(layer.params)
        answer = cut_at(respond(layer, -REACH, REACH, POINTS), () if facts is None else facts.jumps)
        lines = [answer.values[:, 0], answer.slopes[:, 0]] if elementwise(layer) else list(answer.values.T)
        more = "" if facts is None else f"<small>{escape(facts.family)} · {escape(facts.range)}</small>"
        cards.append(
            f"<li>{_picture(lines)}<div><strong>{escape(entry.label)}</strong>{more}"
            f"<p>{escape(entry.summary)}</p></div></li>"
        )
    st.caption(
        f"Outputs in the first colour and slopes in the second, for inputs from −{REACH:g} to {REACH:g}; of those that "
        "look at all features, the outputs while the first feature moves. Choose some above to compare them."
    )
    st.html(f'<ul class="activation-cards">{"".join(cards)}</ul>')


def _picture(lines: list[Any]) -> str:
    """The sketch as an image: Streamlit takes drawings out of HTML."""
    code = b64encode(figures.sketch(lines, theme=theme()).encode()).decode()
    return f'<img alt="" width="120" height="64" src="data:image/svg+xml;base64,{code}">'
