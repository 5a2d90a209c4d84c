"""Sets that a user makes: samples that follow a formula, and points drawn on the plane.

Where samples lie is drawn as in `mlp_core.data.toy`. Exported scripts contain these functions as they stand here, so
their code keeps to 88 columns; there `formula` is a function in NumPy, and `samples` an array.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp_core.catalog.parameters import Formula, Points
from mlp_core.data.dataset import Array
from mlp_core.data.toy import Floats, Pattern, _even, _noisy, _positions, _strayed
from mlp_core.errors import DataError
from mlp_core.figures import readable
from mlp_core.formula import parse
from mlp_core.formula.values import values
from mlp_core.spec import DataSpec

LARGEST = 1e30
"""No number of a set is larger, so that float32 holds it with room for a network to miss it."""


def curve(
    points: int,
    formula: Callable[[Floats], Floats],
    interval: tuple[float, float],
    noise: float,
    seed: int,
) -> Pattern:
    """x evenly over the interval and y = f(x) plus noise, both float64 (points, 1).

    95 of 100 values stray by less than `noise`, 1 being half of the formula's range.
    """
    low, high = interval
    x = low + (high - low) * _even(_positions(seed), points)
    y = formula(x)
    scale = np.ptp(y) / 2 or 1.0
    return x[:, None], scale * _noisy(y / scale, noise, seed)


def sides(
    points: int,
    formula: Callable[[Floats], Floats],
    noise: float,
    seed: int,
) -> Pattern:
    """Points evenly over the square; class 1 where x₂ > f(x₁), before noise pushes the points."""
    place = _positions(seed).uniform(-1, 1, (points, 2))
    labels = (place[:, 1] > formula(place[:, 0])).astype(np.int64)
    return _strayed(place, noise, seed), labels


def drawn(samples: NDArray[np.int64], classes: int, seed: int) -> Pattern:
    """Points as they were drawn: coordinates from hundredths, and the class of each."""
    return samples[:, :2] / 100, samples[:, 2]


def drawn_values(samples: NDArray[np.int64], seed: int) -> Pattern:
    """Points as they were drawn: coordinates and values from hundredths."""
    return samples[:, :2] / 100, samples[:, 2:] / 100


def truth(params: Mapping[str, Any], x: Floats) -> Floats:
    """The formula's value at each x, without noise; NaN or infinite where it has none."""
    return values(parse(params["formula"]), x)


def arguments(spec: DataSpec) -> dict[str, Any]:
    """The parameters of a set as its function takes them: formulas as functions, points as int64 (N, 3)."""
    found: dict[str, Any] = {}
    for parameter in spec.entry.parameters:
        value = spec.params[parameter.name]
        if isinstance(parameter, Formula):
            value = _checked(spec, value)
        elif isinstance(parameter, Points):
            value = np.array(value, dtype=np.int64).reshape(-1, 3)
        found[parameter.name] = value
    return found


def _checked(spec: DataSpec, text: str) -> Callable[[Floats], Floats]:
    """The function of a formula, which raises `DataError` at an x where it cannot be learned."""
    tree = parse(text)

    def function(x: Floats) -> Floats:
        y = values(tree, x)
        unfit = np.isnan(y) if spec.facts.classifies else ~(np.abs(y) <= LARGEST)
        if unfit.any():
            at = int(np.argmax(unfit))
            what = "no number" if np.isnan(y[at]) else f"{readable(y[at])}, which is too large,"
            raise DataError(
                f"The formula {text!r} gives {what} at x = {readable(x[at])}. Change it"
                f"{'' if spec.facts.classifies else ', or choose another range of x'}."
            )
        return y

    return function


def refuse_lack(spec: DataSpec, labels: Array) -> None:
    """Raise `DataError` if a class has too few samples to be in the training and in the test part."""
    names = spec.facts.class_names
    if not names:
        if len(labels) < 2:
            raise DataError(
                f"{spec.entry.label}: at least two points are needed. Got {len(labels)}. Place more on the plane."
            )
        return
    counts = np.bincount(labels, minlength=len(names))
    lacking = [f"{name!r} has {count}" for name, count in zip(names, counts, strict=True) if count < 2]
    if lacking:
        remedy = (
            "Place more of them on the plane, or choose fewer classes."
            if spec.entry.source == "drawn"
            else "Change the formula so that it divides the square from −1 to 1, or make more points."
        )
        raise DataError(
            f"{spec.entry.label}: every class needs two points at the least, one to learn from and one to test on; "
            f"{' and '.join(lacking)}. {remedy}"
        )
