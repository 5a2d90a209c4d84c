"""The Landscape page without a browser: computing, what it shows, and what it says once the run has gone on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from mlp_core.presets import preset
from mlp_core.training.session import Session
from tests.pages.test_pages import LIMIT, ROOT, messages, use

LANDSCAPE = ROOT / "pages" / "landscape" / "page.py"


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    made = Session()
    use(monkeypatch, made)
    monkeypatch.chdir(ROOT)
    yield made
    assert made.close(timeout=LIMIT)


def train(session: Session, epochs: int) -> None:
    for _ in range(epochs):
        before = session.snapshot().epoch
        session.step_epoch()
        assert session.wait(lambda now, before=before: now.epoch > before and not now.busy, LIMIT)


def field(app: AppTest, kind: str, name: str) -> Any:
    return next(widget for widget in getattr(app, kind) if (widget.key or "").startswith(name))


def computed(app: AppTest) -> AppTest:
    """Press Compute, and draw the page again when it is done."""
    field(app, "button", "landscape-compute").click().run()
    work = app.session_state["landscape_held"].work
    assert work is None or work.wait(LIMIT)
    return app.run()


def charts(app: AppTest) -> dict[str, Any]:
    given = [json.loads(bytes(element.proto.bytes)) for element in app.get("bidi_component") if element.proto.bytes]
    return {part["slot"]: part for part in given if part.get("slot", "").startswith("landscape-")}


def test_a_landscape_is_computed_and_stays_and_says_whose_it_is(session: Session) -> None:
    app = AppTest.from_file(str(ROOT / "pages" / "entry" / "main.py"), default_timeout=LIMIT)
    app.session_state["experiment"] = preset("spiral").experiment
    app.run()
    assert session.wait(lambda now: now.status == "ready", LIMIT)
    app.switch_page(str(LANDSCAPE)).run()
    assert not app.exception
    assert "Press **Compute**" in messages(app)

    field(app, "number_input", "landscape-size").set_value(3).run()
    assert "'size' parameter of the loss landscape" in messages(app)
    field(app, "number_input", "landscape-size").set_value(7).run()
    assert not app.error
    field(app, "button_group", "landscape-directions").set_value("path").run()
    computed(app)
    assert "at least 3 moments" in messages(app)

    train(session, 4)
    step = session.snapshot().step
    computed(app)
    assert not app.error
    shown = charts(app)
    assert {"landscape-train-0", "landscape-test-0"} <= set(shown)
    assert "The path leads from step 0" in shown["landscape-train-0"]["alt"]
    text = " ".join(caption.value for caption in app.caption)
    assert f"Training loss of the weights at step {step}" in text
    assert "% of the path's variance" in text

    app.switch_page(str(ROOT / "pages" / "data" / "page.py")).run()
    train(session, 1)
    app.switch_page(str(LANDSCAPE)).run()
    assert charts(app), "it stays while one looks at other pages"
    assert f"weights of step {step}; the run is at step {session.snapshot().step}" in messages(app)
    field(app, "button_group", "landscape_form").set_value("Surface").run()
    assert charts(app)["landscape-test-1"]["figure"]["data"][0]["type"] == "surface"
    session.reset()
    assert session.wait(lambda now: now.step == 0 and now.status == "ready", LIMIT)
    assert "of an earlier run" in messages(app.run())
    assert not app.exception
