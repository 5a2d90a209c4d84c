"""Mean and variance of a row in the order in which `RowwiseMoments` finds them: Welford's algorithm, chunk by chunk.

It follows `aten/src/ATen/native/cpu/moments_utils.h`.
"""

from __future__ import annotations

from llvmlite import ir

from mlp_core.engines.native.emitter import F32, I64, NOTHING, POINTER, Emitter, Value, number, vector, whole
from mlp_core.engines.native.functions import avx2_width

CHUNK = 16
"""Vectors whose moments are found one after the other before they are joined with others."""
LEVELS = 48
"""Levels of chunks that are joined in pairs, more than any memory has rows for."""


def row_moments(emitter: Emitter, source: Value, size: Value, mean: Value, variance: Value) -> None:
    """Write the mean of so many numbers, and their variance, to two places."""
    function = emitter.module.globals.get("row_moments") or _write(emitter.module)
    emitter.builder.call(function, [source, size, mean, variance])


def _write(module: ir.Module) -> ir.Function:
    emitter = Emitter(module, "row_moments", [POINTER, I64, POINTER, POINTER], NOTHING)
    source, size, mean, variance = emitter.function.args
    builder, width = emitter.builder, avx2_width()
    kind = vector(width)
    vectors = builder.udiv(size, whole(width))
    level = _Level(emitter, kind)
    with builder.if_then(builder.icmp_signed(">", vectors, whole(0))):
        chunks = builder.udiv(builder.add(vectors, whole(CHUNK - 1)), whole(CHUNK))
        depth = _depth(emitter, chunks)
        with emitter.loop(depth) as position:
            level.clear(position)
        with emitter.loop(chunks) as chunk:
            first = emitter.scale_index(chunk, CHUNK)
            left = builder.sub(vectors, first)
            count = emitter.select(builder.icmp_signed("<", left, whole(CHUNK)), left, whole(CHUNK))
            found = _chunk(emitter, emitter.at(source, emitter.scale_index(first, width)), count, kind)
            level.join(whole(0), count, *found)
            _carry(emitter, level, emitter.add_index(chunk, 1), depth)
        with emitter.loop(depth, 1) as position:
            level.join(whole(0), *level.get(position))
    _finish(emitter, source, size, vectors, level, mean, variance)
    emitter.finish()
    return emitter.function


def _depth(emitter: Emitter, chunks: Value) -> Value:
    """Levels for so many chunks: the logarithm to base 2, rounded up, at least 1."""
    builder = emitter.builder
    bits = builder.sub(whole(64), builder.ctlz(builder.sub(chunks, whole(1)), whole(0, ir.IntType(1))))
    return emitter.select(builder.icmp_signed("<=", chunks, whole(2)), whole(1), bits)


def _chunk(emitter: Emitter, source: Value, count: Value, kind: Value) -> tuple[Value, Value]:
    """Means and sums of squared deviations of some vectors, lane by lane."""
    builder = emitter.builder
    zero = number(0.0, kind)
    mean, square = emitter.variable(kind, zero), emitter.variable(kind, zero)
    with emitter.loop(count) as index:
        x = emitter.load(source, emitter.scale_index(index, kind.count), kind)
        share = builder.fdiv(number(1.0), builder.sitofp(emitter.add_index(index, 1), F32))
        delta = builder.fsub(x, emitter.get(mean, kind))
        moved = emitter.fma(emitter.spread(share, kind), delta, emitter.get(mean, kind))
        emitter.set(mean, moved)
        emitter.set(square, emitter.fma(delta, builder.fsub(x, moved), emitter.get(square, kind)))
    return emitter.get(mean, kind), emitter.get(square, kind)


def _carry(emitter: Emitter, level: _Level, chunks: Value, depth: Value) -> None:
    """Join levels that are complete after so many chunks with those above."""
    builder = emitter.builder
    position, mask = emitter.variable(I64, whole(1)), emitter.variable(I64, chunks)
    with emitter.forever() as leave_if:
        at = emitter.get(position, I64)
        odd = builder.and_(emitter.get(mask, I64), whole(1))
        complete = builder.and_(builder.icmp_signed("<", at, depth), builder.icmp_signed("==", odd, whole(0)))
        leave_if(builder.not_(complete))
        below = builder.sub(at, whole(1))
        level.join(at, *level.get(below))
        level.clear(below)
        emitter.set(position, emitter.add_index(at, 1))
        emitter.set(mask, builder.lshr(emitter.get(mask, I64), whole(1)))


class _Level:
    """Moments of levels: of how many vectors, their means, and their sums of squared deviations."""

    def __init__(self, emitter: Emitter, kind: Value) -> None:
        self._emitter, self._kind = emitter, kind
        self._counts = emitter.array(LEVELS, I64)
        self.means = emitter.array(LEVELS * kind.count)
        self.squares = emitter.array(LEVELS * kind.count)

    def clear(self, position: Value) -> None:
        """Nothing is in a level."""
        self._set(position, whole(0), number(0.0, self._kind), number(0.0, self._kind))

    def get(self, position: Value) -> tuple[Value, Value, Value]:
        """What is in a level."""
        emitter, place = self._emitter, self._emitter.scale_index(position, self._kind.count)
        means, squares = (emitter.load(array, place, self._kind) for array in (self.means, self.squares))
        return emitter.load(self._counts, position, I64), means, squares

    def join(self, position: Value, count: Value, mean: Value, square: Value) -> None:
        """Add other moments to a level."""
        emitter, builder, kind = self._emitter, self._emitter.builder, self._kind
        held, held_mean, held_square = self.get(position)
        total = builder.add(held, count)
        share = emitter.spread(_share(emitter, count, total), kind)
        delta = builder.fsub(mean, held_mean)
        moved = builder.fmul(share, delta)
        weighed = builder.fmul(delta, emitter.spread(builder.sitofp(held, F32), kind))
        squares = emitter.fma(weighed, moved, builder.fadd(held_square, square))
        self._set(position, total, builder.fadd(held_mean, moved), squares)

    def _set(self, position: Value, count: Value, mean: Value, square: Value) -> None:
        emitter, place = self._emitter, self._emitter.scale_index(position, self._kind.count)
        emitter.store(count, self._counts, position)
        emitter.store(mean, self.means, place)
        emitter.store(square, self.squares, place)


def _share(emitter: Emitter, count: Value, total: Value) -> Value:
    """A count's part of a total; 0 of nothing."""
    builder = emitter.builder
    share = builder.fdiv(builder.sitofp(count, F32), builder.sitofp(total, F32))
    return emitter.select(builder.icmp_signed("==", total, whole(0)), number(0.0), share)


def _finish(emitter: Emitter, source: Value, size: Value, vectors: Value, level: _Level, mean: Value, variance: Value
            ) -> None:  # fmt: skip
    """Numbers behind the last full vector, one by one, then the lanes of the vectors."""
    builder, width = emitter.builder, avx2_width()
    total, square = emitter.variable(F32, number(0.0)), emitter.variable(F32, number(0.0))
    full = emitter.scale_index(vectors, width)
    with emitter.loop(size, full) as index:
        x, middle = emitter.load(source, index), emitter.get(total, F32)
        delta = builder.fsub(x, middle)
        count = builder.sitofp(builder.sub(emitter.add_index(index, 1), full), F32)
        moved = builder.fadd(middle, builder.fdiv(delta, count))
        emitter.set(total, moved)
        deviation = builder.fmul(delta, builder.fsub(x, moved))
        emitter.set(square, builder.fadd(emitter.get(square, F32), deviation))
    rest = builder.sub(size, full)
    with emitter.loop(width) as lane:
        some = builder.icmp_signed(">", vectors, whole(0))
        lane_mean, lane_square = (
            emitter.select(some, emitter.load(array, lane), number(0.0)) for array in (level.means, level.squares)
        )
        held = builder.add(rest, emitter.scale_index(lane, vectors))
        share = _share(emitter, vectors, builder.add(held, vectors))
        middle = emitter.get(total, F32)
        delta = builder.fsub(lane_mean, middle)
        emitter.set(total, emitter.fma(share, delta, middle))
        spread = builder.fmul(builder.fmul(delta, delta), share)
        added = emitter.fma(spread, builder.sitofp(held, F32), lane_square)
        emitter.set(square, builder.fadd(emitter.get(square, F32), added))
    emitter.store(emitter.get(total, F32), mean)
    emitter.store(builder.fdiv(emitter.get(square, F32), builder.sitofp(size, F32)), variance)
