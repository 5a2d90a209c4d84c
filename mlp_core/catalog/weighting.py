"""Parameters that say how much classes count in a loss: given as numbers, or to be found from the training part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlp_core.catalog.parameters import Float, Parameter
from mlp_core.limits import MAX_CLASSES

BALANCED = "balanced"
"""The value that stands for numbers by which rare classes count as much as frequent ones."""

IMBALANCE = 5.0
"""From how many times as many training samples in the largest class as in the smallest on, balancing is proposed."""

_NUMBER = Float(
    name="weight", label="Weight", help="How much a sample counts.", default=1.0, low=0.0, low_open=True, high=1e6
)


@dataclass(frozen=True, kw_only=True)
class Weighting(Parameter):
    """How much classes count: None (all alike), 'balanced', or numbers above 0."""

    @property
    def choices(self) -> Mapping[str | None, str]:
        """What a page offers besides numbers, each with its words."""
        return {None: "all alike", BALANCED: BALANCED}

    @property
    def element(self) -> Float:
        """The rule of a number."""
        return _NUMBER

    def accepts(self, value: object) -> bool:
        return value is None or value == BALANCED or self.holds_numbers(value)

    def holds_numbers(self, value: object) -> bool:
        """Whether the value is numbers that follow the rule."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class ClassWeights(Weighting):
    """A weight for each class, in the order of the classes."""

    def holds_numbers(self, value: object) -> bool:
        return (
            isinstance(value, list | tuple) and 2 <= len(value) <= MAX_CLASSES and all(map(self.element.accepts, value))
        )

    def rule(self) -> str:
        return f"None (all classes count alike), {BALANCED!r}, or a list of a number above 0 for each class"

    def convert(self, value: Any) -> str | tuple[float, ...] | None:
        return value if value is None or isinstance(value, str) else tuple(float(item) for item in value)

    def bad_values(self) -> list[object]:
        wrong = [value for value in self.element.bad_values() if value is not None]
        return ["Balanced", "1, 2", 1.0, True, [], [1.0], [1.0, None], *([1.0, value] for value in wrong)]


@dataclass(frozen=True, kw_only=True)
class PositiveWeight(Weighting):
    """One number, by which targets of 1 count more or less than targets of 0."""

    def holds_numbers(self, value: object) -> bool:
        return value is not None and self.element.accepts(value)

    def rule(self) -> str:
        return f"None (both count alike), {BALANCED!r}, or {self.element.rule()}"

    def convert(self, value: Any) -> str | float | None:
        return value if value is None or isinstance(value, str) else float(value)

    def bad_values(self) -> list[object]:
        return ["Balanced", [1.0], *(value for value in self.element.bad_values() if value is not None)]
