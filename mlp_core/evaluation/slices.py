"""Work in slices: whoever has it done can do something else between two of them, such as look whether it is wanted."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

T = TypeVar("T")

Slices = Generator[None, None, T]
"""Work that stops for a moment at every `yield`, and returns a T at its end."""


def finish(work: Slices[T]) -> T:
    """Do all of it."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            found: T = end.value
            return found
