"""A residual block in a real browser: composed by hand, trained, and taken away as a script with the same digits."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from mlp_core.link import parse
from mlp_core.spec import Experiment
from tests.browser.chromium import LIMIT_MS, ROOT, browser, serve, wait_idle
from tests.browser.test_playground import field_of, fill, menu, press, ready, show_list
from tests.browser.test_take_away import shown

pytestmark = pytest.mark.browser

EPOCHS = 20
LINE = re.compile(r"epoch \d+: train loss ([\d.]+), test loss ([\d.]+), test accuracy ([\d.]+)")


@pytest.fixture
def page() -> Iterator[Any]:
    with serve(ROOT / "app.py") as address, browser() as chromium:
        opened = chromium.new_page(viewport={"width": 1440, "height": 1000})
        opened.set_default_timeout(LIMIT_MS)
        opened.goto(f"{address}/?preset=spiral")
        ready(opened)
        yield opened


def experiment_in(url: str) -> Experiment:
    """The experiment that the address of a page holds."""
    found = parse(dict(parse_qsl(urlsplit(url).query))).experiment
    assert found is not None
    return found


def output_of(*arguments: str, folder: Path) -> str:
    """What a Python process prints."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=True
    ).stdout


def test_a_block_is_composed_trained_and_exported(page: Any, tmp_path: Path) -> None:
    show_list(page)
    menu(page, "add-layer", "Residual")
    menu(page, "add-layer-6", "Linear + activation")
    fill(page, "layer-6-2-Linear-out_features", "12")
    fill(page, "layer-6-4-Linear-out_features", "5")
    page.get_by_text("must give as many values as come in, 8. Got 5 instead").wait_for()
    press(page, "fix-0")
    page.get_by_text("470 parameters").wait_for()
    assert page.locator(field_of("layer-6-4-Linear-out_features")).input_value() == ""
    press(page, "more")
    fill(page, "training-epochs", str(EPOCHS))
    page.keyboard.press("Escape")
    ready(page)
    press(page, "train")
    page.get_by_text("finished", exact=True).wait_for()
    wait_idle(page)
    numbers = shown(page)
    experiment = experiment_in(page.url)
    assert [layer.type for layer in experiment.layer_at((6,)).inside] == ["Linear", "ReLU", "Linear", "ReLU", "Linear"]

    page.get_by_role("link", name="Export", exact=True).first.click()
    page.get_by_text("prints the numbers").wait_for()
    with page.expect_download() as download:
        page.locator(".st-key-download-script button").first.click()
    script = tmp_path / "run.py"
    download.value.save_as(script)
    assert "class Residual(nn.Sequential):" in script.read_text(encoding="utf-8")
    printed = LINE.findall(output_of(str(script), folder=tmp_path))

    spec = tmp_path / "spec.json"
    spec.write_text(experiment.to_json(), encoding="utf-8")
    records = map(json.loads, output_of("-m", "mlp_core", "train", str(spec), "--jsonl", folder=ROOT).splitlines())
    evaluations = [record for record in records if record["event"] == "evaluation"]
    names = ("train_loss", "test_loss", "test_accuracy")
    assert printed == [tuple(f"{record[name]:.6f}" for name in names) for record in evaluations]
    assert len(printed) == EPOCHS
    train_loss, test_loss, accuracy = map(float, printed[-1])
    assert numbers["train loss"] == f"{train_loss:.3f}"
    assert numbers["test loss"] == f"{test_loss:.3f}"
    assert numbers["test accuracy"] == f"{accuracy:.1%}"
