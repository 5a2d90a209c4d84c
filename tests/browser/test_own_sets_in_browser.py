"""In the real Playground: points are drawn by hand and learned, and a formula is fitted live."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from mlp_core.link import decode, query_of
from mlp_core.spec import DataSpec, Experiment, LayerSpec, LossSpec, OptimizerSpec
from tests.browser.chromium import LIMIT_MS, ROOT, serve, wait_idle

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serve(ROOT / "app.py") as url:
        yield url


def opened(chromium: Any, address: str, experiment: Experiment, **options: Any) -> Any:
    page = chromium.new_page(**options)
    page.set_default_timeout(LIMIT_MS)
    page.goto(f"{address}/?{urlencode(query_of(experiment))}")
    return page


def experiment(name: str, **params: Any) -> Experiment:
    data = DataSpec(dataset=name, params=params)
    tanh, hidden = LayerSpec(type="Tanh"), LayerSpec(type="Linear", params={"out_features": 16})
    return Experiment(
        data=data,
        layers=(hidden, tanh, hidden, tanh, LayerSpec(type="Linear")),
        loss=LossSpec(type="CrossEntropyLoss" if data.facts.classifies else "MSELoss"),
        optimizer=OptimizerSpec(type="Adam", params={"lr": 0.01}),
    )


def samples(page: Any) -> list[tuple[int, int, int]]:
    """The points that the address of the page holds."""
    found = decode(parse_qs(urlsplit(page.url).query)["experiment"][0])
    return list(found.data.params["samples"])


def alt_holds(page: Any, pattern: str) -> None:
    """Waits until the words of the output match."""
    page.wait_for_function(
        """pattern => [...document.querySelectorAll("[aria-label], [alt]")].some(
            one => new RegExp(pattern).test(one.getAttribute("aria-label") ?? one.getAttribute("alt")))""",
        arg=pattern,
    )


def test_points_drawn_on_a_phone_are_learned(chromium: Any, address: str) -> None:
    clusters = [(round(60 + 15 * math.cos(k)), round(60 + 15 * math.sin(k)), 0) for k in range(24)]
    page = opened(
        chromium, address, experiment("drawn", samples=[*clusters, (-60, -60, 1), (-50, -60, 1)]),
        viewport={"width": 390, "height": 844}, has_touch=True,
    )  # fmt: skip
    page.get_by_text("ready", exact=True).wait_for()
    page.locator(".st-key-sheet label").tap()
    page.locator("canvas.plane").wait_for()
    page.get_by_role("radio", name="class 1").tap()
    plane = page.locator("canvas.plane")
    plane.scroll_into_view_if_needed()
    box = plane.bounding_box()
    before = page.evaluate("location.search")
    for k in range(10):
        x, y = -60 + 15 * math.cos(k), -60 + 15 * math.sin(k)
        place = box["x"] + (x + 125) / 250 * box["width"], box["y"] + (125 - y) / 250 * box["height"]
        page.touchscreen.tap(*place)
    page.wait_for_selector("[data-points='36']")
    page.wait_for_function("before => location.search !== before", arg=before)
    page.get_by_text("ready", exact=True).wait_for()
    wait_idle(page)
    drawn = samples(page)
    assert len(drawn) == 36
    assert sum(target == 1 for *_, target in drawn) == 12
    page.get_by_role("button", name="Train").click()
    page.get_by_text("100.0%", exact=True).first.wait_for()
    page.close()


def test_a_formula_is_fitted_live(chromium: Any, address: str) -> None:
    page = opened(chromium, address, experiment("formula"), viewport={"width": 1440, "height": 1000})
    page.get_by_text("ready", exact=True).wait_for()
    wait_idle(page)
    field = page.get_by_role("textbox", name="Formula")
    field.fill("2x + 1")
    field.press("Enter")
    before = query_of(experiment("formula"))["experiment"]
    page.wait_for_function("token => !location.search.includes(token)", arg=before)
    page.get_by_text("ready", exact=True).wait_for()
    page.get_by_role("button", name="Train").click()
    alt_holds(page, r"y over x\. The network's curve lies between −\d.*It is 0\.[0-2]\d* from the formula on average")
    field.fill("2x +")
    field.press("Enter")
    page.get_by_text("ends too early").wait_for()
    page.close()
