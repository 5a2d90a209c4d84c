"""BatchNorm, LayerNorm and RMSNorm, forward and backward, as PyTorch's kernels round them with one thread.

They follow `aten/src/ATen/native/cpu/batch_norm_kernel.cpp` with what `aten/src/ATen/native/Normalization.cpp` does
around it, and `aten/src/ATen/native/cpu/layer_norm_kernel.cpp`. RMSNorm is no kernel of PyTorch's on the processor but
a chain of operators (`rms_norm_composite` in `aten/src/ATen/native/layer_norm.cpp`). Where those kernels multiply and
add in one expression, the compiler rounds once; `fma` is written out here.
"""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir

from mlp_core.engines.native.emitter import F32, F64, I64, Emitter, Value, number, vector, whole
from mlp_core.engines.native.functions import avx2_width
from mlp_core.engines.native.kernel import Kernel
from mlp_core.engines.native.moments import row_moments
from mlp_core.engines.native.rows import loader, reduce_products, reduce_row
from mlp_core.engines.native.sums import SIDE_BY_SIDE, sum_of_all

Write = Callable[[Value, Value], None]
"""Does something for the elements from an index on, as many as the vector type that is given has."""


def _blocks(emitter: Emitter, count: Value, sizes: tuple[int, ...], write: Write) -> None:
    """All of so many elements, in blocks of the first size as long as they fit, then of the next."""
    builder, begin = emitter.builder, whole(0)
    for size in sizes:
        end = builder.add(begin, emitter.round_down(builder.sub(count, begin), size))
        with emitter.loop(end, begin, size) as index:
            write(index, vector(size))
        begin = end


def _columns(emitter: Emitter, columns: Value, write: Write) -> None:
    """All columns of a matrix, several side by side."""
    width = avx2_width()
    _blocks(emitter, columns, (SIDE_BY_SIDE * width, width, 1), write)


def _elements(emitter: Emitter, count: Value, write: Write) -> None:
    """All elements of a row."""
    _blocks(emitter, count, (avx2_width(), 1), write)


def _sums(emitter: Emitter, rows: Value, kind: Value, *terms: Callable[[Value, Value], Value]) -> list[Value]:
    """Sums over rows, one after the other: each term gives from a row and the sum so far the next one."""
    totals = [emitter.variable(kind, number(0.0, kind)) for _ in terms]
    with emitter.loop(rows) as row:
        for term, total in zip(terms, totals, strict=True):
            emitter.set(total, term(row, emitter.get(total, kind)))
    return [emitter.get(total, kind) for total in totals]


def _double(kind: Value) -> Value:
    return ir.VectorType(F64, kind.count) if isinstance(kind, ir.VectorType) else F64


def _batch_norm(emitter: Emitter, target: Value, source: Value, means: Value, squares: Value, inverses: Value,
                weight: Value, bias: Value, eps: Value, rows: Value, columns: Value) -> None:  # fmt: skip
    """In training. Leaves each column's mean, the sum of its squared deviations, and 1 / its standard deviation."""
    builder = emitter.builder

    def write(column: Value, kind: Value) -> None:
        double = _double(kind)
        count = emitter.spread(builder.sitofp(rows, F32), kind)
        exact = emitter.spread(builder.sitofp(rows, F64), double)

        def x(row: Value) -> Value:
            return emitter.load(source, emitter.add_index(emitter.scale_index(row, columns), column), kind)

        total = _sums(emitter, rows, kind, lambda row, total: builder.fadd(total, x(row)))[0]
        mean = builder.fptrunc(builder.fdiv(builder.fpext(total, double), exact), kind)

        def square(row: Value, total: Value) -> Value:
            deviation = builder.fsub(x(row), mean)
            return emitter.fma(deviation, deviation, total)

        deviations = _sums(emitter, rows, kind, square)[0]
        variance = builder.fpext(builder.fdiv(deviations, count), double)
        raised = builder.fadd(variance, emitter.spread(eps, double))
        inverse = builder.fptrunc(builder.fdiv(number(1.0, double), emitter.intrinsic("llvm.sqrt", raised)), kind)
        zero = number(0.0, double)
        some = builder.fcmp_unordered("!=", raised, zero)  # of a constant column, without eps, it is 0
        inverse = emitter.select(some, inverse, number(0.0, kind))
        for value, place in ((mean, means), (deviations, squares), (inverse, inverses)):
            emitter.store(value, place, column)
        scale, shift = _line(
            emitter, mean, inverse, emitter.load(weight, column, kind), emitter.load(bias, column, kind)
        )
        with emitter.loop(rows) as row:
            place = emitter.add_index(emitter.scale_index(row, columns), column)
            emitter.store(emitter.fma(emitter.load(source, place, kind), scale, shift), target, place)

    _columns(emitter, columns, write)


def _line(emitter: Emitter, mean: Value, inverse: Value, weight: Value, bias: Value) -> tuple[Value, Value]:
    """What a column's numbers are multiplied by, and what is added to them."""
    scale = emitter.builder.fmul(inverse, weight)
    return scale, emitter.fma(emitter.builder.fneg(mean), scale, bias)


def _batch_norm_running(emitter: Emitter, running_means: Value, running_variances: Value, batches: Value, means: Value,
                        squares: Value, momentum: Value, rows: Value, columns: Value) -> None:  # fmt: skip
    """Count a batch, and take its means and unbiased variances into the running ones."""
    builder = emitter.builder
    emitter.store(builder.add(emitter.load(batches, 0, I64), whole(1)), batches)
    rest = builder.fsub(number(1.0), momentum)
    degrees = builder.sitofp(builder.sub(rows, whole(1)), F32)
    with emitter.loop(columns) as column:
        moved = builder.fmul(momentum, emitter.load(means, column))
        kept = builder.fmul(rest, emitter.load(running_means, column))
        emitter.store(builder.fadd(moved, kept), running_means, column)
        # Of variances, one product and the sum are in double precision.
        variance = builder.fpext(builder.fdiv(emitter.load(squares, column), degrees), F64)
        moved = builder.fmul(builder.fpext(momentum, F64), variance)
        kept = builder.fpext(builder.fmul(rest, emitter.load(running_variances, column)), F64)
        emitter.store(builder.fptrunc(builder.fadd(moved, kept), F32), running_variances, column)


def _batch_norm_fixed(emitter: Emitter, target: Value, source: Value, means: Value, variances: Value, weight: Value,
                      bias: Value, eps: Value, rows: Value, columns: Value) -> None:  # fmt: skip
    """In a test, by the running means and variances."""
    builder = emitter.builder

    def write(column: Value, kind: Value) -> None:
        mean, variance, factor, shift = (
            emitter.load(place, column, kind) for place in (means, variances, weight, bias)
        )
        root = emitter.intrinsic("llvm.sqrt", builder.fadd(variance, emitter.spread(eps, kind)))
        scale, shift = _line(emitter, mean, builder.fdiv(number(1.0, kind), root), factor, shift)
        with emitter.loop(rows) as row:
            place = emitter.add_index(emitter.scale_index(row, columns), column)
            emitter.store(emitter.fma(emitter.load(source, place, kind), scale, shift), target, place)

    _columns(emitter, columns, write)


def _batch_norm_backward(emitter: Emitter, target: Value, factors: Value, shifts: Value, gradient: Value, source: Value,
                         means: Value, inverses: Value, weight: Value, rows: Value, needed: Value,
                         columns: Value) -> None:  # fmt: skip
    """Gradients of weight, bias and, for the first `needed` rows, of the input."""
    builder = emitter.builder

    def write(column: Value, kind: Value) -> None:
        mean, inverse, factor = (emitter.load(place, column, kind) for place in (means, inverses, weight))
        count = emitter.spread(builder.sitofp(rows, F32), kind)

        def at(place: Value, row: Value) -> Value:
            return emitter.load(place, emitter.add_index(emitter.scale_index(row, columns), column), kind)

        total, product = _sums(
            emitter, rows, kind,
            lambda row, total: builder.fadd(total, at(gradient, row)),
            lambda row, total: emitter.fma(builder.fsub(at(source, row), mean), at(gradient, row), total),
        )  # fmt: skip
        emitter.store(total, shifts, column)
        emitter.store(builder.fmul(product, inverse), factors, column)
        slope = builder.fdiv(builder.fmul(builder.fmul(product, inverse), inverse), count)
        middle = builder.fdiv(total, count)
        with emitter.loop(needed) as row:
            deviation = builder.fsub(at(source, row), mean)
            lacking = builder.fsub(at(gradient, row), middle)
            if isinstance(kind, ir.VectorType):
                centred = emitter.fma(builder.fneg(deviation), slope, lacking)
            else:  # columns that fill no vector, for which PyTorch's code stands once more, are compiled otherwise
                centred = builder.fsub(lacking, builder.fmul(deviation, slope))
            value = builder.fmul(builder.fmul(centred, inverse), factor)
            emitter.store(value, target, emitter.add_index(emitter.scale_index(row, columns), column))

    _columns(emitter, columns, write)


def _layer_norm(emitter: Emitter, target: Value, source: Value, means: Value, inverses: Value, weight: Value,
                bias: Value, eps: Value, rows: Value, columns: Value) -> None:  # fmt: skip
    """Leaves each row's mean and 1 / its standard deviation."""
    builder = emitter.builder
    with emitter.loop(rows) as row:
        begin = emitter.scale_index(row, columns)
        row_moments(emitter, emitter.at(source, begin), columns, emitter.at(means, row), emitter.at(inverses, row))
        mean = emitter.load(means, row)
        root = emitter.intrinsic("llvm.sqrt", builder.fadd(emitter.load(inverses, row), eps))
        inverse = builder.fdiv(number(1.0), root)
        emitter.store(inverse, inverses, row)

        def write(
            column: Value, kind: Value, begin: Value = begin, mean: Value = mean, inverse: Value = inverse
        ) -> None:
            place = emitter.add_index(begin, column)
            centred = builder.fsub(emitter.load(source, place, kind), emitter.spread(mean, kind))
            scaled = builder.fmul(centred, emitter.spread(inverse, kind))
            factor, shift = emitter.load(weight, column, kind), emitter.load(bias, column, kind)
            emitter.store(emitter.fma(scaled, factor, shift), target, place)

        _elements(emitter, columns, write)


def _layer_norm_slopes(emitter: Emitter, factors: Value, shifts: Value, gradient: Value, source: Value, means: Value,
                       inverses: Value, rows: Value, columns: Value) -> None:  # fmt: skip
    """Gradients of weight and bias."""
    builder = emitter.builder

    def write(column: Value, kind: Value) -> None:
        def at(place: Value, row: Value) -> Value:
            return emitter.load(place, emitter.add_index(emitter.scale_index(row, columns), column), kind)

        def factor(row: Value, total: Value) -> Value:
            inverse = emitter.load(inverses, row)
            shift = builder.fmul(builder.fneg(inverse), emitter.load(means, row))
            scaled = emitter.fma(emitter.spread(inverse, kind), at(source, row), emitter.spread(shift, kind))
            return emitter.fma(at(gradient, row), scaled, total)

        found = _sums(emitter, rows, kind, factor, lambda row, total: builder.fadd(total, at(gradient, row)))
        for value, place in zip(found, (factors, shifts), strict=True):
            emitter.store(value, place, column)

    _columns(emitter, columns, write)


def _layer_norm_backward(emitter: Emitter, target: Value, gradient: Value, source: Value, means: Value,
                         inverses: Value, *others: Value) -> None:  # fmt: skip
    """The gradient of the input. The others are the weight, where there is one, rows and columns."""
    builder, width = emitter.builder, avx2_width()
    *weights, rows, columns = others
    share = builder.fdiv(number(1.0), builder.sitofp(columns, F32))
    with emitter.loop(rows) as row:
        begin = emitter.scale_index(row, columns)
        slopes, values = loader(emitter, gradient, begin, width), loader(emitter, source, begin, width)
        factors = [loader(emitter, weight, whole(0), width) for weight in weights]
        product = reduce_products(emitter, [slopes, values, *factors], columns, width)
        total = (
            reduce_products(emitter, [slopes, *factors], columns, width)
            if factors
            else reduce_row(emitter, slopes, columns, builder.fadd, width)
        )
        mean, a = emitter.load(means, row), emitter.load(inverses, row)
        lacking = emitter.fma(total, mean, builder.fneg(product))
        b = builder.fmul(builder.fmul(builder.fmul(builder.fmul(lacking, a), a), a), share)
        rest = builder.fmul(builder.fmul(total, a), share)
        c = emitter.fma(builder.fneg(b), mean, builder.fneg(rest))

        def write(column: Value, kind: Value, begin: Value = begin, a: Value = a, b: Value = b, c: Value = c) -> None:
            place = emitter.add_index(begin, column)
            slope, x = emitter.load(gradient, place, kind), emitter.load(source, place, kind)
            scale, tilt, shift = (emitter.spread(value, kind) for value in (a, b, c))
            first = builder.fmul(scale, slope)
            for weight in weights:
                first = builder.fmul(first, emitter.load(weight, column, kind))
            emitter.store(builder.fadd(emitter.fma(tilt, x, first), shift), target, place)

        _elements(emitter, columns, write)


def _rms_norm(emitter: Emitter, target: Value, normalised: Value, inverses: Value, room: Value, source: Value,
              weight: Value, eps: Value, rows: Value, columns: Value) -> None:  # fmt: skip
    """Leaves each row's numbers before they are multiplied by the weight, and 1 / their root mean square. `room` is
    memory for a row."""
    builder = emitter.builder
    count = builder.sitofp(columns, F32)
    with emitter.loop(rows) as row:
        begin = emitter.scale_index(row, columns)

        def square(column: Value, kind: Value, begin: Value = begin) -> None:
            x = emitter.load(source, emitter.add_index(begin, column), kind)
            emitter.store(builder.fmul(x, x), room, column)

        _elements(emitter, columns, square)
        mean = builder.fadd(builder.fdiv(sum_of_all(emitter, room, columns), count), eps)
        inverse = builder.fdiv(number(1.0), emitter.intrinsic("llvm.sqrt", mean))
        emitter.store(inverse, inverses, row)

        def write(column: Value, kind: Value, begin: Value = begin, inverse: Value = inverse) -> None:
            place = emitter.add_index(begin, column)
            scaled = builder.fmul(emitter.load(source, place, kind), emitter.spread(inverse, kind))
            emitter.store(scaled, normalised, place)
            emitter.store(builder.fmul(scaled, emitter.load(weight, column, kind)), target, place)

        _elements(emitter, columns, write)


def _rms_norm_backward(emitter: Emitter, target: Value, room: Value, gradient: Value, source: Value, inverses: Value,
                       weight: Value, rows: Value, columns: Value) -> None:  # fmt: skip
    """The gradient of the input. `room` is memory for a row."""
    builder = emitter.builder
    count = builder.sitofp(columns, F32)
    with emitter.loop(rows) as row:
        begin = emitter.scale_index(row, columns)

        def product(column: Value, kind: Value, begin: Value = begin) -> None:
            place = emitter.add_index(begin, column)
            slope = builder.fmul(emitter.load(gradient, place, kind), emitter.load(weight, column, kind))
            emitter.store(builder.fmul(slope, emitter.load(source, place, kind)), room, column)

        _elements(emitter, columns, product)
        inverse = emitter.load(inverses, row)
        cube = builder.fmul(builder.fmul(inverse, inverse), inverse)
        half = builder.fmul(sum_of_all(emitter, room, columns), number(-0.5))
        of_mean = builder.fdiv(builder.fmul(half, cube), count)

        def write(column: Value, kind: Value, begin: Value = begin, inverse: Value = inverse,
                  of_mean: Value = of_mean) -> None:  # fmt: skip
            place = emitter.add_index(begin, column)
            slope = builder.fmul(emitter.load(gradient, place, kind), emitter.load(weight, column, kind))
            straight = builder.fmul(slope, emitter.spread(inverse, kind))
            doubled = builder.fmul(emitter.load(source, place, kind), number(2.0, kind))
            through = builder.fmul(emitter.spread(of_mean, kind), doubled)
            emitter.store(builder.fadd(straight, through), target, place)

        _elements(emitter, columns, write)


KERNELS: dict[str, Kernel] = {
    "batch_norm": Kernel("pppppppdii", _batch_norm),
    "batch_norm_running": Kernel("pppppfii", _batch_norm_running),
    "batch_norm_fixed": Kernel("ppppppfii", _batch_norm_fixed),
    "batch_norm_backward": Kernel("ppppppppiii", _batch_norm_backward),
    "layer_norm": Kernel("ppppppfii", _layer_norm),
    "layer_norm_slopes": Kernel("ppppppii", _layer_norm_slopes),
    "layer_norm_backward": Kernel("ppppppii", _layer_norm_backward),
    "layer_norm_backward_plain": Kernel("pppppii", _layer_norm_backward),
    "rms_norm": Kernel("ppppppfii", _rms_norm),
    "rms_norm_backward": Kernel("ppppppii", _rms_norm_backward),
}
"""Kernels by name. Arrays of one number per column lie without room behind them, since some are a module's own."""
