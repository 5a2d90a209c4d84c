"""What the network's picture shows of every neuron, packed for the browser: most numbers as one or two bytes."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mlp_core.figures.palette import Theme, palette

FULL = 0.9
"""The share of a neuron's answers that are smaller than what is drawn in full colour."""

DECADES = 5
"""Powers of ten between the largest and the smallest size that are told apart in 8 bits."""

Array = np.ndarray[Any, Any]


def network(columns: Sequence[Mapping[str, Any]], theme: Theme, *, flipped: bool, steps: int = 0) -> dict[str, Any]:
    """The shown neurons of each column.

    A column has 'maps' float32 (n, height, width); 'weights', 'gradients' and 'updates' float32 (n, m); 'biases',
    'bias_gradients' and 'bias_updates' float32 (n,); each may be None. `flipped`: whether the first row of a map is its
    lowest; `steps`: in how many steps the updates came about.
    """
    colours = palette(theme)
    return {
        "columns": [_column(column) for column in columns],
        "flipped": flipped,
        "steps": steps,
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
        packed |= {"low": _halves(finite.min(axis=(1, 2))), "high": _halves(finite.max(axis=(1, 2)))}
    for name, pack in _PACKED.items():
        if column.get(name) is not None:
            packed[name] = pack(column[name])
    return packed


def _halves(values: Array) -> dict[str, Any]:
    """Numbers of 16 bits, three digits each, in shares of the largest."""
    finite, peak = _finite(values)
    return {"peak": peak, "halves": _bytes((finite / (peak or 1.0)).astype("<f2"))}


def _decades(values: Array) -> dict[str, Any]:
    """Numbers of 8 bits, two digits each: a sign, and the logarithm of the size in shares of the largest. What is
    smaller than the largest by `DECADES` powers of ten is 0."""
    finite, peak = _finite(values)
    sizes = np.abs(finite) / (peak or 1.0)
    with np.errstate(divide="ignore"):
        levels = np.rint(127 + np.log10(sizes) * (126 / DECADES))
    return {"peak": peak, "decades": _bytes((np.sign(finite) * np.clip(levels, 0, 127)).astype(np.int8))}


def _finite(values: Array) -> tuple[Array, float]:
    """The values with 0 for those that are no numbers, and the largest size."""
    finite = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    return finite, float(f"{np.abs(finite).max(initial=0.0):.6g}")


_PACKED = {
    "weights": _halves,
    "gradients": _decades,
    "updates": _decades,
    "biases": _halves,
    "bias_gradients": _decades,
    "bias_updates": _decades,
}


def _peaks(maps: Array) -> Array:
    """What counts as a full answer of each neuron: the size that one point in ten exceeds, if it is not nothing."""
    sizes = np.abs(maps).reshape(len(maps), -1)
    usual = np.quantile(sizes, FULL, axis=1)
    peaks = np.where(usual > 0, usual, sizes.max(axis=1))
    return np.where(peaks > 0, peaks, 1.0)


def _bytes(values: Array) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")


def network_alt(titles: Sequence[str]) -> str:
    """The same in words."""
    return f"The network, from left to right: {', '.join(titles)}"
