"""The exponential, the error function and GELU of a vector as oneDNN computes them, for what PyTorch leaves to it.

Its algorithms and their numbers are those of `src/cpu/x64/injectors/jit_uni_eltwise_injector.cpp` of oneDNN 3.
"""

from __future__ import annotations

import math
import struct
from functools import cache

from llvmlite import binding, ir

from mlp_core.engines.native.emitter import I32, Emitter, Value, number, vector

_EXP = 0.999999701, 0.499991506, 0.166676521, 0.0418978221, 0.00828929059
"""Factors of r, r², … in its polynomial for e^r."""
_LEAST, _MOST = -87.33654022216797, 88.72283935546875
"""Logarithms of the smallest and the largest number; below the first, the result is 0."""
_BIAS, _DIGITS = 127, 23
"""Of a number in single precision: what its exponent is stored with, and how many digits follow it."""
_ERF = 0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429
_ERF_SLOPE = 0.3275911
_GELU_FACTORS = (
    "a6f2cb94 32827792 3381cc0c 34523d4a 351ac44d 35f36d88 36ee8229 37b8a3bb 3867a213 "
    "3940033b 3a2a5a1d 3ae35863 3b7828f2 3c08b14b 3c515ed3 bb503236 bd8d8e5e "
    "be8abcd9 bf0c19a2 beccb328 3e176ced 3f470d99 3f7abb28 3f800000 00000000",
    "3f4c422a 3f4c421f 3f4c4207 3f4c41cb 3f4c413b 3f4c3fad 3f4c3a2f 3f4c2d40 3f4c146a "
    "3f4bc341 3f4ad08c 3f48f8cf 3f45fac7 3f404e07 3f3b980f 3f48dff3 3f78b21b "
    "3fbb0704 40019c32 3fe536d6 3f81331e 3e6c8684 3c98f936 00000000 3f800000",
    "b62173f4 3735e4cf 37f2ff89 388c23be 3917535c 39ab2ab0 3a60fadb 3af9b960 3b6e5491 "
    "3c0a4ec5 3ca5aa8c 3d2138d9 3d8737d4 3ddfb660 3e0f27ab 3d94004b be0efdeb "
    "bf1d96c3 bf89db58 bf6d9897 bef69fb8 bdc4f8a8 bbde6422 00000000 00000000",
    "be081a19 be084570 be08639b be089837 be08f409 be09ab95 be0b66d0 be0e400a be124df8 "
    "be1bde02 be2f19c9 be4931bf be685fbc be89c95f be96cbca be8044aa be0550f2 "
    "3dcfd6a1 3e94c826 3e79345f 3decec91 3ca46568 3aa1e00a 00000000 00000000",
    "ba3d61db 39f097a3 3a5845dc 3ab1fa35 3b0cefb8 3b653ab6 3bcae527 3c221712 3c6c5840 "
    "3cc0a703 3d1dcc19 3d63656d 3d955907 3dbf9910 3dd53f69 3db7dcef 3d639ebe "
    "ba6ede48 bd22be69 bd041cf1 bc64f5ab bb097a32 b8ebf380 00000000 00000000",
    "3cb7d80c 3c9b6050 3c978d11 3c92e850 3c8d058b 3c848454 3c6cd623 3c4c824b 3c2a7935 "
    "3be0b390 3b0651ac bb232f53 bbd42fa0 bc2c5366 bc492c9e bc2a7aa6 bbd55d04 "
    "ba823a76 3b102aa8 3ae25a7e 3a31f792 38b84375 3689bb5a 00000000 00000000",
)
"""Factors of 1, x, x², … in its polynomials for erf(x/√2), in hexadecimal bits: one polynomial for each quarter of an
octave of x, the last ones for 1 and for x itself."""
_GELU_OFFSET, _GELU_SHIFT, _GELU_LEAST, _GELU_ONE, _GELU_MOST = 0xC21FFFFF, 21, 1, 23, 24
"""How bits of x become the place of its polynomial: what is added, then shifted away, and the bounds; `_GELU_ONE` is
the place of the one for 1."""
_GELU_BOUND = 0x40B15CEE
"""Bits of the x from which on erf(x/√2) is 1."""
LONG, SHORT = 16, 8
"""Numbers in a vector with AVX-512, and without."""
_LONG_FEATURES = ("avx512f", "avx512bw", "avx512vl", "avx512dq")
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
    whole = ir.VectorType(I32, kind.count)  # the sign's bit is taken over, so that -0 gives -0
    sign = builder.and_(builder.bitcast(x, whole), ir.Constant(whole, [1 << 31] * kind.count))
    return builder.bitcast(builder.xor(builder.bitcast(found, whole), sign), kind), power


@cache
def vector_width() -> int:
    """Numbers in a vector of oneDNN's, which goes by the processor alone, whatever PyTorch's own kernels use."""
    features = binding.get_host_cpu_features()
    return LONG if all(features.get(name) for name in _LONG_FEATURES) else SHORT


def long_gelu(emitter: Emitter, x: Value) -> Value:
    """x/2 · (1 + erf(x/√2)) of a vector of `LONG`, by a polynomial of degree five that is chosen by the size of x."""
    builder, kind = emitter.builder, x.type
    bits = ir.VectorType(I32, LONG)

    def every(value: int) -> Value:
        return ir.Constant(bits, [value] * LONG)

    def clamp(value: Value, relation: str, bound: Value) -> Value:
        return emitter.select(builder.icmp_signed(relation, value, bound), value, bound)

    positive = emitter.intrinsic("llvm.fabs", x)
    place = builder.ashr(builder.add(builder.bitcast(positive, bits), every(_GELU_OFFSET)), every(_GELU_SHIFT))
    place = clamp(clamp(place, ">", every(_GELU_LEAST)), "<", every(_GELU_MOST))
    bound = number(struct.unpack("f", struct.pack("I", _GELU_BOUND))[0], kind)
    place = emitter.select(builder.fcmp_ordered("<", bound, positive), every(_GELU_ONE), place)
    found: Value | None = None
    for factors in reversed(_GELU_FACTORS):
        factor = _chosen(emitter, factors, place)
        found = factor if found is None else emitter.fma(found, positive, factor)
    sign = builder.and_(builder.bitcast(x, bits), every(1 << 31))
    found = builder.bitcast(builder.xor(builder.bitcast(found, bits), sign), kind)
    return builder.fmul(builder.fmul(x, builder.fadd(found, number(1.0, kind))), number(0.5, kind))


def _chosen(emitter: Emitter, factors: str, place: Value) -> Value:
    """From up to twice as many factors as fit into a vector, the one at each lane's place."""
    kind, name = vector(LONG), "llvm.x86.avx512.vpermi2var.ps.512"
    numbers = [struct.unpack(">f", bytes.fromhex(factor))[0] for factor in factors.split()]
    numbers += [0.0] * (2 * LONG - len(numbers))
    lower, upper = (ir.Constant(kind, numbers[begin : begin + LONG]) for begin in (0, LONG))
    function = emitter.module.globals.get(name)
    if function is None:
        function = ir.Function(emitter.module, ir.FunctionType(kind, [kind, place.type, kind]), name)
    return emitter.builder.call(function, [lower, place, upper])
