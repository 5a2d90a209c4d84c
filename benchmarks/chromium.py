"""A real browser, as the browser tests start it too."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
"""What its program may be called."""
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


class NoBrowserError(Exception):
    """There is no Chromium, or no Playwright to drive it; the message says which."""


def program() -> str | None:
    """The path of the browser's program, if there is one."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


@contextmanager
def chromium() -> Iterator[Any]:
    """A Playwright browser without windows; raises `NoBrowserError` where there is none."""
    path = program()
    if path is None:
        raise NoBrowserError(f"no {', '.join(PROGRAMS[:-1])} or {PROGRAMS[-1]} on the PATH")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise NoBrowserError("the package 'playwright' is not installed") from None
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield started
        finally:
            started.close()
