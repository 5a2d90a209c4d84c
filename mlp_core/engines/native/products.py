"""Matrix products by the routine that PyTorch calls, with the arguments that it gives to it."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from llvmlite import ir

from mlp_core.engines.native.arrays import Array
from mlp_core.engines.native.emitter import I64, NOTHING, POINTER, Emitter, Value, vector
from mlp_core.engines.native.functions import address_of, vector_width
from mlp_core.engines.native.helping import THREADS
from mlp_core.engines.native.kernel import Kernel
from mlp_core.engines.tracing import UnsupportedError

ARGUMENTS = 13
"""Of the library's product: two letters, three sizes, a factor, two matrices with their distances, another factor, and
the result with its distance. It takes the address of each."""
BLOCK, LEAST = 16, 3
"""Where a piece of a shared product begins, in multiples, and the least rows, columns and summands that it has."""
SHARED_PRODUCT = 400_000
"""Products of two numbers in a matrix product from which a second core gains more than handing over costs."""


@dataclass(frozen=True)
class Product:
    """A matrix product as the library takes it: by columns."""

    values: bytes
    """The letters, sizes, distances and factors, 32 bits each, in the order of `places`."""
    places: tuple[int, ...]
    """For each argument the position among the values, or the address of a matrix."""

    def addresses(self, values: int) -> list[int]:
        """What to call the library with, where the values lie at that address."""
        return [place if place >= _VALUES else values + 4 * place for place in self.places]


_VALUES = 10


def product(first: Array, second: Array, target: Array, beta: float) -> Product:
    """`target = first @ second + beta · target`, for a target whose rows lie one after the other.

    The library wants columns, so the product is taken transposed: second before first.
    """
    (rows, inner), columns = first.shape, second.shape[1]
    if target.strides[1] != 1 and columns != 1:
        raise UnsupportedError("a matrix product is written to columns")
    # A target of one row or column counts as columns for PyTorch if its strides allow it, and is not swapped then.
    if target.strides[0] == 1 and (columns == 1 or target.strides[1] >= max(1, rows)):
        left, right, m, n, lead = first, second, rows, columns, target.strides[1]
        by_column = 0
    else:
        left, right, m, n, lead = second, first, columns, rows, target.strides[0]
        by_column = 1
    flip_left, lead_left = _layout(left, by_column, m, inner)
    flip_right, lead_right = _layout(right, by_column, inner, n)
    if n == 1:
        lead = m
    if flip_left and m == 1:
        lead_left = inner
    elif not flip_left and inner == 1:
        lead_left = m
    if flip_right and inner == 1:
        lead_right = n
    elif not flip_right and n == 1:
        lead_right = inner
    letters = [ord("t" if flip else "n") for flip in (flip_left, flip_right)]
    values = struct.pack("<8i2f", *letters, m, n, inner, lead_left, lead_right, lead, 1.0, beta)
    places = (0, 1, 2, 3, 4, 8, left.address, 5, right.address, 6, 9, target.address, 7)
    return Product(values, places)


def pieces(first: Array, second: Array, target: Array, beta: float) -> list[Product]:
    """The product in pieces that several threads may do; one piece where that would not pay.

    Every element is summed as in the whole product: the pieces lie on the library's own blocks, and are no vectors, for
    which it has other routines.
    """
    (rows, inner), columns = first.shape, second.shape[1]
    axis = 0 if rows > columns else 1
    length = target.shape[axis]
    piece = -(-length // THREADS // BLOCK) * BLOCK
    if rows * inner * columns < SHARED_PRODUCT or min(rows, columns, inner) < LEAST or piece >= length:
        return [product(first, second, target, beta)]
    found = []
    for begin in range(0, length, piece):
        end = min(begin + piece, length)
        found.append(
            product(
                first.part(0, begin, end) if axis == 0 else first,
                second.part(1, begin, end) if axis == 1 else second,
                target.part(axis, begin, end),
                beta,
            )
        )
    return found


def _layout(matrix: Array, by_column: int, rows: int, columns: int) -> tuple[bool, int]:
    """Whether the library must flip a matrix, of that shape in its terms, and the distance of its columns."""
    down, across = matrix.strides[by_column], matrix.strides[1 - by_column]
    if down == 1 and across >= max(1, rows):
        return False, across
    if across == 1 and down >= max(1, columns):
        return True, down
    raise UnsupportedError("a matrix product needs a copy of a matrix")


def call_product(emitter: Emitter, arguments: list[Value]) -> None:
    """Call the library's product with the addresses of its arguments, as whole numbers."""
    emitter.call(address_of("sgemm_"), NOTHING, arguments)


def _mm(emitter: Emitter, *arguments: Value) -> None:
    call_product(emitter, list(arguments))


def _rows_of(emitter: Emitter, target: Value, bias: Value, rows: Value, columns: Value) -> None:
    """Fill every row of a matrix with a vector, to which a product is then added."""
    # As numbers, since pointers among the arguments promise that nobody else writes there, as the product does.
    target, bias = (emitter.builder.inttoptr(address, POINTER) for address in (target, bias))
    kind = vector(vector_width())
    with emitter.loop(rows) as row:
        begin = emitter.scale_index(row, columns)
        with emitter.loop(columns, 0, kind.count) as column:  # what is written behind a row, the next one overwrites
            emitter.store(emitter.load(bias, column, kind), target, emitter.add_index(begin, column))


def _addmm(emitter: Emitter, target: Value, bias: Value, rows: Value, columns: Value, *arguments: Value) -> None:
    _rows_of(emitter, target, bias, rows, columns)
    call_product(emitter, list(arguments))


KERNELS: dict[str, Kernel] = {
    "mm": Kernel("i" * ARGUMENTS, _mm),
    "addmm": Kernel("iiii" + "i" * ARGUMENTS, _addmm),
    "rows_of": Kernel("iiii", _rows_of),
}
"""Kernels by name."""


def write_part(module: ir.Module) -> None:
    """Write `product_part`, which does a piece of a product: the one of that number, of those at an address."""
    emitter = Emitter(module, "product_part", [POINTER, I64], shared=True)
    context, part = emitter.function.args
    begin = emitter.scale_index(part, ARGUMENTS)
    call_product(emitter, [emitter.load(context, emitter.add_index(begin, i), I64) for i in range(ARGUMENTS)])
    emitter.finish()
