"""Losses as kernels, summed in the order in which PyTorch sums them."""

from __future__ import annotations

from mlp_core.engines.native.elementwise import Rule, function, mkl
from mlp_core.engines.native.emitter import F32, F64, I64, Emitter, Value, number, vector, whole
from mlp_core.engines.native.functions import vector_width
from mlp_core.engines.native.kernel import Kernel
from mlp_core.engines.native.rows import map_row
from mlp_core.engines.native.sums import block_power, mean_of_all, sum_of_all

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


def _nll_loss_backward(emitter: Emitter, target: Value, labels: Value, seed: Value, rows: Value, columns: Value
                       ) -> None:  # fmt: skip
    """-seed / rows for each label, else 0."""
    builder = emitter.builder
    share = builder.fneg(builder.fdiv(seed, builder.sitofp(rows, F32)))
    with emitter.loop(emitter.scale_index(rows, columns)) as index:
        emitter.store(number(0.0), target, index)
    with emitter.loop(rows) as row:
        label = emitter.load(labels, row, I64)
        emitter.store(share, target, emitter.add_index(emitter.scale_index(row, columns), label))


def _cross_entropy_backward(emitter: Emitter, target: Value, logs: Value, labels: Value, own: Value, seed: Value,
                            rows: Value, columns: Value) -> None:  # fmt: skip
    """The gradient of the mean before the softmax. That of a logarithm is -seed / rows for the label, else 0.

    `own` is memory for a number per row: the gradient for its label.
    """
    builder, kind = emitter.builder, vector(vector_width())
    count = emitter.scale_index(rows, columns)
    share = builder.fneg(builder.fdiv(seed, builder.sitofp(rows, F32)))
    shares = emitter.spread(share, kind)

    def place(row: Value) -> Value:
        return emitter.add_index(emitter.scale_index(row, columns), emitter.load(labels, row, I64))

    map_row(emitter, "exp", logs, target, count)
    with emitter.loop(rows) as row:
        power = emitter.load(target, place(row))
        emitter.store(emitter.fma(builder.fneg(power), share, share), own, row)
    with emitter.loop(count, 0, kind.count) as index:
        power = emitter.load(target, index, kind)
        emitter.store(emitter.fma(builder.fneg(power), shares, number(0.0, kind)), target, index)
    with emitter.loop(rows) as row:
        emitter.store(emitter.load(own, row), target, place(row))


def _smooth_loss(emitter: Emitter, target: Value, logs: Value, room: Value, own: Value, each: Value, rows: Value,
                 columns: Value) -> None:  # fmt: skip
    """A share of the loss that is there, and one of the mean of each row's negative sum."""
    builder = emitter.builder
    with emitter.loop(rows) as row:
        start = emitter.at(logs, emitter.scale_index(row, columns))
        emitter.store(builder.fneg(sum_of_all(emitter, start, columns)), room, row)
    mean = builder.fdiv(sum_of_all(emitter, room, rows), builder.sitofp(rows, F32))
    loss = builder.fadd(builder.fmul(emitter.load(target), own), builder.fmul(mean, each))
    emitter.store(loss, target)


def _smooth_loss_backward(emitter: Emitter, target: Value, labels: Value, own: Value, each: Value, rows: Value,
                          columns: Value) -> None:  # fmt: skip
    """The gradient of the logarithms: one share over all classes, and one for the label."""
    builder = emitter.builder
    of_each, of_own = (builder.fneg(builder.fdiv(share, builder.sitofp(rows, F32))) for share in (each, own))
    with emitter.loop(emitter.scale_index(rows, columns)) as index:
        emitter.store(of_each, target, index)
    with emitter.loop(rows) as row:
        label = emitter.add_index(emitter.scale_index(row, columns), emitter.load(labels, row, I64))
        emitter.store(builder.fadd(of_each, of_own), target, label)


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


def _bce_backward(emitter: Emitter, target: Value, output: Value, wanted: Value, seed: Value, count: Value) -> None:
    builder, kind = emitter.builder, vector(vector_width())
    least, one = number(LEAST_DIVISOR, kind), number(1.0, kind)
    seeds = emitter.spread(seed, kind)
    divisor_of_all = emitter.spread(builder.sitofp(count, F32), kind)
    with emitter.loop(count, 0, kind.count) as index:
        p, t = (emitter.load(place, index, kind) for place in (output, wanted))
        divisor = builder.fmul(builder.fsub(one, p), p)
        divisor = emitter.select(builder.fcmp_ordered("<", divisor, least), least, divisor)
        slope = builder.fdiv(builder.fmul(seeds, builder.fsub(p, t)), divisor)
        emitter.store(builder.fdiv(slope, divisor_of_all), target, index)


def _smooth_l1(emitter: Emitter, output: Value, wanted: Value, beta: Value) -> Value:
    builder, half = emitter.builder, number(0.5, output.type)
    size = emitter.intrinsic("llvm.fabs", builder.fsub(output, wanted))
    square = builder.fdiv(builder.fmul(builder.fmul(half, size), size), beta)
    near = builder.fcmp_unordered("<", size, beta) if output.type != F32 else builder.fcmp_ordered("<", size, beta)
    return emitter.select(near, square, builder.fsub(size, builder.fmul(half, beta)))


def _smooth_l1_backward(emitter: Emitter, output: Value, wanted: Value, share: Value, seed: Value, beta: Value,
                        exact: Value) -> Value:  # fmt: skip
    """Single numbers take the bound in double precision."""
    builder, kind = emitter.builder, output.type
    x = builder.fsub(output, wanted)
    if kind != F32:
        slope = emitter.select(_is_far(emitter, x, beta), _side(emitter, x), builder.fdiv(x, beta))
        return builder.fmul(builder.fmul(share, slope), seed)
    line = builder.fmul(share, seed)
    square = builder.fpext(builder.fmul(builder.fmul(share, x), seed), F64)
    return _three(emitter, x, exact, line, builder.fptrunc(builder.fdiv(square, exact), F32))


def _huber(emitter: Emitter, output: Value, wanted: Value, delta: Value) -> Value:
    builder, half = emitter.builder, number(0.5, output.type)
    size = emitter.intrinsic("llvm.fabs", builder.fsub(output, wanted))
    square = builder.fmul(builder.fmul(half, size), size)
    line = builder.fmul(delta, builder.fsub(size, builder.fmul(half, delta)))
    near = builder.fcmp_unordered("<", size, delta) if output.type != F32 else builder.fcmp_ordered("<", size, delta)
    return emitter.select(near, square, line)


def _huber_backward(emitter: Emitter, output: Value, wanted: Value, share: Value, seed: Value, delta: Value,
                    exact: Value) -> Value:  # fmt: skip
    """Single numbers take the bound in double precision."""
    builder, kind = emitter.builder, output.type
    x = builder.fsub(output, wanted)
    if kind != F32:
        line = builder.fmul(_side(emitter, x), delta)
        slope = emitter.select(_is_far(emitter, x, delta), line, x)
        return builder.fmul(builder.fmul(share, slope), seed)
    line = builder.fmul(builder.fpext(builder.fmul(share, seed), F64), exact)
    return _three(emitter, x, exact, builder.fptrunc(line, F32), builder.fmul(builder.fmul(share, x), seed))


def _is_far(emitter: Emitter, x: Value, limit: Value) -> Value:
    return emitter.builder.fcmp_ordered(">=", emitter.intrinsic("llvm.fabs", x), limit)


def _side(emitter: Emitter, x: Value) -> Value:
    positive = emitter.builder.fcmp_ordered(">", x, number(0.0, x.type))
    return emitter.select(positive, number(1.0, x.type), number(-1.0, x.type))


def _three(emitter: Emitter, x: Value, limit: Value, line: Value, square: Value) -> Value:
    """The slope of a number left of the limits, right of them, or between them."""
    builder, wide = emitter.builder, emitter.builder.fpext(x, F64)
    left = builder.fcmp_ordered("<=", wide, builder.fneg(limit))
    right = builder.fcmp_ordered(">=", wide, limit)
    return emitter.select(left, builder.fneg(line), emitter.select(right, line, square))


def _hinge(emitter: Emitter, output: Value, wanted: Value, margin: Value) -> Value:
    lack = emitter.builder.fsub(margin, emitter.builder.fmul(wanted, output))
    zero = number(0.0, output.type)
    return emitter.select(emitter.builder.fcmp_ordered("<", lack, zero), zero, lack)


def _hinge_backward(emitter: Emitter, output: Value, wanted: Value, margin: Value, share: Value) -> Value:
    builder, zero = emitter.builder, number(0.0, output.type)
    lack = builder.fsub(margin, builder.fmul(wanted, output))
    slope = emitter.select(builder.fcmp_ordered(">=", lack, zero), share, zero)
    return builder.fmul(builder.fneg(slope), wanted)


def _soft_margin(emitter: Emitter, power: Value) -> Value:
    return function(emitter, "log1p", power)


def _soft_margin_backward(emitter: Emitter, power: Value, wanted: Value, share: Value, seed: Value) -> Value:
    """`power` is e to what the loss grows with."""
    builder = emitter.builder
    slope = builder.fmul(builder.fmul(wanted, power), share)
    return builder.fmul(builder.fdiv(slope, builder.fadd(power, number(1.0, power.type))), seed)


def _exp(emitter: Emitter, target: Value, source: Value, count: Value) -> None:
    mkl(emitter, "vmsExp", count, source, target)


RULES: dict[str, Rule] = {
    "hinge": Rule(2, 1, _hinge),
    "hinge_backward": Rule(2, 2, _hinge_backward),
    "soft_margin": Rule(1, 0, _soft_margin),
    "soft_margin_backward": Rule(2, 2, _soft_margin_backward),
    "smooth_l1": Rule(2, 1, _smooth_l1, scalar_ends=True),
    "smooth_l1_backward": Rule(2, 3, _smooth_l1_backward, scalar_ends=True, doubles=1),
    "huber": Rule(2, 1, _huber, scalar_ends=True),
    "huber_backward": Rule(2, 3, _huber_backward, scalar_ends=True, doubles=1),
}
"""Losses of one element at a time."""

KERNELS: dict[str, Kernel] = {
    **{name: rule.kernel() for name, rule in RULES.items()},
    "exp": Kernel("ppi", _exp),
    "nll_loss": Kernel("pppii", _nll_loss),
    "nll_loss_backward": Kernel("ppfii", _nll_loss_backward),
    "cross_entropy_backward": Kernel("ppppfii", _cross_entropy_backward),
    "smooth_loss": Kernel("pppffii", _smooth_loss),
    "smooth_loss_backward": Kernel("ppffii", _smooth_loss_backward),
    "mse_loss": Kernel("ppppi", _mse_loss),
    "mse_loss_backward": Kernel("pppfi", _mse_loss_backward),
    "bce_with_logits": Kernel("ppppi", _bce_with_logits),
    "bce": Kernel("ppppi", _bce),
    "bce_backward": Kernel("pppfi", _bce_backward),
}
"""Kernels by name."""
