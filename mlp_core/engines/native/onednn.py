"""The exponential and the error function of a vector as oneDNN computes them, for what PyTorch leaves to it."""

from __future__ import annotations

import math

from llvmlite import ir

from mlp_core.engines.native.emitter import I32, Emitter, Value, number

_EXP = 0.999999701, 0.499991506, 0.166676521, 0.0418978221, 0.00828929059
"""Factors of r, r², … in its polynomial for e^r."""
_LEAST, _MOST = -87.33654022216797, 88.72283935546875
"""Logarithms of the smallest and the largest number; below the first, the result is 0."""
_BIAS, _DIGITS = 127, 23
"""Of a number in single precision: what its exponent is stored with, and how many digits follow it."""
_ERF = 0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429
_ERF_SLOPE = 0.3275911
ROOT_OF_INVERSE_PI = 0.5641895532608032
"""The library's own constant, the last digit of which is not the nearest."""


def exponential(emitter: Emitter, x: Value) -> Value:
    """e to the power of x: 2^n · e^r with x = n · log 2 + r."""
    builder, kind = emitter.builder, x.type
    least, most = number(_LEAST, kind), number(_MOST, kind)
    bounded = emitter.select(builder.fcmp_ordered("<", x, most), x, most)
    bounded = emitter.select(builder.fcmp_ordered(">", bounded, least), bounded, least)
    turns = emitter.fma(bounded, number(1 / math.log(2), kind), number(0.5, kind))
    n = emitter.intrinsic("llvm.floor", turns)
    r = emitter.fma(builder.fneg(n), number(math.log(2), kind), bounded)
    found = number(_EXP[-1], kind)
    for factor in (*reversed(_EXP[:-1]), 1.0):
        found = emitter.fma(r, found, number(factor, kind))
    whole_kind = ir.VectorType(I32, kind.count)

    def whole(value: int) -> Value:
        return ir.Constant(whole_kind, [value] * kind.count)

    # 2^n is too large for a number where n is 128, so it is half of that first.
    exponent = builder.add(builder.fptosi(builder.fsub(n, number(1.0, kind)), whole_kind), whole(_BIAS))
    half = builder.bitcast(builder.shl(exponent, whole(_DIGITS)), kind)
    half = emitter.select(builder.fcmp_ordered("<", x, least), number(0.0, kind), half)
    return builder.fmul(builder.fmul(found, half), number(2.0, kind))


def erf(emitter: Emitter, x: Value) -> tuple[Value, Value]:
    """The error function (Abramowitz and Stegun, 7.1.26), and e^-x² that is computed for it."""
    builder, kind = emitter.builder, x.type
    one = number(1.0, kind)
    t = builder.fdiv(one, emitter.fma(number(_ERF_SLOPE, kind), emitter.intrinsic("llvm.fabs", x), one))
    polynomial = number(_ERF[-1], kind)
    for factor in reversed(_ERF[:-1]):
        polynomial = emitter.fma(polynomial, t, number(factor, kind))
    power = exponential(emitter, builder.fneg(builder.fmul(x, x)))
    found = emitter.fma(builder.fmul(builder.fneg(power), t), polynomial, one)
    return emitter.select(builder.fcmp_ordered("<", x, number(0.0, kind)), builder.fneg(found), found), power
