"""Python text laid out as `ruff format` lays it out at its default width.

Only what the exporter writes is known here: calls, lists, tuples and plain text. Whatever calls such text into being
decides about the content; this decides where lines end.
"""

from __future__ import annotations

import ast
import json
import math
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

WIDTH = 88
INDENT = 4


@dataclass(frozen=True)
class Group:
    """Something in brackets."""

    head: str
    """What comes first; it ends with the opening bracket."""
    items: tuple[Item, ...]
    """What lies between the brackets."""
    tail: str = ")"
    """What comes last; it begins with the closing bracket."""
    explode: bool = False
    """Whether each item stands on a line of its own."""


@dataclass(frozen=True)
class Keyword:
    """A keyword argument."""

    name: str
    """The keyword."""
    value: str | Group
    """The expression."""


Item = str | Group | Keyword
Expression = str | Group


def call(function: str, *positional: Item, **keywords: Expression) -> Group:
    """The call of a function."""
    return Group(f"{function}(", (*positional, *(Keyword(name, value) for name, value in keywords.items())))


def one_per_line(group: Group) -> Group:
    """The same with each item on a line of its own, however short."""
    return replace(group, explode=bool(group.items))


def flat(item: Item) -> str:
    """The item in one line."""
    if isinstance(item, str):
        return item
    if isinstance(item, Keyword):
        return f"{item.name}={flat(item.value)}"
    return f"{item.head}{', '.join(map(flat, item.items))}{item.tail}"


def layout(item: Item, before: str = "", after: str = "", indent: int = 0, width: int = WIDTH) -> list[str]:
    """The item in as few lines as the width allows, `before` and `after` being glued to its ends."""
    if isinstance(item, Keyword):
        return layout(item.value, f"{before}{item.name}=", after, indent, width)
    margin = " " * indent
    if isinstance(item, str):
        return [f"{margin}{before}{item}{after}"]
    one_line = f"{margin}{before}{flat(item)}{after}"
    exploded = _exploded(item)
    if not item.items or (not exploded and len(one_line) <= width):
        return [one_line]
    inner = indent + INDENT
    body = ", ".join(map(flat, item.items))
    display = item.head in "[("  # a list or a tuple, which is broken into single items at once
    if not exploded and not display and inner + len(body) <= width:
        lines = [" " * inner + body]
    else:
        # A lone item gets no comma, unless it is one of a list that happens to be short.
        comma = "," if len(item.items) > 1 or item.explode else ""
        lines = [line for part in item.items for line in layout(part, "", comma, inner, width)]
    return [f"{margin}{before}{item.head}", *lines, f"{margin}{item.tail}{after}"]


def _exploded(item: Item) -> bool:
    if isinstance(item, Keyword):
        return _exploded(item.value)
    return isinstance(item, Group) and (item.explode or any(map(_exploded, item.items)))


def assign(name: str, value: Expression, within: int = 0) -> list[str]:
    """An assignment, for a place where `within` columns are to be put before its lines."""
    return layout(value, f"{name} = ", width=WIDTH - within)


def indented(lines: Iterable[str], by: int = INDENT) -> list[str]:
    """Lines moved to the right; empty ones stay empty."""
    return [" " * by + line if line else "" for line in lines]


def literal(value: Any) -> str:
    """A number, text or tuple of them as people write it: 1e-4 rather than 0.0001 or 1e-04."""
    if isinstance(value, tuple | list):
        inner = ", ".join(map(literal, value))
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, str):
        return repr(value) if '"' in value else json.dumps(value, ensure_ascii=False)
    if not isinstance(value, float):
        return repr(value)
    if not math.isfinite(value):
        return f'float("{value}")'
    plain = repr(value)
    if 0.01 <= abs(value) < 1e6:
        return plain
    digits, _, exponent = f"{value:.17e}".partition("e")
    for places in range(17):
        digits = f"{value:.{places}e}".partition("e")[0]
        if float(f"{digits}e{exponent}") == value:
            break
    short = f"{digits}e{int(exponent)}"
    return short if len(short) < len(plain) else plain


def bound_names(code: str) -> set[str]:
    """Every name that the code reads."""
    return {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}


def comment(text: str, indent: int = 0) -> list[str]:
    """Text as comment lines."""
    return textwrap.wrap(text, WIDTH, initial_indent=" " * indent + "# ", subsequent_indent=" " * indent + "# ")
