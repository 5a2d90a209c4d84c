"""Reductions of a matrix's rows, in the order in which PyTorch's `vec::reduce_all` and its like join a row's numbers.

They follow `aten/src/ATen/cpu/vec/functional_base.h`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llvmlite import ir

from mlp_core.engines.native.elementwise import function
from mlp_core.engines.native.emitter import F32, I32, Emitter, Value, number, vector, whole
from mlp_core.engines.native.functions import vector_width

Join = Callable[[Value, Value], Value]
Load = Callable[[Value], Value]


def larger(emitter: Emitter, a: Value, b: Value) -> Value:
    """The larger of two numbers."""
    return emitter.select(emitter.builder.fcmp_ordered(">", a, b), a, b)


def loader(emitter: Emitter, source: Value, begin: Value, width: int | None = None) -> Load:
    """Gives the vector that begins with an index of a row, which begins at `begin`."""
    kind = vector(width or vector_width())
    return lambda index: emitter.load(source, emitter.add_index(begin, index), kind)


def reduce_row(emitter: Emitter, load: Load, count: Value, join: Join, width: int | None = None) -> Value:
    """All numbers of a row of any length, joined: one after the other where they fill no vector.

    `width` is that of the kernel's vectors where it is not the usual one, here and below.
    """
    builder, width = emitter.builder, width or vector_width()
    found, few = emitter.variable(F32, number(0.0)), emitter.array(width)
    with builder.if_else(builder.icmp_signed("<", count, whole(width))) as (narrow, wide):
        with narrow:
            emitter.store(load(whole(0)), few)
            emitter.set(found, emitter.load(few))
            with emitter.loop(count, 1) as index:
                emitter.set(found, join(emitter.get(found, F32), emitter.load(few, index)))
        with wide:
            emitter.set(found, reduce_wide(emitter, load, count, join, width=width))
    return emitter.get(found, F32)


def reduce_products(emitter: Emitter, factors: Sequence[Load], count: Value, width: int | None = None) -> Value:
    """The sum of a row of products. Behind the last full vector, a product and its sum are rounded once."""
    builder, width = emitter.builder, width or vector_width()
    found, few = emitter.variable(F32, number(0.0)), emitter.array(width)

    def product(index: Value, factors: Sequence[Load] = factors) -> Value:
        found = factors[0](index)
        for factor in factors[1:]:
            found = builder.fmul(found, factor(index))
        return found

    with builder.if_else(builder.icmp_signed("<", count, whole(width))) as (narrow, wide):
        with narrow:
            emitter.store(product(whole(0)), few)
            emitter.set(found, emitter.load(few))
            with emitter.loop(count, 1) as index:
                emitter.set(found, builder.fadd(emitter.get(found, F32), emitter.load(few, index)))
        with wide:
            total = reduce_wide(
                emitter, product, count, builder.fadd,
                lambda total, index: emitter.fma(product(index, factors[:-1]), factors[-1](index), total), width,
            )  # fmt: skip
            emitter.set(found, total)
    return emitter.get(found, F32)


def reduce_wide(
    emitter: Emitter, load: Load, count: Value, join: Join, last: Join | None = None, width: int | None = None
) -> Value:
    """All numbers of a row that fills a vector, joined in the order in which PyTorch's vectors join them.

    `load` gives the vector that begins with an index; lanes behind the row's end hold whatever lies there. `last`,
    where it is given, joins what there is so far with what begins at the last index, if that fills no vector.
    """
    builder, width = emitter.builder, width or vector_width()
    kind = vector(width)
    total = emitter.variable(kind, load(whole(0)))
    full = emitter.round_down(count, width)
    with emitter.loop(full, width, width) as index:
        emitter.set(total, join(emitter.get(total, kind), load(index)))
    rest = builder.sub(count, full)
    with builder.if_then(builder.icmp_signed(">", rest, whole(0))):
        so_far = emitter.get(total, kind)
        lanes = ir.Constant(ir.VectorType(I32, width), list(range(width)))
        limit = emitter.spread(builder.trunc(rest, I32), lanes.type)
        inside = builder.icmp_signed("<", lanes, limit)
        emitter.set(total, emitter.select(inside, last(so_far, full) if last else join(so_far, load(full)), so_far))
    joined, half = emitter.get(total, kind), width // 2
    while half:
        # Lanes `half` apart within blocks of twice that, from the widest to neighbours.
        order = ir.Constant(ir.VectorType(I32, width), [lane ^ half for lane in range(width)])
        joined = join(joined, builder.shuffle_vector(joined, joined, order))
        half //= 2
    return emitter.lane(joined, 0)


def map_row(emitter: Emitter, name: str, source: Value, target: Value, count: Value) -> None:
    """A function of every number of an array."""
    kind = vector(vector_width())
    with emitter.loop(count, 0, kind.count) as index:
        emitter.store(function(emitter, name, emitter.load(source, index, kind)), target, index)
