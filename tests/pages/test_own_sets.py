"""Sets of a user's own in the pages: formulas, drawn points, and files of public sets."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import official
import pytest
from streamlit.testing.v1 import AppTest

from mlp_core.catalog import DATASETS
from mlp_core.data import data_folder
from mlp_core.data.published import image_class
from mlp_core.limits import MAX_DRAWN_POINTS
from mlp_core.link import decode
from pages.components import drawing
from pages.playground import data_panel, own_copy
from tests.pages.test_pages import address, app, field, messages, settled

__all__ = ["app"]


def choose(app: AppTest, name: str) -> AppTest:
    field(app, "selectbox", "dataset").set_value(name)
    app.run()
    return settled(app)


def test_a_formula_is_typed_fitted_and_refused_with_the_place_of_its_fault(app: AppTest) -> None:
    choose(app, "formula")
    field(app, "selectbox", "loss").set_value("MSELoss").run()
    settled(app)
    assert not app.exception
    assert app.session.snapshot().dataset.facts.sample_shape == (1,)
    box = field(app, "text_input", "data-formula-formula")
    assert box.value == "sin(3x) + x/2"
    box.set_value("exp(-x^2)").run()
    settled(app)
    assert decode(address(app)["experiment"]).data.params["formula"] == "exp(-x^2)"
    field(app, "text_input", "data-formula-formula").set_value("exp(-x^").run()
    assert "ends too early" in messages(app)
    assert field(app, "text_input", "data-formula-formula").value == "exp(-x^2)"
    field(app, "text_input", "data-formula-formula").set_value("log(x)").run()
    settled(app)
    assert "gives no number at x" in messages(app)
    field(app, "number_input", "data-formula-interval-0").set_value(0.5).run()
    settled(app)
    assert app.session.snapshot().status == "ready"
    assert not app.exception


def test_points_go_into_the_experiment_and_a_class_may_lack(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Any] = []
    monkeypatch.setattr(drawing, "_MOUNT", lambda **given: drawn.append(given))
    choose(app, "drawn")
    assert not app.exception
    assert app.session.snapshot().status == "ready"

    assert drawn[-1]["key"] == "drawing-drawn"
    app.session_state["experiment"] = with_points(app, ((0, 0, 0), (1, 1, 0), (9, 9, 1)))
    settled(app.run())
    assert "every class needs two points" in messages(app)
    assert app.session.snapshot().status == "failed"
    app.session_state["experiment"] = with_points(app, tuple((k, k, k % 2) for k in range(40)))
    settled(app.run())
    assert app.session.snapshot().status == "ready"
    assert not app.exception


def test_a_batch_larger_than_a_small_drawing_is_mended_by_a_press(app: AppTest) -> None:
    choose(app, "drawn")
    app.session_state["experiment"] = with_points(app, ((0, 0, 0), (1, 1, 0), (9, 9, 1), (8, 8, 1)))
    settled(app.run())
    assert "'batch_size' parameter" in messages(app)
    next(button for button in app.button if button.label == "Take all samples at once").click().run()
    settled(app)
    assert app.session.snapshot().dataset.train_size == 2
    assert app.session.snapshot().status == "ready"


def with_points(app: AppTest, points: tuple[tuple[int, int, int], ...]) -> Any:
    experiment = app.session_state["experiment"]
    return experiment.updated(data=experiment.data.updated(params={"samples": points}))


def test_what_a_browser_sends_is_taken_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[tuple[object, int]] = []
    mounted: list[Any] = []
    monkeypatch.setattr(drawing, "_MOUNT", lambda **given: mounted.append(given))
    drawing.drawing(
        (), names=None, colours=(), wall=120, limit=9, answered=0, disabled=False, key="pad",
        on_drawn=lambda points, number: taken.append((points, number)),
    )  # fmt: skip
    strokes = [{"points": [1, 2, 0], "number": 3}, {"points": [1], "number": 4}, {"points": "x", "number": 5}]
    for sent in (*strokes, None, 7):
        state = type("State", (), {"drawn": sent})()
        monkeypatch.setattr(drawing.st, "session_state", {"pad": state})
        mounted[-1]["on_drawn_change"]()
    assert taken == [(((1, 2, 0),), 3), ([1], 4), ("x", 5)]


def test_a_plane_set_becomes_a_drawing(app: AppTest) -> None:
    before = decode(address(app)["experiment"]).data.seed if "experiment" in address(app) else 0
    app.button(key="new-points").click().run()
    settled(app)
    assert decode(address(app)["experiment"]).data.seed != before, "other points of the same pattern"
    app.button(key="copy-to-drawing").click().run()
    settled(app)
    data = decode(address(app)["experiment"]).data
    assert data.dataset == "drawn"
    assert len(data.params["samples"]) == 400 <= MAX_DRAWN_POINTS
    assert data.params["features"] == ("x1", "x2")
    app.selectbox(key="drawing_pattern").set_value("rings").run()
    app.button(key="copy-pattern").click().run()
    settled(app)
    data = decode(address(app)["experiment"]).data
    assert data.params["classes"] == 3
    assert len(data.params["samples"]) == 200
    assert app.session.snapshot().status == "ready"
    choose(app, "bumps")
    app.button(key="copy-to-drawing").click().run()
    settled(app)
    assert decode(address(app)["experiment"]).data.dataset == "drawn_values"
    assert not app.exception


def test_more_classes_than_a_drawing_may_have_are_refused(app: AppTest) -> None:
    choose(app, "blobs")
    field(app, "number_input", "data-blobs-classes").set_value(10).run()
    settled(app)
    app.button(key="copy-to-drawing").click().run()
    assert "Classes must be a whole number from 2 to 8, not 10." in messages(app)
    assert decode(address(app)["experiment"]).data.dataset == "blobs"


@pytest.fixture
def plain_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Labels of sets that stay when their files come: AppTest sends a label as it is then, not as it was shown."""
    monkeypatch.setattr(data_panel, "set_label", lambda entry: entry.label)


def test_own_files_are_asked_for_named_and_used(
    plain_labels: None, app: AppTest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MLP_DATA_DIR", str(tmp_path))
    archives = official.MAKERS["USPS"]()
    for attribute, value in official.lists("USPS", archives).items():
        monkeypatch.setattr(image_class("USPS"), attribute, value)
    choose(app, "USPS")
    assert "USPS is not in the folder" in messages(app)
    text = " ".join(element.value for element in app.markdown).replace("\\", "")
    assert "usps.bz2, usps.t.bz2" in text
    assert str(data_folder()) in text
    assert {button.key for button in app.button} >= {"instead-digits", "use-own-copy", "download"}

    with monkeypatch.context() as patch:
        patch.setattr(own_copy.st, "session_state", {"own-copy-files-USPS": [named("usps.bz2", archives["usps.bz2"])]})
        own_copy._install(app.session, DATASETS["USPS"])
        said = own_copy.st.session_state["own_copy_said"]
    assert said[0] == "USPS"
    assert "usps.t.bz2 of USPS is missing" in said[1]
    app.session_state["own_copy_said"] = said
    assert "usps.t.bz2 of USPS is missing" in messages(app.run())
    with monkeypatch.context() as patch:
        files = [named(name, content) for name, content in archives.items()]
        patch.setattr(own_copy.st, "session_state", {"own-copy-files-USPS": files})
        own_copy._install(app.session, DATASETS["USPS"])
    settled(app)
    assert app.session.snapshot().dataset.train_size == 60
    assert not app.exception


def named(name: str, content: bytes) -> io.BytesIO:
    file = io.BytesIO(content)
    file.name = name
    return file


def test_another_set_that_is_here_is_one_press_away(
    app: AppTest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MLP_DATA_DIR", str(tmp_path))
    for path, content in official.MAKERS["USPS"]().items():
        (tmp_path / path).write_bytes(content)
    choose(app, "CIFAR10")
    labels = [own_copy.set_label(DATASETS[name]) for name in ("CIFAR10", "USPS", "iris", "spiral", "drawn")]
    assert labels == [
        "CIFAR-10 · images, needs a download", "USPS · images", "Iris · table", "Spiral · generated",
        "Drawn points · drawn by you",
    ]  # fmt: skip
    app.button(key="instead-USPS").click().run()
    settled(app)
    assert app.session.snapshot().dataset.facts.sample_shape == (1, 16, 16)
    assert not app.exception
