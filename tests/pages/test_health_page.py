"""What is wrong in a run, on the page: the list with its remedies, and the way back from a loss that broke."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from mlp_core.health import FINDINGS
from mlp_core.spec import InitSpec, LayerSpec
from pages.components import figure_table, health_board
from tests.pages.test_pages import LIMIT, app, field, messages  # noqa: F401


class Board:
    """Stands for the component: remembers what it is given, and presses a button where a test says so."""

    def __init__(self) -> None:
        self.given: dict[str, Any] = {}

    def __call__(self, *, key: str, data: bytes, on_tried_change: Any = None) -> None:
        self.given = {check["name"]: check for check in json.loads(data)["checks"]}

        def press() -> None:
            st.session_state[key] = SimpleNamespace(tried=st.session_state["pressed"])
            on_tried_change()

        st.text_input("Press", key="pressed")
        st.button("press", key="press", on_click=press)


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> Board:
    made = Board()
    monkeypatch.setattr(health_board, "_MOUNT", made)
    return made


def test_a_finding_is_shown_and_its_remedy_changes_the_experiment(app: AppTest, board: Board) -> None:  # noqa: F811
    low = InitSpec(type="constant_", params={"val": -9.0})
    dead = LayerSpec(type="Linear", params={"out_features": 8}, bias_init=low)
    app.session_state["experiment"] = app.session.experiment.updated(
        layers=(dead, LayerSpec(type="ReLU"), LayerSpec(type="Linear"))
    )
    app.session_state["live_tab"] = "Health"
    app.run()
    assert app.session.wait(lambda now: now.experiment is not None and len(now.experiment.layers) == 3, LIMIT)
    app.run()
    assert app.session.wait(lambda now: now.view("health") is not None, LIMIT)
    app.run()
    assert not app.exception
    assert list(board.given) == list(FINDINGS), "every row has its place, whatever is wrong"
    assert board.given["dead_units"]["level"] == "bad"
    assert "8 of the 8 units of layer 2 (ReLU)" in board.given["dead_units"]["sentence"]
    assert board.given["symmetry"]["level"] == "good"
    for name in ("no such finding", "symmetry", "dead_units"):
        app.text_input(key="pressed").set_value(name)
        app.button(key="press").click().run()
        assert not app.exception
    assert [layer.type for layer in app.session.experiment.layers] == ["Linear", "LeakyReLU", "Linear"]


def test_the_way_back_from_a_loss_that_broke(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    tables: list[dict[str, Any]] = []
    monkeypatch.setattr(figure_table, "_MOUNT", lambda *, key, data, **more: tables.append(json.loads(data)))
    field(app, "number_input", "lr").set_value(1e10).run()
    app.button(key="train").click().run()
    assert app.session.wait(lambda now: now.status == "diverged", LIMIT)
    app.run()
    broken = app.session.snapshot()
    assert broken.autopsy is not None
    assert broken.autopsy.sentence in messages(app)
    assert [row[0][0] for row in tables[-1]["rows"]][:2] == ["1 (Linear)", "2 (Tanh)"]
    assert sum(row[0][1] != "" for row in tables[-1]["rows"]) == 1, "one layer is where it began"
    app.button(key="go-back").click().run()
    assert not app.exception
    assert app.session.experiment.optimizer.params["lr"] == 1e9
    assert field(app, "number_input", "lr").value == 1e9
    assert app.session.wait(lambda now: now.run != broken.run or now.learning_rate == 1e9, LIMIT)
