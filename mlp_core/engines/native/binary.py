"""Binary cross-entropies as native code, on probabilities and on logits."""

from __future__ import annotations

from typing import Any

from mlp_core.engines.native import elementwise
from mlp_core.engines.native.arrays import Array, Lowering, Place, need_rows
from mlp_core.engines.native.emitter import Value, number, vector
from mlp_core.engines.native.sums import sum_of_all
from mlp_core.engines.tracing import UnsupportedError

LEAST_LOGARITHM, LEAST_DIVISOR = -100.0, 1e-12
"""Bounds that PyTorch sets, so that a probability of 0 or 1 gives no infinite loss or gradient."""


def _need_plain(weight: Any, reduction: int, *arrays: Array) -> None:
    need_rows(*arrays)
    if weight is not None or reduction != 1:
        raise UnsupportedError("its loss is not a plain mean")


def _store_mean(place: Place, terms: Value, count: int) -> None:
    total = sum_of_all(place.emitter, terms, count, place.width)
    place.emitter.store(place.emitter.builder.fdiv(total, number(float(count))), place.target.pointer)


def _on_logits(place: Place, x: Array, target: Array, weight: Any, positive: Any, reduction: int) -> None:
    """The mean of (1 - t)·x - log σ(x), where log σ(x) = min(x, 0) - log(1 + e^-|x|), by vectors to the end."""
    _need_plain(weight if positive is None else positive, reduction, x, target)
    emitter, builder, kind = place.emitter, place.emitter.builder, vector(place.width)
    zero, one = number(0.0, kind), number(1.0, kind)
    terms = place.room(x.size)
    with emitter.loop(x.size, 0, place.width) as index:
        value, wanted = (emitter.load(array.pointer, index, kind) for array in (x, target))
        power = elementwise.exponential(emitter, builder.fneg(emitter.intrinsic("llvm.fabs", value)))
        least = emitter.select(builder.fcmp_ordered("<", value, zero), value, zero)
        log_sigmoid = builder.fsub(least, elementwise.logarithm_of_more(emitter, power))
        term = builder.fsub(builder.fmul(builder.fsub(one, wanted), value), log_sigmoid)
        emitter.store(term, terms, index)
    _store_mean(place, terms, x.size)


def _on_probabilities(place: Place, p: Array, target: Array, weight: Any, reduction: int) -> None:
    """The mean of (t - 1)·log(1 - p) - t·log p, number by number with the C library's logarithms."""
    _need_plain(weight, reduction, p, target)
    emitter, builder = place.emitter, place.emitter.builder
    least = number(LEAST_LOGARITHM)
    terms = place.room(p.size)

    def bounded(logarithm: Value) -> Value:
        return emitter.select(builder.fcmp_ordered("<", logarithm, least), least, logarithm)

    with emitter.loop(p.size) as index:
        value, wanted = emitter.load(p.pointer, index), emitter.load(target.pointer, index)
        no = bounded(elementwise.c_function(emitter, "log1pf", builder.fneg(value)))
        yes = bounded(elementwise.c_function(emitter, "logf", value))
        first = builder.fmul(builder.fsub(wanted, number(1.0)), no)
        emitter.store(builder.fsub(first, builder.fmul(wanted, yes)), terms, index)
    _store_mean(place, terms, p.size)


def _on_probabilities_backward(
    place: Place, gradient: Value, p: Array, target: Array, weight: Any, reduction: int
) -> None:
    _need_plain(weight, reduction, p, target)
    emitter, builder = place.emitter, place.emitter.builder
    least = number(LEAST_DIVISOR)
    with emitter.loop(p.size) as index:
        value, wanted = emitter.load(p.pointer, index), emitter.load(target.pointer, index)
        divisor = builder.fmul(builder.fsub(number(1.0), value), value)
        divisor = emitter.select(builder.fcmp_ordered("<", divisor, least), least, divisor)
        slope = builder.fdiv(builder.fmul(gradient, builder.fsub(value, wanted)), divisor)
        emitter.store(builder.fdiv(slope, number(float(p.size))), place.target.pointer, index)


BINARY_LOSSES: dict[str, Lowering] = {
    "aten::binary_cross_entropy_with_logits": _on_logits,
    "aten::binary_cross_entropy": _on_probabilities,
    "aten::binary_cross_entropy_backward": _on_probabilities_backward,
}
"""Operators by name."""
