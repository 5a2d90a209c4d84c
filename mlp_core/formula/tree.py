"""The tree of a formula, and the functions that it may call."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Number:
    """A finite number."""

    value: float
    """Its value."""


@dataclass(frozen=True)
class Constant:
    """A number that has a name."""

    name: str
    """A key of `CONSTANTS`, and its name in NumPy."""

    @property
    def value(self) -> float:
        """Its value."""
        return CONSTANTS[self.name]


@dataclass(frozen=True)
class Variable:
    """The variable x."""


@dataclass(frozen=True)
class Operation:
    """Two parts joined by an operator; at least one of them has x in it."""

    symbol: str
    """A key of `OPERATORS`."""
    left: Part
    """What stands before it."""
    right: Part
    """What stands after it."""


@dataclass(frozen=True)
class Comparison:
    """Whether one part is smaller than, equal to or larger than another: the first argument of `where`."""

    symbol: str
    """A key of `COMPARISONS`."""
    left: Part
    """What stands before it."""
    right: Part
    """What stands after it."""


@dataclass(frozen=True)
class Call:
    """A function of parts, of which at least one has x in it."""

    name: str
    """A key of `FUNCTIONS`, or 'negative' or 'where'."""
    arguments: tuple[Part, ...]
    """What it is applied to."""


Part = Number | Constant | Variable | Operation | Comparison | Call
"""A formula, or a part of one."""


@dataclass(frozen=True)
class Function:
    """A function that a formula may call."""

    numpy: str
    """Its name in NumPy."""
    of_number: Callable[..., float]
    """What it gives for numbers. Raises ValueError or an ArithmeticError where it has no value."""
    arguments: int = 1
    """How many arguments it takes."""


@dataclass(frozen=True)
class ShortForm:
    """A function of one argument that is written with others."""

    written: Callable[[Part], Part]
    """The tree of the function of a part that has x in it."""
    of_number: Callable[[float], float]
    """As in `Function`."""


CONSTANTS = {"pi": math.pi, "e": math.e}
"""Numbers that have a name."""

OPERATORS: dict[str, Callable[..., float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
}
"""What joins two parts, of numbers and of arrays alike."""

COMPARISONS: dict[str, Callable[..., bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
"""What compares two parts."""

FUNCTIONS: dict[str, Function] = {
    "sin": Function("sin", math.sin),
    "cos": Function("cos", math.cos),
    "tan": Function("tan", math.tan),
    "asin": Function("arcsin", math.asin),
    "acos": Function("arccos", math.acos),
    "atan": Function("arctan", math.atan),
    "sinh": Function("sinh", math.sinh),
    "cosh": Function("cosh", math.cosh),
    "tanh": Function("tanh", math.tanh),
    "exp": Function("exp", math.exp),
    "log": Function("log", math.log),
    "sqrt": Function("sqrt", math.sqrt),
    "cbrt": Function("cbrt", math.cbrt),
    "abs": Function("abs", abs),
    "sign": Function("sign", lambda x: float((x > 0) - (x < 0))),
    "floor": Function("floor", lambda x: float(math.floor(x))),
    "ceil": Function("ceil", lambda x: float(math.ceil(x))),
    "round": Function("round", lambda x: float(round(x))),
    "min": Function("minimum", min, 2),
    "max": Function("maximum", max, 2),
    "mod": Function("mod", operator.mod, 2),
}
"""Functions by the name that a formula calls them by."""

SHORT_FORMS: dict[str, ShortForm] = {
    "ln": ShortForm(lambda x: Call("log", (x,)), math.log),
    "relu": ShortForm(lambda x: Call("max", (x, Number(0.0))), lambda x: max(x, 0.0)),
    "sigmoid": ShortForm(
        lambda x: Operation("/", Number(1.0), Operation("+", Number(1.0), Call("exp", (Call("negative", (x,)),)))),
        lambda x: 1.0 / (1.0 + math.exp(-x)),
    ),
}
"""Functions that are written with others, by the name that a formula calls them by."""

_STRENGTH = {"+": 1, "-": 1, "*": 2, "/": 2, "negative": 3, "**": 4}
"""How tightly each binds in Python."""
_ATOM = 5


def code(node: Part) -> str:
    """The tree as an expression in Python, of the array `x` and of `np`; `values` gives the same bits."""
    return _written(node)[0]


def _written(node: Part) -> tuple[str, int]:
    """The expression, and how tightly its outermost operation binds."""
    match node:
        case Number(value):
            return repr(value), _STRENGTH["negative"] if _signed(node) else _ATOM
        case Constant(name):
            return f"np.{name}", _ATOM
        case Call("negative", (part,)):
            return f"-{_within(part, _ATOM)}", _STRENGTH["negative"]
        case Call(name, arguments):
            function = FUNCTIONS[name].numpy if name in FUNCTIONS else name
            return f"np.{function}({', '.join(code(part) for part in arguments)})", _ATOM
        case Operation() | Comparison():
            return _joined(node)
    return "x", _ATOM


def _joined(node: Operation | Comparison) -> tuple[str, int]:
    """As `_written`, of two parts with a sign between them."""
    symbol, left, right = node.symbol, node.left, node.right
    if isinstance(node, Comparison):
        return f"{_within(left, 1)} {symbol} {_within(right, 1)}", 0
    strength = _STRENGTH[symbol]
    if symbol == "**":  # a minus sign after it needs no brackets, one before it does
        sides = _within(left, _ATOM), _within(right, _STRENGTH["negative"])
        return ("**" if _simple(left, right) else " ** ").join(sides), strength
    return f"{_within(left, strength)} {symbol} {_within(right, strength + 1)}", strength


def _within(part: Part, strength: int) -> str:
    """The part, in brackets where it binds less tightly than what is around it."""
    text, own = _written(part)
    return text if own >= strength else f"({text})"


def _simple(base: Part, exponent: Part) -> bool:
    """Whether Python's formatters leave out the spaces around the power sign."""
    return not _signed(base) and all(isinstance(part, Number | Constant | Variable) for part in (base, exponent))


def _signed(part: Part) -> bool:
    """Whether it is a number that begins with a minus sign."""
    return isinstance(part, Number) and math.copysign(1.0, part.value) < 0
