"""A race of four activations on the spiral in a real browser, from the menu of all settings to who has won."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.browser.chromium import LIMIT_MS, ROOT, browser, serve, wait_idle

pytestmark = pytest.mark.browser

WORDS = "[...document.querySelectorAll('.st-key-race-verdict *')].map(e => e.shadowRoot?.textContent ?? '').join(' ')"


def test_four_activations_race_on_the_spiral(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLP_DATA_DIR", str(tmp_path))
    with serve(ROOT / "app.py") as address, browser() as chromium:
        page: Any = chromium.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(LIMIT_MS)
        page.goto(address)
        page.get_by_text("ready", exact=True).first.wait_for()
        wait_idle(page)
        page.get_by_role("button", name="Close", exact=True).first.click()
        page.locator(".st-key-more button").first.click()
        page.locator(".st-key-settings-race button").first.click()
        page.get_by_text("Activation", exact=True).last.click()
        page.locator(".st-key-race-start button").wait_for()
        for count in (3, 4):
            page.locator(".st-key-race-add-variant button").click()
            page.wait_for_function(f"document.querySelectorAll('[class*=st-key-race-card-]').length === {count}")
            wait_idle(page)
        page.locator("[class*=st-key-race-full-speed] label").first.click()
        wait_idle(page)
        page.locator(".st-key-race-start button").click()
        page.wait_for_function(f"/ leads?: test accuracy | are level: /.test({WORDS})")
        page.wait_for_function(f"/ wins: | end in a tie: /.test({WORDS})")
        said = page.evaluate(WORDS)
        assert re.search(r"(\w+ wins: test accuracy [\d.]+ %, [\d.]+ points? before|tie: test accuracy)", said)
        assert "after 200 epochs." in said
        page.locator(".st-key-race-again button").first.wait_for()
        curves = "document.querySelector('.st-key-race-curves .mlp-plot')?.figure?.data"
        page.wait_for_function(f"{curves}?.length === 4 && {curves}.every(line => line.x)")
        assert page.locator("[class*=st-key-race-picture-] .mlp-plot").count() == 4
        assert page.locator("[data-testid=stException]").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
