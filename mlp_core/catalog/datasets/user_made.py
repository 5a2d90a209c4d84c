"""Data sets that a user makes: samples that follow a formula, and points drawn on the plane."""

from __future__ import annotations

import math

from mlp_core.catalog.datasets.entry import DatasetEntry, Params
from mlp_core.catalog.datasets.generated import class_names, classes_parameter, plane_parameters
from mlp_core.catalog.facts import DataFacts
from mlp_core.catalog.parameters import Float, Floats, Formula, Int, Parameter, Points

WALL = 120
"""The largest coordinate of a drawn point, in hundredths; generated points stay inside as well."""
MOST_CLASSES = 8
"""Classes of a drawing: so many colours are told apart at a glance."""


def _formula(default: str, help: str) -> Formula:
    return Formula(name="formula", label="Formula", help=help, default=default)


def _interval_conflict(params: Params, owner: str) -> str:
    low, high = params["interval"]
    if low < high:
        return ""
    return (
        f"The 'interval' parameter of {owner} must begin below its end. Got from {low:g} to {high:g} instead. "
        "Exchange them, or move one."
    )


def _curve_facts(params: Params) -> DataFacts:
    return DataFacts(task="regression", sample_shape=(1,), target_names=("y",), samples=params["points"])


def _sides_facts(params: Params) -> DataFacts:
    return DataFacts(
        task="classification",
        sample_shape=(len(params["features"]),),
        class_names=("below f", "above f"),
        samples=params["points"],
        plane=True,
    )


def _drawn_facts(params: Params) -> DataFacts:
    return DataFacts(
        task="classification",
        sample_shape=(len(params["features"]),),
        class_names=class_names(params["classes"]),
        samples=len(params["samples"]),
        plane=True,
    )


def _drawn_values_facts(params: Params) -> DataFacts:
    return DataFacts(
        task="regression",
        sample_shape=(len(params["features"]),),
        target_names=("value",),
        samples=len(params["samples"]),
        plane=True,
    )


def _drawn_conflict(params: Params, owner: str) -> str:
    beyond = sum(point[2] >= params["classes"] for point in params["samples"])
    if not beyond:
        return ""
    return (
        f"The 'classes' parameter of {owner} must be at least {max(point[2] for point in params['samples']) + 1}, for "
        f"{beyond} of the points are of later classes. Got {params['classes']} instead. Erase those points first."
    )


def _circle(count: int, radius: float, target: int, turn: float = 0.0) -> tuple[tuple[int, int, int], ...]:
    """Points evenly on a circle."""
    angles = [2 * math.pi * (index + turn) / count for index in range(count)]
    return tuple((round(radius * math.cos(a)), round(radius * math.sin(a)), target) for a in angles)


_TWO_CLASSES = (*_circle(8, 20, 1), *_circle(16, 40, 1), *_circle(24, 90, 0))
"""A disc of class 1 in a ring of class 0, which a first look at a drawing shows."""
_HILL = (*_circle(6, 15, 90), *_circle(12, 45, 30), *_circle(18, 75, -30), *_circle(24, 105, -90))


def _points(default: tuple[tuple[int, int, int], ...], target: Int) -> Points:
    return Points(
        name="samples",
        label="Points",
        help="The points, placed on the plane by pointer or keyboard.",
        default=default,
        wall=WALL,
        target=target,
    )


_, _NOISE, _FEATURES = plane_parameters(400, 0.05)
_POINTS: Parameter = plane_parameters(200, 0.1)[0]

USER_MADE: tuple[DatasetEntry, ...] = (
    DatasetEntry(
        name="formula", label="Formula", source="generated",
        summary="One input x and one value y = f(x), by a formula that you type.",
        when="To see a network bend its curve to a function, and where it cannot.",
        loader="mlp_core.data.user_made:curve", facts=_curve_facts, conflict=_interval_conflict, standardised=True,
        truth="mlp_core.data.user_made:truth",
        parameters=(
            _formula("sin(3x) + x/2",
                     "y as a function of x, such as 2x^2 - 1, exp(-x^2) or where(x < 0, -1, 1). Press Enter to use "
                     "it."),
            _POINTS,
            Floats(
                name="interval", label="Range of x", help="Where the samples lie.", default=(-3.0, 3.0),
                labels=("from", "to"),
                element=Float(name="interval", label="", help="", default=0.0, low=-1e6, high=1e6, step=0.5),
            ),
            _NOISE,
        ),
    ),
    DatasetEntry(
        name="formula_classes", label="Above or below f", source="generated",
        summary="Two classes of the plane, on the two sides of a curve x₂ = f(x₁) that you type.",
        when="To choose how winding the boundary is that must be learned.",
        loader="mlp_core.data.user_made:sides", facts=_sides_facts, needs_classes=True,
        truth="mlp_core.data.user_made:truth",
        parameters=(
            _formula("sin(4x) / 2",
                     "The boundary's height as a function of the first coordinate, here called x. It is seen from −1 "
                     "to 1. Press Enter to use it."),
            plane_parameters(400, 0.05)[0],
            _NOISE,
            _FEATURES,
        ),
    ),
    DatasetEntry(
        name="drawn", label="Drawn points", source="drawn",
        summary="Points of two or more classes that you place on the plane.",
        when="To try a shape of your own.",
        loader="mlp_core.data.user_made:drawn", facts=_drawn_facts, conflict=_drawn_conflict, needs_classes=True,
        parameters=(
            _points(_TWO_CLASSES, Int(name="class", label="", help="", default=0, low=0, high=MOST_CLASSES - 1)),
            classes_parameter(2, MOST_CLASSES),
            _FEATURES,
        ),
    ),
    DatasetEntry(
        name="drawn_values", label="Drawn values", source="drawn",
        summary="Points with a value from −1 to 1 that you place on the plane.",
        when="To try a landscape of your own.",
        loader="mlp_core.data.user_made:drawn_values", facts=_drawn_values_facts, needs_classes=True,
        parameters=(
            _points(_HILL, Int(name="value", label="", help="", default=0, low=-100, high=100)),
            _FEATURES,
        ),
    ),
)  # fmt: skip
