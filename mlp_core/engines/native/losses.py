"""Softmax and losses as kernels, summed in the order in which PyTorch sums them."""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir

from mlp_core.engines.native.elementwise import function
from mlp_core.engines.native.emitter import F32, I32, I64, Emitter, Value, number, vector, whole
from mlp_core.engines.native.functions import vector_width
from mlp_core.engines.native.kernel import Kernel
from mlp_core.engines.native.sums import block_power, mean_of_all

Join = Callable[[Value, Value], Value]
Load = Callable[[Value], Value]


def _reduce(emitter: Emitter, load: Load, room: Value, count: Value, join: Join) -> Value:
    """All numbers of a row joined in the order in which PyTorch's vectors join them.

    `load` gives the vector that begins with an index; lanes behind the row's end hold whatever lies there. `room` is
    memory for a vector.
    """
    builder, width = emitter.builder, vector_width()
    kind = vector(width)
    found = emitter.variable(F32, number(0.0))
    with builder.if_else(builder.icmp_signed("<", count, whole(width))) as (short, long):
        with short:
            emitter.store(load(whole(0)), room)
            emitter.set(found, emitter.load(room))
            with emitter.loop(count, 1) as lane:
                emitter.set(found, join(emitter.get(found, F32), emitter.load(room, lane)))
        with long:
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
                emitter.set(total, emitter.select(inside, join(so_far, load(full)), so_far))
            joined, half = emitter.get(total, kind), width // 2
            while half:
                # Lanes `half` apart within blocks of twice that, from the widest to neighbours.
                order = ir.Constant(ir.VectorType(I32, width), [lane ^ half for lane in range(width)])
                joined = join(joined, builder.shuffle_vector(joined, joined, order))
                half //= 2
            emitter.set(found, emitter.lane(joined, 0))
    return emitter.get(found, F32)


def _log_softmax(emitter: Emitter, target: Value, source: Value, largest: Value, totals: Value, rows: Value,
                 columns: Value) -> None:  # fmt: skip
    """Over rows; `largest` and `totals` are memory for a number per row, and a vector more."""
    builder, width = emitter.builder, vector_width()
    kind, room = vector(width), emitter.array(width)

    def larger(a: Value, b: Value) -> Value:
        return emitter.select(builder.fcmp_ordered(">", a, b), a, b)

    with emitter.loop(rows) as row:
        begin = emitter.scale_index(row, columns)

        def scores(index: Value, begin: Value = begin) -> Value:
            return emitter.load(source, emitter.add_index(begin, index), kind)

        top = _reduce(emitter, scores, room, columns, larger)
        tops = emitter.spread(top, kind)

        def powers(index: Value, scores: Load = scores, tops: Value = tops) -> Value:
            return function(emitter, "exp", builder.fsub(scores(index), tops))

        emitter.store(top, largest, row)
        emitter.store(_reduce(emitter, powers, room, columns, builder.fadd), totals, row)
    with emitter.loop(rows, 0, width) as row:
        emitter.store(function(emitter, "log", emitter.load(totals, row, kind)), totals, row)
    with emitter.loop(rows) as row:
        begin = emitter.scale_index(row, columns)
        top, log = (emitter.spread(emitter.load(place, row), kind) for place in (largest, totals))
        with emitter.loop(columns, 0, width) as column:  # what is written behind a row's end, the next one overwrites
            index = emitter.add_index(begin, column)
            emitter.store(builder.fsub(builder.fsub(emitter.load(source, index, kind), top), log), target, index)


NLL_LEVELS = 8
"""Levels of the sum of a batch's losses, which PyTorch makes differently from other sums."""


def _nll_loss(emitter: Emitter, target: Value, scores: Value, labels: Value, rows: Value, columns: Value) -> None:
    """The mean of the targets' negative scores, summed in a cascade of its own kind."""
    builder = emitter.builder
    power = block_power(emitter, rows, NLL_LEVELS)
    partial = [emitter.variable(F32, number(0.0)) for _ in range(NLL_LEVELS)]
    block = builder.sub(builder.shl(whole(1), power), whole(1))
    with emitter.loop(rows) as row:
        label = emitter.load(labels, row, I64)
        score = emitter.load(scores, emitter.add_index(emitter.scale_index(row, columns), label))
        emitter.set(partial[0], builder.fsub(emitter.get(partial[0], F32), score))
        after = builder.append_basic_block("counted")
        for level in range(NLL_LEVELS - 1):
            mask = builder.shl(block, builder.mul(power, whole(level)))
            carry = builder.append_basic_block("carry")
            builder.cbranch(builder.icmp_signed("!=", builder.and_(row, mask), whole(0)), after, carry)
            builder.position_at_end(carry)
            lower, upper = partial[level], partial[level + 1]
            emitter.set(upper, builder.fadd(emitter.get(upper, F32), emitter.get(lower, F32)))
            emitter.set(lower, number(0.0))
        builder.branch(after)
        builder.position_at_end(after)
    total = number(0.0)
    for place in partial:
        total = builder.fadd(total, emitter.get(place, F32))
    emitter.store(builder.fdiv(total, builder.sitofp(rows, F32)), target)


def _cross_entropy_backward(emitter: Emitter, target: Value, logs: Value, labels: Value, rows: Value,
                            columns: Value) -> None:  # fmt: skip
    """The gradient of the mean before the softmax. That of a logarithm is -1 / rows for the label, else 0."""
    builder, width = emitter.builder, vector_width()
    kind = vector(width)
    share = builder.fneg(builder.fdiv(number(1.0), builder.sitofp(rows, F32)))
    total = emitter.spread(share, kind)
    with emitter.loop(rows) as row:
        begin = emitter.scale_index(row, columns)
        label = emitter.add_index(begin, emitter.load(labels, row, I64))
        log = emitter.load(logs, label)
        with emitter.loop(columns, 0, width) as column:  # what is written behind a row's end, the next one overwrites
            index = emitter.add_index(begin, column)
            power = function(emitter, "exp", emitter.load(logs, index, kind))
            emitter.store(emitter.fma(builder.fneg(power), total, number(0.0, kind)), target, index)
        power = function(emitter, "exp", emitter.spread(log, kind))
        emitter.store(emitter.lane(emitter.fma(builder.fneg(power), total, total), 0), target, label)


def _mse_loss(emitter: Emitter, target: Value, output: Value, wanted: Value, squares: Value, count: Value) -> None:
    kind = vector(vector_width())
    with emitter.loop(count, 0, kind.count) as index:
        difference = emitter.builder.fsub(emitter.load(output, index, kind), emitter.load(wanted, index, kind))
        emitter.store(emitter.builder.fmul(difference, difference), squares, index)
    emitter.store(mean_of_all(emitter, squares, count), target)


def _mse_loss_backward(emitter: Emitter, target: Value, output: Value, wanted: Value, share: Value, count: Value
                       ) -> None:  # fmt: skip
    kind = vector(vector_width())
    shares = emitter.spread(share, kind)
    with emitter.loop(count, 0, kind.count) as index:
        difference = emitter.builder.fsub(emitter.load(output, index, kind), emitter.load(wanted, index, kind))
        emitter.store(emitter.builder.fmul(shares, difference), target, index)


LEAST_LOGARITHM, LEAST_DIVISOR = -100.0, 1e-12
"""Bounds that PyTorch sets, so that a probability of 0 or 1 gives no infinite loss or gradient."""


def _bce_with_logits(emitter: Emitter, target: Value, output: Value, wanted: Value, terms: Value, count: Value
                     ) -> None:  # fmt: skip
    """The mean of (1 - t)·x - log σ(x), where log σ(x) = min(x, 0) - log(1 + e^-|x|), by vectors to the end."""
    builder, kind = emitter.builder, vector(vector_width())
    zero, one = number(0.0, kind), number(1.0, kind)
    with emitter.loop(count, 0, kind.count) as index:
        x, t = (emitter.load(place, index, kind) for place in (output, wanted))
        power = function(emitter, "exp", builder.fneg(emitter.intrinsic("llvm.fabs", x)))
        least = emitter.select(builder.fcmp_ordered("<", x, zero), x, zero)
        log_sigmoid = builder.fsub(least, function(emitter, "log1p", power))
        emitter.store(builder.fsub(builder.fmul(builder.fsub(one, t), x), log_sigmoid), terms, index)
    emitter.store(mean_of_all(emitter, terms, count), target)


def _bce(emitter: Emitter, target: Value, output: Value, wanted: Value, terms: Value, count: Value) -> None:
    """The mean of (t - 1)·log(1 - p) - t·log p, number by number with the C library's logarithms."""
    builder, least = emitter.builder, number(LEAST_LOGARITHM)

    def bounded(logarithm: Value) -> Value:
        return emitter.select(builder.fcmp_ordered("<", logarithm, least), least, logarithm)

    with emitter.loop(count) as index:
        p, t = (emitter.load(place, index) for place in (output, wanted))
        no = bounded(function(emitter, "log1p", builder.fneg(p)))
        yes = bounded(function(emitter, "log", p))
        first = builder.fmul(builder.fsub(t, number(1.0)), no)
        emitter.store(builder.fsub(first, builder.fmul(t, yes)), terms, index)
    emitter.store(mean_of_all(emitter, terms, count), target)


def _bce_backward(emitter: Emitter, target: Value, output: Value, wanted: Value, count: Value) -> None:
    builder, kind = emitter.builder, vector(vector_width())
    least, one = number(LEAST_DIVISOR, kind), number(1.0, kind)
    divisor_of_all = emitter.spread(builder.sitofp(count, F32), kind)
    with emitter.loop(count, 0, kind.count) as index:
        p, t = (emitter.load(place, index, kind) for place in (output, wanted))
        divisor = builder.fmul(builder.fsub(one, p), p)
        divisor = emitter.select(builder.fcmp_ordered("<", divisor, least), least, divisor)
        slope = builder.fdiv(builder.fsub(p, t), divisor)
        emitter.store(builder.fdiv(slope, divisor_of_all), target, index)


KERNELS: dict[str, Kernel] = {
    "log_softmax": Kernel("ppppii", _log_softmax),
    "nll_loss": Kernel("pppii", _nll_loss),
    "cross_entropy_backward": Kernel("pppii", _cross_entropy_backward),
    "mse_loss": Kernel("ppppi", _mse_loss),
    "mse_loss_backward": Kernel("pppfi", _mse_loss_backward),
    "bce_with_logits": Kernel("ppppi", _bce_with_logits),
    "bce": Kernel("ppppi", _bce),
    "bce_backward": Kernel("pppi", _bce_backward),
}
"""Kernels by name."""
