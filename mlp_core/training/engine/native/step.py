"""One training step on a batch of one size as a native function: gather, forward, loss, backward, update."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from llvmlite import ir
from torch import fx

from mlp_core.training.engine.native.elementwise import RULES
from mlp_core.training.engine.native.emitter import F32, F64, I1, I8, I64, POINTER, Emitter, Value, number, whole
from mlp_core.training.engine.native.functions import vector_width
from mlp_core.training.engine.native.matrices import Array
from mlp_core.training.engine.native.operators import LOWERINGS, Place, each, mkl
from mlp_core.training.engine.native.update import ElementUpdate
from mlp_core.training.engine.tracing import UnsupportedError, is_contiguous, is_view, schema_of, size_of

KINDS = {torch.float32: F32, torch.int64: I64, torch.uint8: I8}
BYTES = {torch.float32: 4, torch.int64: 8, torch.uint8: 1}
LINE = 64
"""Bytes at whose multiples PyTorch's tensors begin, and so everything here."""
LAST_STEP = 2.0**24
"""Where a step counter in single precision, which the optimizer's own is, stands still."""
JOINED_WEIGHTS, JOINED_SAMPLES, TILE = 4096, 16, 256
"""From how many weights, and up to how many samples, a weight's gradient is computed where it is used, in the pass that
updates the weight; and how many inputs are taken at once, so that they stay in the fastest cache."""
SPAN = 1024
"""Weights that are updated at once, where an update takes several passes: they stay in the fastest cache."""


@dataclass(frozen=True)
class Layout:
    """What a program is written for: the sizes of batches and data, and where each parameter lies among all."""

    samples: int
    batch_size: int
    x_shape: tuple[int, ...]
    x_type: torch.dtype
    y_shape: tuple[int, ...]
    y_type: torch.dtype
    shapes: tuple[tuple[int, ...], ...]
    offsets: tuple[int, ...]
    total: int
    accumulate: bool
    scheduled: bool
    join: bool

    @property
    def sizes(self) -> tuple[int, ...]:
        """The batch size, and that of an epoch's last batch where it is smaller."""
        size, rest = min(self.batch_size, self.samples), self.samples % self.batch_size
        return (size, rest) if rest and rest != self.samples else (size,)


@dataclass(frozen=True)
class _Product:
    """A weight's gradient that is not computed yet: the product of two matrices, `first` taken transposed."""

    first: Array
    second: Array


class Step:
    """Writes the function. Its arguments are pointers in the order of `pointers`, then `first` and `last`."""

    def __init__(self, module: ir.Module, graph: fx.GraphModule, layout: Layout, size: int, update: Update) -> None:
        self._update = ElementUpdate(update)
        self._state = [name for name, _ in update.state]
        self.pointers = ["x", "y", "order", "w", "g", *self._state, "arena", "loss", "numbers"]
        if layout.accumulate:
            self.pointers.append("fresh")
        self.emitter = Emitter(module, f"step_{size}", [*[POINTER] * len(self.pointers), I1, I1])
        given = self.emitter.function.args
        self._given = dict(zip([*self.pointers, "first", "last"], given, strict=True))
        self._layout, self._size, self._width = layout, size, vector_width()
        self._scalars = update.scalars
        self.arena = 0
        self._values: dict[fx.Node, Any] = {}
        nodes = list(graph.graph.nodes)
        results: Sequence[fx.Node] = nodes[-1].args[0]  # type: ignore[assignment]
        self._graph = graph
        self._bind([node for node in nodes if node.op == "placeholder"])
        self._targets = self._gradient_targets(results[1:])
        self._later: dict[int, _Product] = {}
        live = _live(nodes, results)
        for node in nodes[:-1]:
            if node in live and node.op != "placeholder":
                self._write(node)
        self._copy_gradients(results[1:])
        loss = self._values[results[0]]
        self.emitter.store(self.emitter.load(loss.pointer), self._given["loss"])
        self._write_update(update)
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
        return Place(self.emitter, self._width, node, target, self._room)

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
        if name in LOWERINGS:
            target = self._target(node)
            if name == "aten::mm" and node in self._targets and self._joins(*arguments):
                self._later[self._targets[node][0]] = _Product(*arguments)
            else:
                LOWERINGS[name](self._place(node, target), *arguments)
        elif name in RULES:
            in_place = schema_of(node).is_mutable
            target = arguments[0] if in_place else self._target(node)
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

    # Update

    def _write_update(self, update: Update) -> None:
        emitter, builder = self.emitter, self.emitter.builder
        place = self._given["numbers"]
        doubles = {name: emitter.load(place, position, F64) for position, name in enumerate(self._scalars)}
        if update.counts:
            step = builder.fadd(emitter.load(place, len(self._scalars), F64), number(1.0, F64))
            least = builder.fcmp_ordered("<", step, number(LAST_STEP, F64))
            doubles["step"] = emitter.select(least, step, number(LAST_STEP, F64))
            emitter.store(doubles["step"], place, len(self._scalars))
        self._numbers = self._update.numbers(emitter, doubles)
        used = {name for segment in self._update.segments for name in (*segment.uses, *segment.leaves)}
        roots = {name for segment in self._update.segments for name in segment.root or ()}
        temporary = sorted((used | roots) - {"w", "g", *self._state})
        self._temporary = {name: self._room(SPAN) for name in temporary}
        layout = self._layout
        if layout.accumulate:
            with emitter.loop(layout.total) as index:
                added = builder.fadd(emitter.load(self._given["g"], index), emitter.load(self._given["fresh"], index))
                emitter.store(added, self._given["g"], index)
        begin = 0
        for position, product in sorted(self._later.items()):
            self._update_range(begin, layout.offsets[position])
            self._update_product(product, layout.offsets[position])
            begin = layout.offsets[position] + math.prod(layout.shapes[position])
        self._update_range(begin, layout.total)

    def _update_range(self, begin: int, end: int) -> None:
        """Update the weights between two places among all, whose gradients are there."""
        emitter, gradients = self.emitter, self._given["g"]
        spans = max(0, end - begin) // SPAN
        if spans:
            with emitter.loop(spans) as span:
                index = emitter.add_index(emitter.scale_index(span, SPAN), begin)
                self._update_span(index, SPAN, emitter.at(gradients, index))
        rest = begin + spans * SPAN
        if rest < end:
            self._update_span(whole(rest), end - rest, emitter.at(gradients, rest))

    def _update_span(self, begin: Value, count: int, gradient: Value) -> None:
        """Update so many weights from a place on; their gradients lie from the pointer on."""
        emitter = self.emitter
        places = {name: emitter.at(self._given[name], begin) for name in ("w", *self._state)}
        places |= {**self._temporary, "g": gradient}
        for segment in self._update.segments:
            if segment.lines:
                with emitter.loop(count) as index:
                    values = {name: emitter.load(places[name], index) for name in segment.uses}
                    self._update.apply(emitter, segment, self._numbers, self._given["first"], values)
                    for name in segment.leaves:
                        emitter.store(values[name], places[name], index)
            if segment.root is not None:
                source, target = segment.root
                array = Array(places[source], (count,), (1,), F32)
                mkl(emitter, "vmsSqrt", array, places[target])

    def _update_product(self, product: _Product, offset: int) -> None:
        """Update weights by gradients that are computed on the way: sums over the samples, in their order."""
        emitter = self.emitter
        (outputs, samples), (_, inputs) = product.first.shape, product.second.shape
        scratch, last = self._room(SPAN), self._given["last"]

        def tile(begin: Value, length: int) -> None:
            with emitter.loop(outputs) as row:
                errors = [
                    emitter.load(product.first.pointer, emitter.add_index(row, sample * outputs))
                    for sample in range(samples)
                ]
                weights = emitter.add_index(emitter.add_index(emitter.scale_index(row, inputs), offset), begin)
                # After the last step of a chunk, gradients can be seen.
                gradient = emitter.select(last, emitter.at(self._given["g"], weights), scratch)
                with emitter.loop(length) as column:
                    at, total = emitter.add_index(begin, column), number(0.0)
                    for sample, error in enumerate(errors):
                        x = emitter.load(product.second.pointer, emitter.add_index(at, sample * inputs))
                        total = emitter.fma(error, x, total)
                    emitter.store(total, gradient, column)
                self._update_span(weights, length, gradient)

        tiles, rest = divmod(inputs, TILE)
        if tiles:
            with emitter.loop(tiles) as position:
                tile(emitter.scale_index(position, TILE), TILE)
        if rest:
            tile(whole(tiles * TILE), rest)


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
