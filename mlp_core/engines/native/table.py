"""A table of calls: which kernels a step or a pass calls, one after the other, and with what."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from mlp_core.engines.native.arrays import Array, Memory, view
from mlp_core.engines.native.library import KERNELS, Code, library
from mlp_core.engines.native.products import ARGUMENTS, Product, pieces, product

WORD = 8
"""Bytes of an argument."""


class Table:
    """Calls in the order in which they are made. `finish` puts them into memory for `walk`."""

    def __init__(self, memory: Memory, board: int = 0) -> None:
        self.memory = memory
        self.shares = False
        """Whether several threads may take part in one of the calls."""
        self._board = board
        self._calls: list[tuple[int, int]] = []
        self._words: list[int] = []
        self._code = library()
        self.address = 0
        """Where the finished table lies."""

    def __len__(self) -> int:
        return len(self._calls)

    def call(self, kernel: str, *arguments: Array | float) -> None:
        """Call a kernel of the library."""
        kinds = KERNELS[kernel].arguments
        self._add(self._code.address(kernel), [_word(a, k) for a, k in zip(arguments, kinds, strict=True)])

    def call_of(self, code: Code, name: str, *arguments: int) -> None:
        """Call a kernel of another module, which takes addresses and counts."""
        self._add(code.address(name), list(arguments))

    def in_parts(self, part: int, context: list[int], parts: int) -> None:
        """Have parts done by what begins at an address, each from the same context, by several threads if they are
        there."""
        place = self._put(context)
        self._add(self._code.address("in_parts"), [self._board, part, place, parts])
        self.shares |= parts > 1

    def multiply(self, first: Array, second: Array, target: Array, bias: Array | None = None) -> None:
        """`target = first @ second`, with a bias added to every row."""
        beta = 0.0 if bias is None else 1.0
        found = pieces(first, second, target, beta) if self._board else [product(first, second, target, beta)]
        addresses = [word for piece in found for word in piece.addresses(self._values(piece))]
        rows = [] if bias is None else [target.address, bias.address, *target.shape]
        if len(found) == 1:
            self._add(self._code.address("mm" if bias is None else "addmm"), [*rows, *addresses])
            return
        if rows:
            self._add(self._code.address("rows_of"), rows)
        self.in_parts(self._code.address("product_part"), addresses, len(addresses) // ARGUMENTS)

    def finish(self) -> None:
        """Put the calls into memory."""
        begin = self._put(self._words)
        self.address = self._put([word for kernel, offset in self._calls for word in (kernel, begin + offset)])

    def replace(self, old: int, new: int) -> None:
        """Put another word, such as an address, in the place of one that the calls were given."""
        words = self.words
        words[words == old] = new

    @property
    def words(self) -> NDArray[np.int64]:
        """The arguments of a finished table, in its own memory."""
        begin = int(view(self.address, 2, np.int64)[1])
        return view(begin, len(self._words), np.int64)

    def _add(self, kernel: int, words: list[int]) -> None:
        self._calls.append((kernel, WORD * len(self._words)))
        self._words += words

    def _values(self, piece: Product) -> int:
        place = self.memory.room(len(piece.values), 1)
        view(place, len(piece.values), np.uint8)[:] = np.frombuffer(piece.values, dtype=np.uint8)
        return place

    def _put(self, words: list[int]) -> int:
        place = self.memory.room(len(words), WORD)
        view(place, len(words), np.int64)[:] = words
        return place


def _word(argument: Array | float, kind: str) -> int:
    """An argument as 64 bits."""
    if isinstance(argument, Array):
        return argument.address
    if kind == "f":
        return int(struct.unpack("<I", struct.pack("<f", argument))[0])
    if kind == "d":
        return int(struct.unpack("<q", struct.pack("<d", argument))[0])
    return int(argument)
