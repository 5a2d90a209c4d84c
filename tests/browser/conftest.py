"""What most tests in a real browser begin with; a module that needs another server has an `address` of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.chromium import ROOT, browser, serve


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser, for the tests of one module."""
    with browser() as started:
        yield started


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app with a data folder of its own, for the tests of one module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLP_DATA_DIR", str(tmp_path_factory.mktemp("data")))
        with serve(ROOT / "app.py") as url:
            yield url
