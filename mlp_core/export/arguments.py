"""The parameters of a generated set as arguments of its function, in the text of a script."""

from __future__ import annotations

import ast
import textwrap
from dataclasses import dataclass

from mlp_core.catalog.parameters import Formula, Parameter, Points
from mlp_core.export.python import INDENT, WIDTH, Expression, literal
from mlp_core.formula import code, parse
from mlp_core.spec import DataSpec


@dataclass(frozen=True)
class Arguments:
    """What a call of a set's function takes."""

    keywords: dict[str, Expression]
    """The arguments by keyword."""
    blocks: tuple[str, ...]
    """Definitions that they need."""


def arguments(data: DataSpec) -> Arguments:
    """The arguments of a set's function, but for its seed and the input features made of its points."""
    keywords: dict[str, Expression] = {}
    blocks = []
    for parameter in data.entry.parameters:
        if parameter.name != "features":
            keywords[parameter.name], block = _argument(parameter, data.params[parameter.name])
            blocks += block
    return Arguments(keywords, tuple(blocks))


def _argument(parameter: Parameter, value: object) -> tuple[str, list[str]]:
    """The expression of a parameter's value, and what must be defined before it."""
    match parameter, value:
        case Formula(), str(text):
            return "f", [_function(text)]
        case Points(), tuple(points):
            return "samples", [_samples(points)]
    return literal(value), []


def _function(text: str) -> str:
    """A formula as a function in NumPy: written from its tree, never from the text itself."""
    tree = parse(text)
    value = code(tree)
    result = value if "x" in _names(value) else f"np.full_like(x, {value})"
    line = f"    return {result}"
    skip = "  # fmt: skip" if len(line) > WIDTH else ""
    return f'def f(x):\n    """The formula of the data."""\n{line}{skip}'


def _names(expression: str) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(expression)) if isinstance(node, ast.Name)}


def _samples(points: tuple[tuple[int, int, int], ...]) -> str:
    """Points as an array: three numbers each, many in a line. A no-break space keeps a point in one line."""
    lines = textwrap.wrap("  ".join("\u00a0".join(map(str, point)) for point in points), WIDTH - INDENT)
    rows = "\n".join(" " * INDENT + line.replace("\u00a0", " ") for line in lines)
    text = f'samples = """\n{rows}\n"""  # x₁ and x₂ in hundredths, and the class or value'
    return f"{text}\nsamples = np.array(samples.split(), dtype=np.int64).reshape(-1, 3)"
