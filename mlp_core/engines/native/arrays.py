"""Tensors as native code sees them, and what the writing of an operator is given."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import fx

from mlp_core.engines.native.emitter import Emitter, Value
from mlp_core.engines.native.sharing import Part
from mlp_core.engines.tracing import UnsupportedError


@dataclass(frozen=True)
class Array:
    """Numbers in memory: where they begin, and how they lie. `kind` is the type of an element."""

    pointer: Value
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    kind: Value

    @property
    def size(self) -> int:
        """How many elements there are."""
        return math.prod(self.shape)

    @property
    def contiguous(self) -> bool:
        """Whether elements lie row by row without gaps."""
        expected = 1
        for length, stride in zip(reversed(self.shape), reversed(self.strides), strict=True):
            if length != 1 and stride != expected:
                return False
            expected *= length
        return True

    def slice(self, emitter: Emitter, axis: int, begin: int, end: int) -> Array:
        """The part of it from one index to before another along an axis."""
        shape = tuple(end - begin if a == axis else length for a, length in enumerate(self.shape))
        return Array(emitter.at(self.pointer, begin * self.strides[axis], self.kind), shape, self.strides, self.kind)


def need_rows(*arrays: Array) -> None:
    """Raises `UnsupportedError` for an array whose elements do not lie row by row."""
    if not all(array.contiguous for array in arrays):
        raise UnsupportedError("its step reads numbers that do not lie row by row")


Offer = Callable[[int, Sequence[Value], Part], None]
"""Has work done by several threads: so many parts, the values that they take, and what writes one of them."""


@dataclass(frozen=True)
class Place:
    """What a lowering is given: the emitter, the vector's width, the node, and its result to be filled.

    `room` gives memory for so many numbers, which may be read a vector beyond its end; `offer` has work done in parts;
    `draw` gives the next 32 bits of the run's random numbers.
    """

    emitter: Emitter
    width: int
    node: fx.Node
    target: Array
    room: Callable[[int], Value]
    offer: Offer
    draw: Callable[[], Value]


Lowering = Callable[..., None]
"""Writes an operator's code, from its place and the arguments of its signature."""
