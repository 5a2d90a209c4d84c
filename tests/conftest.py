"""What every test gets."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest

# Before PyTorch is imported: small networks are slower on several threads, and sums come out in one order.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from hypothesis import HealthCheck, settings
from untraced import untraced
from xdist.scheduler import LoadScopeScheduling

# A machine that does other work too is slow, not wrong.
settings.register_profile("mlp", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("mlp")

SERVERS = "servers"
"""The group of tests that start a server, a Chromium or both: on several cores they share one, and leave the others."""
WITH_SERVERS = ("tests/browser/", "tests/test_benchmarks.py", "tests/test_benchmark_peers.py")
NOT_OF_THE_CORE = ("tests/browser/", "tests/pages/", "tests/test_benchmark")
"""Tests of pages, browsers and benchmarks. Coverage is that of `mlp_core` by its own tests, and following every line of
Streamlit as well would double what these take."""


@pytest.hookimpl(optionalhook=True)  # only where pytest-xdist is
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Who runs what on several cores: one process all tests that start servers, and each other module one process.

    Fixtures of a module are then made once, and tests that count threads or turns have their process to themselves.
    """
    return Scheduler(config, log)


class Scheduler(LoadScopeScheduling):
    """Gives out groups of tests in the order in which they were collected."""

    def _split_scope(self, nodeid: str) -> str:
        return SERVERS if nodeid.startswith(WITH_SERVERS) else nodeid.split("::", maxsplit=1)[0]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """First the tests that start servers, which take longest, and last those that coverage does not follow.

    A thread that a test of a page leaves to compute would not be followed in the tests after it.
    """
    items.sort(key=lambda item: (not item.nodeid.startswith(WITH_SERVERS), item.nodeid.startswith("tests/pages/")))
    for item in items:
        if item.nodeid.startswith(WITH_SERVERS):  # they share the machine with others; what fails twice is a fault
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Pause coverage for a test that is not of the core, its fixtures included."""
    with untraced() if item.nodeid.startswith(NOT_OF_THE_CORE) else contextlib.nullcontext():
        yield


@pytest.fixture(autouse=True)
def _same_main() -> Iterator[None]:
    """Streamlit's AppTest makes the script that it runs `__main__`, which every new process would then run again."""
    before = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = before
