"""A table of one's own in a real browser: written out, uploaded, trained on to the bundled table's very digits."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from sklearn.datasets import load_breast_cancer

from mlp_core.link import query_of
from mlp_core.presets import preset
from mlp_core.problems import with_data
from mlp_core.spec import DataSpec, Experiment
from tests.browser.chromium import LIMIT_MS, wait_idle

pytestmark = pytest.mark.browser

NASTY = "<img src=x onerror=hit=1>"
CLASSES = ("=ja", "<i>nein</i> [x](javascript:hit=1) $y^2$ :red[z]")
MESSY = f";{NASTY};size;size;when;y\n" + "".join(
    f"{n};<b>{n % 3}</b>;{'groß' if n == 7 else f'{n % 11},5'};{n % 7};{n % 28 + 1:02d}.03.2024;{CLASSES[n % 2]}\n"
    for n in range(60)
)
"""As a spreadsheet of real life, and worse: an index without a name, markup in names of columns, classes and cells, a
repeated name, decimal commas, a word among numbers, dates."""


def is_shown_as_text(page: Any) -> bool:
    """Whether nothing of the names has become a part of the page."""
    return bool(page.evaluate(
        """() => window.hit === undefined && !document.querySelector('img[src=x], a[href^=javascript], .katex')
            && ![...document.querySelectorAll('i, b')].some(one => /nein|^[012]$/.test(one.textContent))"""
    ))  # fmt: skip


def experiment() -> Experiment:
    found = with_data(preset("two-hidden-relu").experiment, DataSpec(dataset="breast_cancer", test_fraction=0.3))
    return found.updated(training=found.training.updated(epochs=8, batch_size=20, seed=3))


def trained(page: Any) -> dict[str, str]:
    """The figures of the strip once the run has finished."""
    page.locator(".st-key-train button:visible").first.click()
    page.get_by_text("Finished 8 epochs").wait_for()
    wait_idle(page)
    cells = page.locator(".st-key-strip .cell")
    return dict(zip(cells.locator(".label").all_inner_texts(), cells.locator(".value").all_inner_texts(), strict=True))


def to(page: Any, name: str) -> None:
    """Open another page by the menu, as a user does: the session goes on."""
    page.get_by_role("link", name=name, exact=True).first.click()


def test_the_bundled_table_as_a_file_reaches_the_bundled_accuracy_to_the_digit(
    chromium: Any, address: str, tmp_path: Path
) -> None:
    page = chromium.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(LIMIT_MS)
    page.goto(f"{address}/?{urlencode(query_of(experiment()))}")
    bundled = trained(page)
    assert re.fullmatch(r"9\d\.\d%", bundled["test accuracy"])

    load_breast_cancer(as_frame=True).frame.to_csv(tmp_path / "cancer.csv", index=False)
    to(page, "Data")
    page.locator(".st-key-upload-file input[type=file]").set_input_files(tmp_path / "cancer.csv")
    page.get_by_text("569 rows, 31 columns").wait_for()
    page.get_by_text("398 training samples, 171 test samples").wait_for()
    to(page, "Playground")
    page.get_by_text("cancer.csv: predicts").wait_for()
    mine = trained(page)
    for figure in ("train loss", "test loss", "test accuracy"):
        assert mine[figure] == bundled[figure]
    page.close()


def test_a_messy_table_on_a_phone_is_put_right_trained_on_and_asked(
    chromium: Any, address: str, tmp_path: Path
) -> None:
    (tmp_path / "messy.csv").write_text(MESSY, encoding="cp1252")
    context = chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.set_default_timeout(LIMIT_MS)
    page.goto(f"{address}/data?{urlencode(query_of(experiment()))}")
    page.locator(".st-key-upload-file input[type=file]").set_input_files(tmp_path / "messy.csv")
    page.get_by_text("Column 'size': 1 cell is text (the first is 'groß' in row 8)").wait_for()
    page.get_by_role("button", name="Leave the rows out").tap()
    page.get_by_text("Column 'size': 1 cell is text").wait_for(state="hidden")
    page.get_by_text("Column 'column 1' seems to count the rows").wait_for()
    wait_idle(page)
    page.get_by_role("button", name="Ignore the column").tap()
    page.get_by_text("41 training samples, 18 test samples").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert is_shown_as_text(page)
    page.goto(page.url.replace("/data", "/"))
    page.get_by_text("messy.csv: predicts").first.wait_for(state="attached")
    assert is_shown_as_text(page)
    page.goto(page.url.replace("/?", "/evaluate?"))
    page.locator(".st-key-train button:visible").first.click()
    page.get_by_text("Finished 8 epochs").wait_for()
    page.get_by_role("tab", name="Predict one").click()
    when = page.get_by_label("when", exact=True)
    when.fill("soon")
    when.press("Enter")
    page.get_by_text("must hold a date such as 31.12.2024").wait_for()
    when.fill("")
    when.press("Enter")
    predicted = page.locator(".cell", has=page.get_by_text("predicted", exact=True)).locator(".value")
    assert predicted.inner_text() in CLASSES
    page.get_by_text(NASTY, exact=True).first.wait_for()
    assert is_shown_as_text(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()
