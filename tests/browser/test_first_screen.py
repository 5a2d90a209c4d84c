"""What is seen at once on screens of each size, measured in a real browser."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.chromium import LIMIT_MS, ROOT, browser, serve

pytestmark = pytest.mark.browser

DESKTOP = [(1440, 900), (1280, 720)]
SMALL = [(820, 1180), (390, 844), (360, 740)]

PLACES = """() => {
  const main = document.querySelector('[data-testid=stMain]')
  const box = selector => {
    const found = [...document.querySelectorAll(selector)].find(one => one.offsetWidth)
    if (!found) return null
    const { top, bottom, left, right } = found.getBoundingClientRect()
    return { top, bottom, left, right }
  }
  return {
    width: main.scrollWidth,
    train: box('.st-key-train button, .st-key-pause button'),
    figures: box('.st-key-figures'),
    network: box('.st-key-network'),
    output: box('.st-key-output .mlp-plot'),
    curve: box('.st-key-curve .mlp-plot'),
    learningRate: box('[class*=st-key-lr--]'),
    bar: box('.st-key-bar'),
    buttons: [...document.querySelectorAll('.st-key-bar button')].filter(one => one.offsetWidth)
      .map(one => Math.min(one.offsetWidth, one.offsetHeight)),
  }
}"""


def places(page: Any) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(PLACES)
    return found


def inside(box: dict[str, float], width: int, height: int) -> bool:
    return box["top"] >= 0 and box["left"] >= 0 and box["right"] <= width + 1 and box["bottom"] <= height + 1


def test_train_network_output_and_curve_are_on_the_first_screen_of_every_size() -> None:
    with serve(ROOT / "app.py") as address, browser() as chromium:
        page = chromium.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(LIMIT_MS)
        page.goto(f"{address}/?preset=spiral")  # without the welcome, which lies over the page
        page.get_by_text("ready", exact=True).wait_for()
        page.locator(".st-key-train button:visible").first.click()
        page.wait_for_selector(".st-key-curve .mlp-plot[data-drawn]")
        page.evaluate(
            "() => { window.shifts = 0; new PerformanceObserver(list => list.getEntries()"
            ".forEach(one => { if (!one.hadRecentInput) window.shifts += one.value }))"
            ".observe({ type: 'layout-shift' }) }"
        )
        page.wait_for_function("Number(document.querySelector('.st-key-curve .mlp-plot').dataset.drawn) > 3")
        assert page.evaluate("window.shifts") < 0.001, "nothing moves while it trains"
        for width, height in DESKTOP:
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_function(f"document.documentElement.clientWidth === {width}")
            found = places(page)
            assert found["width"] <= width
            for name in ("train", "figures", "output", "curve", "learningRate"):
                assert inside(found[name], width, height), (name, width, found[name])
            assert found["network"]["top"] < height / 3
        page.locator("[data-testid=stMain]").evaluate("main => main.scrollTo(0, 400)")
        assert inside(places(page)["train"], width, height), "the controls stay in sight"
        page.locator("[data-testid=stMain]").evaluate("main => main.scrollTo(0, 0)")
        for width, height in SMALL:
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_function(f"document.documentElement.clientWidth === {width}")
            found = places(page)
            assert found["width"] <= width
            assert found["learningRate"] is None, "the settings lie in a sheet"
            assert height - found["bar"]["bottom"] < 20, "Train stands at the lower edge"
            assert inside(found["train"], width, height)
            assert min(found["buttons"]) >= 44
            assert found["output"]["top"] > 0
            assert found["curve"]["bottom"] <= found["bar"]["top"] + 1, (width, found)
        page.locator(".st-key-sheet label").click()
        page.wait_for_function("document.querySelector('[class*=st-key-lr--]').offsetWidth > 0")
        sheet = places(page)
        assert sheet["learningRate"]["left"] >= 0
        assert sheet["learningRate"]["right"] <= width
