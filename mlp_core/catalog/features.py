"""What can be made of the two coordinates of a point: the input features of the sets that lie in a plane."""

from __future__ import annotations

from dataclasses import dataclass

from mlp_core.catalog.entry import Entry, table


@dataclass(frozen=True, kw_only=True)
class FeatureEntry(Entry):
    """A function of a point's coordinates."""

    code: str
    """Its formula in Python: an expression of the arrays `x1` and `x2` and of `np`. The data is made with it, and
    exported scripts and bundles contain it."""


FEATURES: dict[str, FeatureEntry] = table(
    FeatureEntry(name="x1", label="x₁", code="x1", formula="x_1", summary="The first coordinate."),
    FeatureEntry(name="x2", label="x₂", code="x2", formula="x_2", summary="The second coordinate."),
    FeatureEntry(name="x1^2", label="x₁²", code="x1 * x1", formula="x_1^2", summary="The first coordinate squared."),
    FeatureEntry(name="x2^2", label="x₂²", code="x2 * x2", formula="x_2^2", summary="The second coordinate squared."),
    FeatureEntry(name="x1*x2", label="x₁x₂", code="x1 * x2", formula="x_1 x_2", summary="The product of both."),
    FeatureEntry(
        name="r",
        label="r",
        code="np.hypot(x1, x2)",
        formula=r"\sqrt{x_1^2 + x_2^2}",
        summary="The distance from the middle.",
    ),
    FeatureEntry(
        name="sin(5*x1)",
        label="sin 5x₁",
        code="np.sin(5 * x1)",
        formula=r"\sin 5 x_1",
        summary="A wave along the first coordinate.",
    ),
    FeatureEntry(
        name="sin(5*x2)",
        label="sin 5x₂",
        code="np.sin(5 * x2)",
        formula=r"\sin 5 x_2",
        summary="A wave along the second coordinate.",
    ),
)
"""The sine has a 5 in it because coordinates lie in about [-1, 1], where sin x itself is nearly a straight line."""
