"""What a formula gives, with NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp_core.formula.tree import COMPARISONS, FUNCTIONS, OPERATORS, Call, Comparison, Constant, Number, Operation, Part

Floats = NDArray[np.float64]


def values(node: Part, x: Floats) -> Floats:
    """The value at each x, float64 of the same shape; NaN or infinite where it has none."""
    with np.errstate(all="ignore"):
        found = _value(node, x)
    return np.full_like(x, found) if np.ndim(found) == 0 else found


def _value(node: Part, x: Floats) -> Any:
    """An array, or a float where the part has no x."""
    match node:
        case Number() | Constant():
            return node.value
        case Operation(symbol, left, right):
            return OPERATORS[symbol](_value(left, x), _value(right, x))
        case Comparison(symbol, left, right):
            return COMPARISONS[symbol](_value(left, x), _value(right, x))
        case Call(name, arguments):
            function = FUNCTIONS[name].numpy if name in FUNCTIONS else name
            return getattr(np, function)(*(_value(part, x) for part in arguments))
    return x
