"""A batch's samples, copied one after the other from where they lie among all."""

from __future__ import annotations

from typing import Any

from mlp_core.engines.native.emitter import F32, I8, I64, POINTER, Emitter, Value
from mlp_core.engines.native.kernel import Kernel

USUAL_WIDTHS = (1, 2)
"""Values of a sample: labels, and data that can be drawn in a plane."""


def _gather(kind: Any) -> Kernel:
    def write(emitter: Emitter, target: Value, source: Value, rows: Value, count: Value, width: Value) -> None:
        """`rows` is where the address of the samples' order lies, which changes from step to step."""
        order = emitter.builder.inttoptr(emitter.load(rows, 0, I64), POINTER)

        def gather(width: Value) -> None:
            with emitter.loop(count) as row:
                theirs = emitter.scale_index(emitter.load(order, row, I64), width)
                ours = emitter.scale_index(row, width)
                with emitter.loop(width) as column:
                    value = emitter.load(source, emitter.add_index(theirs, column), kind)
                    emitter.store(value, target, emitter.add_index(ours, column))

        emitter.for_sizes(width, USUAL_WIDTHS, gather)

    return Kernel("pppii", write)


def _gather_bytes(emitter: Emitter, target: Value, source: Value, rows: Value, divisor: Value, count: Value,
                  width: Value) -> None:  # fmt: skip
    """Bytes as numbers, divided."""
    order = emitter.builder.inttoptr(emitter.load(rows, 0, I64), POINTER)
    with emitter.loop(count) as row:
        theirs = emitter.scale_index(emitter.load(order, row, I64), width)
        ours = emitter.scale_index(row, width)
        with emitter.loop(width) as column:
            value = emitter.builder.uitofp(emitter.load(source, emitter.add_index(theirs, column), I8), F32)
            emitter.store(emitter.builder.fdiv(value, divisor), target, emitter.add_index(ours, column))


KERNELS: dict[str, Kernel] = {
    "gather_float32": _gather(F32),
    "gather_int64": _gather(I64),
    "gather_scaled": Kernel("pppfii", _gather_bytes),
}
"""Kernels by name."""
