"""In the real app: a zip of images is brought, and a network learns it."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.chromium import LIMIT_MS, ROOT, browser, serve, wait_idle

sys.path.insert(0, str(ROOT / "tests" / "images"))

from picture_zip import digit_files, packed

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app with a data folder of its own."""
    before = os.environ.get("MLP_DATA_DIR")
    os.environ["MLP_DATA_DIR"] = str(tmp_path_factory.mktemp("data"))
    try:
        with serve(ROOT / "app.py") as url:
            yield url
    finally:
        os.environ.pop("MLP_DATA_DIR")
        if before is not None:
            os.environ["MLP_DATA_DIR"] = before


def test_a_zip_is_brought_and_learned(address: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.zip"
    path.write_bytes(packed({**digit_files("split", 400), "set/train/0/torn.png": b"\x89PNG"}))
    with browser() as chromium:
        page = chromium.new_page(viewport={"width": 1440, "height": 1000})
        page.set_default_timeout(LIMIT_MS)
        page.goto(f"{address}/data")
        page.locator("input[type=file]").set_input_files(path)
        page.get_by_text("400 images of 10 classes").wait_for()
        page.get_by_text("1 file is left out").wait_for()
        page.get_by_text("320 training samples, 80 test samples").wait_for()
        page.get_by_role("button", name="Use a network for images").click()
        page.get_by_role("button", name="Use a network for images").wait_for(state="detached")
        wait_idle(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.get_by_text("Train on it in the Playground").click()
        page.get_by_text("ready", exact=True).wait_for()
        page.get_by_role("button", name="Train").click()
        page.get_by_text(re.compile(r"^(8[5-9]|9\d|100)\.\d%$")).first.wait_for()
        page.close()
