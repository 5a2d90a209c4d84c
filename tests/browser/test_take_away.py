"""Code and links from the page give the run that the page showed, in a real browser."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.chromium import LIMIT_MS, ROOT, serve, wait_idle
from tests.browser.test_playground import show_list

pytestmark = pytest.mark.browser

STATUS = "[...document.querySelectorAll('.st-key-strip *')].map(e => e.shadowRoot?.textContent ?? '').join(' ')"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serve(ROOT / "app.py") as url:
        yield url


@pytest.fixture
def visit(chromium: Any) -> Iterator[Any]:
    """Opens an address in a browser profile of its own."""
    contexts = []

    def open_in_a_new_profile(url: str) -> Any:
        contexts.append(chromium.new_context(viewport={"width": 1440, "height": 1000}))
        page = contexts[-1].new_page()
        page.set_default_timeout(LIMIT_MS)
        page.goto(url)
        page.get_by_text("ready", exact=True).wait_for()
        wait_idle(page)
        return page

    yield open_in_a_new_profile
    for context in contexts:
        context.close()


def train_to_the_end(page: Any) -> str:
    """Train, and give the loss curve as the chart holds it then."""
    page.locator(".st-key-train button").first.click()
    page.get_by_text("finished", exact=True).wait_for()
    wait_idle(page)
    curve = "document.querySelector('.st-key-overview-loss .mlp-plot')?.figure?.data"
    page.wait_for_function(f"{curve}?.length > 1")
    drawn = "JSON.stringify(" + curve + ".filter(trace => trace.name === 'train').map(trace => trace.y))"
    page.wait_for_function(f"{drawn} === window.lastCurve || (window.lastCurve = {drawn}, false)", polling=1000)
    return str(page.evaluate(drawn))


def shown(page: Any) -> dict[str, str]:
    """The numbers of the state strip by their labels."""
    cells = page.locator(".st-key-strip .cell")
    found = {}
    for cell in cells.all():
        lines = cell.inner_text().split("\n")
        if len(lines) > 1:
            found[lines[0].strip()] = lines[1].strip()
    return found


def test_the_downloaded_script_prints_what_the_page_showed(visit: Any, address: str, tmp_path: Path) -> None:
    page = visit(f"{address}/?preset=two-hidden-relu")
    show_list(page)
    page.locator("[class*='st-key-layer-0-Linear-out_features--'] input").fill("7")
    page.keyboard.press("Enter")
    page.get_by_text("148 parameters").wait_for()
    page.get_by_text("ready", exact=True).wait_for()
    train_to_the_end(page)
    numbers = shown(page)
    page.get_by_role("link", name="Export", exact=True).first.click()
    page.get_by_text("prints the numbers").wait_for()
    with page.expect_download() as download:
        page.locator(".st-key-download-script button").first.click()
    script = tmp_path / "run.py"
    download.value.save_as(script)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ran = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    last = ran.stdout.strip().splitlines()[-1]
    found = re.fullmatch(r"epoch 200: train loss ([\d.]+), test loss ([\d.]+), test accuracy ([\d.]+)", last)
    assert found, last
    train_loss, test_loss, accuracy = map(float, found.groups())
    assert numbers["train loss"] == f"{train_loss:.3f}"
    assert numbers["test loss"] == f"{test_loss:.3f}"
    assert numbers["test accuracy"] == f"{accuracy:.1%}"


def test_a_copied_link_gives_the_same_curve_in_another_profile(visit: Any, address: str) -> None:
    first = visit(f"{address}/?preset=binary-16-12-10-1")
    first.locator("[class*='st-key-lr--'] input").fill("0.005")
    first.keyboard.press("Enter")
    first.wait_for_function("!location.search.includes('preset')")
    wait_idle(first)
    curve = train_to_the_end(first)
    assert "experiment=" in first.url
    second = visit(first.url)
    second.wait_for_function("document.querySelector('[class*=st-key-lr--] input')?.value === '0.005'")
    assert train_to_the_end(second) == curve
    assert shown(second)["test loss"] == shown(first)["test loss"]


def test_a_teachers_link_hides_and_fixes(visit: Any, address: str) -> None:
    page = visit(f"{address}/?preset=xor&hide=views,code&lock=network")
    show_list(page)
    page.locator("[class*='st-key-layer-0-Linear-out_features--'] input:disabled").wait_for()
    assert page.get_by_role("tab").count() == 0
    assert page.get_by_role("link", name="Data", exact=True).count() > 0
    assert page.get_by_role("link", name="Export", exact=True).count() == 0


def test_a_cold_deep_link_to_the_export_page_works(chromium: Any) -> None:
    with serve(ROOT / "app.py") as url:
        page = chromium.new_page()
        page.set_default_timeout(LIMIT_MS)
        page.goto(url + "/export?preset=moons")
        page.get_by_text("Two moons with a multilayer perceptron").first.wait_for()
        assert page.get_by_text("Page not found").count() == 0
        page.close()
