"""Reading what is large: one after the other, and with the memory given back that it took on the way."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from mlp_core.catalog.tables import table_of
from mlp_core.data.errors import DataCancelled
from mlp_core.data.waiting import POLL_SECONDS, Cancelled, Progress, Report
from mlp_core.processor import PROCESSOR
from mlp_core.spec import DataSpec

SMALL_BYTES = 4 << 20
"""What is no larger is read in a fraction of a second, and waits for nobody."""


def is_large(spec: DataSpec) -> bool:
    """Whether a set takes seconds to be read: a large table, or any public set of images."""
    if spec.entry.source == "downloaded":
        return True
    table = table_of(spec.params) if spec.entry.source == "uploaded" and "table" in spec.params else None
    return table is not None and table.file.size > SMALL_BYTES


@contextmanager
def reading_turn(name: str, size: int, progress: Report, cancelled: Cancelled) -> Iterator[None]:
    """The block in which a file of so many bytes is read: large ones first come, first served.

    While it waits, `progress` says so. Raises `DataCancelled` when `cancelled()` says so meanwhile.
    """
    if size <= SMALL_BYTES:
        yield
        return
    turn = PROCESSOR.readings.ask()
    try:
        while not turn.held:
            if cancelled():
                raise DataCancelled(f"Waiting to read {name!r} was stopped. Start it again when you like.")
            progress(Progress(f"Waiting to read {name}: other large files come first"))
            turn.decided.wait(POLL_SECONDS)
        yield
    finally:
        turn.call_off()
        turn.end()
        give_back_memory()


def give_back_memory() -> None:
    """Hand free memory of pyarrow and of the C library back to the system: they keep much of it for the next file."""
    pyarrow = sys.modules.get("pyarrow")
    if pyarrow is not None:
        pyarrow.default_memory_pool().release_unused()
    if sys.platform == "linux":
        import ctypes

        with suppress(OSError, AttributeError):  # other C libraries than glibc have no such function
            ctypes.CDLL(None).malloc_trim(0)
