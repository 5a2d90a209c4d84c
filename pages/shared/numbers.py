"""Numbers for people."""

from __future__ import annotations

import math

from mlp_core.figures import readable


def loss_text(value: float | None) -> str:
    """A loss: four digits that mean something, an en dash for none."""
    if value is None or math.isnan(value):
        return "–"
    if value == 0 or 0.001 <= abs(value) < 1000:
        return f"{value:.3f}" if abs(value) < 100 else f"{value:.1f}"
    return readable(value, 2)


def size_in_bytes(size: float) -> str:
    """A number of bytes with its unit, such as '744 B' or '2.7 MB'."""
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} GB"
