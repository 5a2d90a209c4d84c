"""The operators of a traced step as native code: what each node of the graph computes, and where it is put."""

from __future__ import annotations

from typing import Any

import torch

from mlp_core.engines.native import elementwise
from mlp_core.engines.native.arrays import Array, Lowering, Place, need_rows
from mlp_core.engines.native.binary import BINARY_LOSSES
from mlp_core.engines.native.emitter import F32, F64, I32, I64, NOTHING, Emitter, Value, number, vector, whole
from mlp_core.engines.native.functions import address_of
from mlp_core.engines.native.losses import LOSSES
from mlp_core.engines.native.matrices import multiply_shared
from mlp_core.engines.native.sums import sum_of_all, sum_of_rows
from mlp_core.engines.tracing import UnsupportedError

_ACCURATE = 0x2 | 0x140000 | 0x100
"""How PyTorch calls MKL's vector functions: high accuracy, numbers below 1e-38 kept, errors ignored."""


def _addmm(place: Place, bias: Array, first: Array, second: Array, beta: float, alpha: float) -> None:
    target = place.target
    if len(bias.shape) != 1 or bias.strides[-1] != 1:
        raise UnsupportedError("something else than a vector is added to a product")
    assert beta == alpha == 1
    rows, columns = target.shape

    def row(index: Value) -> None:
        begin = place.emitter.scale_index(index, columns)
        with place.emitter.loop(columns) as column:
            value = place.emitter.load(bias.pointer, column)
            place.emitter.store(value, target.pointer, place.emitter.add_index(begin, column))

    place.emitter.repeat(rows, row)
    multiply_shared(place, first, second, 1.0)


def _mm(place: Place, first: Array, second: Array) -> None:
    multiply_shared(place, first, second, 0.0)


def _sum(place: Place, source: Array, axes: list[int], *_: Any) -> None:
    if len(source.shape) != 2 or list(axes) != [0] or not source.contiguous:
        raise UnsupportedError("its step holds a sum of another kind than over a batch")
    sum_of_rows(place.emitter, source.pointer, place.target.pointer, *source.shape, place.width)


def _mean(place: Place, source: Array, *_: Any) -> None:
    need_rows(source)
    total = sum_of_all(place.emitter, source.pointer, source.size, place.width)
    place.emitter.store(place.emitter.builder.fdiv(total, number(float(source.size))), place.target.pointer)


def _tanh(place: Place, source: Array) -> None:
    need_rows(source)
    mkl(place.emitter, "vmsTanh", source, place.target.pointer)


def mkl(emitter: Emitter, name: str, source: Array, target: Value) -> None:
    """Call one of MKL's functions of whole arrays, as PyTorch does."""
    arguments = [whole(source.size, I32), source.pointer, target, whole(_ACCURATE)]
    emitter.call(address_of(name), NOTHING, arguments)


def _sigmoid(place: Place, source: Array) -> None:
    need_rows(source)
    emitter, width = place.emitter, place.width
    in_vectors = source.size // (2 * width) * (2 * width)
    for count, begin, end in ((width, 0, in_vectors), (1, in_vectors, source.size)):
        if begin < end:
            with emitter.loop(end, begin, count) as index:
                x = emitter.load(source.pointer, index, vector(count))
                emitter.store(elementwise.sigmoid(emitter, x), place.target.pointer, index)


def _to_single(place: Place, source: Array, *_: Any) -> None:
    need_rows(source)
    emitter = place.emitter
    if place.node.meta["val"].dtype != torch.float32 or source.kind == F32:
        raise UnsupportedError("its step converts numbers in a way that native code does not know")
    with emitter.loop(source.size) as index:
        value = emitter.load(source.pointer, index, source.kind)
        emitter.store(emitter.builder.uitofp(value, F32), place.target.pointer, index)


def _empty(place: Place, *_: Any) -> None:
    """Memory that something else will fill."""


def _bernoulli(place: Place, target: Array, share: float, *_: Any) -> None:
    """Ones with that probability, else zeros: of 64 drawn bits the lower 53 are the digits of a number in [0, 1)."""
    need_rows(target)
    emitter, builder = place.emitter, place.emitter.builder
    with emitter.loop(target.size) as index:
        upper, lower = (builder.zext(place.draw(), I64) for _ in range(2))
        digits = builder.and_(builder.or_(builder.shl(upper, whole(32)), lower), whole((1 << 53) - 1))
        drawn = builder.fmul(builder.uitofp(digits, F64), number(2.0**-53, F64))
        one = builder.uitofp(builder.fcmp_ordered("<", drawn, number(share, F64)), F32)
        emitter.store(one, target.pointer, index)


LOWERINGS: dict[str, Lowering] = {
    "aten::addmm": _addmm,
    "aten::mm": _mm,
    "aten::sum": _sum,
    "aten::mean": _mean,
    "aten::tanh": _tanh,
    "aten::sigmoid": _sigmoid,
    "aten::_to_copy": _to_single,
    "aten::empty_like": _empty,
    "aten::bernoulli_": _bernoulli,
    **LOSSES,
    **BINARY_LOSSES,
}
"""Operators that are more than a rule for one element, by name."""


def each(place: Place, rule: elementwise.Rule, arguments: list[Any]) -> None:
    """Apply a rule to every element; arguments are arrays of the result's shape, or numbers as LLVM values."""
    emitter, target = place.emitter, place.target
    for argument in arguments:
        if isinstance(argument, Array) and (argument.shape != target.shape or argument.strides != target.strides):
            raise UnsupportedError("its step joins tensors of different shapes")
    need_rows(target)
    with emitter.loop(target.size) as index:
        values = [
            emitter.load(argument.pointer, index) if isinstance(argument, Array) else argument for argument in arguments
        ]
        emitter.store(rule(emitter, *values), target.pointer, index)
