"""Every preset after every other one, while the one before trains: the page always shows the one that was chosen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import cycle, pairwise, permutations
from pathlib import Path
from typing import Any

import pytest

from mlp_core.presets import PRESETS, Preset
from tests.browser.chromium import LIMIT_MS, ROOT, browser, serve, wait_idle
from tests.browser.test_playground import STEPS, choose, data_folder, press, ready

__all__ = ["data_folder"]

pytestmark = pytest.mark.browser

NO_HEARTBEAT = "from pages.live import page; page.HEARTBEAT_SECONDS = 3600.0"
"""What a server runs first, so that a page that was not told something is not mended by chance."""


def kind(preset: Preset) -> tuple[object, ...]:
    """What the page shows of a preset; presets alike in this take turns, to keep the walk short."""
    facts = preset.experiment.data.facts
    return facts.plane, facts.sample_shape, facts.class_names


HERE = [
    preset for preset in PRESETS.values()
    if preset.experiment.data.entry.source != "downloaded" or preset.experiment.data.dataset == "FashionMNIST"
]  # fmt: skip
KINDS = list(dict.fromkeys(map(kind, HERE)))
"""Of the presets whose data is here."""


def round_trip(nodes: Sequence[Any]) -> list[Any]:
    """A way that goes from each node to each other one exactly once."""
    first, *rest = nodes
    way = [first]
    for place, other in enumerate(rest):
        way += round_trip(rest) if place == 0 else [other]
        way.append(first)
    return way


def walk() -> list[Preset]:
    """Presets such that each kind follows each other one exactly once, and those of a kind come by turns."""
    turns = {each: cycle([preset for preset in HERE if kind(preset) == each]) for each in KINDS}
    return [next(turns[each]) for each in round_trip(KINDS)]


@pytest.fixture
def page(data_folder: Path) -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLP_DATA_DIR", str(data_folder))
        with serve(ROOT / "app.py", before=NO_HEARTBEAT) as address, browser() as chromium:
            opened = chromium.new_page(viewport={"width": 1440, "height": 1000})
            opened.set_default_timeout(LIMIT_MS)
            opened.goto(f"{address}/?preset={walk()[0].name}")
            ready(opened)
            yield opened


def output_of(preset: Preset) -> str:
    """The selector of what the output area shows of the preset."""
    facts = preset.experiment.data.facts
    if facts.holds_images:
        return "[class*=st-key-output-view-images] canvas[aria-label*=predicted]"
    if facts.classifies and not facts.plane:
        # The names of its own classes: iris has others than the made-up table.
        names = ", ".join(f"td.name:text-is('{name}')" for name in facts.class_names)
        return f"[class*=st-key-output-view-rows] tr:has({names})"
    said = "Predicted against actual values"
    if facts.plane:
        said = "Decision boundary over x₁" if facts.classifies else "Predicted value over x₁"
    return f".st-key-output-view .mlp-plot-words[aria-label^='{said}']"


def check(page: Any, preset: Preset) -> None:
    """Whether the page shows this preset, all of it."""
    page.locator(f"[class*='st-key-preset-{preset.name}--']").wait_for(state="attached", timeout=LIMIT_MS)
    page.locator(output_of(preset)).first.wait_for(state="attached", timeout=LIMIT_MS)
    page.locator(".st-key-train button, .st-key-pause button").first.wait_for(timeout=LIMIT_MS)
    assert page.get_by_role("tab").first.inner_text() == "Overview"
    page.wait_for_function(
        "() => [...document.querySelectorAll('.mlp-plot-words')].every(one => !/here as soon/.test(one.ariaLabel))",
        timeout=LIMIT_MS,
    )
    assert page.locator("[data-testid=stException]").count() == 0
    assert page.locator(".st-key-notice [role=status]").inner_text() == ""


def test_every_preset_after_every_other_while_it_trains(page: Any) -> None:
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: message.type == "error" and problems.append(message.text))
    way = walk()
    assert Counter(pairwise(map(kind, way))) == Counter(permutations(KINDS, 2))
    assert {preset.name for preset in way} == {preset.name for preset in HERE}, "each preset is shown"
    check(page, way[0])
    for before, after in pairwise(way):
        if page.locator(".st-key-train button").count():
            press(page, "train")
        page.get_by_text(STEPS).wait_for()
        choose(page, "preset", after.label)
        check(page, after)
        assert not problems, f"{after.label} after {before.label}: {problems}"
    wait_idle(page)
