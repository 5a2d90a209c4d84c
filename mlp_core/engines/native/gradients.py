"""Kernels for what happens to gradients between the backward pass and the update: penalties on weights, accumulation
over mini-batches, clipping."""

from __future__ import annotations

from mlp_core.engines.native.elementwise import sign
from mlp_core.engines.native.emitter import F32, I64, Emitter, Value, number, vector, whole
from mlp_core.engines.native.functions import avx2_width
from mlp_core.engines.native.kernel import Kernel

IN_VECTORS = 4
"""Numbers at the end of a norm whose squares PyTorch's compiler takes in a vector, rounded before they are added."""
LEAST_NORM = 1e-6
"""What `torch.nn.utils.clip_grad_norm_` adds to the norm that it divides by."""


def _l1_penalty(emitter: Emitter, target: Value, weights: Value, share: Value, count: Value) -> None:
    """Add the gradient of a share of the sum of absolute values."""
    builder = emitter.builder
    with emitter.loop(count) as index:
        slope = builder.fmul(share, sign(emitter, emitter.load(weights, index)))
        emitter.store(builder.fadd(slope, emitter.load(target, index)), target, index)


def _l2_penalty(emitter: Emitter, target: Value, weights: Value, share: Value, count: Value) -> None:
    """Add the gradient of a share of the sum of squares."""
    builder = emitter.builder
    with emitter.loop(count) as index:
        slope = builder.fmul(share, builder.fmul(number(2.0), emitter.load(weights, index)))
        emitter.store(builder.fadd(slope, emitter.load(target, index)), target, index)


def _both_penalties(emitter: Emitter, target: Value, weights: Value, first: Value, second: Value, count: Value) -> None:
    """Add the gradients of both, which autograd adds up before that of the loss is there."""
    builder = emitter.builder
    with emitter.loop(count) as index:
        weight = emitter.load(weights, index)
        slope = builder.fadd(
            builder.fmul(second, builder.fmul(number(2.0), weight)), builder.fmul(first, sign(emitter, weight))
        )
        emitter.store(builder.fadd(slope, emitter.load(target, index)), target, index)


def _collect(emitter: Emitter, target: Value, source: Value, begins: Value, count: Value) -> None:
    """Copy the gradients of the first mini-batch of an update, and add those of the others."""
    builder = emitter.builder
    first = builder.icmp_signed("!=", emitter.load(begins, 0, I64), whole(0))
    with builder.if_else(first) as (copies, adds):
        with copies, emitter.loop(count) as index:
            emitter.store(emitter.load(source, index), target, index)
        with adds, emitter.loop(count) as index:
            added = builder.fadd(emitter.load(target, index), emitter.load(source, index))
            emitter.store(added, target, index)


def _norm(emitter: Emitter, target: Value, source: Value, count: Value) -> None:
    """The Euclidean norm. Sums of squares that lie a vector's width apart are added up, then what fills no vector."""
    builder, width = emitter.builder, avx2_width()
    kind = vector(width)
    sums, total = emitter.variable(kind, number(0.0, kind)), emitter.variable(F32, number(0.0))
    emitter.set(sums, number(0.0, kind))
    in_vectors, in_fours = emitter.round_down(count, width), emitter.round_down(count, IN_VECTORS)
    with emitter.loop(in_vectors, 0, width) as index:
        x = emitter.load(source, index, kind)
        emitter.set(sums, builder.fadd(emitter.get(sums, kind), builder.fmul(x, x)))
    lanes = emitter.get(sums, kind)
    first = emitter.lane(lanes, 0)
    for lane in range(1, width):
        first = builder.fadd(first, emitter.lane(lanes, lane))
    emitter.set(total, first)
    with emitter.loop(in_fours, in_vectors) as index:
        x = emitter.load(source, index)
        emitter.set(total, builder.fadd(emitter.get(total, F32), builder.fmul(x, x)))
    with emitter.loop(count, in_fours) as index:
        x = emitter.load(source, index)
        emitter.set(total, emitter.fma(x, x, emitter.get(total, F32)))
    emitter.store(emitter.intrinsic("llvm.sqrt", emitter.get(total, F32)), target)


def _clip_norm(emitter: Emitter, target: Value, norm: Value, limit: Value, count: Value) -> None:
    """Multiply by the limit divided by the norm, if that is less than one."""
    builder = emitter.builder
    inverse = builder.fdiv(number(1.0), builder.fadd(emitter.load(norm), number(LEAST_NORM)))
    share = builder.fmul(inverse, emitter.load(limit))
    share = emitter.select(builder.fcmp_ordered(">", share, number(1.0)), number(1.0), share)
    with emitter.loop(count) as index:
        emitter.store(builder.fmul(emitter.load(target, index), share), target, index)


def _clip_values(emitter: Emitter, target: Value, limit: Value, count: Value) -> None:
    """Set what is further from zero than the limit to it."""
    builder = emitter.builder
    high = emitter.load(limit)
    low = builder.fneg(high)
    with emitter.loop(count) as index:
        x = emitter.load(target, index)
        x = emitter.select(builder.fcmp_ordered("<", x, low), low, x)
        emitter.store(emitter.select(builder.fcmp_ordered(">", x, high), high, x), target, index)


KERNELS: dict[str, Kernel] = {
    "l1_penalty": Kernel("ppfi", _l1_penalty),
    "l2_penalty": Kernel("ppfi", _l2_penalty),
    "both_penalties": Kernel("ppffi", _both_penalties),
    "collect": Kernel("pppi", _collect),
    "norm": Kernel("ppi", _norm),
    "clip_norm": Kernel("pppi", _clip_norm),
    "clip_values": Kernel("ppi", _clip_values),
}
"""Kernels by name."""
