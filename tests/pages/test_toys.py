"""Toys of one entry each, on the Playground: selectable, trained, drawn, and in the address."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from toy_entries import CALLED, LARGEST, register

from mlp_core.commands.figures import save_figures
from mlp_core.link import decode, encode
from mlp_core.spec import Experiment
from mlp_core.training.session import Session
from pages.live import runs as browser
from pages.live.runs import PLAYGROUND, BrowserRuns

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 180


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> Experiment:
    """An experiment made of the toys."""
    return register(monkeypatch, CALLED)


@pytest.fixture
def app(toys: Experiment, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """The app in a browser that came with a link to that experiment, with the toy view on screen."""
    runs = BrowserRuns()
    session = Session()
    runs._sessions[PLAYGROUND] = session
    monkeypatch.setattr(browser, "browser_runs", lambda: runs)
    monkeypatch.chdir(ROOT)
    test = AppTest.from_file(str(ROOT / "pages" / "entry" / "main.py"), default_timeout=LIMIT)
    test.query_params["experiment"] = encode(toys)
    test.session_state["live_tab"] = LARGEST.label
    test.session = session  # type: ignore[attr-defined]
    test.run()
    assert session.wait(lambda snapshot: snapshot.status != "preparing", LIMIT)
    yield test.run()
    assert session.close(timeout=LIMIT)


@pytest.mark.layer_list
def test_toys_are_selectable_trained_and_drawn(app: AppTest, toys: Experiment, tmp_path: Path) -> None:
    assert not app.exception
    chosen = {box.key.rsplit("--", 1)[0]: box for box in app.selectbox if box.key}
    assert chosen["dataset"].value == "stripes"
    assert chosen["optimizer"].value == "SignDescent"
    types = [chosen[f"layer-{index}-type"].value for index in range(5)]
    assert types == ["Linear", "Sine", "Mirrored", "Averaged", "Linear"]
    assert LARGEST.label in [tab.label for tab in app.tabs]
    session: Session = app.session  # type: ignore[attr-defined]
    app.button(key="step").click().run()
    assert session.wait(lambda now: now.step == 1 and not now.busy and now.view("largest") is not None, LIMIT)
    page = app.session_state["live_page"]
    answer = json.loads(page.answer())
    drawn = answer["parts"]["largest"]
    assert drawn["alt"] == "Largest weight of 3 layers"
    assert drawn["figure"]["data"][0]["y"] == session.snapshot().view("largest")["largest"]
    written = {path.stem for path in save_figures(session.snapshot(), tmp_path)}
    assert "largest" in written
    query = app.query_params["experiment"]
    assert decode(query[0] if isinstance(query, list) else query) == toys == session.experiment
