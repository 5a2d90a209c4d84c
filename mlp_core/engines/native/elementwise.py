"""Operators that work element by element, rounded as PyTorch's kernels round them.

PyTorch is compiled so that a product and the sum that takes it are rounded once; where its kernels do so, `fma` is
written out here. Tested against PyTorch operator by operator, over numbers of all sizes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mlp_core.engines.native.emitter import F32, I8, I32, I64, NOTHING, Emitter, Value, number, vector, whole
from mlp_core.engines.native.functions import address_of, vector_function, vector_width
from mlp_core.engines.native.kernel import Kernel

ACCURATE = 0x2 | 0x140000 | 0x100
"""How PyTorch calls MKL's vector functions: high accuracy, numbers below 1e-38 kept, errors ignored."""


@dataclass(frozen=True)
class Rule:
    """An operator of one element at a time."""

    arrays: int
    """How many arrays it takes."""
    numbers: int
    """How many numbers it takes besides, the same for every element."""
    write: Callable[..., Value]
    """From an emitter, an element of each array and the numbers to the result; vectors or single numbers."""
    width: Callable[[], int] = vector_width
    """Gives how many elements are computed at a time."""
    scalar_ends: bool = False
    """Whether the last elements, which fill no two vectors, are computed one by one, with the C library's functions."""
    doubles: int = 0
    """How many numbers of double precision it takes after those."""

    def kernel(self) -> Kernel:
        """The operator over whole arrays: target, arrays, numbers, and how many elements."""
        return Kernel("p" * (1 + self.arrays) + "f" * self.numbers + "d" * self.doubles + "i", self._loop)

    def _loop(self, emitter: Emitter, target: Value, *given: Value) -> None:
        sources, count = given[: self.arrays], given[-1]
        numbers, doubles = given[self.arrays : self.arrays + self.numbers], given[self.arrays + self.numbers : -1]
        width = self.width()
        in_vectors = emitter.round_down(count, 2 * width) if self.scalar_ends else count
        parts = [(whole(0), in_vectors, width), *([(in_vectors, count, 1)] if self.scalar_ends else [])]
        for begin, end, lanes in parts:
            kind = vector(lanes)
            spread = [emitter.spread(value, kind) for value in numbers]
            with emitter.loop(end, begin, lanes) as index:
                elements = [emitter.load(source, index, kind) for source in sources]
                emitter.store(self.write(emitter, *elements, *spread, *doubles), target, index)


def sign(emitter: Emitter, x: Value) -> Value:
    """1, 0 or -1."""
    zero, one = number(0.0, x.type), number(1.0, x.type)
    positive = emitter.select(emitter.builder.fcmp_ordered(">", x, zero), one, zero)
    negative = emitter.select(emitter.builder.fcmp_ordered("<", x, zero), one, zero)
    return emitter.builder.fsub(positive, negative)


RULES: dict[str, Rule] = {
    "add": Rule(2, 0, lambda emitter, a, b: emitter.builder.fadd(a, b)),
    "sub": Rule(2, 0, lambda emitter, a, b: emitter.builder.fsub(a, b)),
    "mul": Rule(2, 0, lambda emitter, a, b: emitter.builder.fmul(a, b)),
    "div": Rule(2, 0, lambda emitter, a, b: emitter.builder.fdiv(a, b)),
    "neg": Rule(1, 0, lambda emitter, x: emitter.builder.fneg(x)),
    "shift": Rule(1, 1, lambda emitter, a, b: emitter.builder.fadd(a, b)),
    "scale": Rule(1, 1, lambda emitter, a, b: emitter.builder.fmul(a, b)),
    "divide": Rule(1, 1, lambda emitter, a, b: emitter.builder.fdiv(a, b)),
    "abs": Rule(1, 0, lambda emitter, x: emitter.intrinsic("llvm.fabs", x)),
    "sgn": Rule(1, 0, sign),
}
"""Arithmetic of one element at a time, by its name in PyTorch."""


def function(emitter: Emitter, name: str, x: Value) -> Value:
    """A function such as 'exp': of a vector as PyTorch's vectors compute it, of a number as the C library does."""
    return emitter.call(address_of(f"{name}f") if x.type == F32 else vector_function(name), x.type, [x])


def mkl(emitter: Emitter, name: str, count: Value, source: Value, target: Value) -> None:
    """Call one of MKL's functions of whole arrays, as PyTorch does."""
    short = emitter.builder.trunc(count, I32)
    emitter.call(address_of(name), NOTHING, [short, source, target, whole(ACCURATE)])


def _dropout(emitter: Emitter, target: Value, noise: Value, source: Value, stream: Value, share: Value, kept: Value,
             count: Value) -> None:  # fmt: skip
    """Elements times noise: 1 / `kept` with the probability `share`, else 0."""
    builder = emitter.builder
    inverse = builder.fdiv(number(1.0), kept)
    with emitter.loop(count) as index:
        one = emitter.select(_drawn(emitter, stream, share), inverse, number(0.0))
        emitter.store(one, noise, index)
        emitter.store(builder.fmul(emitter.load(source, index), one), target, index)


def _alpha_dropout(emitter: Emitter, target: Value, noise: Value, source: Value, stream: Value, share: Value,
                   scale: Value, kept: Value, dropped: Value, count: Value) -> None:  # fmt: skip
    """Elements times noise, `scale` with the probability `share`, else 0, plus `kept` or `dropped`."""
    builder = emitter.builder
    with emitter.loop(count) as index:
        drawn = _drawn(emitter, stream, share)
        factor = emitter.select(drawn, scale, number(0.0))
        emitter.store(factor, noise, index)
        scaled = builder.fmul(emitter.load(source, index), factor)
        emitter.store(builder.fadd(scaled, emitter.select(drawn, kept, dropped)), target, index)


def _drawn(emitter: Emitter, stream: Value, share: Value) -> Value:
    """Draw whether something happens that has this probability.

    Of 64 drawn bits the lower 53 are the digits of a number in [0, 1).
    """
    builder, draw = emitter.builder, emitter.module.globals["draw"]
    upper, lower = (builder.zext(builder.call(draw, [stream]), I64) for _ in range(2))
    digits = builder.and_(builder.or_(builder.shl(upper, whole(32)), lower), whole((1 << 53) - 1))
    drawn = builder.fmul(builder.uitofp(digits, share.type), number(2.0**-53, share.type))
    return builder.fcmp_ordered("<", drawn, share)


def _accumulate(emitter: Emitter, target: Value, source: Value, count: Value) -> None:
    """Add to numbers in their place."""
    with emitter.loop(count) as index:
        added = emitter.builder.fadd(emitter.load(target, index), emitter.load(source, index))
        emitter.store(added, target, index)


def _copy(emitter: Emitter, target: Value, source: Value, count: Value) -> None:
    with emitter.loop(count) as index:
        emitter.store(emitter.load(source, index), target, index)


def _bytes_to_numbers(emitter: Emitter, target: Value, source: Value, divisor: Value, count: Value) -> None:
    """Bytes as numbers, divided: what an image is scaled to."""
    with emitter.loop(count) as index:
        value = emitter.builder.uitofp(emitter.load(source, index, I8), F32)
        emitter.store(emitter.builder.fdiv(value, divisor), target, index)


KERNELS: dict[str, Kernel] = {
    **{name: rule.kernel() for name, rule in RULES.items()},
    "copy": Kernel("ppi", _copy),
    "accumulate": Kernel("ppi", _accumulate),
    "dropout": Kernel("ppppdfi", _dropout),
    "alpha_dropout": Kernel("ppppdfffi", _alpha_dropout),
    "bytes_to_numbers": Kernel("ppfi", _bytes_to_numbers),
}
"""Kernels by name."""
