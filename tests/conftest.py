"""What every test gets."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest

# Before PyTorch is imported: small networks are slower on several threads, and sums come out in one order.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from hypothesis import settings

settings.register_profile("mlp", deadline=None)  # a machine that does other work too is slow, not wrong
settings.load_profile("mlp")

SERVERS = "servers"
"""The group of tests that start a server, a Chromium or both: on several cores they share one, and leave the others."""
WITH_SERVERS = ("tests/browser/", "tests/test_benchmarks.py", "tests/test_benchmark_peers.py")


@pytest.hookimpl(tryfirst=True)  # pytest-xdist's own hook writes the group into the test's name
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put tests that start servers into one group, and each other module into a group of its own.

    Fixtures of a module are then made once, and tests that count threads or turns have their process to themselves.
    """
    for item in items:
        server = item.nodeid.startswith(WITH_SERVERS)
        item.add_marker(pytest.mark.xdist_group(SERVERS if server else item.nodeid.split("::")[0]))


@pytest.fixture(autouse=True)
def _same_main() -> Iterator[None]:
    """Streamlit's AppTest makes the script that it runs `__main__`, which every new process would then run again."""
    before = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = before
