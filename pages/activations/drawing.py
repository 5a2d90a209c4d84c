"""What the areas of the page share: names that tell two of a kind apart, and charts that stand still."""

from __future__ import annotations

import time
from collections.abc import Sequence

from mlp_core.figures import Figure
from mlp_core.spec import LayerSpec
from pages.components.live_plot import plot

HEIGHT = 330
"""Pixels of a chart."""


def names_of(layers: Sequence[LayerSpec]) -> list[str]:
    """What charts call them."""
    return [layer.entry.label for layer in layers]


def chart(figure: Figure, *, key: str, alt: str, height: int = HEIGHT) -> None:
    """Put a chart on the page, or bring it up to date where it is."""
    plot(figure, key=key, height=height, alt=alt).mount(time.time_ns() // 1000)
