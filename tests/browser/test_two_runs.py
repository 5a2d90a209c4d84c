"""One browser trains two runs at the same time, and a page of a few lines shows how both go."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.chromium import LIMIT_MS, ROOT, browser, serve

pytestmark = pytest.mark.browser

SCRIPT = Path(__file__).with_name("two_runs.py")
APP = """
import streamlit as st

from pages.live.stream import routes

app = st.App({script!r}, routes=routes())
"""
LAST = (
    "Number.parseFloat(document.querySelector('.st-key-{}-loss .mlp-plot-words')"
    "?.ariaLabel?.match(/training, ([\\d.,]+)/)?.[1].replaceAll(',', '') ?? 0)"
)
"""The epochs that a run's loss curve shows; 0 before there is one."""


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Any]:
    script, app = tmp_path / "two_runs.py", tmp_path / "app.py"
    script.symlink_to(SCRIPT)
    (tmp_path / "static").symlink_to(ROOT / "pages" / "entry" / "static")  # Streamlit serves the folder beside a script
    app.write_text(APP.format(script=str(script)), encoding="utf-8")
    with serve(app) as address, browser() as chromium:
        opened = chromium.new_page()
        opened.set_default_timeout(LIMIT_MS)
        opened.goto(address)
        yield opened


def test_both_curves_grow_at_the_same_time(page: Any) -> None:
    streams: list[int] = []
    page.on("response", lambda response: "/live/" in response.url and streams.append(response.status))
    left, right = LAST.format("left"), LAST.format("right")
    page.locator(".st-key-both button").click()
    page.wait_for_function(f"{left} > 0 && {right} > 0")
    for _ in range(3):
        before = page.evaluate(f"[{left}, {right}]")
        page.wait_for_function(f"before => {left} > before[0] && {right} > before[1]", arg=before)
    assert len(streams) > 3, "the browser follows one stream for both"
    assert set(streams) == {200}
    assert page.locator("[data-testid=stException]").count() == 0
