"""One training step on a batch of one size as a native function: gather, forward, loss, backward, update."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import torch
from llvmlite import ir
from torch import fx

from mlp_core.engines.native.arrays import Array, Place
from mlp_core.engines.native.elementwise import RULES
from mlp_core.engines.native.emitter import F32, I1, I8, I64, POINTER, Emitter, Value, number
from mlp_core.engines.native.functions import vector_width
from mlp_core.engines.native.layout import Layout
from mlp_core.engines.native.operators import LOWERINGS, each
from mlp_core.engines.native.sharing import Part, Sharing
from mlp_core.engines.native.weights import Product, write_update
from mlp_core.engines.optimizers import Update
from mlp_core.engines.tracing import UnsupportedError, is_contiguous, is_view, schema_of, size_of

KINDS = {torch.float32: F32, torch.int64: I64, torch.uint8: I8}
BYTES = {torch.float32: 4, torch.int64: 8, torch.uint8: 1}
LINE = 64
"""Bytes at whose multiples PyTorch's tensors begin, and so everything here."""
JOINED_WEIGHTS, JOINED_SAMPLES = 4096, 16
"""From how many weights, and up to how many samples, a weight's gradient is computed where it is used, in the pass that
updates the weight: written to memory and read again, it costs more."""


class Step:
    """Writes the function. Its arguments are pointers in the order of `pointers`, then `first` and `last`."""

    def __init__(
        self,
        module: ir.Module,
        graph: fx.GraphModule,
        layout: Layout,
        size: int,
        update: Update,
        sharing: Sharing,
        draw: ir.Function,
    ) -> None:
        state = [name for name, _ in update.state]
        self.pointers = ["x", "y", "order", "w", "g", *state, "arena", "board", "stream", "loss", "numbers"]
        if layout.accumulate:
            self.pointers.append("fresh")
        self.emitter = Emitter(module, f"step_{size}", [*[POINTER] * len(self.pointers), I1, I1])
        given = self.emitter.function.args
        self._given = dict(zip([*self.pointers, "first", "last"], given, strict=True))
        self._layout, self._size, self._width, self._sharing = layout, size, vector_width(), sharing
        self._draw_function = draw
        self.arena = 0
        self._values: dict[fx.Node, Any] = {}
        nodes = list(graph.graph.nodes)
        results: Sequence[fx.Node] = nodes[-1].args[0]
        self._bind([node for node in nodes if node.op == "placeholder"])
        self._targets = self._gradient_targets(results[1:])
        self._later: dict[int, Product] = {}
        live = _live(nodes, results)
        for node in nodes[:-1]:
            if node in live and node.op != "placeholder":
                self._write(node)
        self._copy_gradients(results[1:])
        loss = self._values[results[0]]
        self.emitter.store(self.emitter.load(loss.pointer), self._given["loss"])
        write_update(self.emitter, update, layout, self._given, self._later, self._offer)
        self.emitter.finish()

    # Memory

    def _allocate(self, shape: tuple[int, ...], kind: torch.dtype) -> Array:
        """New memory for a contiguous tensor, with room behind it for a vector that is read beyond its end."""
        begin = self.arena
        self.arena += -(-(math.prod(shape) * BYTES[kind] + LINE) // LINE) * LINE
        strides = tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))
        return Array(self.emitter.at(self._given["arena"], begin, I8), shape, strides, KINDS[kind])

    def _room(self, count: int) -> Value:
        return self._allocate((count,), torch.float32).pointer

    def _place(self, node: fx.Node, target: Array) -> Place:
        return Place(self.emitter, self._width, node, target, self._room, self._offer, self._draw)

    def _draw(self) -> Value:
        return self.emitter.builder.call(self._draw_function, [self._given["stream"]])

    def _offer(self, parts: int, values: Sequence[Value], body: Part) -> None:
        """Have work done in parts, by this thread and its helpers."""
        room = self._room(2 * len(values))
        self._sharing.offer(self.emitter, self._given["board"], room, parts, values, body)

    def _bind(self, placeholders: list[fx.Node]) -> None:
        layout, emitter = self._layout, self.emitter
        count = len(layout.shapes)
        for node, shape, offset in zip(placeholders, layout.shapes, layout.offsets, strict=False):
            strides = tuple(node.meta["val"].stride())
            self._values[node] = Array(emitter.at(self._given["w"], offset), shape, strides, F32)
        if len(placeholders) != count + 3:
            raise UnsupportedError("it has numbers besides its weights that training changes")
        self._values[placeholders[-3]] = self._gathered("x", layout.x_shape, layout.x_type)
        self._values[placeholders[-2]] = self._gathered("y", layout.y_shape, layout.y_type)
        self._values[placeholders[-1]] = number(1.0)

    def _gathered(self, name: str, shape: tuple[int, ...], kind: torch.dtype) -> Array:
        """The batch's rows of the inputs or targets, one after the other."""
        emitter, width = self.emitter, math.prod(shape)
        target = self._allocate((self._size, *shape), kind)
        source, order = self._given[name], self._given["order"]
        with emitter.loop(self._size) as row:
            theirs = emitter.scale_index(emitter.load(order, row, I64), width)
            ours = emitter.scale_index(row, width)
            with emitter.loop(width) as column:
                value = emitter.load(source, emitter.add_index(theirs, column), target.kind)
                emitter.store(value, target.pointer, emitter.add_index(ours, column))
        return target

    # Forward and backward

    def _gradient_targets(self, results: Sequence[fx.Node]) -> dict[fx.Node, tuple[int, Array]]:
        """Nodes that may write a parameter's gradient to its place, with the parameter's position."""
        found: dict[fx.Node, tuple[int, Array]] = {}
        place = self._given["fresh" if self._layout.accumulate else "g"]
        for position, (result, offset) in enumerate(zip(results, self._layout.offsets, strict=True)):
            node = result
            while is_view(node) or _is_alias(node):
                node = node.args[0]  # type: ignore[assignment]
            straight = is_contiguous(node) and is_contiguous(result) and node.op == "call_function"
            if straight and math.prod(size_of(node)) == math.prod(size_of(result)) and node not in found:
                value = node.meta["val"]
                array = Array(self.emitter.at(place, offset), size_of(node), tuple(value.stride()), F32)
                found[node] = position, array
        return found

    def _copy_gradients(self, results: Sequence[fx.Node]) -> None:
        written = {position for position, _ in self._targets.values()}
        place = self._given["fresh" if self._layout.accumulate else "g"]
        for position, (result, offset) in enumerate(zip(results, self._layout.offsets, strict=True)):
            if position not in written:
                source = self._values[result]
                if not source.contiguous:
                    raise UnsupportedError("a gradient does not lie row by row")
                with self.emitter.loop(source.size) as index:
                    self.emitter.store(self.emitter.load(source.pointer, index), self.emitter.at(place, offset), index)

    def _write(self, node: fx.Node) -> None:
        if node.op != "call_function":
            raise UnsupportedError(f"its step holds {node.target}, which is not an operator")
        if node.target is operator.getitem:
            source, position = node.args
            if position == 0:
                self._values[node] = self._values[source]  # type: ignore[index]
            return
        name = schema_of(node).name
        if is_view(node) or _is_alias(node):
            self._values[node] = self._view(node)
            return
        arguments = [self._argument(argument) for argument in _given(node)]
        target = arguments[0] if schema_of(node).is_mutable else self._target(node)
        if name in LOWERINGS:
            if name == "aten::mm" and node in self._targets and self._joins(*arguments):
                self._later[self._targets[node][0]] = Product(*arguments)
            else:
                LOWERINGS[name](self._place(node, target), *arguments)
        elif name in RULES:
            numbers = [number(float(a)) if isinstance(a, int | float) else a for a in arguments]
            each(self._place(node, target), RULES[name], numbers)
        else:
            raise UnsupportedError(f"its step holds {name}, which has no native code yet")
        self._values[node] = target

    def _joins(self, first: Array, second: Array) -> bool:
        """Whether a weight's gradient is better computed in the pass that updates the weight."""
        (outputs, samples), (_, inputs) = first.shape, second.shape
        large = outputs * inputs >= JOINED_WEIGHTS and samples <= JOINED_SAMPLES
        return self._layout.join and large and first.strides == (1, outputs) and second.contiguous

    def _target(self, node: fx.Node) -> Array:
        if node in self._targets:
            return self._targets[node][1]
        value = node.meta["val"]
        value = value[0] if isinstance(value, list | tuple) else value
        if not value.is_contiguous() or value.dtype not in KINDS:
            raise UnsupportedError("its step makes a tensor of another kind")
        return self._allocate(tuple(value.shape), value.dtype)

    def _view(self, node: fx.Node) -> Array | Value:
        source_node: fx.Node = node.args[0]  # type: ignore[assignment]
        source, value = self._values[source_node], node.meta["val"]
        if not isinstance(source, Array):
            return source  # one number, however many times it is repeated
        moved = value.storage_offset() - source_node.meta["val"].storage_offset()
        pointer = self.emitter.at(source.pointer, moved, source.kind) if moved else source.pointer
        return Array(pointer, tuple(value.shape), tuple(value.stride()), source.kind)

    def _argument(self, argument: Any) -> Any:
        if not isinstance(argument, fx.Node):
            return argument
        value = self._values.get(argument)
        if isinstance(value, Array) and value.shape == () and value.kind == F32:
            return self.emitter.load(value.pointer)
        return value


def _given(node: fx.Node) -> list[Any]:
    """Every argument of the operator's signature: what the node gives, else what the signature sets."""
    arguments = list(node.args)
    for argument in schema_of(node).arguments[len(arguments) :]:
        arguments.append(node.kwargs.get(argument.name, argument.default_value))
    return arguments


def _is_alias(node: fx.Node) -> bool:
    return node.op == "call_function" and node.target is not operator.getitem and schema_of(node).name in (
        "aten::detach", "aten::alias", "aten::lift_fresh",
    )  # fmt: skip


def _live(nodes: list[fx.Node], results: Sequence[fx.Node]) -> set[fx.Node]:
    """Nodes that a result needs, or that change a tensor."""
    live = set(results)
    for node in reversed(nodes[:-1]):
        changes = node.op == "call_function" and node.target is not operator.getitem and schema_of(node).is_mutable
        if node in live or changes:
            live.add(node)
            live.update(node.all_input_nodes)
    return live
