"""An optimizer's update of one weight as native code, from the lines that the fast engine runs on whole tensors."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mlp_core.engines.native.emitter import F32, F64, Emitter, Value, number
from mlp_core.engines.optimizers import Update
from mlp_core.engines.tracing import UnsupportedError


def _add(emitter: Emitter, x: Value, other: Value, scale: Value | None) -> Value:
    return emitter.builder.fadd(x, other) if scale is None else emitter.fma(other, scale, x)


def _addcmul(emitter: Emitter, x: Value, first: Value, second: Value, scale: Value | None) -> Value:
    return emitter.fma(first if scale is None else emitter.builder.fmul(scale, first), second, x)


def _addcdiv(emitter: Emitter, x: Value, first: Value, second: Value, scale: Value | None) -> Value:
    builder = emitter.builder
    scaled = first if scale is None else builder.fmul(scale, first)
    return builder.fadd(x, builder.fdiv(scaled, second))


def _lerp(emitter: Emitter, x: Value, end: Value, weight: Value, scale: None) -> Value:
    builder = emitter.builder
    small = builder.fcmp_ordered("<", emitter.intrinsic("llvm.fabs", weight), number(0.5))
    share = emitter.select(small, weight, builder.fsub(weight, number(1.0)))
    return emitter.fma(share, builder.fsub(end, x), emitter.select(small, x, end))


def _maximum(emitter: Emitter, x: Value, other: Value, scale: None) -> Value:
    return emitter.select(emitter.builder.fcmp_ordered(">", x, other), x, other)


OPERATIONS: dict[str, Callable[..., Value]] = {
    "reciprocal": lambda emitter, x, scale: emitter.builder.fdiv(number(1.0), x),
    "neg": lambda emitter, x, scale: emitter.builder.fneg(x),
    "abs": lambda emitter, x, scale: emitter.intrinsic("llvm.fabs", x),
    "sqrt": lambda emitter, x, scale: emitter.intrinsic("llvm.sqrt", x),
    "copy": lambda emitter, x, other, scale: other,
    "add": _add,
    "mul": lambda emitter, x, other, scale: emitter.builder.fmul(x, other),
    "div": lambda emitter, x, other, scale: emitter.builder.fdiv(x, other),
    "maximum": _maximum,
    "lerp": _lerp,
    "addcmul": _addcmul,
    "addcdiv": _addcdiv,
}
"""What the lines call, of tensors and of `torch`, by its name without the underscore of what works in place."""


@dataclass(frozen=True)
class Segment:
    """Lines that are run for one weight after the other, and the roots that are taken of all of them after it."""

    lines: tuple[ast.stmt, ...]
    """The lines."""
    uses: tuple[str, ...]
    """Names whose values it takes."""
    leaves: tuple[str, ...]
    """Names that it gives values that are needed after it."""
    root: tuple[str, str] | None
    """What the square root is taken of, and what becomes it; None where there is none."""


class ElementUpdate:
    """The lines of an update, read: `numbers` once a step, then `apply`, segment after segment.

    `kept` are the names of the weights and the optimizer's state, `temporary` those that a weight has a value for
    only during the update.
    """

    def __init__(self, update: Update) -> None:
        self._fused = bool(update.fused)
        self._lines = ast.parse("\n".join(update.lines)).body
        self._known = {*update.scalars, "step", *(kept.name for kept in update.numbers)}
        self._factors = {kept.name: ast.parse(kept.factor, mode="eval").body for kept in update.numbers}
        self.kept = ("w", *(name for name, _ in update.state))
        self.segments = self._split({"g", *self.kept})
        held = {name for part in self.segments for name in (*part.uses, *part.leaves, *(part.root or ()))}
        self.temporary = sorted(held - {"g", *self.kept})

    def _split(self, kept: set[str]) -> list[Segment]:
        """Cut the lines at square roots, which PyTorch has its library take of whole arrays, rounded in its own way. A
        fused update takes the processor's."""
        parts: list[tuple[list[ast.stmt], tuple[str, str] | None]] = [([], None)]
        for line in self._lines:
            root = None if self._fused else _root(line)
            if root is None:
                parts[-1][0].append(line)
            else:
                parts[-1] = parts[-1][0], root
                parts.append(([], None))
        segments: list[Segment] = []
        needed = set(kept)
        for lines, root in reversed(parts):
            if root is not None:
                needed = (needed - {root[1]}) | {root[0]}
            uses, changes = _names(lines, self._known)
            leaves = (changes - {"g"}) & needed
            segments.append(Segment(tuple(lines), tuple(sorted(uses)), tuple(sorted(leaves)), root))
            needed = (needed - changes) | uses | kept
        return segments[::-1]

    def numbers(self, emitter: Emitter, doubles: Mapping[str, Value]) -> dict[str, Value]:
        """The numbers that weights are multiplied by in this step, in single precision as PyTorch takes them."""
        found = {}
        for line in self._lines:
            for node in ast.walk(line):
                if isinstance(node, ast.Call):
                    for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
                        if self._is_number(argument):
                            value = _double(emitter, _inside(argument), doubles)
                            found[ast.dump(argument)] = emitter.builder.fptrunc(value, F32)
                elif isinstance(node, ast.If) and isinstance(node.test, ast.Compare):
                    holds = _compared(emitter, node.test, doubles)
                    found[ast.dump(node.test)] = emitter.select(holds, number(1.0), number(0.0))
        return found

    def factor(self, emitter: Emitter, name: str, doubles: Mapping[str, Value]) -> Value:
        """What a number that is kept is multiplied by in this step, in single precision."""
        return emitter.builder.fptrunc(_double(emitter, self._factors[name], doubles), F32)

    def apply(
        self, emitter: Emitter, segment: Segment, numbers: Mapping[str, Value], first: Value, values: dict[str, Value],
        *, tail: bool = False,
    ) -> None:  # fmt: skip
        """Run a segment on the values of one weight by name. `first`: whether the optimizer's state is new.

        With `tail`, in a fused update, a product and the sum that takes it are rounded once, where other weights round
        it first and the second one once with the sum.
        """
        self._products: dict[str, tuple[Value, Value, Value]] | None = {} if tail else None
        self._run(emitter, numbers, first, list(segment.lines), values)

    def _is_number(self, node: ast.expr) -> bool:
        names = [n.id for n in ast.walk(_inside(node)) if isinstance(n, ast.Name)]
        return all(name.removesuffix("_0d") in self._known for name in names)

    def _run(
        self, emitter: Emitter, numbers: Mapping[str, Value], first: Value, lines: list[ast.stmt],
        values: dict[str, Value],
    ) -> None:  # fmt: skip
        for line in lines:
            if isinstance(line, ast.Expr):
                self._value(emitter, numbers, line.value, values)
            elif isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name):
                values[line.targets[0].id] = self._value(emitter, numbers, line.value, values)
            elif isinstance(line, ast.If):
                condition = first
                if isinstance(line.test, ast.Compare):
                    condition = emitter.builder.fcmp_ordered("!=", numbers[ast.dump(line.test)], number(0.0))
                elif ast.unparse(line.test) != "first":
                    raise _unknown(line)
                yes, no = dict(values), dict(values)
                self._run(emitter, numbers, first, line.body, yes)
                self._run(emitter, numbers, first, line.orelse, no)
                for name in values:
                    if yes[name] is not no[name]:
                        values[name] = emitter.select(condition, yes[name], no[name])
            else:
                raise _unknown(line)

    def _value(self, emitter: Emitter, numbers: Mapping[str, Value], node: ast.expr, values: dict[str, Value]) -> Value:
        if self._is_number(node):
            return numbers[ast.dump(node)]
        if isinstance(node, ast.Name):
            return values[node.id]
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            raise _unknown(node)
        name, keywords = node.func.attr.rstrip("_"), {keyword.arg: keyword.value for keyword in node.keywords}
        if name not in OPERATIONS:
            raise _unknown(node)
        of_torch = isinstance(node.func.value, ast.Name) and node.func.value.id == "torch"
        operands = [*node.args] if of_torch else [node.func.value, *node.args]
        given = [self._value(emitter, numbers, operand, values) for operand in operands]
        scale = keywords.get("alpha", keywords.get("value"))
        target = _written(keywords["out"] if of_torch else node.func.value)
        factor = None if scale is None else numbers[ast.dump(scale)]
        result = self._at_once(emitter, name, target, given, factor)
        if result is None:
            result = OPERATIONS[name](emitter, *given, scale=factor)
        if name == "mul" and self._products is not None:
            self._products[target] = result, given[0], given[1]
        values[target] = result
        return result

    def _at_once(
        self, emitter: Emitter, name: str, target: str, given: list[Value], scale: Value | None
    ) -> Value | None:
        """In a tail, a sum that takes a product before it is rounded; None where that is not so."""
        kept = (self._products or {}).get(target)
        if kept is None or kept[0] is not given[0] or name not in ("add", "addcmul"):
            return None
        term = given[1] if scale is None else emitter.builder.fmul(scale, given[1])
        return emitter.fma(kept[1], kept[2], term if name == "add" else emitter.builder.fmul(term, given[2]))


def _root(line: ast.stmt) -> tuple[str, str] | None:
    """What a line takes the square root of, and where to; None if it does something else."""
    call = line.value if isinstance(line, ast.Expr) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return None
    source = call.args[0] if call.args else call.func.value
    if call.func.attr.rstrip("_") != "sqrt" or not isinstance(source, ast.Name):
        return None
    return source.id, _written(call.keywords[0].value if call.keywords else source)


def _names(lines: list[ast.stmt], numbers: set[str]) -> tuple[set[str], set[str]]:
    """The tensors that lines take, not counting those they have given a value themselves, and those they change."""
    uses: set[str] = set()
    changes: set[str] = set()
    for line in lines:
        reads, written = set(), set()
        targets = set()  # nodes that name what is only written to
        for node in ast.walk(line):
            if isinstance(node, ast.Assign):
                targets |= set(node.targets)
                written |= {target.id for target in node.targets if isinstance(target, ast.Name)}
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr != "fill_":
                out = [keyword.value for keyword in node.keywords if keyword.arg == "out"]
                targets |= set(out)
                written.add(_written(out[0] if out else node.func.value))
            elif isinstance(node, ast.Name) and node not in targets:
                reads.add(node.id)
        reads = {name for name in reads if name.removesuffix("_0d") not in numbers}
        uses |= reads - {"torch", "number", "first"} - changes
        changes |= written
    return uses, changes


def _inside(node: ast.expr) -> ast.expr:
    """The number that a tensor of no dimensions is filled with; other expressions as they are."""
    filled = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "fill_"
    return node.args[0] if isinstance(node, ast.Call) and filled else node


def _written(node: ast.expr) -> str:
    """The tensor that a chain of calls in place writes to."""
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        node = node.func.value
    if not isinstance(node, ast.Name):
        raise _unknown(node)
    return node.id


def _double(emitter: Emitter, node: ast.expr, doubles: Mapping[str, Value]) -> Value:
    """An expression in double precision, as Python and TorchScript compute it."""
    builder = emitter.builder
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return number(float(node.value), F64)
    if isinstance(node, ast.Name):
        return doubles[node.id.removesuffix("_0d")]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return builder.fneg(_double(emitter, node.operand, doubles))
    operations = {ast.Add: builder.fadd, ast.Sub: builder.fsub, ast.Mult: builder.fmul, ast.Div: builder.fdiv,
                  ast.Pow: emitter.power}  # fmt: skip
    if isinstance(node, ast.BinOp) and type(node.op) in operations:
        return operations[type(node.op)](_double(emitter, node.left, doubles), _double(emitter, node.right, doubles))
    if isinstance(node, ast.IfExp) and isinstance(node.test, ast.Compare):
        yes, no = (_double(emitter, branch, doubles) for branch in (node.body, node.orelse))
        return emitter.select(_compared(emitter, node.test, doubles), yes, no)
    raise _unknown(node)


def _compared(emitter: Emitter, node: ast.Compare, doubles: Mapping[str, Value]) -> Value:
    """Whether one expression is greater than another."""
    if not isinstance(node.ops[0], ast.Gt) or len(node.ops) > 1:
        raise _unknown(node)
    sides = (_double(emitter, side, doubles) for side in (node.left, node.comparators[0]))
    return emitter.builder.fcmp_ordered(">", *sides)


def _unknown(node: ast.AST) -> UnsupportedError:
    return UnsupportedError(f"its optimizer's update holds what native code does not know: {ast.unparse(node)}")
