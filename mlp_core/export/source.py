"""Functions and classes as text for a script: with their helpers, without annotations and leading underscores.

So a script makes its data with the very code that the playground ran, and needs nothing of the playground.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import inspect
import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

from mlp_core.export.python import WIDTH

Function = ast.FunctionDef
Definition = ast.FunctionDef | ast.ClassDef
_FOR_CHECKERS = re.compile(r"  # type: ignore\S*( \S+\])?$")


@dataclass(frozen=True)
class SourceText:
    """Source text of functions and classes, with what they need."""

    constants: tuple[str, ...]
    """Assignments of constants, in an order in which they can be run."""
    functions: tuple[str, ...]
    """Definitions of functions and classes, likewise."""
    imports: frozenset[str]
    """Import lines that they may need."""


@cache
def borrow(*functions: Callable[..., Any]) -> SourceText:
    """The source of these functions and classes, and of everything of this project that they use."""
    parts: dict[str, tuple[ModuleType, ast.stmt]] = {}
    imports: set[str] = set()
    for function in functions:
        _collect(importlib.import_module(function.__module__), function.__name__, parts, imports)
    renamed = _public_names(parts)
    texts = [(isinstance(node, Definition), _tidied(module, node, renamed)) for module, node in parts.values()]
    constants = tuple(text for is_function, text in texts if not is_function)
    return SourceText(constants, tuple(text for is_function, text in texts if is_function), frozenset(imports))


@cache
def _statements(module: ModuleType) -> list[ast.stmt]:
    return ast.parse(inspect.getsource(module)).body


def _collect(module: ModuleType, name: str, parts: dict[str, tuple[ModuleType, ast.stmt]], imports: set[str]) -> None:
    """Put what the name is bound to in the module into `parts`, after what it uses itself."""
    for node in _statements(module):
        if isinstance(node, ast.ImportFrom) and name in {alias.asname or alias.name for alias in node.names}:
            origin = str(node.module)
            if origin.startswith("mlp_core"):
                _collect(importlib.import_module(origin), name, parts, imports)
            else:
                imports.add(f"from {origin} import {name}")
        elif isinstance(node, ast.Import):
            imports.update(
                f"import {alias.name}" + (f" as {alias.asname}" if alias.asname else "")
                for alias in node.names
                if name == (alias.asname or alias.name)
            )
        elif _binds(node, name) and name not in parts:
            for used in _names_read(node):
                if used != name and used not in parts:
                    _collect(module, used, parts, imports)
            parts[name] = (module, node)


def _binds(node: ast.stmt, name: str) -> bool:
    if isinstance(node, Definition):
        return node.name == name
    return isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == name


def _names_read(node: ast.stmt) -> list[str]:
    """Names in the order in which they are read, annotations left out."""
    hidden = {id(inner) for outer in _annotations(node) for inner in ast.walk(outer)}
    local = {inner.arg for inner in ast.walk(node) if isinstance(inner, ast.arg)}
    names = [n for n in ast.walk(node) if isinstance(n, ast.Name) and id(n) not in hidden and n.id not in local]
    return [n.id for n in sorted(names, key=lambda n: (n.lineno, n.col_offset)) if isinstance(n.ctx, ast.Load)]


def _annotations(node: ast.AST) -> list[ast.expr]:
    found: list[ast.expr] = []
    for inner in ast.walk(node):
        if isinstance(inner, ast.arg | ast.AnnAssign) and inner.annotation:
            found.append(inner.annotation)
        elif isinstance(inner, Function) and inner.returns:
            found.append(inner.returns)
    return found


def _public_names(parts: dict[str, tuple[ModuleType, ast.stmt]]) -> dict[str, str]:
    """Private names with the underscore taken off, where the bare name is free."""
    taken = {*dir(builtins), *parts}
    for _, node in parts.values():
        taken |= {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
        taken |= {inner.arg for inner in ast.walk(node) if isinstance(inner, ast.arg)}
    return {name: name.lstrip("_") for name in parts if name.startswith("_") and name.lstrip("_") not in taken}


def _tidied(module: ModuleType, node: ast.stmt, renamed: dict[str, str]) -> str:
    """The statement's own text, with annotations cut out, names replaced and the docstring filled to the width."""
    source = inspect.getsource(module).splitlines()
    edits: list[tuple[int, int, int, str]] = []  # line, from byte, to byte, new text
    defaults = {id(argument): value for inner in ast.walk(node) for argument, value in _defaults(inner)}
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and inner.id in renamed:
            edits.append((inner.lineno, inner.col_offset, inner.col_offset + len(inner.id), renamed[inner.id]))
        elif isinstance(inner, Definition):
            if inner.name in renamed:
                start = inner.col_offset + len("def " if isinstance(inner, Function) else "class ")
                edits.append((inner.lineno, start, start + len(inner.name), renamed[inner.name]))
            if isinstance(inner, Function) and inner.returns:
                edits.append((inner.returns.lineno, inner.returns.col_offset - len(" -> "), _end(inner.returns), ""))
        elif isinstance(inner, ast.arg) and inner.annotation and id(inner) in defaults:
            begin = inner.col_offset + len(inner.arg)
            edits.append((inner.lineno, begin, defaults[id(inner)].col_offset, "="))  # without spaces around it
        elif isinstance(inner, ast.arg) and inner.annotation:
            edits.append((inner.lineno, inner.col_offset + len(inner.arg), _end(inner.annotation), ""))
        elif isinstance(inner, ast.AnnAssign):
            edits.append((inner.lineno, _end(inner.target), _end(inner.annotation), ""))
    lines = {number: line.encode() for number, line in enumerate(source, start=1)}
    for number, start, end, text in sorted(edits, reverse=True):
        lines[number] = lines[number][:start] + text.encode() + lines[number][end:]
    last = node.end_lineno or node.lineno
    kept = [_FOR_CHECKERS.sub("", lines[number].decode()) for number in range(node.lineno, last + 1)]
    methods = [inner for inner in ast.iter_child_nodes(node) if isinstance(inner, Function)]
    for owner in (*reversed(methods), node):
        if isinstance(owner, Definition) and (words := ast.get_docstring(owner)):
            first = owner.body[0]
            start, end = first.lineno - node.lineno, (first.end_lineno or first.lineno) - node.lineno
            kept[start : end + 1] = _docstring(words, first.col_offset)
    return "\n".join(kept)


def _defaults(node: ast.AST) -> list[tuple[ast.arg, ast.expr]]:
    """The arguments of a function that have a default on their own line, with it."""
    if not isinstance(node, Function):
        return []
    plain = [*node.args.posonlyargs, *node.args.args]
    pairs = [*zip(plain[len(plain) - len(node.args.defaults) :], node.args.defaults, strict=True)]
    pairs += [(a, d) for a, d in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True) if d is not None]
    return [(argument, value) for argument, value in pairs if argument.lineno == value.lineno]


def _end(node: ast.expr) -> int:
    assert node.end_col_offset is not None
    return node.end_col_offset


def _docstring(words: str, indent: int) -> list[str]:
    margin = " " * indent
    if len(margin + words) + 6 <= WIDTH and "\n" not in words:
        return [f'{margin}"""{words}"""']
    # Three columns less, so that the quotes fit on the first line and after a last one.
    paragraphs = [textwrap.fill(" ".join(part.split()), WIDTH - indent - 3) for part in words.split("\n\n")]
    text = "\n\n".join(paragraphs)
    if "\n" not in text:
        return [f'{margin}"""{text}"""']
    return textwrap.indent(f'"""{text}\n"""', margin).splitlines()
