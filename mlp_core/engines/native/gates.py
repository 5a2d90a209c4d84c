"""Activations that are more than a function of one element: with trained or drawn slopes, or of two halves.

They follow `aten/src/ATen/native/Activation.cpp` and `aten/src/ATen/native/GatedLinearUnit.cpp`.
"""

from __future__ import annotations

from collections.abc import Callable

from mlp_core.engines.native.elementwise import function
from mlp_core.engines.native.emitter import F32, F64, I64, Emitter, Value, number, vector, whole
from mlp_core.engines.native.functions import vector_width
from mlp_core.engines.native.kernel import Kernel

DIGITS = 53
"""Of the bits that are drawn for a number in double precision, those that are its digits."""


def _slopes(
    emitter: Emitter, rows: Value, columns: Value, slopes: Value, step: Value, write: Callable[[Value, Value], None]
) -> None:
    """Do something for every element of a matrix, given its index and its slope: `step` is 0 for one slope in all."""
    with emitter.loop(rows) as row:
        begin = emitter.scale_index(row, columns)
        with emitter.loop(columns) as column:
            slope = emitter.load(slopes, emitter.scale_index(column, step))
            write(emitter.add_index(begin, column), slope)


def _prelu(emitter: Emitter, target: Value, source: Value, slopes: Value, step: Value, rows: Value, columns: Value
           ) -> None:  # fmt: skip
    def write(index: Value, slope: Value) -> None:
        x = emitter.load(source, index)
        positive = emitter.builder.fcmp_ordered(">", x, number(0.0))
        emitter.store(emitter.select(positive, x, emitter.builder.fmul(slope, x)), target, index)

    _slopes(emitter, rows, columns, slopes, step, write)


def _prelu_backward(emitter: Emitter, target: Value, gradient: Value, source: Value, slopes: Value, step: Value,
                    rows: Value, columns: Value) -> None:  # fmt: skip
    """The gradient of the input."""

    def write(index: Value, slope: Value) -> None:
        x, g = emitter.load(source, index), emitter.load(gradient, index)
        positive = emitter.builder.fcmp_ordered(">", x, number(0.0))
        emitter.store(emitter.select(positive, g, emitter.builder.fmul(slope, g)), target, index)

    _slopes(emitter, rows, columns, slopes, step, write)


def _prelu_slopes(emitter: Emitter, target: Value, gradient: Value, source: Value, count: Value) -> None:
    """The gradient of the slope of each element, whose sums are those of the slopes."""
    with emitter.loop(count) as index:
        x, g = emitter.load(source, index), emitter.load(gradient, index)
        positive = emitter.builder.fcmp_ordered(">", x, number(0.0))
        emitter.store(emitter.select(positive, number(0.0), emitter.builder.fmul(x, g)), target, index)


def _rrelu(emitter: Emitter, target: Value, noise: Value, source: Value, stream: Value, lower: Value, upper: Value,
           count: Value) -> None:  # fmt: skip
    """Elements times noise: a slope between two bounds for those that are not positive, else 1."""
    builder, draw = emitter.builder, emitter.module.globals["draw"]
    with emitter.loop(count) as index:
        x = emitter.load(source, index)
        slope = emitter.variable(F32, number(1.0))
        emitter.set(slope, number(1.0))
        with builder.if_then(builder.fcmp_ordered("<=", x, number(0.0))):
            high, low = (builder.zext(builder.call(draw, [stream]), I64) for _ in range(2))
            digits = builder.and_(builder.or_(builder.shl(high, whole(32)), low), whole((1 << DIGITS) - 1))
            drawn = builder.fmul(builder.uitofp(digits, F64), number(2.0**-DIGITS, F64))
            wide = builder.fadd(builder.fmul(drawn, builder.fsub(upper, lower)), lower)
            emitter.set(slope, builder.fptrunc(wide, F32))
        emitter.store(emitter.get(slope, F32), noise, index)
        emitter.store(builder.fmul(x, emitter.get(slope, F32)), target, index)


def _halves(emitter: Emitter, rows: Value, half: Value, write: Callable[[Value, Value, Value], None]) -> None:
    """Do something for pairs of a row's halves, given the index among those of all rows, the index of the element in
    the first half, and the type of a vector or a number. Of each row the last ones, which fill no two vectors, are done
    one by one."""
    width = vector_width()
    in_vectors = emitter.round_down(half, 2 * width)
    with emitter.loop(rows) as row:
        begin = emitter.scale_index(row, half)
        for first, end, lanes in ((whole(0), in_vectors, width), (in_vectors, half, 1)):
            with emitter.loop(end, first, lanes) as column:
                index = emitter.add_index(begin, column)
                write(index, emitter.add_index(index, begin), vector(lanes))


def _share(emitter: Emitter, x: Value) -> Value:
    builder, one = emitter.builder, number(1.0, x.type)
    return builder.fdiv(one, builder.fadd(one, function(emitter, "exp", builder.fneg(x))))


def _glu(emitter: Emitter, target: Value, source: Value, rows: Value, half: Value) -> None:
    def write(index: Value, first: Value, kind: Value) -> None:
        a, b = emitter.load(source, first, kind), emitter.load(source, emitter.add_index(first, half), kind)
        emitter.store(emitter.builder.fmul(a, _share(emitter, b)), target, index)

    _halves(emitter, rows, half, write)


def _glu_backward(emitter: Emitter, target: Value, gradient: Value, source: Value, rows: Value, half: Value) -> None:
    def write(index: Value, first: Value, kind: Value) -> None:
        builder, second = emitter.builder, emitter.add_index(first, half)
        a, share = emitter.load(source, first, kind), _share(emitter, emitter.load(source, second, kind))
        g = emitter.load(gradient, index, kind)
        slope = builder.fmul(builder.fmul(builder.fsub(number(1.0, kind), share), share), a)
        emitter.store(builder.fmul(slope, g), target, second)
        emitter.store(builder.fmul(share, g), target, first)

    _halves(emitter, rows, half, write)


KERNELS: dict[str, Kernel] = {
    "prelu": Kernel("pppiii", _prelu),
    "prelu_backward": Kernel("ppppiii", _prelu_backward),
    "prelu_slopes": Kernel("pppi", _prelu_slopes),
    "rrelu": Kernel("ppppddi", _rrelu),
    "glu": Kernel("ppii", _glu),
    "glu_backward": Kernel("pppii", _glu_backward),
}
"""Kernels by name."""
