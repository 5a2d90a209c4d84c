"""The update of all weights as native code, span by span, so that what a span needs stays in the fastest cache."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mlp_core.engines.native.arrays import Array, Offer
from mlp_core.engines.native.emitter import F32, F64, Emitter, Value, number, whole
from mlp_core.engines.native.layout import Layout
from mlp_core.engines.native.operators import mkl
from mlp_core.engines.native.update import ElementUpdate
from mlp_core.engines.optimizers import Update

SPAN = 1024
"""Weights that are updated at once."""
TILE, TILE_ROWS = 256, 32
"""Inputs that are taken at once where gradients are computed on the way, and outputs that are a part of the work."""
PART_SPANS = 8
"""Spans that are a part of the work."""
SHARED_WEIGHTS = 2 * PART_SPANS * SPAN
"""From how many weights on their update is shared by several threads."""
LAST_STEP = 2.0**24
"""Where a step counter in single precision, which the optimizer's own is, stands still."""


@dataclass(frozen=True)
class Product:
    """A weight's gradient that is not computed yet: the product of two matrices, `first` taken transposed."""

    first: Array
    second: Array


def write_update(
    emitter: Emitter,
    update: Update,
    layout: Layout,
    given: Mapping[str, Value],
    products: Mapping[int, Product],
    offer: Offer,
) -> None:
    """Write the update of every weight. `given` are the step's arguments by name; `products` the gradients that are
    not computed yet, by the parameter's position; `offer` has work done by several threads."""
    builder = emitter.builder
    rules, place = ElementUpdate(update), given["numbers"]
    doubles = {name: emitter.load(place, position, F64) for position, name in enumerate(update.scalars)}
    if update.counts:
        step = builder.fadd(emitter.load(place, len(update.scalars), F64), number(1.0, F64))
        least = builder.fcmp_ordered("<", step, number(LAST_STEP, F64))
        doubles["step"] = emitter.select(least, step, number(LAST_STEP, F64))
        emitter.store(doubles["step"], place, len(update.scalars))
    if layout.accumulate:
        with emitter.loop(layout.total) as index:
            added = builder.fadd(emitter.load(given["g"], index), emitter.load(given["fresh"], index))
            emitter.store(added, given["g"], index)
    needed = {name: given[name] for name in (*rules.kept, "g", "first", "last")}
    spans = _Spans(emitter, rules, rules.numbers(emitter, doubles), needed)
    begin = 0
    for position, product in sorted(products.items()):
        spans.over(begin, layout.offsets[position], offer)
        spans.product(product, layout.offsets[position], offer)
        begin = layout.offsets[position] + math.prod(layout.shapes[position])
    spans.over(begin, layout.total, offer)


class _Spans:
    """Writes the update of some weights after the other, into one function.

    `numbers` are what weights are multiplied by in this step; `given` points to the weights, the gradients and the
    optimizer's state, and says whether this is the `first` step with that state and the `last` of the chunk.
    """

    def __init__(
        self, emitter: Emitter, rules: ElementUpdate, numbers: Mapping[str, Value], given: Mapping[str, Value]
    ) -> None:
        self._emitter, self._rules, self._numbers, self._given = emitter, rules, numbers, given
        self._gradient_room = emitter.array(SPAN)
        self._temporary = {name: emitter.array(SPAN) for name in rules.temporary}

    def over(self, begin: int, end: int, offer: Offer) -> None:
        """Update the weights between two places among all, whose gradients are there."""
        if end - begin >= SHARED_WEIGHTS:
            parts = (end - begin) // (PART_SPANS * SPAN)

            def part(spans: _Spans, position: Value, _: Sequence[Value]) -> None:
                start = spans._emitter.scale_index(position, PART_SPANS * SPAN)
                spans._several(spans._emitter.add_index(start, begin), PART_SPANS)

            self._in_parts(offer, parts, [], part)
            begin += parts * PART_SPANS * SPAN
        spans, rest = divmod(max(0, end - begin), SPAN)
        self._several(whole(begin), spans)
        if rest:
            self._span(whole(end - rest), rest, self._emitter.at(self._given["g"], end - rest))

    def _in_parts(
        self,
        offer: Offer,
        parts: int,
        more: Sequence[Value],
        write: Callable[[_Spans, Value, Sequence[Value]], None],
    ) -> None:
        """Share work: `write` writes a part, by the spans of the part's function, its number, and `more` values."""
        names = [list(part) for part in (self._numbers, self._given)]
        values = [*self._numbers.values(), *self._given.values(), *more]

        def body(emitter: Emitter, inside: Sequence[Value], position: Value) -> None:
            numbers = dict(zip(names[0], inside, strict=False))
            given = dict(zip(names[1], inside[len(numbers) :], strict=False))
            spans = _Spans(emitter, self._rules, numbers, given)
            write(spans, position, inside[len(numbers) + len(given) :])

        offer(parts, values, body)

    def _several(self, begin: Value, spans: int) -> None:
        """Update spans one after the other from a place on, whose gradients are there."""
        emitter = self._emitter
        if spans:
            with emitter.loop(spans) as span:
                index = emitter.builder.add(emitter.scale_index(span, SPAN), begin, flags=("nsw",))
                self._span(index, SPAN, emitter.at(self._given["g"], index))

    def _span(self, begin: Value, count: int, gradient: Value) -> None:
        """Update so many weights from a place on; their gradients lie from the pointer on."""
        emitter = self._emitter
        places = {name: emitter.at(self._given[name], begin) for name in self._rules.kept}
        places |= {**self._temporary, "g": gradient}
        for segment in self._rules.segments:
            if segment.lines:
                with emitter.loop(count) as index:
                    values = {name: emitter.load(places[name], index) for name in segment.uses}
                    self._rules.apply(emitter, segment, self._numbers, self._given["first"], values)
                    for name in segment.leaves:
                        emitter.store(values[name], places[name], index)
            if segment.root is not None:
                source, target = segment.root
                array = Array(places[source], (count,), (1,), F32)
                mkl(emitter, "vmsSqrt", array, places[target])

    def product(self, product: Product, offset: int, offer: Offer) -> None:
        """Update weights by gradients that are computed on the way: sums over the samples, in their order."""
        outputs, inputs = product.first.shape[0], product.second.shape[1]
        tiles, rest = divmod(inputs, TILE)
        pointers = [product.first.pointer, product.second.pointer]
        groups = -(-outputs // TILE_ROWS)
        if tiles * groups > 1:

            def part(spans: _Spans, position: Value, inside: Sequence[Value]) -> None:
                emitter, builder = spans._emitter, spans._emitter.builder
                column = emitter.scale_index(builder.sdiv(position, whole(groups)), TILE)
                row = emitter.scale_index(builder.srem(position, whole(groups)), TILE_ROWS)
                after = emitter.add_index(row, TILE_ROWS)
                end = emitter.select(builder.icmp_signed("<", after, whole(outputs)), after, whole(outputs))
                spans._tile(_at(product, inside), offset, (row, end), column, TILE)

            self._in_parts(offer, tiles * groups, pointers, part)
        elif tiles:
            self._tile(product, offset, (whole(0), whole(outputs)), whole(0), TILE)
        if rest:
            self._tile(product, offset, (whole(0), whole(outputs)), whole(tiles * TILE), rest)

    def _tile(self, product: Product, offset: int, rows: tuple[Value, Value], begin: Value, length: int) -> None:
        """Update the weights of some outputs from so many inputs, from one on."""
        emitter = self._emitter
        (outputs, samples), (_, inputs) = product.first.shape, product.second.shape
        with emitter.loop(rows[1], rows[0]) as row:
            errors = [
                emitter.load(product.first.pointer, emitter.add_index(row, sample * outputs))
                for sample in range(samples)
            ]
            weights = emitter.add_index(emitter.add_index(emitter.scale_index(row, inputs), offset), begin)
            # After the last step of a chunk, gradients can be seen.
            gradient = emitter.select(self._given["last"], emitter.at(self._given["g"], weights), self._gradient_room)
            with emitter.loop(length) as column:
                at, total = emitter.add_index(begin, column), number(0.0)
                for sample, error in enumerate(errors):
                    x = emitter.load(product.second.pointer, emitter.add_index(at, sample * inputs))
                    total = emitter.fma(error, x, total)
                emitter.store(total, gradient, column)
            self._span(weights, length, gradient)


def _at(product: Product, pointers: Sequence[Value]) -> Product:
    """The product of matrices that lie elsewhere."""
    first, second = (
        Array(pointer, array.shape, array.strides, array.kind)
        for pointer, array in zip(pointers, (product.first, product.second), strict=True)
    )
    return Product(first, second)
