"""Matrix products by the routine that PyTorch calls, with the arguments that it gives to it."""

from __future__ import annotations

from collections.abc import Sequence

from mlp_core.engines.native.arrays import Array, Place
from mlp_core.engines.native.emitter import I32, I64, NOTHING, Emitter, Value, number, whole
from mlp_core.engines.native.functions import address_of
from mlp_core.engines.native.helping import THREADS
from mlp_core.engines.tracing import UnsupportedError

BLOCK, LEAST = 16, 3
"""Where a piece of a shared product begins, in multiples, and the least rows, columns and summands that it has."""
SHARED_PRODUCT = 400_000
"""Products of two numbers in a matrix product from which a second core gains more than handing over costs."""


def multiply(
    emitter: Emitter, first: Array, second: Array, target: Array, beta: float, alpha: Value | float = 1.0
) -> None:
    """`target = alpha · first @ second + beta · target`, for a target whose rows lie one after the other.

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

    def place(value: Value) -> Value:
        return emitter.variable(value.type, value)

    letters = [place(whole(ord("t" if flip else "n"), I32)) for flip in (flip_left, flip_right)]
    sizes = [place(whole(size, I32)) for size in (m, n, inner)]
    leads = [place(whole(size, I32)) for size in (lead_left, lead_right, lead)]
    scale = place(number(alpha) if isinstance(alpha, float) else alpha)
    arguments = [
        *letters, *sizes, scale, left.pointer, leads[0], right.pointer, leads[1], place(number(beta)), target.pointer,
        leads[2],
    ]  # fmt: skip
    # As numbers, so that one type of argument does for pointers of any type.
    integers = [emitter.builder.ptrtoint(argument, I64) for argument in arguments]
    emitter.call(address_of("sgemm_"), NOTHING, integers)


def multiply_shared(place: Place, first: Array, second: Array, beta: float) -> None:
    """`target = first @ second + beta · target`, by several threads where the product is large.

    Every element is summed as in the whole product: the pieces lie on the library's own blocks, and are no vectors, for
    which it has other routines.
    """
    target = place.target
    (rows, inner), columns = first.shape, second.shape[1]
    axis = 0 if rows > columns else 1
    length = target.shape[axis]
    piece = -(-length // THREADS // BLOCK) * BLOCK
    if rows * inner * columns < SHARED_PRODUCT or min(rows, columns, inner) < LEAST or piece >= length:
        multiply(place.emitter, first, second, target, beta)
        return

    def part(emitter: Emitter, pointers: Sequence[Value], number: Value) -> None:
        left, right, result = (
            Array(pointer, array.shape, array.strides, array.kind)
            for pointer, array in zip(pointers, (first, second, target), strict=True)
        )
        for position, begin in enumerate(range(0, length, piece)):
            end = min(begin + piece, length)
            with emitter.builder.if_then(emitter.builder.icmp_signed("==", number, whole(position))):
                multiply(
                    emitter,
                    left.slice(emitter, 0, begin, end) if axis == 0 else left,
                    right.slice(emitter, 1, begin, end) if axis == 1 else right,
                    result.slice(emitter, axis, begin, end),
                    beta,
                )

    place.offer(-(-length // piece), [first.pointer, second.pointer, target.pointer], part)


def _layout(matrix: Array, by_column: int, rows: int, columns: int) -> tuple[bool, int]:
    """Whether the library must flip a matrix, of that shape in its terms, and the distance of its columns."""
    down, across = matrix.strides[by_column], matrix.strides[1 - by_column]
    if down == 1 and across >= max(1, rows):
        return False, across
    if across == 1 and down >= max(1, columns):
        return True, down
    raise UnsupportedError("a matrix product needs a copy of a matrix")
