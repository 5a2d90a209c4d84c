"""What the network's picture shows of every neuron, packed for the browser: most numbers as one or two bytes."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mlp_core.figures.palette import Theme, palette

FULL = 0.9
"""The share of a neuron's answers that are smaller than what is drawn in full colour."""

Array = np.ndarray[Any, Any]


def network(columns: Sequence[Mapping[str, Any]], theme: Theme, *, flipped: bool) -> dict[str, Any]:
    """The shown neurons of each column.

    A column has 'maps' float32 (n, height, width), 'weights' and 'gradients' float32 (n, m), 'biases' and
    'bias_gradients' float32 (n,); each may be None. `flipped`: whether the first row of a map is its lowest.
    """
    colours = palette(theme)
    return {
        "columns": [_column(column) for column in columns],
        "flipped": flipped,
        "colours": {"positive": colours.positive, "negative": colours.negative, "middle": colours.area_middle},
    }


def _column(column: Mapping[str, Any]) -> dict[str, Any]:
    packed: dict[str, Any] = {}
    maps = column["maps"]
    if maps is not None:
        finite = np.nan_to_num(maps, nan=0.0, posinf=0.0, neginf=0.0)
        shares = finite / _peaks(finite)[:, None, None]
        levels = np.rint(np.clip(shares, -1.0, 1.0) * 127).astype(np.int8)
        packed |= {"height": maps.shape[1], "width": maps.shape[2], "maps": _bytes(levels)}
        packed["low"] = _short(finite.min(axis=(1, 2)))
        packed["high"] = _short(finite.max(axis=(1, 2)))
    for name in ("weights", "gradients"):
        if column[name] is not None:
            values = np.nan_to_num(column[name], nan=0.0, posinf=0.0, neginf=0.0)
            peak = float(np.abs(values).max(initial=0.0))
            packed[name] = _bytes((values / (peak or 1.0)).astype("<f2"))
            packed[f"{name}_scale"] = peak
    for name in ("biases", "bias_gradients"):
        if column[name] is not None:
            packed[name] = _short(np.nan_to_num(column[name], nan=0.0, posinf=0.0, neginf=0.0))
    return packed


def _peaks(maps: Array) -> Array:
    """What counts as a full answer of each neuron: the size that one point in ten exceeds, if it is not nothing."""
    sizes = np.abs(maps).reshape(len(maps), -1)
    usual = np.quantile(sizes, FULL, axis=1)
    peaks = np.where(usual > 0, usual, sizes.max(axis=1))
    return np.where(peaks > 0, peaks, 1.0)


def _bytes(values: Array) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")


def _short(values: Array) -> list[float]:
    """Numbers in four digits."""
    return [float(f"{value:.4g}") for value in values.tolist()]


def network_alt(titles: Sequence[str]) -> str:
    """The same in words."""
    return f"The network, from left to right: {', '.join(titles)}"
