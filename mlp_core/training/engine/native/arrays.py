"""Tensors as native code sees them, and what the writing of an operator is given."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import fx

from mlp_core.training.engine.native.emitter import Emitter, Value
from mlp_core.training.engine.tracing import UnsupportedError


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


def need_rows(*arrays: Array) -> None:
    """Raises `UnsupportedError` for an array whose elements do not lie row by row."""
    if not all(array.contiguous for array in arrays):
        raise UnsupportedError("its step reads numbers that do not lie row by row")


@dataclass(frozen=True)
class Place:
    """What a lowering is given: the emitter, the vector's width, the node, and its result to be filled.

    `room` gives memory for so many numbers, which may be read a vector beyond its end.
    """

    emitter: Emitter
    width: int
    node: fx.Node
    target: Array
    room: Callable[[int], Value]


Lowering = Callable[..., None]
"""Writes an operator's code, from its place and the arguments of its signature."""
