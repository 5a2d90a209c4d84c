"""What is known of an activation's function: the facts that the Activations page shows, and that checks rely on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any, Literal

Family = Literal["rectifier", "S-curve", "gated", "shrinkage", "normalising", "linear"]
Saturation = Literal["nowhere", "below", "above", "at both ends"]


@dataclass(frozen=True, kw_only=True)
class ActivationFacts:
    """The function of an activation with one choice of its parameters."""

    family: Family
    """The kind of function: a rectifier treats the two sides of zero differently, an S-curve has two flat ends, a gated
    one multiplies its input by a gate, a shrinkage pulls values towards zero, and a normalising one looks at all
    features of a sample together."""
    low: float = -inf
    """The largest number that no output is below."""
    high: float = inf
    """The smallest number that no output is above."""
    reaches_low: bool = False
    """Whether an output can be `low` itself."""
    reaches_high: bool = False
    """Whether an output can be `high` itself."""
    jumps: tuple[float, ...] = ()
    """Inputs at which the output jumps."""
    kinks: tuple[float, ...] = ()
    """Inputs at which the output has no jump, but another slope on either side, so no derivative."""
    bends: tuple[float, ...] = ()
    """Inputs at which there is a derivative, and none of a higher order."""
    piecewise_linear: bool = False
    """Whether it is made of straight lines."""
    monotonic: bool = True
    """Whether a larger input never gives a smaller output."""
    saturates: Saturation = "nowhere"
    """On which side, far from zero, its slope fades to zero: below for very negative inputs, above for large ones."""
    at_zero: float = 0.0
    """The output for an input of zero."""
    zero_centred: bool = False
    """Whether outputs have the mean zero where inputs are standard normal."""
    self_normalising: bool = False
    """Whether layers of it pull mean 0 and variance 1 back to these values, given weights of variance 1 / width."""
    elementwise: bool = True
    """Whether every output depends on one input alone."""

    @property
    def range(self) -> str:
        """The range of outputs as an interval, such as '[0, ∞)'."""
        left = "(" if not self.reaches_low else "["
        right = ")" if not self.reaches_high else "]"
        return f"{left}{_number(self.low)}, {_number(self.high)}{right}"

    @property
    def differentiability(self) -> str:
        """Where it has a derivative, in words."""
        if self.jumps:
            return f"jumps at {_numbers(self.jumps)}"
        if self.kinks:
            return f"no derivative at {_numbers(self.kinks)}, where it has a kink"
        if self.bends:
            return f"differentiable everywhere; no second derivative at {_numbers(self.bends)}"
        return "smooth: it has derivatives of every order"


FactsOf = Callable[[Mapping[str, Any]], ActivationFacts]
"""The facts of an activation from its parameters."""


def always(**facts: Any) -> FactsOf:
    """Facts that are the same with any parameters; see the fields of `ActivationFacts`."""
    found = ActivationFacts(**facts)
    return lambda params: found


def _numbers(values: tuple[float, ...]) -> str:
    return " and ".join(map(_number, values))


def _number(value: float) -> str:
    if abs(value) == inf:
        return "∞" if value > 0 else "−∞"
    return f"{value:.4g}".replace("-", "−")
