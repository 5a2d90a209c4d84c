"""Sums in the order in which PyTorch adds: cascades that keep rounding errors small, four or a vector's width apart."""

from __future__ import annotations

from collections.abc import Callable

from mlp_core.engines.native.emitter import F32, Emitter, Value, number, vector, whole

LEVELS = 4
SIDE_BY_SIDE = 4
"""Partial sums that PyTorch keeps so that additions need not wait for one another."""

Load = Callable[[Value], Value]


def cascade(emitter: Emitter, load: Load, size: int, kind: object) -> Value:
    """`load(0) + load(1) + …`: sums of blocks, then sums of these, over at most `LEVELS` levels."""
    power = max(4, (max(size - 1, 0).bit_length()) // LEVELS)
    block, zero = 1 << power, number(0.0, kind)
    if size < block:
        return _run(emitter, load, 0, size, zero, kind)
    builder = emitter.builder
    levels = [emitter.variable(kind, zero) for _ in range(LEVELS)]
    blocks = size // block
    with emitter.loop(blocks) as position:
        begin = emitter.scale_index(position, block)
        total = _loop(emitter, load, begin, emitter.add_index(begin, block), zero, kind)
        builder.store(total, levels[0])
        after = builder.append_basic_block("carried")
        for level in range(1, LEVELS):
            lower, upper = levels[level - 1], levels[level]
            builder.store(builder.fadd(emitter.get(upper, kind), emitter.get(lower, kind)), upper)
            builder.store(zero, lower)
            mask = whole((block - 1) << (level * power))
            done = builder.icmp_signed("!=", builder.and_(emitter.add_index(begin, block), mask), whole(0))
            following = builder.append_basic_block("carry") if level + 1 < LEVELS else after
            builder.cbranch(done, after, following)
            builder.position_at_end(following)
    total = _run(emitter, load, blocks * block, size, emitter.get(levels[0], kind), kind)
    for level in range(1, LEVELS):
        total = builder.fadd(total, emitter.get(levels[level], kind))
    return total


def row_sum(emitter: Emitter, load: Load, size: int, kind: object) -> Value:
    """As `cascade`, with every fourth element in a sum of its own, and those added up at the end."""
    rows = size // SIDE_BY_SIDE

    def every_fourth(first: int) -> Load:
        return lambda index: load(emitter.add_index(emitter.scale_index(index, SIDE_BY_SIDE), first))

    partial = [cascade(emitter, every_fourth(first), rows, kind) for first in range(SIDE_BY_SIDE)]
    total = partial[0]
    for position in range(rows * SIDE_BY_SIDE, size):
        total = emitter.builder.fadd(total, load(whole(position)))
    for other in partial[1:]:
        total = emitter.builder.fadd(total, other)
    return total


def sum_of_rows(emitter: Emitter, source: Value, target: Value, rows: int, columns: int, width: int) -> None:
    """The sums of a matrix's columns, as `tensor.sum(0)`."""

    def sums(begin: int, end: int, count: int, order: Callable[..., Value]) -> int:
        """Sums of `count` columns at a time from `begin`, as long as they fit; returns where that ended."""
        kind, groups = vector(count), max(0, end - begin) // count

        def group(position: Value) -> None:
            column = emitter.add_index(emitter.scale_index(position, count), begin)
            found = order(
                emitter,
                lambda row: emitter.load(source, emitter.add_index(emitter.scale_index(row, columns), column), kind),
                rows,
                kind,
            )
            emitter.store(found, target, column)

        emitter.repeat(groups, group)
        return begin + groups * count

    if columns == 1 and rows >= width:
        emitter.store(sum_of_all(emitter, source, rows, width), target)
    elif columns >= width:
        at = sums(0, columns, SIDE_BY_SIDE * width, cascade)
        at = sums(at, columns, width, row_sum)
        sums(at, columns, 1, row_sum)
    else:
        at = sums(0, columns, SIDE_BY_SIDE, cascade)
        sums(at, columns, 1, row_sum)


def sum_of_all(emitter: Emitter, source: Value, size: int, width: int) -> Value:
    """The sum of elements that lie one after the other, as `tensor.sum()`."""
    if size < width:
        return row_sum(emitter, lambda i: emitter.load(source, i), size, F32)
    kind, vectors = vector(width), size // width
    partial = row_sum(emitter, lambda i: emitter.load(source, emitter.scale_index(i, width), kind), vectors, kind)
    total = number(0.0)
    for position in range(vectors * width, size):
        total = emitter.builder.fadd(total, emitter.load(source, position))
    for lane in range(width):
        total = emitter.builder.fadd(total, emitter.lane(partial, lane))
    return total


UNROLLED = 8
"""Up to how many additions are written one after the other."""


def _run(emitter: Emitter, load: Load, begin: int, end: int, total: Value, kind: object) -> Value:
    """The total plus elements, in order."""
    if end - begin <= UNROLLED:
        for position in range(begin, end):
            total = emitter.builder.fadd(total, load(whole(position)))
        return total
    return _loop(emitter, load, whole(begin), whole(end), total, kind)


def _loop(emitter: Emitter, load: Load, begin: Value, end: Value, total: Value, kind: object) -> Value:
    builder = emitter.builder
    before = builder.block
    with emitter.loop(end, begin) as index:
        body, head = builder.block, index.parent
        with builder.goto_block(head):
            builder.position_after(index)
            running = builder.phi(kind)
        builder.position_at_end(body)
        following = builder.fadd(running, load(index))
        running.add_incoming(total, before)
        running.add_incoming(following, builder.block)
    return running
