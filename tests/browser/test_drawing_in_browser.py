"""Drawing points in a browser: by pointer, by finger and by keyboard, with what is said about it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.chromium import LIMIT_MS, serve, wait_idle

pytestmark = pytest.mark.browser

DEMO = Path(__file__).with_name("drawing_demo.py")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serve(DEMO) as url:
        yield url


def opened(chromium: Any, url: str, **options: Any) -> Any:
    page = chromium.new_page(viewport={"width": 390, "height": 844}, **options)
    page.set_default_timeout(LIMIT_MS)
    page.goto(url)
    wait_idle(page)
    page.wait_for_selector("[data-points]")
    return page


def wait_for(page: Any, condition: str) -> list[list[int]]:
    """Waits until what the server has, as `sent`, fulfils a JavaScript condition; gives its points."""
    page.wait_for_function(
        f"() => {{ const sent = JSON.parse(document.querySelector('#sent').textContent); return {condition} }}"
    )
    points: list[list[int]] = json.loads(page.locator("#sent").inner_text())["points"]
    return points


def at(page: Any, x: float, y: float) -> tuple[float, float]:
    """The pixel of a place on the plane, in hundredths."""
    box = page.locator("canvas.plane").bounding_box()
    return box["x"] + (x + 125) / 250 * box["width"], box["y"] + (125 - y) / 250 * box["height"]


def press(page: Any, *places: tuple[float, float]) -> None:
    """One stroke with the pointer."""
    page.mouse.move(*at(page, *places[0]))
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*at(page, *place), steps=5)
    page.mouse.up()


def said(page: Any) -> str:
    return str(page.locator("p.said").inner_text())


def test_pointer_places_sprays_erases_and_takes_back(chromium: Any, address: str) -> None:
    page = opened(chromium, address)
    assert "2 of at most 12 points (class 0: 1, <b>class 1</b>: 1, class 2: 0)" in said(page)
    page.get_by_role("radio", name="class 2").click()
    press(page, (0, 60))
    points = wait_for(page, "sent.points.length === 3")
    assert points[2][2] == 2
    assert abs(points[2][0]) <= 2
    assert abs(points[2][1] - 60) <= 2
    press(page, (-100, -100), (-50, -100))
    trail = wait_for(page, "sent.answered === 2")[3:]
    assert 3 <= len(trail) <= 7, "a trail of points, not one for every pixel"
    page.get_by_role("radio", name="Erase").click()
    press(page, (-110, -100), (-40, -100))
    assert wait_for(page, "sent.answered === 3") == points
    page.get_by_role("button", name="Undo").click()
    assert wait_for(page, "sent.answered === 4") == [*points, *trail]
    page.get_by_role("button", name="Clear").click()
    assert wait_for(page, "sent.answered === 5") == []
    page.get_by_role("radio", name="Spray").click()
    page.mouse.move(*at(page, 0, 0))
    page.mouse.down()
    page.mouse.up()
    sprayed = wait_for(page, "sent.answered === 6")
    assert sprayed
    assert all(x * x + y * y <= 21**2 for x, y, _ in sprayed)
    page.close()


def test_everything_by_keyboard_and_said(chromium: Any, address: str) -> None:
    page = opened(chromium, address)
    plane = page.locator("canvas.plane")
    plane.focus()
    label = plane.get_attribute("aria-label")
    assert label.startswith("Plane with 2 points. Arrow keys move")
    for key in ("ArrowRight", "ArrowRight", "ArrowUp", "Shift+ArrowUp"):
        page.keyboard.press(key)
    assert said(page) == "0.10, 0.06"
    page.keyboard.press("2")
    assert said(page) == "class 2 is chosen."
    page.keyboard.press("Space")
    assert wait_for(page, "sent.points.length === 3")[2] == [10, 6, 2]
    assert said(page) == "class 2 placed at 0.10, 0.06. 3 points."
    page.keyboard.press("Delete")
    wait_for(page, "sent.points.length === 2")
    assert said(page) == "Point of class 2 removed. 2 points."
    page.keyboard.press("Delete")
    assert said(page) == "No point near 0.10, 0.06."
    page.keyboard.press("Control+z")
    wait_for(page, "sent.points.length === 3")
    page.close()


def test_no_more_points_than_allowed(chromium: Any, address: str) -> None:
    page = opened(chromium, address)
    press(page, (-110, 110), (110, 110), (110, -110))
    assert len(wait_for(page, "sent.answered === 1")) == 12
    assert "no more are possible" in said(page)
    page.close()


def test_finger(chromium: Any, address: str) -> None:
    page = opened(chromium, address, has_touch=True)
    page.touchscreen.tap(*at(page, 30, -30))
    assert wait_for(page, "sent.points.length === 3")[2][2] == 0
    page.close()


def test_values(chromium: Any, address: str) -> None:
    page = opened(chromium, f"{address}?values")
    page.locator("canvas.plane").focus()
    for _ in range(3):
        page.keyboard.press("-")
    page.keyboard.press("Enter")
    assert wait_for(page, "sent.points.length === 3")[2] == [0, 0, 70]
    assert "value 0.70 placed" in said(page)
    page.close()


def test_the_servers_word_counts(chromium: Any, address: str) -> None:
    page = opened(chromium, address)
    page.get_by_role("button", name="Replace").click()
    page.wait_for_selector("[data-points='1']")
    page.get_by_role("button", name="Undo").click()
    wait_for(page, "sent.points.length === 2")
    page.close()
    page = opened(chromium, f"{address}?refuse")
    press(page, (0, 60))
    wait_for(page, "sent.answered === 1")
    page.wait_for_selector("[data-points='2']")
    page.close()


def test_a_locked_plane_cannot_be_changed(chromium: Any, address: str) -> None:
    page = opened(chromium, f"{address}?locked")
    press(page, (0, 60))
    page.locator("canvas.plane").focus()
    page.keyboard.press("Space")
    assert page.locator("[data-points]").get_attribute("data-points") == "2"
    assert page.get_by_role("button", name="Clear").is_disabled()
    page.close()
