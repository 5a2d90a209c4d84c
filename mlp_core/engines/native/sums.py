"""Sums in the order in which PyTorch adds: cascades that keep rounding errors small, four or a vector's width apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llvmlite import ir

from mlp_core.engines.native.emitter import F32, I1, I64, POINTER, Emitter, Value, number, vector, whole
from mlp_core.engines.native.functions import avx2_width
from mlp_core.engines.native.kernel import Kernel

LEVELS = 4
LEAST_POWER = 4
SIDE_BY_SIDE = 4
"""Partial sums that PyTorch keeps so that additions need not wait for one another."""

Load = Callable[[Value], Value]


def block_power(emitter: Emitter, size: Value, levels: int) -> Value:
    """The power of two that a cascade's blocks are as long as, for so many elements."""
    builder = emitter.builder
    before = builder.sub(size, whole(1))
    before = emitter.select(builder.icmp_signed("<", before, whole(0)), whole(0), before)
    bits = builder.sub(whole(64), builder.ctlz(before, whole(0, I1)))
    share = builder.udiv(bits, whole(levels))
    return emitter.select(builder.icmp_signed("<", share, whole(LEAST_POWER)), whole(LEAST_POWER), share)


def cascades(emitter: Emitter, loads: Sequence[Load], size: Value, kind: object) -> list[Value]:
    """For each of `loads`, `load(0) + load(1) + …`: sums of blocks, then of these, over at most `LEVELS` levels."""
    builder, zero = emitter.builder, number(0.0, kind)
    power = block_power(emitter, size, LEVELS)
    blocks = builder.lshr(size, power)
    sums = [[emitter.variable(kind, zero) for _ in range(LEVELS)] for _ in loads]

    def add(index: Value) -> None:
        for load, levels in zip(loads, sums, strict=True):
            emitter.set(levels[0], builder.fadd(emitter.get(levels[0], kind), load(index)))

    def carry(level: int) -> None:
        for levels in sums:
            lower, upper = levels[level - 1], levels[level]
            emitter.set(upper, builder.fadd(emitter.get(upper, kind), emitter.get(lower, kind)))
            emitter.set(lower, zero)

    with emitter.loop(blocks) as position:
        with emitter.loop(builder.shl(emitter.add_index(position, 1), power), builder.shl(position, power)) as index:
            add(index)
        after = builder.append_basic_block("carried")
        count = emitter.add_index(position, 1)
        for level in range(1, LEVELS):
            carry(level)
            # A level is complete, and carried to the next, when the count of blocks is a multiple of its length.
            mask = builder.sub(builder.shl(whole(1), builder.mul(power, whole(level))), whole(1))
            done = builder.icmp_signed("!=", builder.and_(count, mask), whole(0))
            following = builder.append_basic_block("carry") if level + 1 < LEVELS else after
            builder.cbranch(done, after, following)
            builder.position_at_end(following)
    with emitter.loop(size, builder.shl(blocks, power)) as index:
        add(index)
    found = []
    for levels in sums:
        total = emitter.get(levels[0], kind)
        for level in levels[1:]:
            total = builder.fadd(total, emitter.get(level, kind))
        found.append(total)
    return found


def cascade(emitter: Emitter, load: Load, size: Value, kind: object) -> Value:
    """One sum as `cascades` makes it."""
    return cascades(emitter, [load], size, kind)[0]


def row_sum(emitter: Emitter, load: Load, size: Value, kind: object) -> Value:
    """As `cascade`, with every fourth element in a sum of its own, and those added up at the end."""
    builder = emitter.builder

    def every_fourth(first: int) -> Load:
        return lambda index: load(emitter.add_index(emitter.scale_index(index, SIDE_BY_SIDE), first))

    loads = [every_fourth(first) for first in range(SIDE_BY_SIDE)]
    first, *others = cascades(emitter, loads, builder.udiv(size, whole(SIDE_BY_SIDE)), kind)
    total = emitter.variable(kind, first)
    with emitter.loop(size, emitter.round_down(size, SIDE_BY_SIDE)) as index:
        emitter.set(total, builder.fadd(emitter.get(total, kind), load(index)))
    found = emitter.get(total, kind)
    for other in others:
        found = builder.fadd(found, other)
    return found


def sum_of_all(emitter: Emitter, source: Value, size: Value) -> Value:
    """The sum of elements that lie one after the other, as `tensor.sum()`."""
    function = emitter.module.globals.get("sum_of_all") or _write_sum_of_all(emitter.module)
    return emitter.builder.call(function, [source, size])


def _write_sum_of_all(module: ir.Module) -> ir.Function:
    emitter = Emitter(module, "sum_of_all", [POINTER, I64], F32)
    source, size = emitter.function.args
    builder, width = emitter.builder, avx2_width()
    kind, found = vector(width), emitter.variable(F32, number(0.0))
    with builder.if_else(builder.icmp_signed("<", size, whole(width))) as (short, long):
        with short:
            emitter.set(found, row_sum(emitter, lambda i: emitter.load(source, i), size, F32))
        with long:
            vectors = builder.udiv(size, whole(width))
            partial = row_sum(
                emitter, lambda i: emitter.load(source, emitter.scale_index(i, width), kind), vectors, kind
            )
            with emitter.loop(size, emitter.round_down(size, width)) as index:
                emitter.set(found, builder.fadd(emitter.get(found, F32), emitter.load(source, index)))
            total = emitter.get(found, F32)
            for lane in range(width):
                total = builder.fadd(total, emitter.lane(partial, lane))
            emitter.set(found, total)
    emitter.finish(emitter.get(found, F32))
    return emitter.function


def mean_of_all(emitter: Emitter, source: Value, size: Value) -> Value:
    """The sum of all elements divided by their number."""
    return emitter.builder.fdiv(sum_of_all(emitter, source, size), emitter.builder.sitofp(size, F32))


def _column_sums(emitter: Emitter, target: Value, source: Value, rows: Value, columns: Value) -> None:
    """The sums of a matrix's columns, as `tensor.sum(0)`."""
    builder, width = emitter.builder, avx2_width()

    def sums(begin: Value, count: int, order: Callable[..., Value]) -> Value:
        """Sums of `count` columns at a time from `begin`, as long as they fit; returns where that ended."""
        kind = vector(count)
        left = builder.sub(columns, begin)
        end = builder.add(begin, emitter.round_down(left, count))
        with emitter.loop(end, begin, count) as column:
            found = order(
                emitter,
                lambda row: emitter.load(source, emitter.add_index(emitter.scale_index(row, columns), column), kind),
                rows,
                kind,
            )
            emitter.store(found, target, column)
        return end

    single = builder.and_(builder.icmp_signed("==", columns, whole(1)), builder.icmp_signed(">=", rows, whole(width)))
    with builder.if_else(single) as (one_column, several):
        with one_column:
            emitter.store(sum_of_all(emitter, source, rows), target)
        with several, builder.if_else(builder.icmp_signed(">=", columns, whole(width))) as (wide, narrow):
            with wide:
                at = sums(whole(0), SIDE_BY_SIDE * width, cascade)
                at = sums(at, width, row_sum)
                sums(at, 1, row_sum)
            with narrow:
                at = sums(whole(0), SIDE_BY_SIDE, cascade)
                sums(at, 1, row_sum)


def _mean(emitter: Emitter, target: Value, source: Value, size: Value) -> None:
    emitter.store(mean_of_all(emitter, source, size), target)


KERNELS: dict[str, Kernel] = {
    "column_sums": Kernel("ppii", _column_sums),
    "mean": Kernel("ppi", _mean),
}
"""Kernels by name."""
