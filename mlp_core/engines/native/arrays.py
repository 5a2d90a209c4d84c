"""Memory of native code, and tensors as it sees them: an address, a shape and strides."""

from __future__ import annotations

import ctypes
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

LINE = 64
"""Bytes at whose multiples PyTorch's tensors begin, and so every array here: products round by where they begin."""
NUMBER_BYTES = 4
PAGE_BYTES = 1 << 14


@dataclass(frozen=True)
class Array:
    """Numbers in memory, of single precision unless a kernel says otherwise."""

    address: int
    """Where the first one lies."""
    shape: tuple[int, ...]
    """How many there are along each axis."""
    strides: tuple[int, ...]
    """How far apart neighbours along each axis lie, in numbers."""

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return math.prod(self.shape)

    @property
    def transposed(self) -> Array:
        """The matrix with rows and columns exchanged, in the same memory."""
        return Array(self.address, self.shape[::-1], self.strides[::-1])

    def part(self, axis: int, begin: int, end: int) -> Array:
        """The part from one index to before another along an axis."""
        shape = tuple(end - begin if a == axis else length for a, length in enumerate(self.shape))
        return Array(self.address + NUMBER_BYTES * begin * self.strides[axis], shape, self.strides)


def of_tensor(tensor: Tensor) -> Array:
    """A tensor's own memory."""
    return Array(tensor.data_ptr(), tuple(tensor.shape), tuple(tensor.stride()))


def view(address: int, count: int, kind: Any) -> NDArray[Any]:
    """Memory as Python sees it."""
    return np.frombuffer((ctypes.c_char * (count * np.dtype(kind).itemsize)).from_address(address), dtype=kind)


def copy(source: NDArray[Any]) -> NDArray[Any]:
    """A copy made while the GIL is held: NumPy gives it away for a large one, and then waits for it."""
    return np.frombuffer(bytearray(source.data), dtype=source.dtype)


def put(source: NDArray[Any], target: NDArray[Any]) -> None:
    """Copy numbers into others' place, in the same way."""
    target.data[:] = source.data


class Memory:
    """Memory that is given out piece by piece, and lives as long as this object.

    Behind each piece there is room for a vector, so that kernels may read and write whole vectors beyond its end.
    """

    def __init__(self) -> None:
        self._pages: list[Tensor] = []
        self._next = self._end = 0

    def room(self, count: int, number_bytes: int = NUMBER_BYTES) -> int:
        """The address of memory for so many numbers, zero at first."""
        wanted = -(-(count * number_bytes + LINE) // LINE) * LINE
        if self._next + wanted > self._end:
            page = torch.zeros(max(wanted, PAGE_BYTES), dtype=torch.uint8)
            self._pages.append(page)
            self._next, self._end = page.data_ptr(), page.data_ptr() + len(page)
        found, self._next = self._next, self._next + wanted
        return found

    def view(self, count: int, kind: Any) -> NDArray[Any]:
        """New memory for so many numbers of a kind, as Python sees it. It must not outlive this object."""
        return view(self.room(count, np.dtype(kind).itemsize), count, kind)

    def array(self, *shape: int) -> Array:
        """A new array whose numbers lie row by row."""
        strides = tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))
        return Array(self.room(math.prod(shape)), shape, strides)
