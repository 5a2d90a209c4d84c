"""Code that coverage does not follow: what is not of `mlp_core` takes twice as long while every line is counted."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def untraced() -> Iterator[None]:
    """Pause the measurement of coverage, if there is one; a worker of pytest-xdist has two, one above the other."""
    coverage, measuring = sys.modules.get("coverage"), []
    while coverage and (top := coverage.Coverage.current()):
        top.stop()
        measuring.append(top)
    try:
        yield
    finally:
        for each in reversed(measuring):
            each.start()
