"""The network's picture in a real browser: it lives, a neuron is added, a weight is set, by pointer and keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.chromium import LIMIT_MS, ROOT, browser, serve, wait_idle
from tests.browser.test_playground import press, ready

pytestmark = pytest.mark.browser

@pytest.fixture(scope="module")
def page() -> Iterator[Any]:
    with serve(ROOT / "app.py") as address, browser() as chromium:
        opened = chromium.new_page(viewport={"width": 1440, "height": 1000})
        opened.set_default_timeout(LIMIT_MS)
        opened.goto(f"{address}/?preset=xor")
        ready(opened)
        opened.locator(".mlp-network-tile[aria-label*='puts out']").first.wait_for()
        wait_idle(opened)
        yield opened


IN_PICTURE = "[...document.querySelectorAll('*')].map(each => each.shadowRoot?.querySelector('{}')).find(Boolean)"
"""The first element of the picture, which has a shadow root of its own, that a selector finds."""


def tile(page: Any, column: int, row: int) -> Any:
    return page.locator(f".mlp-network-tile[data-column='{column}'][data-row='{row}']")


def test_it_moves_while_the_network_trains(page: Any) -> None:
    before = int(page.locator(".mlp-network").get_attribute("data-drawn"))
    press(page, "train")
    page.wait_for_function(f"before => {IN_PICTURE.format('.mlp-network')}?.dataset.drawn > before + 3", arg=before)
    press(page, "pause")
    page.locator(".st-key-train button").first.wait_for()
    wait_idle(page)


def test_a_neuron_under_the_pointer_is_shown_large_in_the_output(page: Any) -> None:
    tile(page, 1, 2).hover()
    page.locator(".mlp-network-tip canvas").wait_for()
    page.locator("canvas[data-neuron]").wait_for(state="attached")
    page.mouse.move(5, 5)
    page.locator("canvas[data-neuron]").wait_for(state="detached")


def test_a_neuron_is_added_and_a_layer_removed(page: Any) -> None:
    head = page.locator(".mlp-network-head").nth(1)
    head.get_by_role("button", name="One neuron more").click()
    head.get_by_text("5 · ReLU").wait_for()
    tile(page, 1, 4).wait_for()
    page.get_by_role("button", name="Add a layer after").first.click()
    page.locator(".mlp-network-head").nth(3).wait_for()
    page.locator(".mlp-network-head").nth(1).get_by_role("button", name="Remove").click()
    page.locator(".mlp-network-head").nth(3).wait_for(state="detached")
    wait_idle(page)


def focused(page: Any) -> str:
    """The key of what has the focus in the picture."""
    return str(page.evaluate(f"{IN_PICTURE.format('.mlp-network')}?.getRootNode().activeElement?.dataset.key"))


def test_a_weight_is_set_by_keyboard_alone(page: Any) -> None:
    """Also right after an edit, while the neurons of the new network are still being computed."""
    head = page.locator(".mlp-network-head").nth(1)
    width = int(head.locator(".mlp-network-title").inner_text().split()[0])
    head.get_by_role("button", name="One neuron more").press("Enter")
    head.get_by_text(f"{width + 1} · ReLU").wait_for()
    assert focused(page) == "more 1", "what was pressed keeps the focus though it was drawn anew"
    tile(page, 0, 0).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    field = page.locator(".mlp-network-tip input").first
    field.wait_for()
    page.keyboard.type("3.5")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    assert focused(page) == "tile 1 0"
    page.keyboard.press("Enter")
    page.wait_for_function(f"() => {IN_PICTURE.format('.mlp-network-tip input')}?.value === '3.5'")
    page.keyboard.press("Escape")


def test_a_layer_is_set_in_place(page: Any) -> None:
    title = page.locator("button.mlp-network-title").first
    title.focus()
    page.keyboard.press("Enter")
    page.get_by_role("dialog").get_by_label("Type").nth(1).select_option("LeakyReLU")
    page.get_by_role("dialog").get_by_label("Negative slope").fill("0.2")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    assert focused(page) == "title 1"
    page.wait_for_function("decodeURIComponent(location.search).includes('experiment=')")
    assert title.inner_text().endswith("LeakyReLU")


def test_a_neuron_is_split_while_the_network_trains(page: Any) -> None:
    """By keyboard; the run goes on with its steps counted on, and what the split did to the losses is said."""
    press(page, "train")
    page.wait_for_function(f"() => {IN_PICTURE.format('.mlp-network')}?.dataset.drawn > 5")
    width = int(page.locator("button.mlp-network-title").first.inner_text().split()[0])
    tile(page, 1, 0).focus()
    page.keyboard.press("Enter")
    page.locator(".mlp-network-tip").get_by_role("button", name="Split").press("Enter")
    said = page.locator(".st-key-surgery").get_by_text("Split neuron 1 of layer 1: test loss")
    said.wait_for()
    before, after = said.inner_text().split("test loss ")[1].split(",")[0].split(" → ")
    assert before == after
    page.locator("button.mlp-network-title").first.get_by_text(f"{width + 1} · ").wait_for()
    page.locator(".st-key-pause button, .st-key-train button").first.wait_for()
    press(page, "pause")
    page.locator(".st-key-train button").first.wait_for()
    wait_idle(page)
