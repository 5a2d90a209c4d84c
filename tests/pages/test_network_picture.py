"""The network's picture on the Playground: what the browser is told, and what happens to what it sends."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from mlp_core.catalog import ALL_LAYERS
from mlp_core.catalog.features import FEATURES
from pages.components import network as component
from pages.playground.diagram import KEY, path_of
from tests.pages.test_pages import LIMIT, app, field, messages, opened  # noqa: F401


class Picture:
    """Stands for the component: remembers what it is given, and sends what a test puts into `sent`."""

    def __init__(self) -> None:
        self.given: dict[str, Any] = {}
        self.sent: list[dict[str, Any]] = []

    def __call__(self, *, key: str, data: bytes, on_act_change: Any) -> None:
        self.given = json.loads(data)

        def act() -> None:
            st.session_state[key] = SimpleNamespace(act=self.sent.pop())
            on_act_change()

        st.button("act", key="act", on_click=act)  # only callbacks may run a fragment

    @property
    def titles(self) -> list[tuple[str, int]]:
        return [(column["title"], column["width"]) for column in self.given["structure"]["columns"]]


@pytest.fixture(autouse=True)
def picture(monkeypatch: pytest.MonkeyPatch) -> Picture:
    made = Picture()
    monkeypatch.setattr(component, "_MOUNT", made)
    return made


def do(app: AppTest, picture: Picture, **done: Any) -> None:  # noqa: F811
    picture.sent.append(done)
    app.button(key="act").click().run()
    assert not app.exception
    app.run()
    assert not picture.sent


def layers(app: AppTest) -> list[str]:  # noqa: F811
    return [layer.type for layer in app.session.experiment.layers]


def test_it_shows_the_network_and_its_neurons(app: AppTest, picture: Picture) -> None:  # noqa: F811
    assert app.session.wait(lambda now: now.view("neurons") is not None, LIMIT)
    app.run()
    assert picture.titles == [("input", 2), *[("8 · Tanh", 8)] * 3, ("2 · Linear", 2)]
    columns = picture.given["structure"]["columns"]
    assert columns[0]["names"] == ["x₁", "x₂"]
    assert columns[-1]["names"] == ["class 0", "class 1"]
    assert picture.given["of"] == picture.given["structure"]["identity"]
    assert picture.given["values"]["numbers"]["weights"]["places"] == [1, 2, 3, 4]
    assert picture.given["structure"]["loss"] == "Cross-entropy"
    assert picture.given["losses"]["test"] == "0.691"
    assert app.session.wait(lambda now: now.view("health") is not None, LIMIT)
    app.run()
    assert [found and found["level"] for found in picture.given["health"]] == [None, *["good"] * 4]
    assert picture.given["health"][1]["sentence"].startswith("layer ")


def test_neurons_and_layers_are_added_moved_and_removed(app: AppTest, picture: Picture) -> None:  # noqa: F811
    do(app, picture, kind="parameter", path=[2], name="out_features", value=9)
    assert picture.titles[2] == ("9 · Tanh", 9)
    do(app, picture, kind="add", path=[2])
    assert layers(app)[:4] == ["Linear", "Tanh", "Linear", "Tanh"]
    assert [width for _, width in picture.titles] == [2, 8, 8, 9, 8, 2]
    do(app, picture, kind="move", paths=[[4], [5]], path=[0])
    assert [width for _, width in picture.titles] == [2, 9, 8, 8, 8, 2]
    do(app, picture, kind="remove", paths=[[0], [1]])
    assert [width for _, width in picture.titles] == [2, 8, 8, 8, 2]
    assert app.session.experiment.layers[0].params["out_features"] == 8


def test_a_layer_is_edited_in_its_form(app: AppTest, picture: Picture) -> None:  # noqa: F811
    linear, tanh = picture.given["structure"]["columns"][1]["layers"]
    assert (linear["type"], [field["name"] for field in linear["parameters"]]) == ("Linear", ["out_features", "bias"])
    assert (tanh["path"], tanh["parameters"]) == ([1], [])
    offered = {name for group in picture.given["structure"]["types"] for name, _ in group["types"]}
    assert offered == set(ALL_LAYERS)
    do(app, picture, kind="type", path=[1], type="LeakyReLU")
    do(app, picture, kind="parameter", path=[1], name="negative_slope", value=0.2)
    do(app, picture, kind="parameter", path=[0], name="bias", value=False)
    assert app.session.experiment.layers[1].params == {"negative_slope": 0.2}
    assert app.session.experiment.layers[0].params["bias"] is False
    shown = picture.given["structure"]["columns"][1]["layers"][1]["parameters"]
    assert [(field["name"], field["value"]) for field in shown] == [("negative_slope", 0.2)]
    do(app, picture, kind="parameter", path=[1], name="negative_slope", value="steep")
    assert "'steep'" in messages(app)


def test_a_layer_is_edited_below_the_picture(app: AppTest, picture: Picture) -> None:  # noqa: F811
    do(app, picture, kind="select", path=[2])
    shown = [widget.key.rsplit("--", 1)[0] for widget in app.selectbox if widget.key]
    assert "layer-2-type" in shown
    assert "layer-3-type" in shown, "its activation stands with it"
    assert "layer-0-type" not in shown


def test_a_weight_is_set(app: AppTest, picture: Picture) -> None:  # noqa: F811
    do(app, picture, kind="weight", path=[0], row=3, column=1, value=2.5)
    do(app, picture, kind="weight", path=[0], row=3, column=None, value=-1)
    assert app.session.wait(lambda now: len(now.inexact) > 0, LIMIT)
    found = app.session.weights("current", LIMIT)
    assert found.tensors["0.weight"][3, 1] == 2.5
    assert found.tensors["0.bias"][3] == -1


@pytest.mark.parametrize(
    "done",
    [
        {"kind": "weight", "path": [0], "row": "3", "column": 1, "value": 1.0},
        {"kind": "weight", "path": [0], "row": 99, "column": 1, "value": 1.0},
        {"kind": "weight", "path": [0], "row": 1, "column": 1, "value": float("nan")},
        {"kind": "weight", "path": [0], "row": 1, "column": 1, "value": "1"},
        {"kind": "remove", "paths": [[77]]},
        {"kind": "remove", "paths": "all"},
        {"kind": "move", "paths": [], "path": None},
        {"kind": "add", "path": [3, 1]},
        {"kind": "add", "path": "x"},
        {"kind": "show", "column": "x", "by": "row", "first": {}},
        {"kind": "show", "column": [1], "by": "norm"},
        {"kind": "show", "column": 99, "by": "norm"},
        {"kind": "show", "column": 1, "by": "names", "neurons": "all"},
        {"kind": "parameter", "path": [0], "name": "no such"},
        {"kind": "parameter", "path": None, "name": "bias", "value": False},
        {"kind": "type", "path": [0], "type": "nothing"},
        {"kind": "type", "path": [0], "type": ["Linear"]},
        {"kind": "something"},
    ],
)
def test_what_makes_no_sense_changes_nothing(app: AppTest, picture: Picture, done: dict[str, Any]) -> None:  # noqa: F811
    before = app.session.experiment
    do(app, picture, **done)
    assert app.session.experiment == before
    assert app.session.snapshot().inexact == ()


def test_input_features_are_chosen_on_it(app: AppTest, picture: Picture) -> None:  # noqa: F811
    offered = picture.given["structure"]["features"]
    assert offered["chosen"] == ["x1", "x2"]
    assert [feature["name"] for feature in offered["offered"]] == list(FEATURES)
    do(app, picture, kind="features", names=["x2", "r"])
    assert app.session.experiment.data.params["features"] == ("x2", "r")
    assert field(app, "button_group", "data-spiral-features").value == ["x2", "r"]
    do(app, picture, kind="features", names=[])
    assert "at least one" in messages(app)


def test_a_refused_width_is_said(app: AppTest, picture: Picture) -> None:  # noqa: F811
    do(app, picture, kind="parameter", path=[0], name="out_features", value=-4)
    assert "-4" in messages(app)
    assert picture.titles[1] == ("8 · Tanh", 8)


def test_a_wide_layer_shows_other_neurons(app: AppTest, picture: Picture) -> None:  # noqa: F811
    do(app, picture, kind="parameter", path=[0], name="out_features", value=40)
    assert len(picture.given["structure"]["columns"][1]["shown"]) == 12
    do(app, picture, kind="show", column=1, by="row", first=0)
    assert picture.given["structure"]["columns"][1]["shown"] == list(range(12))
    do(app, picture, kind="show", column=1, by="row", first=0, count=64)
    assert picture.given["structure"]["columns"][1]["shown"] == list(range(40)), "all, to scroll through"
    do(app, picture, kind="show", column=1, by="names", neurons=[30, 2, 30, 99, "x"])
    assert picture.given["structure"]["columns"][1]["shown"] == [2, 30]
    assert app.session.wait(lambda now: now.view("neurons@1:2+30") is not None, LIMIT)
    app.run()
    assert picture.given["values"] is not None
    do(app, picture, kind="show", column=1, by="norm")
    norms = app.session.weights("current", LIMIT).tensors["0.weight"].norm(dim=1)
    assert set(picture.given["structure"]["columns"][1]["shown"]) == set(norms.topk(12).indices.tolist())
    do(app, picture, kind="show", column=1, by="spread")
    assert picture.given["structure"]["columns"][1]["shown"][-1] == 39


def test_a_teachers_link_locks_it(monkeypatch: pytest.MonkeyPatch, picture: Picture) -> None:
    opened(monkeypatch, preset="spiral", lock="network")
    assert picture.given["structure"]["locked"]
    assert picture.given["slot"] == KEY


def test_paths_that_a_browser_sends() -> None:
    assert path_of([1, 0]) == (1, 0)
    for wrong in (None, [], "1", [-1], [1.0], [True], [[1]]):
        assert path_of(wrong) is None


def test_layers_and_neurons_are_operated_on_while_the_run_goes_on(app: AppTest, picture: Picture) -> None:  # noqa: F811
    session = app.session  # type: ignore[attr-defined]
    column = picture.given["structure"]["columns"][1]
    assert [offered["name"] for offered in column["operations"]] == ["ablate", "reset_neuron", "split"]
    assert [offered["name"] for offered in column["layers"][0]["operations"]] == ["add_neuron", "reset_layer", "race"]
    session.step_epoch()
    assert session.wait(lambda now: now.epoch == 1 and not now.busy, LIMIT)
    do(app, picture, kind="operate", path=[0], operation="split", neuron=2)
    assert session.wait(lambda now: len(now.surgeries) == 1 and not now.busy, LIMIT)
    app.run()
    assert picture.titles[1] == ("9 · Tanh", 9)
    assert session.snapshot().epoch == 1, "the steps are counted on"
    said = [caption.value for caption in app.caption if "Split neuron 3 of layer 1" in caption.value]
    assert len(said) == 1
    do(app, picture, kind="freeze", path=[2], value=True)
    assert session.wait(lambda now: len(now.surgeries) == 2 and not now.busy, LIMIT)
    app.run()
    assert picture.given["structure"]["columns"][2]["frozen"]
    assert session.experiment.layers[2].frozen
    do(app, picture, kind="operate", path=[6], operation="split", neuron=0)
    assert "network's outputs" in messages(app)
    do(app, picture, kind="operate", path=[0], operation="melt", neuron="all")
    do(app, picture, kind="operate", path=[0], operation="melt")
    assert "no operation named" in messages(app)
    assert len(session.snapshot().surgeries) == 2
    app.button(key="undo-surgery").click().run()
    assert session.wait(lambda now: len(now.surgeries) == 1 and not now.busy, LIMIT)
    app.run()
    assert not session.experiment.layers[2].frozen
    assert not app.exception
