"""Runs compared, a sweep from a control to its best trial, and a learning rate that was found, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.chromium import LIMIT_MS, wait_idle

pytestmark = pytest.mark.browser

ROW, LEFT = 38, 18
"""The height of a row of the table of runs, and where its box to tick stands, in pixels."""
TRIALS = re.compile(r"^(\w+: )?(\d+) of (\d+) trials")


@pytest.fixture
def page(chromium: Any, address: str) -> Iterator[Any]:
    """The XOR preset of a browser of its own, whose cookie no other test has."""
    context = chromium.new_context(viewport={"width": 1440, "height": 1000}, reduced_motion="reduce")
    opened = context.new_page()
    opened.set_default_timeout(LIMIT_MS)
    opened.goto(f"{address}/?preset=xor")
    opened.locator(".st-key-train button:visible").first.wait_for()
    wait_idle(opened)
    yield opened
    assert opened.locator("[data-testid=stException]").count() == 0
    context.close()


def go(page: Any, name: str) -> None:
    """Open a page by its link, so that the visit goes on."""
    page.get_by_role("link", name=name, exact=True).first.click()
    page.locator("h3", has_text=re.compile(f"^{name}$")).first.wait_for()
    wait_idle(page)


def train_one_epoch(page: Any, rate: str) -> None:
    field = page.locator("[class*=st-key-lr--] input").first
    field.fill(rate)
    field.press("Enter")
    wait_idle(page)
    page.locator(".st-key-reset button:visible").first.click()
    page.get_by_text("0 steps", exact=True).first.wait_for()
    page.get_by_text(f"rate {rate}", exact=True).first.wait_for()
    page.locator(".st-key-epoch button:visible").first.click()
    page.get_by_text(re.compile(r"^[1-9][\d,]* steps$")).first.wait_for()
    page.get_by_text("ready", exact=True).first.wait_for()


def test_three_kept_runs_are_compared(page: Any) -> None:
    for rate in ("0.2", "0.4", "0.6"):
        train_one_epoch(page, rate)
    go(page, "Runs")
    page.get_by_text(re.compile(r"^3 runs, ")).first.wait_for()
    table = page.locator("[data-testid=stDataFrame]").first
    for row in range(3):
        table.click(position={"x": LEFT, "y": ROW * (row + 1.5)})
        wait_idle(page)
    page.get_by_text("3 runs side by side").first.wait_for()
    lines = "document.querySelector('.st-key-runs-curves .mlp-plot')?.figure?.data?.map(each => each.name ?? '')"
    for rate in ("0.2", "0.4", "0.6"):
        page.wait_for_function(f"rate => {lines}?.some(name => name.endsWith(rate))", arg=rate)
    page.get_by_role("tab", name="Output").first.click()
    drawn = "document.querySelectorAll('[class*=st-key-runs-output-] .mlp-plot[data-drawn]').length"
    page.wait_for_function(f"{drawn} === 3")


def test_a_sweep_goes_on_while_its_page_is_closed(page: Any, address: str) -> None:
    page.locator(".st-key-more button").first.click()
    page.get_by_role("button", name="Search in a sweep").first.click()
    page.get_by_text("Batch size", exact=True).last.click()
    page.locator("h3", has_text=re.compile("^Sweep$")).first.wait_for()
    for name, value in (("Trials", "6"), ("Epochs of a trial", "3")):
        field = page.get_by_label(name, exact=True).first
        field.fill(value)
        field.press("Enter")
        wait_idle(page)
    page.locator(".st-key-sweep-begin button").first.click()
    page.get_by_text(TRIALS).first.wait_for()
    context = page.context
    page.goto("about:blank")
    again = context.new_page()
    again.set_default_timeout(LIMIT_MS)
    again.goto(f"{address}/sweep")
    again.get_by_text("Finished: 6 of 6 trials").first.wait_for()
    said = again.locator(".st-key-sweep-trial p").first.inner_text()
    found = re.search(r"Batch size (\d+)", said)
    assert found, said
    again.locator(".st-key-sweep-open button").first.click()
    field = "document.querySelector('[class*=st-key-batch_size] input')"
    again.wait_for_function(f"value => {field}?.value === value", arg=found[1])
    again.wait_for_function("document.querySelector('.st-key-curve .mlp-plot')?.figure?.data?.length > 1")


def test_the_rate_that_was_found_is_taken_by_one_press(page: Any, address: str) -> None:
    page.goto(f"{address}/?preset=spiral")
    page.get_by_text("rate 0.03", exact=True).first.wait_for()
    wait_idle(page)
    go(page, "Tune")
    page.locator(".st-key-tune-find button").first.click()
    use = page.locator(".st-key-tune-use-rate button").first
    use.wait_for()
    rate = use.inner_text().split()[-1]
    use.click()
    page.get_by_role("link", name="Train with it").first.click()
    field = "document.querySelector('[class*=st-key-lr--] input')"
    page.wait_for_function(f"rate => {field}?.value === rate", arg=rate)
