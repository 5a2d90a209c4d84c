"""A traced step printed as TorchScript statements, with the work that need not be repeated taken out of the loop.

Every operator is printed from its own signature, so nothing here knows any layer, activation or loss by name. What
is left out or moved changes no number: aliases, views of tensors that stay where they are, and copies of gradients
that an operator can write to their place itself.
"""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, fx

from mlp_core.engines.tracing import (
    UnsupportedError,
    is_contiguous,
    is_view,
    same_layout,
    schema_of,
    size_of,
)

_ALIASES = ("aten::detach", "aten::alias", "aten::lift_fresh")
_ROW_MAJOR_VIEWS = ("aten::view", "aten::_unsafe_view")
"""Views and their like that keep the elements of a contiguous tensor in their order."""
_ARITHMETIC = ("aten::mul", "aten::div", "aten::add", "aten::sub")

KEPT_NUMBERS = 8192
"""Up to how many numbers a result has memory of its own from step to step: that saves an allocation and the making of
its views. Larger ones gain nothing, and do better in memory that was used a moment ago and is in the cache."""


@dataclass
class Prologue:
    """Statements before the loop, and the name of each expression that they compute. Shared by all bodies."""

    lines: list[str] = field(default_factory=list)
    """The statements."""
    constants: list[Tensor] = field(default_factory=list)
    """Tensors that they name."""
    _names: dict[str, str] = field(default_factory=dict)

    def name(self, expression: str) -> str:
        """A name for an expression that has the same value in every step."""
        if expression not in self._names:
            self._names[expression] = self.place(expression)
        return self._names[expression]

    def place(self, expression: str) -> str:
        """A name for what the expression makes, which nothing else uses."""
        name = f"h{len(self.lines)}"
        self.lines.append(f"{name} = {expression}")
        return name


class Body:
    """The statements of one step. Afterwards `lines` leave the loss in `loss` and gradients in `n0`, `n1`, …"""

    def __init__(self, graph: fx.GraphModule, parameters: int, buffers: int, prologue: Prologue) -> None:
        self.lines: list[str] = []
        self._graph, self._prologue = graph, prologue
        self._names: dict[fx.Node, str] = {}
        self._canonical: dict[fx.Node, fx.Node] = {}
        self._stable: set[str] = set()
        self._views: dict[str, str] = {}
        inputs = [f"p{i}" for i in range(parameters)] + [f"b{i}" for i in range(buffers)] + ["x", "y", "seed"]
        nodes = list(graph.graph.nodes)
        for node, name in zip((n for n in nodes if n.op == "placeholder"), inputs, strict=True):
            self._names[node] = name
            if name not in ("x", "y"):
                self._stable.add(name)
        results = nodes[-1].args[0]
        assert isinstance(results, list | tuple)
        self._outs = self._written_in_place(results[1:])
        self._escapes = self._memory_of(results[0])  # losses are collected, so each step's needs memory of its own
        live = self._live(nodes, results)
        for node in nodes[:-1]:
            if node in live:
                self._print(node)
        for position, result in enumerate(results[1:]):
            if self._outs.get(self._producer(result)) != position:
                self.lines.append(f"n{position}.copy_({self._names[self._resolve(result)]})")
        self.lines.append(f"loss = {self._names[self._resolve(results[0])]}")

    def _print(self, node: fx.Node) -> None:
        if node.op == "placeholder" or self._resolve(node) is not node:
            return
        if node.op == "get_attr":
            value = getattr(self._graph, str(node.target))
            self._prologue.constants.append(value.detach().clone())
            self._names[node] = self._prologue.name(f"constants[{len(self._prologue.constants) - 1}]")
            self._stable.add(self._names[node])
        elif node.target is operator.getitem:
            self._print_item(node)
        elif node.op == "call_function":
            self._print_call(node)
        else:
            raise UnsupportedError(f"its step holds a call of {node.target}, which is not an operator")

    def _print_item(self, node: fx.Node) -> None:
        source, position = node.args
        assert isinstance(source, fx.Node)
        if len(schema_of(source).returns) == 1:  # a list of tensors; several results were unpacked where they were made
            self._names[node] = f"v_{node.name}"
            self.lines.append(f"v_{node.name} = {self._names[source]}[{position}]")
        else:
            self._names[node] = f"v_{source.name}_{position}"

    def _print_call(self, node: fx.Node) -> None:
        schema = schema_of(node)
        operator_name = schema.name.replace("::", ".")
        expression = f"torch.ops.{operator_name}({', '.join(self._arguments(node))})"
        if is_view(node):
            inputs = [self._names[self._resolve(argument)] for argument in node.all_input_nodes]
            if all(name in self._stable for name in inputs):
                self._names[node] = self._prologue.name(expression)
                self._stable.add(self._names[node])
                return
            if expression in self._views:
                self._names[node] = self._views[expression]
                return
            self._views[expression] = f"v_{node.name}"
        position = self._outs.get(node)
        if position is not None:
            shape = list(size_of(node))
            place = f"n{position}"
            if len(shape) != 1:
                place = self._prologue.name(f"{place}.view({shape})")
            self._names[node] = place
            self.lines.append(f"{expression[:-1]}, {_out_of(node)}={place})")
            return
        if node is not self._escapes and _writes_itself(node) and is_contiguous(node) and _is_small(node):
            dtype = node.meta["val"].dtype
            place = self._names[node] = self._prologue.place(f"torch.empty({list(size_of(node))}, dtype={dtype})")
            self._stable.add(place)
            if self._adds_to_a_vector(node):
                # Filled and added to in place: the same kernels, without the views that the operator makes for itself.
                bias, *factors = self._arguments(node)
                self.lines.append(f"{place}.copy_({self._prologue.name(f'{bias}.expand_as({place})')})")
                expression = f"torch.ops.aten.addmm({', '.join([place, *factors])})"
            self.lines.append(f"{expression[:-1]}, {_out_of(node)}={place})")
            return
        self._names[node] = f"v_{node.name}"
        results = [f"v_{node.name}_{i}" for i in range(len(schema.returns))]
        if len(results) == 1:
            results = [f"v_{node.name}"]
        self.lines.append(f"{', '.join(results)} = {expression}" if results else expression)

    def _arguments(self, node: fx.Node) -> list[str]:
        schema = schema_of(node)
        given, named = zip(schema.arguments, node.args, strict=False), dict(node.kwargs)
        printed = [self._value(value, str(argument.type)) for argument, value in given]
        if _scales(node):
            # The same number, for a third of the time that PyTorch takes to make a tensor of it in every step.
            printed[1] = self._prologue.name(f"torch.full([], {_literal(float(node.args[1]))}, dtype=torch.float32)")  # type: ignore[arg-type]
        draws = torch.Tag.nondeterministic_seeded in node.target.tags  # type: ignore[union-attr]
        takes_generator = any(argument.name == "generator" for argument in schema.arguments)
        if draws and not takes_generator:
            raise UnsupportedError(f"{schema.name} draws random numbers that cannot come from the run's own stream")
        for argument in schema.arguments[len(node.args) :]:
            if argument.name == "generator":
                printed.append("generator=generator")
            elif argument.name in named:
                printed.append(f"{argument.name}={self._value(named[argument.name], str(argument.type))}")
        return printed

    def _adds_to_a_vector(self, node: fx.Node) -> bool:
        """Whether this is a product of matrices added to a vector that stays where it is: a layer's bias."""
        if not _is(node, "aten::addmm"):
            return False
        bias = node.args[0]
        return (
            isinstance(bias, fx.Node) and len(size_of(bias)) == 1 and self._names[self._resolve(bias)] in self._stable
        )

    def _value(self, value: Any, kind: str) -> str:
        """One argument in TorchScript; `kind` is its type in the operator's signature."""
        if isinstance(value, fx.Node):
            return self._names[self._resolve(value)]
        if isinstance(value, list | tuple):
            text = f"[{', '.join(self._value(item, kind) for item in value)}]"
            if any(isinstance(item, fx.Node) for item in value):
                return text
            return self._prologue.name(text if value else f"torch.jit.annotate(List[{_element(kind)}], [])")
        if isinstance(value, torch.device):
            return self._prologue.name(f'torch.device("{value}")')
        return _literal(value)

    def _resolve(self, node: fx.Node) -> fx.Node:
        """The node whose value this one is too, seen through aliases and pairs of transpositions."""
        if node not in self._canonical:
            self._canonical[node] = node
            if node.op == "call_function" and isinstance(node.target, torch._ops.OpOverload):
                name = node.target._schema.name
                if name in _ALIASES or is_view(node):
                    source = self._resolve(node.args[0])  # type: ignore[arg-type]
                    if name in _ALIASES or same_layout(node, source):
                        self._canonical[node] = source
                    elif name == "aten::t" and _is(source, "aten::t"):
                        self._canonical[node] = self._resolve(source.args[0])  # type: ignore[arg-type]
        return self._canonical[node]

    def _memory_of(self, result: fx.Node) -> fx.Node:
        """The node whose memory a result lies in."""
        node = self._resolve(result)
        while is_view(node):
            node = self._resolve(node.args[0])  # type: ignore[arg-type]
        return node

    def _producer(self, result: fx.Node) -> fx.Node:
        """The node that computes a result's elements in their final order."""
        node = self._resolve(result)
        while any(_is(node, name) for name in _ROW_MAJOR_VIEWS) and is_contiguous(node):
            source = self._resolve(node.args[0])  # type: ignore[arg-type]
            if not is_contiguous(source):
                break
            node = source
        return node

    def _written_in_place(self, results: Any) -> dict[fx.Node, int]:
        """Operators that can write their result straight to a gradient's place, with the gradient's position."""
        found: dict[fx.Node, int] = {}
        for position, result in enumerate(results):
            node = self._producer(result)
            if node not in found and node.op == "call_function" and is_contiguous(node) and _can_write(node):
                found[node] = position
        return found

    def _live(self, nodes: list[fx.Node], results: Any) -> set[fx.Node]:
        """Nodes that must be printed: those that the loss or a gradient needs, or that change a tensor."""
        live = {self._resolve(results[0])}
        for position, result in enumerate(results[1:]):
            producer = self._producer(result)
            live.add(producer if self._outs.get(producer) == position else self._resolve(result))
        for node in reversed(nodes[:-1]):
            if node in live or _changes(node):
                live.add(node)
                live.update(self._resolve(source) for source in node.all_input_nodes)
        return live


def _literal(value: Any) -> str:
    """A number, a string, a type or None in TorchScript."""
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    if value is None or isinstance(value, bool | int | float):
        return repr(value)
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, torch.dtype | torch.layout | torch.memory_format):
        return str(value)
    raise UnsupportedError(f"its step has an argument of type {type(value).__name__}")


def _scales(node: fx.Node) -> bool:
    """Whether a float32 tensor is multiplied, divided, added to or subtracted from by a number."""
    if schema_of(node).name not in _ARITHMETIC or len(node.args) != 2 or node.kwargs:
        return False
    tensor, number = node.args
    return isinstance(tensor, fx.Node) and tensor.meta["val"].dtype == torch.float32 and isinstance(number, int | float)


def _changes(node: fx.Node) -> bool:
    return isinstance(node.target, torch._ops.OpOverload) and node.target._schema.is_mutable


def _is(node: fx.Node, name: str) -> bool:
    return isinstance(node.target, torch._ops.OpOverload) and node.target._schema.name == name


def _element(kind: str) -> str:
    return next((name for name in ("int", "float", "bool", "Tensor") if name in kind.lower()), "int")


def _can_write(node: fx.Node) -> bool:
    """Whether the operator makes one new tensor and has a variant that writes it to a given one."""
    return _variant(node) is not None


def _is_small(node: fx.Node) -> bool:
    return math.prod(size_of(node)) <= KEPT_NUMBERS


def _writes_itself(node: fx.Node) -> bool:
    """Whether that variant has a kernel of its own: the others make a new tensor, and copy it."""
    schema = _variant(node)
    name = f"{schema.name}.{schema.overload_name}" if schema else ""
    return bool(name) and torch._C._dispatch_has_kernel_for_dispatch_key(name, "CPU")


def _out_of(node: fx.Node) -> str:
    """How the variant calls the tensor that it writes to."""
    return next(str(argument.name) for argument in _variant(node).arguments if argument.is_out)


def _variant(node: fx.Node) -> Any:
    """The signature of the operator's variant that writes its one new tensor to a given one; None without."""
    if not isinstance(node.target, torch._ops.OpOverload) or is_view(node):
        return None
    schema = node.target._schema
    if schema.is_mutable or len(schema.returns) != 1 or str(schema.returns[0].type) != "Tensor":
        return None
    wanted = [(argument.name, str(argument.type)) for argument in schema.arguments]
    packet = node.target.overloadpacket
    for name in packet.overloads():
        other = getattr(packet, name)._schema
        outs = [argument.name for argument in other.arguments if argument.is_out]
        given = [(argument.name, str(argument.type)) for argument in other.arguments if not argument.is_out]
        if len(outs) == 1 and given == wanted:
            return other
    return None
