"""Threads that do nothing but hold the interpreter lock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread


@contextmanager
def busy(count: int) -> Iterator[None]:
    """So many threads that count as fast as they can."""
    over = Event()

    def count_up() -> None:
        number = 0
        while not over.is_set():
            for _ in range(1000):
                number += 1

    threads = [Thread(target=count_up, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()
