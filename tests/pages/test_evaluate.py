"""The Evaluate page without a browser: what it shows of a run, and what its choices change."""

from __future__ import annotations

import csv
import io
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from mlp_core.errors import DataError
from mlp_core.presets import mlp, preset
from mlp_core.spec import DataSpec, Experiment, LossSpec
from mlp_core.training.session import Session
from mlp_core.views import Options
from pages.evaluate.report import as_csv, as_json
from pages.evaluate.slots import CELL_PREDICTED, CELL_TRUE
from tests.pages.test_pages import LIMIT, ROOT, use

EVALUATE = ROOT / "pages" / "evaluate" / "page.py"


def opened(monkeypatch: pytest.MonkeyPatch, session: Session, experiment: Experiment, epochs: int = 1) -> AppTest:
    """The page, with the answers of a run that was trained for so many epochs."""
    use(monkeypatch, session)
    monkeypatch.chdir(ROOT)
    app = AppTest.from_file(str(ROOT / "pages" / "entry" / "main.py"), default_timeout=LIMIT)
    app.session_state["experiment"] = experiment
    app.run()
    session.apply(experiment)
    for epoch in range(epochs):
        session.step_epoch()
        assert session.wait(lambda now, done=epoch + 1: now.epoch >= done and not now.busy, LIMIT)
    app.switch_page(str(EVALUATE)).run()
    assert computed(session, "answers-test")
    return app.run()


def computed(session: Session, view: str) -> bool:
    """Wait for a view; a page in a browser would ask for it again and again."""
    ends = time.monotonic() + LIMIT
    while time.monotonic() < ends:
        session.request_views([view])
        if session.wait(lambda now: now.view(view) is not None, 1.0):
            return True
    return False


def parts(app: AppTest) -> dict[str, Any]:
    """What the components of the page were given, by their keys."""
    found = {}
    for element in app.get("bidi_component"):
        proto = element.proto
        data = json.loads(bytes(proto.bytes)) if proto.bytes else {}
        found[data.get("slot", "")] = data
    return found


@pytest.fixture
def session() -> Any:
    made = Session()
    yield made
    assert made.close(timeout=LIMIT)


def regression() -> Experiment:
    return preset("spiral").experiment.updated(
        data=DataSpec(dataset="diabetes"), layers=mlp((8,), "ReLU"), loss=LossSpec(type="MSELoss")
    )


def test_two_classes_have_a_threshold_that_moves_the_confusion_matrix(
    monkeypatch: pytest.MonkeyPatch, session: Session
) -> None:
    app = opened(monkeypatch, session, preset("spiral").experiment)
    assert not app.exception
    assert app.slider(key="evaluate_threshold").value == 0.5
    shown = parts(app)
    assert shown["evaluate-strip"]["cells"][0]["value"] == "200"
    table = shown["evaluate-classes"]
    assert [row[0][0] for row in (*table["rows"], *table["foot"])] == ["class 0", "class 1", "weighted mean"]
    app.slider(key="evaluate_threshold").set_value(1.0).run()
    recalls = [row[2][0] for row in parts(app)["evaluate-classes"]["rows"]]
    assert recalls[:2] == ["1.000", "0.000"]
    precision = parts(app)["evaluate-classes"]["rows"][1][1]
    assert precision[:2] == ["–", "undefined"]
    assert "no sample is predicted" in precision[2]
    app.slider(key="evaluate_threshold").set_value(0.0).run()
    assert [row[2][0] for row in parts(app)["evaluate-classes"]["rows"]] == ["0.000", "1.000"]


def test_a_cell_lists_its_samples_in_the_units_of_the_data(monkeypatch: pytest.MonkeyPatch, session: Session) -> None:
    app = opened(monkeypatch, session, preset("spiral").experiment)
    now = session.snapshot()
    confusion = now.view("answers-test")["report"].confusion  # type: ignore[index]
    cell = np.unravel_index(int(confusion.argmax()), confusion.shape)
    app.selectbox(key=CELL_TRUE).set_value(int(cell[0])).run()
    app.selectbox(key=CELL_PREDICTED).set_value(int(cell[1])).run()
    assert not app.exception
    table = parts(app)["evaluate-cell-rows"]
    assert len(table["rows"]) == min(100, confusion.max())
    assert table["caption"].startswith(f"{confusion.max():,} samples")
    first = dict(zip([label for label, _ in table["columns"]], table["rows"][0], strict=True))
    assert {"x1", "x2", "predicted", "true"} <= set(first)
    point = now.dataset.points_test[int(first["sample"]) - 1]  # type: ignore[union-attr,index]
    shown = [float(first[name].replace("−", "-")) for name in ("x1", "x2")]
    np.testing.assert_allclose(shown, point, rtol=1e-2)


@pytest.mark.parametrize("tab", ["Curves", "Calibration", "Mistakes", "Predict one"])
def test_every_tab_of_classes_is_drawn(monkeypatch: pytest.MonkeyPatch, session: Session, tab: str) -> None:
    app = opened(monkeypatch, session, preset("two-hidden-relu").experiment)
    app.session_state["evaluate_tab"] = tab
    app.run()
    assert not app.exception
    assert not app.error
    if tab == "Predict one":
        assert app.number_input(key="one-iris-test-0-0").value > 3, "in centimetres, not standardised"
        assert computed(session, "network")
        app.run()
        shown = parts(app)
        assert {"one-classes", "one-reasons"} <= set(shown)
        assert shown["one-answer"]["cells"][0]["note"] == "after 7 steps"
    if tab == "Mistakes":
        assert "After 7 steps" in parts(app)["evaluate-mistakes-rows"]["caption"]


@pytest.mark.parametrize("tab", ["Values", "Residuals", "Largest errors", "Predict one"])
def test_every_tab_of_a_regression_is_drawn(monkeypatch: pytest.MonkeyPatch, session: Session, tab: str) -> None:
    app = opened(monkeypatch, session, regression())
    app.session_state["evaluate_tab"] = tab
    app.run()
    assert not app.exception
    labels = [cell["label"] for cell in parts(app)["evaluate-strip"]["cells"]]
    assert labels == ["test samples", "R²", "MAE", "RMSE"]
    if tab == "Largest errors":
        rows = parts(app)["evaluate-errors-rows"]["rows"]
        errors = [abs(float(row[3].replace("−", "-").replace(",", ""))) for row in rows]
        assert errors == sorted(errors, reverse=True)


def test_the_figures_can_be_taken_along(session: Session) -> None:
    session.apply(preset("two-hidden-relu").experiment)
    with pytest.raises(DataError, match="no figures yet"):
        as_json(session.snapshot(), Options())
    assert computed(session, "answers-test")
    now = session.snapshot()
    found = json.loads(as_json(now, Options()))
    assert found["part"] == "test"
    table = list(csv.DictReader(io.StringIO(as_csv(now, Options()))))
    assert [row["class"] for row in table] == found["classes"]
    undefined = {(one["figure"], one["class_name"]) for one in found["undefined"]}
    for row, of_class in zip(table, found["per_class"], strict=True):
        for figure in ("precision", "recall", "roc_auc"):
            assert row[figure] == "" if (figure, row["class"]) in undefined else float(row[figure]) == of_class[figure]


def test_best_weights_can_be_taken_again(monkeypatch: pytest.MonkeyPatch, session: Session) -> None:
    worse = preset("spiral").experiment
    worse = worse.updated(optimizer=worse.optimizer.updated(params={**worse.optimizer.params, "lr": 3.0}))
    app = opened(monkeypatch, session, worse, epochs=3)
    before = session.snapshot()
    assert before.best_step < before.step
    app.button(key="best_weights").click().run()
    assert session.wait(lambda now: "are restored" in now.message and not now.busy, LIMIT)
    now = session.snapshot()
    assert now.test_loss == before.best_test_loss
    assert now.step == before.step
    assert any("restored by hand" in sentence for sentence in now.inexact)
    best = session.weights("best", LIMIT)
    current = session.weights("current", LIMIT)
    assert best is not None
    assert current is not None
    assert all((current.tensors[name] == value).all() for name, value in best.tensors.items())


def test_a_variance_head_says_how_sure_it_is(monkeypatch: pytest.MonkeyPatch, session: Session) -> None:
    gaussian = regression().updated(loss=LossSpec(type="GaussianNLLLoss"))
    app = opened(monkeypatch, session, gaussian)
    shown = parts(app)
    assert [cell["label"] for cell in shown["evaluate-strip"]["cells"]][-2:] == ["σ, mean", "within 2σ"]
    assert 0 <= float(shown["evaluate-strip"]["cells"][-1]["value"]) <= 1
    assert "within 2σ" in json.dumps(shown["evaluate-targets"], ensure_ascii=False)
    app.session_state["evaluate_tab"] = "Largest errors"
    app.run()
    assert "σ" in json.dumps(parts(app), ensure_ascii=False)
    app.session_state["evaluate_tab"] = "Predict one"
    app.run()
    assert " ± " in json.dumps(parts(app), ensure_ascii=False)
    assert not app.exception


def test_the_training_part_is_computed_when_it_is_chosen(monkeypatch: pytest.MonkeyPatch, session: Session) -> None:
    app = opened(monkeypatch, session, preset("spiral").experiment)
    assert session.snapshot().view("answers-train") is None
    app.segmented_control(key="evaluate_part").set_value("train").run()
    assert computed(session, "answers-train")


def test_the_playground_has_no_tab_of_it(monkeypatch: pytest.MonkeyPatch, session: Session) -> None:
    use(monkeypatch, session)
    monkeypatch.chdir(ROOT)
    app = AppTest.from_file(str(ROOT / "pages" / "entry" / "main.py"), default_timeout=LIMIT).run()
    assert not any("ROC" in tab.label or "Answers" in tab.label for tab in app.tabs)
    assert Path(EVALUATE).is_file()
