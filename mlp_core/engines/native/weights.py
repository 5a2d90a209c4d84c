"""The update of all weights as kernels, span by span, so that what a span needs stays in the fastest cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from llvmlite import ir

from mlp_core.engines.native.elementwise import mkl
from mlp_core.engines.native.emitter import F32, F64, I64, POINTER, Emitter, Value, number, whole
from mlp_core.engines.native.kernel import Kernel
from mlp_core.engines.native.library import Code
from mlp_core.engines.native.update import ElementUpdate
from mlp_core.engines.optimizers import Update

SPAN = 1024
"""Weights that are updated at once."""
TILE, TILE_ROWS = 256, 32
"""Inputs that are taken at once where gradients are computed on the way, and outputs that are a part of the work."""
PART_SPANS = 8
"""Spans that are a part of the work."""
LAST_STEP = 2.0**24
"""Where a step counter in single precision, which the optimizer's own is, stands still."""
SIDE_BY_SIDE = 4
"""Vectors of gradients that are summed at once, so that additions need not wait for one another."""
KEPT_UPDATES = 64


@dataclass(frozen=True)
class UpdateCode:
    """The compiled kernels of an update: `numbers` once a step, then `weights`, or `weights_part` and `product_tile`
    in parts, and `tail` where it is fused."""

    kernels: Code
    """The kernels."""
    scales: int
    """How many numbers the first kernel leaves for the others."""


@lru_cache(maxsize=KEPT_UPDATES)
def code_of(update: Update) -> UpdateCode:
    """The kernels of an update, compiled once; raises `UnsupportedError` where it has none."""
    writer = _Writer(update)
    return UpdateCode(writer.code(), len(writer.scales))


def arguments_of(update: Update) -> tuple[str, ...]:
    """The names of what every kernel but `numbers` takes first: addresses of weights, state, gradients and settings."""
    return ("w", *(name for name, _ in update.state), "g", "scales", "first", "last")


class _Writer:
    """Writes the kernels of one update into a module."""

    def __init__(self, update: Update) -> None:
        self._update, self._rules = update, ElementUpdate(update)
        self._module = ir.Module("update")
        self._kept = list(self._rules.kept)
        self.scales: list[str] = []

    def code(self) -> Code:
        numbers = Kernel("pp", self._numbers)
        numbers.declare(self._module, "numbers")
        self._write_span("span")
        common = "p" * len(arguments_of(self._update))
        self._declare("weights", common + "ii", self._weights)
        self._declare("weights_part", common + "i", self._weights_part, parts=True)
        self._declare("product_tile", common + "ppiiiii", self._product_tile, parts=True)
        if self._update.fused:
            self._write_span("tail_span", tail=True)
            self._declare("tail", common + "ii", self._tail)
        return Code(self._module)

    def _declare(self, name: str, kinds: str, write: Callable[..., None], *, parts: bool = False) -> None:
        """A kernel or, with `parts`, a function that does the part of a number."""
        emitter = Emitter(self._module, name, [POINTER, I64] if parts else [POINTER], shared=True)
        table, *part = emitter.function.args
        kind = {"p": POINTER, "i": I64}
        given = [emitter.load(table, i, kind[letter], element=I64) for i, letter in enumerate(kinds)]
        write(emitter, *given, *part)
        emitter.finish()

    def _numbers(self, emitter: Emitter, numbers: Value, scales: Value) -> None:
        """Count the step, and leave what weights are multiplied by in it: `numbers` are doubles, those that are kept
        after the scalars, the counter last."""
        update, builder = self._update, emitter.builder
        doubles = {name: emitter.load(numbers, i, F64) for i, name in enumerate(update.scalars)}
        if update.counts:
            counter = len(update.scalars) + len(update.numbers)
            step = builder.fadd(emitter.load(numbers, counter, F64), number(1.0, F64))
            least = builder.fcmp_ordered("<", step, number(LAST_STEP, F64))
            doubles["step"] = emitter.select(least, step, number(LAST_STEP, F64))
            emitter.store(doubles["step"], numbers, counter)
        for place, kept in enumerate(update.numbers, len(update.scalars)):
            before = builder.fptrunc(emitter.load(numbers, place, F64), F32)
            after = builder.fmul(before, self._rules.factor(emitter, kept.name, doubles))
            doubles[kept.name] = builder.fpext(after, F64)
            emitter.store(doubles[kept.name], numbers, place)
        found = self._rules.numbers(emitter, doubles)
        self.scales = list(found)
        for position, value in enumerate(found.values()):
            emitter.store(value, scales, position)

    def _write_span(self, name: str, *, tail: bool = False) -> None:
        """Write what updates so many weights, or the last ones of a parameter in a fused update. It takes pointers to
        them, their state and their gradients, memory for what lives only here, the scales, whether the state is new,
        and the count."""
        rules = self._rules
        names = [*self._kept, "g", *rules.temporary, "scales"]
        emitter = Emitter(self._module, name, [*[POINTER] * len(names), I64, I64])
        places = dict(zip(names, emitter.function.args, strict=False))
        first, count = emitter.function.args[-2:]
        new = emitter.builder.icmp_signed("!=", first, whole(0))
        scales = {name: emitter.load(places["scales"], i) for i, name in enumerate(self.scales)}
        for segment in rules.segments:
            if segment.lines:
                with emitter.loop(count) as index:
                    values = {name: emitter.load(places[name], index) for name in segment.uses}
                    rules.apply(emitter, segment, scales, new, values, tail=tail)
                    for left in segment.leaves:
                        emitter.store(values[left], places[left], index)
            if segment.root is not None:
                source, target = segment.root
                mkl(emitter, "vmsSqrt", count, places[source], places[target])
        emitter.finish()

    def _caller(
        self, emitter: Emitter, given: Sequence[Value], name: str = "span"
    ) -> Callable[[Value, Value, Value], None]:
        """What writes a call of it: for weights from an index on, their gradients, and how many there are."""
        kept, (scales, first) = given[: len(self._kept)], given[-3:-1]
        temporary = [emitter.array(SPAN) for _ in self._rules.temporary]
        new = emitter.load(first, 0, I64)

        def call(begin: Value, gradient: Value, count: Value) -> None:
            places = [emitter.at(place, begin) for place in kept]
            emitter.builder.call(self._module.globals[name], [*places, gradient, *temporary, scales, new, count])

        return call

    def _weights(self, emitter: Emitter, *arguments: Value) -> None:
        """Update the weights between two places among all, whose gradients are there."""
        *given, begin, end = arguments
        span, gradients, builder = self._caller(emitter, given), given[-4], emitter.builder
        with emitter.loop(end, begin, SPAN) as index:
            left = builder.sub(end, index)
            count = emitter.select(builder.icmp_signed("<", left, whole(SPAN)), left, whole(SPAN))
            span(index, emitter.at(gradients, index), count)

    def _tail(self, emitter: Emitter, *arguments: Value) -> None:
        """Update the last weights of a parameter, between two places among all, in a fused update."""
        *given, begin, end = arguments
        span, gradients = self._caller(emitter, given, "tail_span"), given[-4]
        span(begin, emitter.at(gradients, begin), emitter.builder.sub(end, begin))

    def _weights_part(self, emitter: Emitter, *arguments: Value) -> None:
        """Update the spans of a part, of those from a place on."""
        *given, begin, part = arguments
        span, gradients = self._caller(emitter, given), given[-4]
        start = emitter.builder.add(begin, emitter.scale_index(part, PART_SPANS * SPAN))
        with emitter.loop(emitter.add_index(start, PART_SPANS * SPAN), start, SPAN) as index:
            span(index, emitter.at(gradients, index), whole(SPAN))

    def _product_tile(self, emitter: Emitter, *arguments: Value) -> None:
        """Update the weights of some outputs from some inputs by gradients that are computed on the way.

        A gradient is the product of two matrices, of errors (samples, outputs) and inputs (samples, inputs), summed
        over the samples in their order.
        """
        *given, errors, inputs, outputs, width, samples, offset, groups, part = arguments
        builder, span = emitter.builder, self._caller(emitter, given)
        gradients, last = given[-4], builder.icmp_signed("!=", emitter.load(given[-1], 0, I64), whole(0))
        room = emitter.array(TILE)
        column = emitter.scale_index(builder.udiv(part, groups), TILE)
        row = emitter.scale_index(builder.urem(part, groups), TILE_ROWS)
        length = _least(emitter, builder.sub(width, column), TILE)
        rows = _least(emitter, builder.sub(outputs, row), TILE_ROWS)
        with emitter.loop(builder.add(row, rows), row) as output:
            weights = builder.add(builder.add(emitter.scale_index(output, width), offset), column)
            # After the last step of a chunk, gradients can be seen.
            gradient = emitter.select(last, emitter.at(gradients, weights), room)
            tile = [emitter.at(errors, output), emitter.at(inputs, column), gradient, outputs, width, samples, length]
            builder.call(self._gradients(), tile)
            span(weights, gradient, length)

    def _gradients(self) -> ir.Function:
        """One output's gradients: from its errors and the inputs, so far apart from sample to sample, to a target."""
        found = self._module.globals.get("gradients")
        if found is not None:
            return found
        emitter = Emitter(self._module, "gradients", [*[POINTER] * 3, *[I64] * 4])
        errors, inputs, target, outputs, width, samples, length = emitter.function.args
        kinds = [(ir.VectorType(F32, 8 * SIDE_BY_SIDE), 8 * SIDE_BY_SIDE), (F32, 1)]
        begin = whole(0)
        for kind, lanes in kinds:
            end = emitter.round_down(length, lanes)
            with emitter.loop(end, begin, lanes) as column:
                total = emitter.variable(kind, number(0.0, kind))
                emitter.set(total, number(0.0, kind))
                with emitter.loop(samples) as sample:
                    error = emitter.spread(emitter.load(errors, emitter.scale_index(sample, outputs)), kind)
                    x = emitter.load(inputs, emitter.add_index(emitter.scale_index(sample, width), column), kind)
                    emitter.set(total, emitter.fma(error, x, emitter.get(total, kind)))
                emitter.store(emitter.get(total, kind), target, column)
            begin = end
        emitter.finish()
        return emitter.function


def _least(emitter: Emitter, value: Value, limit: int) -> Value:
    return emitter.select(emitter.builder.icmp_signed("<", value, whole(limit)), value, whole(limit))
