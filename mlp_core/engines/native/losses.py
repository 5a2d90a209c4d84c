"""Softmax and losses as native code, summed in the order in which PyTorch sums them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from llvmlite import ir

from mlp_core.engines.native import elementwise
from mlp_core.engines.native.arrays import Array, Lowering, Place, need_rows
from mlp_core.engines.native.emitter import I32, I64, Emitter, Value, number, vector, whole
from mlp_core.engines.native.sums import sum_of_all
from mlp_core.engines.tracing import UnsupportedError


def _row_of(place: Place, matrix: Array, row: Value, count: int) -> list[Value]:
    """A row's numbers as vectors; lanes behind its end hold whatever lies there."""
    emitter, width = place.emitter, place.width
    begin = emitter.scale_index(row, count)
    kind = vector(width)
    return [emitter.load(matrix.pointer, emitter.add_index(begin, first), kind) for first in range(0, count, width)]


def _reduce(place: Place, vectors: list[Value], count: int, join: Callable[[Value, Value], Value]) -> Value:
    """All numbers of a row joined in the order in which PyTorch's vectors join them."""
    emitter, width = place.emitter, place.width
    if count < width:
        total = emitter.lane(vectors[0], 0)
        for lane in range(1, count):
            total = join(total, emitter.lane(vectors[0], lane))
        return total
    total, rest = vectors[0], count % width
    for position, following in enumerate(vectors[1:], start=1):
        joined = join(total, following)
        if rest and position == len(vectors) - 1:
            joined = _first_lanes(emitter, joined, total, rest)
        total = joined
    half = width // 2
    while half:
        # Lanes `half` apart within blocks of twice that, from the widest to neighbours.
        order = [lane ^ half for lane in range(width)]
        other = emitter.builder.shuffle_vector(total, total, _mask(order))
        total = join(total, other)
        half //= 2
    return emitter.lane(total, 0)


def _first_lanes(emitter: Emitter, first: Value, second: Value, count: int) -> Value:
    width = first.type.count
    order = [lane if lane < count else width + lane for lane in range(width)]
    return emitter.builder.shuffle_vector(first, second, _mask(order))


def _mask(order: list[int]) -> Value:
    return ir.Constant(ir.VectorType(I32, len(order)), order)


def _larger(emitter: Emitter) -> Callable[[Value, Value], Value]:
    def join(a: Value, b: Value) -> Value:
        return emitter.select(emitter.builder.fcmp_ordered(">", a, b), a, b)

    return join


def _log_softmax(place: Place, source: Array, axis: int, _: bool) -> None:
    emitter, width = place.emitter, place.width
    need_rows(source)
    rows, count = source.shape
    if axis not in (1, -1):
        raise UnsupportedError("a softmax is not over the classes")
    builder, kind = emitter.builder, vector(width)
    whole_vectors = -(-rows // width) * width
    largest, total = (place.room(whole_vectors) for _ in range(2))

    def sums(row: Value) -> None:
        vectors = _row_of(place, source, row, count)
        top = _reduce(place, vectors, count, _larger(emitter))
        shifted = [builder.fsub(x, emitter.spread(top, kind)) for x in vectors]
        powers = [elementwise.exponential(emitter, x) for x in shifted]
        emitter.store(top, largest, row)
        emitter.store(_reduce(place, powers, count, builder.fadd), total, row)

    def logs(begin: Value) -> None:
        index = emitter.scale_index(begin, width)
        emitter.store(elementwise.logarithm(emitter, emitter.load(total, index, kind)), total, index)

    def results(row: Value) -> None:
        begin = emitter.scale_index(row, count)
        top, log = emitter.load(largest, row), emitter.load(total, row)
        with emitter.loop(count) as column:
            index = emitter.add_index(begin, column)
            value = builder.fsub(builder.fsub(emitter.load(source.pointer, index), top), log)
            emitter.store(value, place.target.pointer, index)

    emitter.repeat(rows, sums)
    emitter.repeat(whole_vectors // width, logs)
    emitter.repeat(rows, results)


def _log_softmax_backward(place: Place, gradient: Array, output: Array, axis: int, _: torch.dtype) -> None:
    emitter, width = place.emitter, place.width
    need_rows(gradient, output)
    rows, count = output.shape
    builder, kind = emitter.builder, vector(width)

    def row(index: Value) -> None:
        gradients, outputs = (_row_of(place, matrix, index, count) for matrix in (gradient, output))
        total = emitter.spread(_reduce(place, gradients, count, builder.fadd), kind)
        begin = emitter.scale_index(index, count)
        for position, (x, y) in enumerate(zip(gradients, outputs, strict=True)):
            power = builder.fneg(elementwise.exponential(emitter, y))
            found = emitter.fma(power, total, x)
            first = position * width
            emitter.store_first(found, min(width, count - first), place.target.pointer, emitter.add_index(begin, first))

    emitter.repeat(rows, row)


NLL_LEVELS = 8
"""Levels of the sum of a batch's losses, which PyTorch makes differently from other sums."""


def _nll_loss(place: Place, scores: Array, target: Array, weight: None, reduction: int, ignored: int) -> None:
    """The mean of the targets' negative scores, summed in a cascade of its own kind."""
    emitter, builder = place.emitter, place.emitter.builder
    rows, classes = scores.shape
    if weight is not None or reduction != 1:
        raise UnsupportedError("its loss is not a plain mean")
    power = max(4, max(rows - 1, 0).bit_length() // NLL_LEVELS)
    partial = place.room(NLL_LEVELS)
    for level in range(NLL_LEVELS):
        emitter.store(number(0.0), partial, level)
    with emitter.loop(rows) as row:
        label = emitter.load(target.pointer, row, I64)
        score = emitter.load(scores.pointer, emitter.add_index(emitter.scale_index(row, classes), label))
        emitter.store(builder.fsub(emitter.load(partial, 0), score), partial, 0)
        after = builder.append_basic_block("counted")
        for level in range(NLL_LEVELS - 1):
            mask = whole(((1 << power) - 1) << (level * power))
            carry = builder.append_basic_block("carry")
            builder.cbranch(builder.icmp_signed("!=", builder.and_(row, mask), whole(0)), after, carry)
            builder.position_at_end(carry)
            moved = builder.fadd(emitter.load(partial, level + 1), emitter.load(partial, level))
            emitter.store(moved, partial, level + 1)
            emitter.store(number(0.0), partial, level)
        builder.branch(after)
        builder.position_at_end(after)
    total = number(0.0)
    for level in range(NLL_LEVELS):
        total = builder.fadd(total, emitter.load(partial, level))
    emitter.store(builder.fdiv(total, number(float(rows))), place.target.pointer)


def _nll_loss_backward(
    place: Place, gradient: Value, scores: Array, target: Array, weight: None, reduction: int, ignored: int, _: Any
) -> None:
    emitter, builder = place.emitter, place.emitter.builder
    rows, classes = scores.shape
    if weight is not None or reduction != 1:
        raise UnsupportedError("its loss is not a plain mean")
    with emitter.loop(rows * classes) as index:
        emitter.store(number(0.0), place.target.pointer, index)
    share = builder.fneg(builder.fdiv(gradient, number(float(rows))))
    with emitter.loop(rows) as row:
        label = emitter.load(target.pointer, row, I64)
        emitter.store(share, place.target.pointer, emitter.add_index(emitter.scale_index(row, classes), label))


def _mse_loss(place: Place, output: Array, target: Array, reduction: int) -> None:
    emitter, builder = place.emitter, place.emitter.builder
    need_rows(output, target)
    if reduction != 1:
        raise UnsupportedError("its loss is not a plain mean")
    squares = place.room(output.size)
    with emitter.loop(output.size) as index:
        difference = builder.fsub(emitter.load(output.pointer, index), emitter.load(target.pointer, index))
        emitter.store(builder.fmul(difference, difference), squares, index)
    total = sum_of_all(emitter, squares, output.size, place.width)
    emitter.store(builder.fdiv(total, number(float(output.size))), place.target.pointer)


def _mse_loss_backward(place: Place, gradient: Value, output: Array, target: Array, reduction: int) -> None:
    emitter, builder = place.emitter, place.emitter.builder
    need_rows(output, target)
    if reduction != 1:
        raise UnsupportedError("its loss is not a plain mean")
    share = number(2.0 / output.size)
    with emitter.loop(output.size) as index:
        difference = builder.fsub(emitter.load(output.pointer, index), emitter.load(target.pointer, index))
        emitter.store(builder.fmul(builder.fmul(share, difference), gradient), place.target.pointer, index)


LOSSES: dict[str, Lowering] = {
    "aten::_log_softmax": _log_softmax,
    "aten::_log_softmax_backward_data": _log_softmax_backward,
    "aten::nll_loss_forward": _nll_loss,
    "aten::nll_loss_backward": _nll_loss_backward,
    "aten::mse_loss": _mse_loss,
    "aten::mse_loss_backward": _mse_loss_backward,
}
"""Operators by name."""
