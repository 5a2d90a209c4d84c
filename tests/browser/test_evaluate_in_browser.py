"""The Evaluate page in a real browser: a cell of the confusion matrix is pressed, a digit is drawn."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
from PIL import Image

from mlp_core.evaluation.drawing import digit_image
from mlp_core.link import query_of
from mlp_core.presets import mlp, preset
from mlp_core.spec import DataSpec, Experiment, OptimizerSpec
from tests.browser.chromium import LIMIT_MS, ROOT, serve, wait_idle

pytestmark = pytest.mark.browser

STROKES = {
    0: [[(0.5, 0.2), (0.68, 0.35), (0.68, 0.65), (0.5, 0.8), (0.32, 0.65), (0.32, 0.35), (0.5, 0.2)]],
    1: [[(0.5, 0.2), (0.5, 0.8)]],
    7: [[(0.3, 0.25), (0.7, 0.25), (0.45, 0.8)]],
}
"""Digits as a person would draw them."""


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MNIST's official files with few images: shaky drawings of three digits, and one 7 labelled as 1."""
    folder = tmp_path_factory.mktemp("data")
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    random = np.random.default_rng(0)
    for part, size in (("train", 300), ("t10k", 60)):
        labels = np.array([*STROKES])[np.arange(size) % 3].astype(np.uint8)
        images = [
            digit_image([np.array(stroke) + random.normal(0, 0.03, (len(stroke), 2)) for stroke in STROKES[label]],
                        (1, 28, 28))
            for label in labels
        ]  # fmt: skip
        if part == "t10k":
            labels[2] = 1  # a 7 that no network will take for the 1 that it is said to be
        content = np.concatenate(images).tobytes()
        (raw / f"{part}-images-idx3-ubyte").write_bytes(struct.pack(">4i", 2051, size, 28, 28) + content)
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">2i", 2049, size) + labels.tobytes())
    return folder


@pytest.fixture(scope="module")
def address(data_folder: Path) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLP_DATA_DIR", str(data_folder))
        with serve(ROOT / "app.py") as url:
            yield url


def experiment() -> Experiment:
    found = preset("fashion-mnist-quickstart").experiment
    return found.updated(
        data=DataSpec(dataset="MNIST"), layers=mlp((16,), "ReLU"),
        optimizer=OptimizerSpec(type="Adam", params={"lr": 0.01}),
        training=found.training.updated(batch_size=30, epochs=12),
    )  # fmt: skip


def predicted(page: Any, digit: int) -> None:
    """Wait until the network says so of the sample."""
    page.locator(".st-key-one-answer .value").get_by_text(str(digit), exact=True).wait_for()


def picture_of(digit: int) -> bytes:
    """A large image of a digit, dark on light, as a person has it on paper."""
    image = digit_image([np.array(stroke) for stroke in STROKES[digit]], (1, 28, 28))[0]
    content = io.BytesIO()
    Image.fromarray(255 - image.repeat(5, axis=0).repeat(5, axis=1)).save(content, "PNG")
    return content.getvalue()


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_a_cell_opens_its_images_and_a_drawn_digit_is_recognised(chromium: Any, address: str, phone: bool) -> None:
    size = {"width": 390, "height": 844} if phone else {"width": 1440, "height": 900}
    context = chromium.new_context(viewport=size, has_touch=phone, is_mobile=phone)
    page = context.new_page()
    page.set_default_timeout(LIMIT_MS)
    page.goto(f"{address}/evaluate?{urlencode(query_of(experiment()))}")
    page.locator(".st-key-train button:visible").first.click()
    page.get_by_text("Finished 12 epochs").wait_for()
    wait_idle(page)

    page.locator(".st-key-evaluate-confusion").scroll_into_view_if_needed()  # it is drawn when it is seen
    plot = page.locator(".st-key-evaluate-confusion .mlp-plot-picks .nsewdrag").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    x, y = box["x"] + box["width"] * 7.5 / 10, box["y"] + box["height"] * 1.5 / 10  # true 1, predicted 7
    page.touchscreen.tap(x, y) if phone else page.mouse.click(x, y)
    page.get_by_text("1 sample, the surest first").wait_for()
    images = page.locator(".st-key-evaluate-cell-grid .item canvas")
    images.first.wait_for()
    assert images.count() == 1
    assert "predicted 7" in images.first.get_attribute("aria-label")

    page.get_by_role("tab", name="Predict one").click()
    canvas = page.locator(".st-key-one-drawing canvas")
    canvas.wait_for()
    canvas.scroll_into_view_if_needed()
    for digit, (stroke,) in STROKES.items():
        box = canvas.bounding_box()
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place, steps=5)
        page.mouse.up()
        predicted(page, digit)
        page.get_by_role("button", name="Clear").click()
        page.get_by_text("Draw a digit: it is scaled").wait_for()
    if not phone:
        canvas.focus()
        for key, times in (("ArrowUp", 9), (" ", 1), ("ArrowDown", 18), (" ", 1)):
            for _ in range(times):
                page.keyboard.press(key)
        predicted(page, 1)
        page.get_by_text("As the network sees it").wait_for()
        page.get_by_role("radio", name="Upload").click()
        page.locator(".st-key-one-upload input[type=file]").set_input_files(
            {"name": "seven.png", "mimeType": "image/png", "buffer": picture_of(7)}
        )
        page.get_by_text("Invert: exchange light and dark").wait_for()
        predicted(page, 7)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()
