"""An optimizer's update for one parameter, as the catalog has it, rewritten for all parameters laid end to end.

The catalog's lines (`mlp_core.catalog.by_hand.UpdateByHand`) make new tensors as scripts do. Here nothing is allocated
in a step: new tensors become scratch that is written with `out=`, and numbers that a whole tensor is added to,
multiplied or divided by become tensors of no dimensions. The operators, their order and their bits stay the same.

Lines may be a call in place (`x.mul_(a).add_(y)`), an assignment of a new tensor made of method calls, of `+ - * /` and
of calls in place on these (`g = g.add(p, alpha=a)`), or `if step == 1:`, or `if SCALAR > NUMBER:`, with such lines in
its branches.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from mlp_core.catalog.by_hand import UpdateByHand

SCALED = {"add": ast.Add, "sub": ast.Sub, "mul": ast.Mult, "div": ast.Div}
"""Operators that take a number in the place of a tensor, where a tensor of no dimensions is cheaper than a float."""

_NAMES = {operator: name for name, operator in SCALED.items()}


class Translation:
    """The lines of an update over flat tensors, and the scratch that they write to.

    `w` stands for the parameter, `g` for the gradient, and the tensors of the state have the names that PyTorch's
    optimizer knows them by.
    """

    def __init__(self, update: UpdateByHand) -> None:
        self.scratch: list[str] = []
        self._counts = update.counts
        self._settings = set(update.settings)
        self.factors: dict[str, str] = {}
        """By the name of each number that is kept, what it is multiplied by before it is used."""
        self._tensors = {"p": "w", "g": "g", **{tensor.name: tensor.key for tensor in update.state}}
        self._scalars: dict[str, ast.expr] = {}
        for line in ast.parse("\n".join(update.scalars)).body:
            if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name):
                self._scalars[line.targets[0].id] = line.value
            elif isinstance(line, ast.AugAssign) and isinstance(line.target, ast.Name) and _multiplies(line):
                self.factors[line.target.id] = self._argument(line.value)
            else:
                raise _unknown(line)
        self.lines = self._translated(ast.parse("\n".join(update.lines)).body)

    def _translated(self, statements: Sequence[ast.stmt]) -> list[str]:
        lines: list[str] = []
        for statement in statements:
            if isinstance(statement, ast.Expr):
                self._compute(statement.value, "", lines)
            elif isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
                self._assign(statement.targets[0].id, statement.value, lines)
            elif isinstance(statement, ast.If):
                lines.append(f"if {self._condition(statement.test)}:")
                lines += [f"    {line}" for line in self._translated(statement.body)]
                if statement.orelse:
                    lines += ["else:", *(f"    {line}" for line in self._translated(statement.orelse))]
            else:
                raise _unknown(statement)
        return lines

    def _assign(self, name: str, value: ast.expr, lines: list[str]) -> None:
        """Compute a new tensor into scratch, which the name stands for from now on."""
        target = f"new_{name}" if self._tensors.get(name) == name else self._tensors.get(name, name)
        if target not in self.scratch:
            self.scratch.append(target)
        self._compute(value, target, lines)
        self._tensors[name] = target

    def _condition(self, node: ast.expr) -> str:
        """What decides between branches: whether a step is the first, or how two scalars compare."""
        if ast.unparse(node) == "step == 1":
            return "step == 1.0" if self._counts else "first"
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Gt):
            return self._argument(node)
        raise _unknown(node)

    def _compute(self, node: ast.expr, target: str, lines: list[str]) -> str:
        """Write the lines that compute a tensor; returns its name. New tensors go into `target`."""
        if isinstance(node, ast.Name) and node.id in self._tensors:
            return self._tensors[node.id]
        if isinstance(node, ast.BinOp) and type(node.op) in _NAMES:
            return self._apply(_NAMES[type(node.op)], node.left, [node.right], [], target, lines)
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            raise _unknown(node)
        name, owner = node.func.attr, node.func.value
        if isinstance(owner, ast.Name) and owner.id == "torch":
            arguments = [self._argument(argument) for argument in node.args]
            named = [f"{keyword.arg}={self._argument(keyword.value)}" for keyword in node.keywords]
            lines.append(f"torch.{name}({', '.join([*arguments, *named])})")
            return ""
        return self._apply(name, owner, node.args, node.keywords, target, lines)

    def _apply(
        self,
        name: str,
        owner: ast.expr,
        operands: Sequence[ast.expr],
        keywords: Sequence[ast.keyword],
        target: str,
        lines: list[str],
    ) -> str:
        """Write the call of an operator on the tensor that `owner` gives: in place where that may be overwritten."""
        tensor = self._compute(owner, target, lines)
        plain = name.removesuffix("_")
        arguments = [self._scale(operand) if plain in SCALED else self._argument(operand) for operand in operands]
        arguments += [f"{keyword.arg}={self._argument(keyword.value)}" for keyword in keywords]
        if name.endswith("_") or tensor == target:
            lines.append(f"{tensor}.{plain}_({', '.join(arguments)})")
            return tensor
        if not target:
            raise _unknown(owner)
        lines.append(f"torch.{plain}({', '.join([tensor, *arguments, f'out={target}'])})")
        return target

    def _scale(self, node: ast.expr) -> str:
        """A tensor, or a number as a tensor of no dimensions."""
        if isinstance(node, ast.Name) and node.id in self._tensors:
            return self._tensors[node.id]
        if isinstance(node, ast.Name) and node.id in self._settings:
            return f"{node.id}_0d"
        return f"number.fill_({self._argument(node)})"

    def _argument(self, node: ast.expr) -> str:
        """A tensor or a number, with the scalars written out."""
        return ast.unparse(_Renamed(self._tensors, self._scalars).visit(_copy(node)))


class _Renamed(ast.NodeTransformer):
    """Puts names of tensors and expressions of scalars in the place of names."""

    def __init__(self, tensors: Mapping[str, str], scalars: Mapping[str, ast.expr]) -> None:
        self._tensors, self._scalars = tensors, scalars

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self._scalars:
            expression: ast.expr = self.visit(_copy(self._scalars[node.id]))
            return expression
        return ast.Name(self._tensors.get(node.id, node.id), node.ctx)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """A kept number, which scripts have as a tensor, is a number here."""
        if isinstance(node.func, ast.Attribute) and node.func.attr == "item":
            return node.func.value
        self.generic_visit(node)
        return node


def _multiplies(line: ast.AugAssign) -> bool:
    return isinstance(line.op, ast.Mult)


def _copy(node: ast.expr) -> ast.expr:
    return ast.parse(ast.unparse(node), mode="eval").body


def _unknown(node: ast.AST) -> AssertionError:
    return AssertionError(f"an update in the catalog holds what no engine knows: {ast.unparse(node)}")
