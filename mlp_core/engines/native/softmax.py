"""Softmax and its logarithm over the rows of a matrix, forward and backward, as `SoftMaxKernel.cpp` computes them."""

from __future__ import annotations

from mlp_core.engines.native.elementwise import function
from mlp_core.engines.native.emitter import F32, Emitter, Value, number, vector, whole
from mlp_core.engines.native.functions import vector_width
from mlp_core.engines.native.kernel import Kernel
from mlp_core.engines.native.rows import Join, Load, larger, loader, map_row, reduce_products, reduce_row

USUAL_CLASSES = (2,)
"""Numbers of classes for which a softmax has code of its own."""


def _log_softmax(emitter: Emitter, target: Value, source: Value, powers: Value, largest: Value, totals: Value,
                 rows: Value, columns: Value) -> None:  # fmt: skip
    """Over rows. `powers` is memory for as many numbers, `largest` and `totals` for one per row."""
    builder = emitter.builder
    with builder.if_else(builder.icmp_signed("<", columns, whole(vector_width()))) as (narrow, wide):
        with narrow:
            emitter.for_sizes(
                columns,
                USUAL_CLASSES,
                lambda columns: _narrow_log_softmax(emitter, target, source, powers, totals, rows, columns),
            )
        with wide:
            _wide_log_softmax(emitter, target, source, largest, totals, rows, columns)


def _narrow_log_softmax(emitter: Emitter, target: Value, source: Value, powers: Value, totals: Value, rows: Value,
                        columns: Value) -> None:  # fmt: skip
    """Of rows that fill no vector: joined number by number, with functions of vectors over several rows."""
    builder = emitter.builder

    def joined(place: Value, begin: Value, join: Join) -> Value:
        found = emitter.variable(F32, number(0.0))
        emitter.set(found, emitter.load(place, begin))
        with emitter.loop(emitter.add_index(begin, columns), emitter.add_index(begin, 1)) as index:
            emitter.set(found, join(emitter.get(found, F32), emitter.load(place, index)))
        return emitter.get(found, F32)

    with emitter.loop(rows) as row:
        begin = emitter.scale_index(row, columns)
        top = joined(source, begin, lambda a, b: larger(emitter, a, b))
        with emitter.loop(emitter.add_index(begin, columns), begin) as index:
            emitter.store(builder.fsub(emitter.load(source, index), top), target, index)
    map_row(emitter, "exp", target, powers, emitter.scale_index(rows, columns))
    with emitter.loop(rows) as row:
        emitter.store(joined(powers, emitter.scale_index(row, columns), builder.fadd), totals, row)
    map_row(emitter, "log", totals, totals, rows)
    with emitter.loop(rows) as row:
        begin, log = emitter.scale_index(row, columns), emitter.load(totals, row)
        with emitter.loop(emitter.add_index(begin, columns), begin) as index:
            emitter.store(builder.fsub(emitter.load(target, index), log), target, index)


def _wide_log_softmax(emitter: Emitter, target: Value, source: Value, largest: Value, totals: Value, rows: Value,
                      columns: Value) -> None:  # fmt: skip
    builder, width = emitter.builder, vector_width()
    kind = vector(width)
    with emitter.loop(rows) as row:
        begin = emitter.scale_index(row, columns)

        def scores(index: Value, begin: Value = begin) -> Value:
            return emitter.load(source, emitter.add_index(begin, index), kind)

        top = reduce_row(emitter, scores, columns, lambda a, b: larger(emitter, a, b))
        tops = emitter.spread(top, kind)

        def powers(index: Value, scores: Load = scores, tops: Value = tops) -> Value:
            return function(emitter, "exp", builder.fsub(scores(index), tops))

        emitter.store(top, largest, row)
        emitter.store(reduce_row(emitter, powers, columns, builder.fadd), totals, row)
    map_row(emitter, "log", totals, totals, rows)
    with emitter.loop(rows) as row:
        begin = emitter.scale_index(row, columns)
        top, log = (emitter.spread(emitter.load(place, row), kind) for place in (largest, totals))
        with emitter.loop(columns, 0, width) as column:  # what is written behind a row's end, the next one overwrites
            index = emitter.add_index(begin, column)
            emitter.store(builder.fsub(builder.fsub(emitter.load(source, index, kind), top), log), target, index)


def _softmax(emitter: Emitter, target: Value, source: Value, rows: Value, columns: Value) -> None:
    builder, kind = emitter.builder, vector(vector_width())
    with emitter.loop(rows) as row:
        begin = emitter.scale_index(row, columns)
        scores, powers = loader(emitter, source, begin), loader(emitter, target, begin)
        top = emitter.spread(reduce_row(emitter, scores, columns, lambda a, b: larger(emitter, a, b)), kind)
        with emitter.loop(columns, 0, kind.count) as index:  # what is written behind a row's end, the next overwrites
            power = function(emitter, "exp", builder.fsub(scores(index), top))
            emitter.store(power, target, emitter.add_index(begin, index))
        total = reduce_row(emitter, powers, columns, builder.fadd)
        share = emitter.spread(builder.fdiv(number(1.0), total), kind)
        with emitter.loop(columns, 0, kind.count) as index:
            emitter.store(builder.fmul(powers(index), share), target, emitter.add_index(begin, index))


def _softmax_backward(emitter: Emitter, target: Value, gradient: Value, output: Value, rows: Value, columns: Value
                      ) -> None:  # fmt: skip
    builder, kind = emitter.builder, vector(vector_width())
    with emitter.loop(rows) as row:
        begin = emitter.scale_index(row, columns)
        slopes, shares = loader(emitter, gradient, begin), loader(emitter, output, begin)
        total = emitter.spread(reduce_products(emitter, [slopes, shares], columns), kind)
        with emitter.loop(columns, 0, kind.count) as index:
            slope = builder.fmul(builder.fsub(slopes(index), total), shares(index))
            emitter.store(slope, target, emitter.add_index(begin, index))


def _log_softmax_backward(emitter: Emitter, target: Value, gradient: Value, output: Value, rows: Value,
                          columns: Value) -> None:  # fmt: skip
    builder, kind = emitter.builder, vector(vector_width())
    with emitter.loop(rows) as row:
        begin = emitter.scale_index(row, columns)
        slopes, logs = loader(emitter, gradient, begin), loader(emitter, output, begin)
        total = emitter.spread(reduce_row(emitter, slopes, columns, builder.fadd), kind)
        with emitter.loop(columns, 0, kind.count) as index:
            share = function(emitter, "exp", logs(index))
            slope = emitter.fma(builder.fneg(share), total, slopes(index))
            emitter.store(slope, target, emitter.add_index(begin, index))


KERNELS: dict[str, Kernel] = {
    "log_softmax": Kernel("pppppii", _log_softmax),
    "log_softmax_backward": Kernel("pppii", _log_softmax_backward),
    "softmax": Kernel("ppii", _softmax),
    "softmax_backward": Kernel("pppii", _softmax_backward),
}
"""Kernels by name."""
