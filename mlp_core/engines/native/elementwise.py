"""Operators that work element by element, rounded as PyTorch's kernels round them.

PyTorch is compiled so that a product and the sum that takes it are rounded once; where its kernels do so, `fma` is
written out here. Tested against PyTorch operator by operator, over numbers of all sizes.
"""

from __future__ import annotations

from collections.abc import Callable

from mlp_core.engines.native.emitter import F32, Emitter, Value, number
from mlp_core.engines.native.functions import address_of, vector_function

Rule = Callable[..., Value]
"""From the emitter and an operator's arguments (values of one element, or numbers as values) to its result."""


def _relu(emitter: Emitter, x: Value) -> Value:
    return emitter.select(emitter.builder.fcmp_ordered("<", x, number(0.0)), number(0.0), x)


def _threshold_backward(emitter: Emitter, gradient: Value, x: Value, threshold: Value) -> Value:
    return emitter.select(emitter.builder.fcmp_ordered("<=", x, threshold), number(0.0), gradient)


def _leaky_relu(emitter: Emitter, x: Value, slope: Value) -> Value:
    builder = emitter.builder
    return emitter.select(builder.fcmp_ordered(">", x, number(0.0)), x, builder.fmul(x, slope))


def _leaky_relu_backward(emitter: Emitter, gradient: Value, x: Value, slope: Value, _: Value) -> Value:
    builder = emitter.builder
    return emitter.select(builder.fcmp_ordered(">", x, number(0.0)), gradient, builder.fmul(gradient, slope))


def _one_minus_square(emitter: Emitter, x: Value) -> Value:
    return emitter.fma(emitter.builder.fneg(x), x, number(1.0))


def _tanh_backward(emitter: Emitter, gradient: Value, y: Value) -> Value:
    return emitter.builder.fmul(gradient, _one_minus_square(emitter, y))


def _sigmoid_backward(emitter: Emitter, gradient: Value, y: Value) -> Value:
    builder = emitter.builder
    return builder.fmul(builder.fmul(gradient, builder.fsub(number(1.0), y)), y)


def _absolute(emitter: Emitter, x: Value) -> Value:
    return emitter.intrinsic("llvm.fabs", x)


def _sign(emitter: Emitter, x: Value) -> Value:
    builder, zero = emitter.builder, number(0.0)
    positive = builder.uitofp(builder.fcmp_ordered(">", x, zero), F32)
    return builder.fsub(positive, builder.uitofp(builder.fcmp_ordered("<", x, zero), F32))


RULES: dict[str, Rule] = {
    "aten::relu": _relu,
    "aten::threshold_backward": _threshold_backward,
    "aten::leaky_relu": _leaky_relu,
    "aten::leaky_relu_backward": _leaky_relu_backward,
    "aten::tanh_backward": _tanh_backward,
    "aten::sigmoid_backward": _sigmoid_backward,
    "aten::add": lambda emitter, a, b, scale: emitter.fma(b, scale, a),
    "aten::sub": lambda emitter, a, b, scale: emitter.fma(b, emitter.builder.fneg(scale), a),
    "aten::mul": lambda emitter, a, b: emitter.builder.fmul(a, b),
    "aten::mul_": lambda emitter, a, b: emitter.builder.fmul(a, b),
    "aten::div": lambda emitter, a, b: emitter.builder.fdiv(a, b),
    "aten::div_": lambda emitter, a, b: emitter.builder.fdiv(a, b),
    "aten::neg": lambda emitter, x: emitter.builder.fneg(x),
    "aten::abs": _absolute,
    "aten::sgn": _sign,
    "aten::sign": _sign,
}
"""Every operator of one element at a time, by its name."""


def exponential(emitter: Emitter, x: Value) -> Value:
    """e to the power of a vector's numbers."""
    return emitter.call(vector_function("exp"), x.type, [x])


def logarithm(emitter: Emitter, x: Value) -> Value:
    """The natural logarithm of a vector's numbers."""
    return emitter.call(vector_function("log"), x.type, [x])


def logarithm_of_more(emitter: Emitter, x: Value) -> Value:
    """The natural logarithm of 1 + x, of a vector's numbers."""
    return emitter.call(vector_function("log1p"), x.type, [x])


def c_function(emitter: Emitter, name: str, x: Value) -> Value:
    """A function of one number from the C library, such as 'expf'."""
    return emitter.call(address_of(name), F32, [x])


def sigmoid(emitter: Emitter, x: Value) -> Value:
    """1 / (1 + e⁻ˣ), of a vector as PyTorch's vectors do it, of a number as the C library does it."""
    builder, one = emitter.builder, number(1.0, x.type)
    power = c_function(emitter, "expf", builder.fneg(x)) if x.type == F32 else exponential(emitter, builder.fneg(x))
    return builder.fdiv(one, builder.fadd(one, power))
