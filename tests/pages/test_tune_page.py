"""The Tune page without a browser: a rate is found and taken, batch sizes are scanned, seeds are compared."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from mlp_core.presets import preset
from mlp_core.training.session import Session
from pages.live.runs import BrowserRuns
from tests.pages.test_pages import LIMIT, ROOT, messages, use

TUNE = ROOT / "pages" / "tune" / "page.py"


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Iterator[BrowserRuns]:
    session = Session()
    made = use(monkeypatch, session)
    monkeypatch.chdir(ROOT)
    yield made
    made.lease._ends = 0  # what goes on ends
    assert session.close(timeout=LIMIT)


def widget(app: AppTest, kind: str, name: str) -> Any:
    return next(each for each in getattr(app, kind) if (each.key or "").rsplit("--", 1)[0] == name)


def charts(app: AppTest) -> dict[str, Any]:
    given = [json.loads(bytes(element.proto.bytes)) for element in app.get("bidi_component") if element.proto.bytes]
    return {part["slot"]: part for part in given if part.get("slot", "").startswith("tune-")}


def text(app: AppTest) -> str:
    return " ".join(element.value for element in (*app.markdown, *app.caption)).replace("\\", "")


def opened(app: AppTest, tab: str) -> AppTest:
    app.session_state["tune_tab"] = tab
    return app.run()


def pressed(app: AppTest, runs: BrowserRuns, button: str, name: str) -> AppTest:
    """Press what begins it, wait for its end, and draw the page again."""
    widget(app, "button", button).click().run()
    work = runs.work[name]
    assert getattr(work, "trials", getattr(work, "work", None)).wait(LIMIT)
    return app.run()


def test_settings_are_found_compared_and_taken(runs: BrowserRuns) -> None:
    app = AppTest.from_file(str(ROOT / "pages" / "entry" / "main.py"), default_timeout=LIMIT)
    app.session_state["experiment"] = preset("plane").experiment
    app.run()
    session = runs.session
    assert session.wait(lambda now: now.status == "ready", LIMIT)
    app.switch_page(str(TUNE)).run()
    assert not app.exception
    assert "Press **Find**" in messages(app)
    widget(app, "number_input", "tune-find_lr-high").set_value(1e-7).run()
    widget(app, "button", "tune-find").click().run()
    assert "must be larger than 'low'" in messages(app)
    widget(app, "number_input", "tune-find_lr-high").set_value(10).run()
    pressed(app, runs, "tune-find", "finder")
    assert not app.error
    assert "Suggested: " in charts(app)["tune-ramp"]["alt"]
    assert "smaller of the two" in text(app)
    assert session.snapshot().step == 0, "the run itself goes no step"
    use_rate = widget(app, "button", "tune-use-rate")
    rate = float(use_rate.label.split()[1])
    use_rate.click().run()
    assert app.session_state["experiment"].optimizer.params["lr"] == rate
    assert widget(app, "button", "tune-use-rate").disabled

    opened(app, "Batch size")
    widget(app, "number_input", "tune-batch_scan-epochs").set_value(1)
    widget(app, "number_input", "tune-batch_scan-count").set_value(3).run()
    pressed(app, runs, "tune-batch_scan-scan", "batch_scan")
    assert {"tune-batch_scan-loss", "tune-batch_scan-cost"} <= set(charts(app))
    size = int(widget(app, "button", "tune-batch_scan-use").label.split()[1])
    widget(app, "button", "tune-batch_scan-use").click().run()
    assert app.session_state["experiment"].training.batch_size == size

    opened(app, "Seeds")
    for name, value in (("count", 3), ("epochs", 2)):
        widget(app, "number_input", f"tune-seeds-{name}").set_value(value)
    app.button_group(key="tune_compare").set_value("One change").run()
    assert "another value than the run has" in text(app)
    widget(app, "number_input", "tune-other-optimizer.lr").set_value(1e-6).run()
    assert widget(app, "button", "tune-seeds-train").label == "Train 6 runs"
    pressed(app, runs, "tune-seeds-train", "seeds")
    assert "3 seeds: median" in charts(app)["tune-seeds"]["alt"]
    assert "The test loss of B is" in text(app)
    assert "3 shared seeds" in text(app)
    app.switch_page(str(ROOT / "pages" / "glossary" / "page.py")).run()
    app.session_state["tune_tab"] = "Seeds"
    app.session_state["tune_lines"] = True
    app.switch_page(str(TUNE)).run()
    assert len(charts(app)["tune-seeds"]["figure"]["data"]) == 2 * (2 + 3 + 1), "it stays, with every seed"
    assert not app.exception
