"""The widgets of class weights: all alike, balanced, or numbers that are typed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from mlp_core.link import query_of
from mlp_core.presets import mlp
from mlp_core.spec import DataSpec, Experiment, LossSpec, OptimizerSpec
from mlp_core.training.session import Session
from pages.live import runs as browser
from pages.live.runs import PLAYGROUND, BrowserRuns

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 60  # seconds
RARE = tuple((x, 60 - x, 0) for x in range(-50, 50, 2)) + tuple((x, -60, 1) for x in range(-4, 4))
"""Fifty points of one class and eight of another."""


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """The session that the browser's Playground shows."""
    found = Session()
    runs = BrowserRuns()
    runs._sessions[PLAYGROUND] = found
    monkeypatch.setattr(browser, "browser_runs", lambda: runs)
    monkeypatch.chdir(ROOT)
    yield found
    assert found.close(timeout=LIMIT)


def opened(session: Session, data: DataSpec, loss: str, **params: Any) -> AppTest:
    """The Playground on an experiment, with the list of all settings open."""
    described = Experiment(
        data=data,
        layers=mlp((4,), "Tanh"),
        loss=LossSpec(type=loss, params=params),
        optimizer=OptimizerSpec(type="Adam"),
    )
    app = AppTest.from_file(str(ROOT / "pages" / "entry" / "main.py"), default_timeout=LIMIT)
    for name, value in query_of(described).items():
        app.query_params[name] = value
    app.session_state["more"] = True
    app.run()
    assert session.wait(lambda snapshot: snapshot.status != "preparing", LIMIT)
    return app.run()


def field(app: AppTest, kind: str, name: str) -> Any:
    return next(widget for widget in getattr(app, kind) if (widget.key or "").rsplit("--", 1)[0] == name)


def shown(app: AppTest) -> str:
    return " ".join(element.value for kind in (app.error, app.info, app.warning) for element in kind).replace("\\", "")


def test_weights_are_chosen_typed_and_refused(session: Session) -> None:
    app = opened(session, DataSpec(dataset="iris"), "CrossEntropyLoss")
    field(app, "selectbox", "loss-weight").set_value("balanced").run()
    assert session.experiment is not None
    assert session.experiment.loss.params["weight"] == "balanced"
    field(app, "selectbox", "loss-weight").set_value("numbers").run()
    assert session.experiment.loss.params["weight"] == (1.0, 1.0, 1.0)
    text = field(app, "text_input", "loss-weight-numbers")
    assert text.label == "Class weights of setosa, versicolor, virginica"
    text.set_value("1; 2.5 3").run()
    assert session.experiment.loss.params["weight"] == (1.0, 2.5, 3.0)
    field(app, "text_input", "loss-weight-numbers").set_value("1, two, 3").run()
    assert "Class weights must be None (all classes count alike)" in shown(app)
    assert session.experiment.loss.params["weight"] == (1.0, 2.5, 3.0), "what is refused changes nothing"
    field(app, "text_input", "loss-weight-numbers").set_value("1, 2").run()
    assert "must hold 3 numbers, one for each class" in shown(app)
    assert not app.exception


def test_a_weight_of_positives_is_one_number(session: Session) -> None:
    app = opened(session, DataSpec(dataset="moons"), "BCEWithLogitsLoss", pos_weight=2.5)
    assert session.experiment is not None
    assert field(app, "text_input", "loss-pos_weight-numbers").value == "2.5"
    field(app, "text_input", "loss-pos_weight-numbers").set_value("1, 2").run()
    assert "Weight of positives must be None" in shown(app)
    field(app, "selectbox", "loss-pos_weight").select_index(0).run()
    assert session.experiment.loss.params["pos_weight"] is None
    assert not app.exception


def test_a_rare_class_brings_a_proposal_that_one_click_follows(session: Session) -> None:
    app = opened(session, DataSpec(dataset="drawn", params={"samples": RARE}), "CrossEntropyLoss")
    assert "From 5 times as many on" in shown(app)
    press = next(button for button in app.button if "Set class weights to" in button.label)
    press.click().run()
    assert session.experiment is not None
    assert session.experiment.loss.params["weight"] == "balanced"
    assert "times as many" not in shown(app)
