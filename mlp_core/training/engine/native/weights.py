"""The update of all weights as native code, span by span, so that what a span needs stays in the fastest cache."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mlp_core.training.engine.native.arrays import Array
from mlp_core.training.engine.native.emitter import F32, F64, Emitter, Value, number, whole
from mlp_core.training.engine.native.layout import Layout
from mlp_core.training.engine.native.operators import mkl
from mlp_core.training.engine.native.update import ElementUpdate
from mlp_core.training.engine.optimizers import Update

SPAN = 1024
"""Weights that are updated at once."""
TILE = 256
"""Inputs that are taken at once where gradients are computed on the way."""
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
    room: Callable[[int], Value],
) -> None:
    """Write the update of every weight. `given` are the step's arguments by name; `products` the gradients that are
    not computed yet, by the parameter's position; `room` gives memory for so many numbers."""
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
    spans = _Spans(emitter, rules, rules.numbers(emitter, doubles), given, room)
    begin = 0
    for position, product in sorted(products.items()):
        spans.over(begin, layout.offsets[position])
        spans.product(product, layout.offsets[position])
        begin = layout.offsets[position] + math.prod(layout.shapes[position])
    spans.over(begin, layout.total)


class _Spans:
    """Writes the update of some weights after the other."""

    def __init__(
        self,
        emitter: Emitter,
        rules: ElementUpdate,
        numbers: Mapping[str, Value],
        given: Mapping[str, Value],
        room: Callable[[int], Value],
    ) -> None:
        self._emitter, self._rules, self._numbers, self._given = emitter, rules, numbers, given
        self._gradient_room = room(SPAN)
        self._temporary = {name: room(SPAN) for name in rules.temporary}

    def over(self, begin: int, end: int) -> None:
        """Update the weights between two places among all, whose gradients are there."""
        emitter, gradients = self._emitter, self._given["g"]
        spans = max(0, end - begin) // SPAN
        if spans:
            with emitter.loop(spans) as span:
                index = emitter.add_index(emitter.scale_index(span, SPAN), begin)
                self._span(index, SPAN, emitter.at(gradients, index))
        rest = begin + spans * SPAN
        if rest < end:
            self._span(whole(rest), end - rest, emitter.at(gradients, rest))

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

    def product(self, product: Product, offset: int) -> None:
        """Update weights by gradients that are computed on the way: sums over the samples, in their order."""
        emitter = self._emitter
        (outputs, samples), (_, inputs) = product.first.shape, product.second.shape
        scratch, last = self._gradient_room, self._given["last"]

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
                self._span(weights, length, gradient)

        tiles, rest = divmod(inputs, TILE)
        if tiles:
            with emitter.loop(tiles) as position:
                tile(emitter.scale_index(position, TILE), TILE)
        if rest:
            tile(whole(tiles * TILE), rest)
