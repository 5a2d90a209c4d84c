"""What the network's picture shows of every neuron, packed for the browser: most numbers as one or two bytes."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
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

    Numbers of all columns are packed together, one kind after the other, which takes a third of the time.
    """
    colours = palette(theme)
    return {
        "maps": _maps(columns),
        "numbers": {name: _packed(columns, name, pack) for name, pack in _PACKED.items()},
        "flipped": flipped,
        "steps": steps,
        "colours": {"positive": colours.positive, "negative": colours.negative, "middle": colours.area_middle},
    }


def maps_of(maps: Array) -> list[str]:
    """Maps float32 (n, height, width) as a text each, in the levels of the neurons' maps."""
    found = _finite(maps.reshape(len(maps), -1))
    return [_bytes(row) for row in _levels(found, found.min(axis=1), found.max(axis=1))]


def _maps(columns: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The maps of columns whose maps have one size: 'places' of the columns, how many neurons each has, levels from
    -127 to 127 of a full answer, and the lowest and highest answer of every neuron."""
    sizes: dict[tuple[int, int], list[int]] = {}
    for place, column in enumerate(columns):
        if column["maps"] is not None:
            sizes.setdefault(column["maps"].shape[1:], []).append(place)
    packed = []
    for (height, width), places in sizes.items():
        maps = [columns[place]["maps"] for place in places]
        found = _finite(np.concatenate(maps)).reshape(-1, height * width)
        lowest, highest = found.min(axis=1), found.max(axis=1)
        levels = _levels(found, lowest, highest)
        counts = [len(some) for some in maps]
        packed.append(
            {
                "places": places,
                "counts": counts,
                "height": height,
                "width": width,
                "levels": _bytes(levels),
                "low": _halves(lowest, counts),
                "high": _halves(highest, counts),
            }
        )
    return packed


def _levels(maps: Array, lowest: Array, highest: Array) -> Array:
    """Maps (n, points) in levels from -127 to 127 of what counts as a full answer of each neuron."""
    shares = maps * (127 / _full(maps, lowest, highest))[:, None]
    return np.rint(np.clip(shares, -127, 127)).astype(np.int8)


def _full(maps: Array, lowest: Array, highest: Array) -> Array:
    """What counts as a full answer of each neuron: the size that one point in ten exceeds, if it is not nothing."""
    sizes = np.abs(maps)
    place = int(FULL * (sizes.shape[1] - 1))
    usual = np.partition(sizes, place, axis=1)[:, place]
    peaks = np.where(usual > 0, usual, np.maximum(-lowest, highest))
    return np.where(peaks > 0, peaks, 1.0)


def _packed(columns: Sequence[Mapping[str, Any]], name: str, pack: Callable[[Array, list[int]], Any]) -> Any:
    """Numbers of all columns that have some; None where none has."""
    found = {place: column[name] for place, column in enumerate(columns) if column.get(name) is not None}
    if not found:
        return None
    counts = [values.size for values in found.values()]
    values = _finite(np.concatenate([values.reshape(-1) for values in found.values()]))
    return {"places": list(found), "counts": counts, **pack(values, counts)}


def _halves(values: Array, counts: list[int]) -> dict[str, Any]:
    """Numbers of 16 bits, three digits each, in shares of the largest of their column."""
    peaks, shares = _shares(values, counts)
    return {"peaks": peaks, "halves": _bytes(shares.astype("<f2"))}


def _decades(values: Array, counts: list[int]) -> dict[str, Any]:
    """Numbers of 8 bits, two digits each: a sign, and the logarithm of the size in shares of the largest of their
    column. What is smaller than that by `DECADES` powers of ten is 0."""
    peaks, shares = _shares(values, counts)
    levels = np.rint(127 + np.log10(np.maximum(np.abs(shares), 1e-30)) * (126 / DECADES))
    return {"peaks": peaks, "decades": _bytes((np.sign(shares) * np.maximum(levels, 0)).astype(np.int8))}


def _shares(values: Array, counts: list[int]) -> tuple[list[float], Array]:
    """The largest size in each column, and the values in shares of it."""
    starts = np.cumsum([0, *counts[:-1]])
    peaks = np.maximum.reduceat(np.abs(values), starts)
    return [float(f"{peak:.6g}") for peak in peaks.tolist()], values / np.repeat(np.where(peaks > 0, peaks, 1), counts)


def _finite(values: Array) -> Array:
    return np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)


def _bytes(values: Array) -> str:
    return base64.b64encode(values.tobytes()).decode("ascii")


_PACKED = {
    "weights": _halves,
    "gradients": _decades,
    "updates": _decades,
    "biases": _halves,
    "bias_gradients": _decades,
    "bias_updates": _decades,
}


def network_alt(titles: Sequence[str]) -> str:
    """The same in words."""
    return f"The network, from left to right: {', '.join(titles)}"
