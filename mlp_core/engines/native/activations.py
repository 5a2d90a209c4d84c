"""Activations element by element, forward and backward, in the way of PyTorch's kernels.

Their formulas, and where a product and a sum are rounded once, follow `aten/src/ATen/native/cpu/Activation.cpp`.
"""

from __future__ import annotations

import math

from mlp_core.engines.native import onednn
from mlp_core.engines.native.elementwise import Rule, function, mkl
from mlp_core.engines.native.emitter import F32, Emitter, Value, number
from mlp_core.engines.native.functions import avx2_width
from mlp_core.engines.native.kernel import Kernel


def _relu(emitter: Emitter, x: Value) -> Value:
    zero = number(0.0, x.type)
    return emitter.select(emitter.builder.fcmp_ordered("<", x, zero), zero, x)


def _relu_backward(emitter: Emitter, gradient: Value, y: Value) -> Value:
    return _threshold_backward(emitter, gradient, y, number(0.0, y.type))


def _leaky_relu(emitter: Emitter, x: Value, slope: Value) -> Value:
    positive = emitter.builder.fcmp_ordered(">", x, number(0.0, x.type))
    return emitter.select(positive, x, emitter.builder.fmul(x, slope))


def _leaky_relu_backward(emitter: Emitter, gradient: Value, x: Value, slope: Value) -> Value:
    positive = emitter.builder.fcmp_ordered(">", x, number(0.0, x.type))
    return emitter.select(positive, gradient, emitter.builder.fmul(gradient, slope))


def _tanh_backward(emitter: Emitter, gradient: Value, y: Value) -> Value:
    rest = emitter.fma(emitter.builder.fneg(y), y, number(1.0, y.type))
    return emitter.builder.fmul(gradient, rest)


def _sigmoid(emitter: Emitter, x: Value) -> Value:
    """1 / (1 + e⁻ˣ)."""
    builder, one = emitter.builder, number(1.0, x.type)
    return builder.fdiv(one, builder.fadd(one, function(emitter, "exp", builder.fneg(x))))


def _sigmoid_backward(emitter: Emitter, gradient: Value, y: Value) -> Value:
    builder = emitter.builder
    return builder.fmul(builder.fmul(gradient, builder.fsub(number(1.0, y.type), y)), y)


HALF, ROOT_HALF = 0.5, math.sqrt(0.5)


def _gelu(emitter: Emitter, x: Value) -> Value:
    """x/2 · (1 + erf(x/√2)), in the way of oneDNN, which PyTorch has it from."""
    builder = emitter.builder
    if x.type.count == onednn.LONG:
        return onednn.long_gelu(emitter, x)
    half = builder.fmul(x, number(HALF, x.type))
    error, _ = onednn.erf(emitter, builder.fmul(x, number(ROOT_HALF, x.type)))
    return emitter.fma(half, error, half)


def _gelu_backward(emitter: Emitter, gradient: Value, x: Value) -> Value:
    builder, half = emitter.builder, number(HALF, x.type)
    r = builder.fmul(x, number(ROOT_HALF, x.type))
    error, power = onednn.erf(emitter, r)
    density = builder.fmul(builder.fmul(r, number(onednn.ROOT_OF_INVERSE_PI, x.type)), power)
    return builder.fmul(gradient, emitter.fma(error, half, builder.fadd(density, half)))


def _gelu_single(emitter: Emitter, x: Value) -> Value:
    """A single number, which PyTorch computes itself, with the C library's functions."""
    builder = emitter.builder
    error = function(emitter, "erf", builder.fmul(x, number(ROOT_HALF, x.type)))
    half = builder.fmul(x, number(HALF, x.type))
    return builder.fmul(half, builder.fadd(number(1.0, x.type), error))


def _gelu_single_backward(emitter: Emitter, gradient: Value, x: Value) -> Value:
    builder, kind = emitter.builder, x.type
    error = function(emitter, "erf", builder.fmul(x, number(ROOT_HALF, kind)))
    below = builder.fmul(number(HALF, kind), builder.fadd(number(1.0, kind), error))
    power = function(emitter, "exp", builder.fmul(builder.fmul(x, x), number(-HALF, kind)))
    density = builder.fmul(number(math.sqrt(HALF / math.pi), kind), power)
    return builder.fmul(gradient, builder.fadd(below, builder.fmul(x, density)))


GELU_BETA, GELU_KAPPA = math.sqrt(2 / math.pi), 0.044715


def _gelu_tanh(emitter: Emitter, x: Value) -> Value:
    """x/2 · (1 + tanh(β·(x + κ·x³)))."""
    builder, kind = emitter.builder, x.type
    cube = builder.fmul(builder.fmul(x, x), x)
    inner = builder.fmul(number(GELU_BETA, kind), emitter.fma(number(GELU_KAPPA, kind), cube, x))
    tanh = function(emitter, "tanh", inner)
    return builder.fmul(builder.fmul(number(HALF, kind), x), builder.fadd(number(1.0, kind), tanh))


def _gelu_tanh_backward(emitter: Emitter, gradient: Value, x: Value) -> Value:
    builder, kind = emitter.builder, x.type
    beta, kappa, one, half = (number(value, kind) for value in (GELU_BETA, GELU_KAPPA, 1.0, HALF))
    square = builder.fmul(x, x)
    cube = builder.fmul(square, x)
    inner = builder.fmul(beta, emitter.fma(kappa, cube, x))
    tanh = function(emitter, "tanh", inner)
    left, right = builder.fmul(half, x), builder.fadd(one, tanh)
    left_slope = builder.fmul(half, right)
    tanh_slope = emitter.fma(builder.fneg(tanh), tanh, one)
    inner_slope = builder.fmul(beta, emitter.fma(builder.fmul(number(3.0, kind), kappa), square, one))
    right_slope = builder.fmul(builder.fmul(left, tanh_slope), inner_slope)
    return builder.fmul(gradient, builder.fadd(left_slope, right_slope))


def _clamp(emitter: Emitter, x: Value, low: Value, high: Value) -> Value:
    """The nearest number between two others."""
    builder = emitter.builder
    raised = emitter.select(builder.fcmp_ordered("<", x, low), low, x)
    return emitter.select(builder.fcmp_ordered(">", raised, high), high, raised)


def _threshold(emitter: Emitter, x: Value, threshold: Value, value: Value) -> Value:
    return emitter.select(emitter.builder.fcmp_ordered("<=", x, threshold), value, x)


def _threshold_backward(emitter: Emitter, gradient: Value, x: Value, threshold: Value) -> Value:
    return emitter.select(emitter.builder.fcmp_ordered("<=", x, threshold), number(0.0, x.type), gradient)


def _hardtanh_backward(emitter: Emitter, gradient: Value, x: Value, low: Value, high: Value) -> Value:
    builder = emitter.builder
    outside = builder.or_(builder.fcmp_ordered("<=", x, low), builder.fcmp_ordered(">=", x, high))
    return emitter.select(outside, number(0.0, x.type), gradient)


def _shrinks(emitter: Emitter, x: Value, limit: Value) -> Value:
    """Whether a number is no further from zero than the limit."""
    builder = emitter.builder
    return builder.and_(builder.fcmp_ordered(">=", x, builder.fneg(limit)), builder.fcmp_ordered("<=", x, limit))


def _hardshrink(emitter: Emitter, x: Value, limit: Value) -> Value:
    return emitter.select(_shrinks(emitter, x, limit), number(0.0, x.type), x)


def _softshrink(emitter: Emitter, x: Value, limit: Value) -> Value:
    builder = emitter.builder
    zero = number(0.0, x.type)
    if x.type == F32:  # of a single number, PyTorch keeps the sign
        zero = builder.fmul(x, zero)
    low = emitter.select(builder.fcmp_ordered("<", x, builder.fneg(limit)), builder.fadd(x, limit), zero)
    return emitter.select(builder.fcmp_ordered(">", x, limit), builder.fsub(x, limit), low)


def _shrink_backward(emitter: Emitter, gradient: Value, x: Value, limit: Value) -> Value:
    return emitter.select(_shrinks(emitter, x, limit), number(0.0, x.type), gradient)


def _shifted(emitter: Emitter, x: Value) -> Value:
    """x + 3, from 0 to 6."""
    three, zero, six = (number(value, x.type) for value in (3.0, 0.0, 6.0))
    return _clamp(emitter, emitter.builder.fadd(x, three), zero, six)


def _hardsigmoid(emitter: Emitter, x: Value) -> Value:
    return emitter.builder.fdiv(_shifted(emitter, x), number(6.0, x.type))


def _hardsigmoid_backward(emitter: Emitter, gradient: Value, x: Value) -> Value:
    builder, kind = emitter.builder, x.type
    slopes = builder.and_(
        builder.fcmp_ordered(">", x, number(-3.0, kind)), builder.fcmp_ordered("<", x, number(3.0, kind))
    )
    return emitter.select(slopes, builder.fmul(gradient, number(1 / 6, kind)), number(0.0, kind))


def _hardswish(emitter: Emitter, x: Value) -> Value:
    builder = emitter.builder
    return builder.fdiv(builder.fmul(x, _shifted(emitter, x)), number(6.0, x.type))


def _hardswish_backward(emitter: Emitter, gradient: Value, x: Value) -> Value:
    builder, kind = emitter.builder, x.type
    slope = builder.fadd(builder.fdiv(x, number(3.0, kind)), number(0.5, kind))
    inner = emitter.select(builder.fcmp_ordered("<", x, number(3.0, kind)), builder.fmul(gradient, slope), gradient)
    return emitter.select(builder.fcmp_ordered("<=", x, number(-3.0, kind)), number(0.0, kind), inner)


def _elu(emitter: Emitter, x: Value, below: Value, above: Value, inner: Value) -> Value:
    """`below`·(e^(`inner`·x) − 1) for negative numbers, `above`·x for others."""
    builder = emitter.builder
    curve = builder.fmul(function(emitter, "expm1", builder.fmul(x, inner)), below)
    return emitter.select(builder.fcmp_ordered("<", x, number(0.0, x.type)), curve, builder.fmul(x, above))


def _elu_backward(emitter: Emitter, gradient: Value, x: Value, below: Value, above: Value, inner: Value) -> Value:
    builder = emitter.builder
    power = function(emitter, "exp", builder.fmul(x, inner))
    curve = builder.fmul(builder.fmul(builder.fmul(gradient, inner), below), power)
    return emitter.select(builder.fcmp_ordered("<=", x, number(0.0, x.type)), curve, builder.fmul(gradient, above))


def _silu(emitter: Emitter, x: Value) -> Value:
    builder = emitter.builder
    return builder.fdiv(x, builder.fadd(number(1.0, x.type), function(emitter, "exp", builder.fneg(x))))


def _silu_backward(emitter: Emitter, gradient: Value, x: Value) -> Value:
    builder, one, share = emitter.builder, number(1.0, x.type), _sigmoid(emitter, x)
    slope = emitter.fma(x, builder.fsub(one, share), one)
    return builder.fmul(builder.fmul(gradient, share), slope)


def _softplus(emitter: Emitter, x: Value, beta: Value, threshold: Value) -> Value:
    builder, scaled = emitter.builder, emitter.builder.fmul(x, beta)
    smooth = builder.fdiv(function(emitter, "log1p", function(emitter, "exp", scaled)), beta)
    return emitter.select(builder.fcmp_ordered(">", scaled, threshold), x, smooth)


def _softplus_backward(emitter: Emitter, gradient: Value, x: Value, beta: Value, threshold: Value) -> Value:
    builder, scaled = emitter.builder, emitter.builder.fmul(x, beta)
    power = function(emitter, "exp", scaled)
    slope = builder.fdiv(builder.fmul(gradient, power), builder.fadd(power, number(1.0, x.type)))
    return emitter.select(builder.fcmp_ordered(">", scaled, threshold), gradient, slope)


def _softplus_of_one(emitter: Emitter, x: Value) -> Value:
    """log(1 + eˣ)."""
    return function(emitter, "log1p", function(emitter, "exp", x))


def _mish(emitter: Emitter, x: Value) -> Value:
    return emitter.builder.fmul(x, function(emitter, "tanh", _softplus_of_one(emitter, x)))


def _mish_backward(emitter: Emitter, gradient: Value, x: Value) -> Value:
    builder = emitter.builder
    share, tanh = _sigmoid(emitter, x), function(emitter, "tanh", _softplus_of_one(emitter, x))
    rest = emitter.fma(builder.fneg(tanh), tanh, number(1.0, x.type))
    return builder.fmul(gradient, emitter.fma(builder.fmul(x, share), rest, tanh))


def _decay(emitter: Emitter, x: Value) -> Value:
    """e^(−|x|)."""
    return function(emitter, "exp", emitter.builder.fneg(emitter.intrinsic("llvm.fabs", x)))


def _log_sigmoid(emitter: Emitter, x: Value) -> Value:
    builder, zero = emitter.builder, number(0.0, x.type)
    low = emitter.select(builder.fcmp_ordered("<", x, zero), x, zero)
    return builder.fsub(low, function(emitter, "log1p", _decay(emitter, x)))


def _log_sigmoid_backward(emitter: Emitter, gradient: Value, x: Value) -> Value:
    builder, zero, one = emitter.builder, number(0.0, x.type), number(1.0, x.type)
    decay = _decay(emitter, x)
    share = builder.fdiv(decay, builder.fadd(one, decay))
    slope = emitter.select(builder.fcmp_ordered("<", x, zero), builder.fsub(one, share), share)
    return builder.fmul(gradient, slope)


RULES: dict[str, Rule] = {
    "relu": Rule(1, 0, _relu),
    "relu_backward": Rule(2, 0, _relu_backward),
    "leaky_relu": Rule(1, 1, _leaky_relu),
    "leaky_relu_backward": Rule(2, 1, _leaky_relu_backward),
    "tanh_backward": Rule(2, 0, _tanh_backward),
    "sigmoid": Rule(1, 0, _sigmoid, scalar_ends=True),
    "sigmoid_backward": Rule(2, 0, _sigmoid_backward),
    "gelu": Rule(1, 0, _gelu, onednn.vector_width),
    "gelu_backward": Rule(2, 0, _gelu_backward, onednn.vector_width),
    "gelu_single": Rule(1, 0, _gelu_single, scalar_ends=True),
    "gelu_single_backward": Rule(2, 0, _gelu_single_backward, scalar_ends=True),
    "gelu_tanh": Rule(1, 0, _gelu_tanh, scalar_ends=True),
    "gelu_tanh_backward": Rule(2, 0, _gelu_tanh_backward, scalar_ends=True),
    "threshold": Rule(1, 2, _threshold),
    "threshold_backward": Rule(2, 1, _threshold_backward),
    "hardtanh": Rule(1, 2, _clamp),
    "hardtanh_backward": Rule(2, 2, _hardtanh_backward),
    "hardshrink": Rule(1, 1, _hardshrink),
    "hardshrink_backward": Rule(2, 1, _shrink_backward),
    "softshrink": Rule(1, 1, _softshrink, avx2_width, scalar_ends=True),
    "softshrink_backward": Rule(2, 1, _shrink_backward),
    "hardsigmoid": Rule(1, 0, _hardsigmoid),
    "hardsigmoid_backward": Rule(2, 0, _hardsigmoid_backward),
    "hardswish": Rule(1, 0, _hardswish),
    "hardswish_backward": Rule(2, 0, _hardswish_backward),
    "elu": Rule(1, 3, _elu, scalar_ends=True),
    "elu_backward": Rule(2, 3, _elu_backward, scalar_ends=True),
    "silu": Rule(1, 0, _silu, scalar_ends=True),
    "silu_backward": Rule(2, 0, _silu_backward, scalar_ends=True),
    "softplus": Rule(1, 2, _softplus, scalar_ends=True),
    "softplus_backward": Rule(2, 2, _softplus_backward, scalar_ends=True),
    "mish": Rule(1, 0, _mish, scalar_ends=True),
    "mish_backward": Rule(2, 0, _mish_backward, scalar_ends=True),
    "log_sigmoid": Rule(1, 0, _log_sigmoid),
    "log_sigmoid_backward": Rule(2, 0, _log_sigmoid_backward),
}
"""Every activation that is computed so, and its gradient, by the operator's name in PyTorch."""


def _tanh(emitter: Emitter, target: Value, source: Value, count: Value) -> None:
    mkl(emitter, "vmsTanh", count, source, target)


KERNELS: dict[str, Kernel] = {**{name: rule.kernel() for name, rule in RULES.items()}, "tanh": Kernel("ppi", _tanh)}
"""Kernels by name."""
