"""What every test gets."""

from __future__ import annotations

import os
from pathlib import Path

# Before PyTorch is imported: small networks are slower on several threads, and sums come out in one order.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import settings

settings.register_profile("mlp", deadline=None)  # a machine that does other work too is slow, not wrong
settings.load_profile("mlp")

TESTS = Path(__file__).parent
SERVERS = (TESTS / "browser", TESTS / "test_benchmarks.py")
"""Where tests start servers and browsers, which have time limits of their own."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker runs all tests that start servers, so that no two browsers share the cores."""
    for item in items:
        if any(item.path.is_relative_to(place) for place in SERVERS):
            item.add_marker(pytest.mark.xdist_group("servers"))
