"""The Inspect page without a browser: every tab, the layer that is chosen, and what a press on the map does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from mlp_core.presets import preset
from mlp_core.spec import LayerSpec
from mlp_core.training.session import Session
from pages.inspect.screen import LAYER, TABS
from tests.pages.test_evaluate import computed, parts
from tests.pages.test_pages import LIMIT, ROOT, use


@pytest.fixture
def session() -> Iterator[Session]:
    made = Session()
    yield made
    assert made.close(timeout=LIMIT)


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch, session: Session) -> AppTest:
    """The page of a spiral with a residual block, trained for two epochs."""
    use(monkeypatch, session)
    monkeypatch.chdir(ROOT)
    spiral = preset("spiral").experiment
    spiral = spiral.updated(training=spiral.training.updated(batch_size=10))
    experiment = spiral.insert_layers((6,), LayerSpec(type="Residual"))
    app = AppTest.from_file(str(ROOT / "pages" / "entry" / "main.py"), default_timeout=LIMIT)
    app.session_state["experiment"] = experiment
    app.run()
    session.apply(experiment)
    for epoch in (1, 2):
        session.step_epoch()
        assert session.wait(lambda now, done=epoch: now.epoch >= done and not now.busy, LIMIT)
    return app.switch_page(str(ROOT / "pages" / "inspect" / "page.py")).run()


def shown(app: AppTest, session: Session, tab: str, *views: str) -> dict[str, Any]:
    """What the components of a tab were given, as soon as these views are there."""
    app.session_state["inspect_tab"] = tab
    app.run()
    assert all(computed(session, view) for view in views)
    app.run()
    assert not app.exception
    return parts(app)


def test_every_tab_shows_the_chosen_layer(page: AppTest, session: Session) -> None:
    assert page.selectbox(key=LAYER).value == "6.2", "the last one with weights before the output layer"
    assert [tab.label for tab in page.tabs] == list(TABS)
    given = shown(page, session, "Layers", "health")
    assert given["time-slider"]["end"] == session.snapshot().step, "any moment of the run can be looked at here"
    rows = given["inspect-layers-table"]["rows"]
    assert [row[0][0] for row in rows][-5:] == ["7 Residual", "7.1 Linear", "7.2 ReLU", "7.3 Linear", "8 Linear"]
    found = shown(page, session, "Weights", "weights", "weight_matrix@6.2")["inspect-weight_matrix"]
    assert found["alt"].startswith("Weight of 7.3 Linear, 8 rows by 8 columns")
    page.selectbox(key=LAYER).set_value("6.1").run()
    found = shown(page, session, "Weights", "weight_matrix@6.1")["inspect-weight_matrix"]
    assert found["alt"].startswith("7.2 ReLU has no weights")
    found = shown(page, session, "Activations", "activations", "activation_matrix@6.1")
    assert found["inspect-activation_matrix"]["alt"].startswith("Activation of 7.2 ReLU, 60 rows by 8 columns")
    assert "7.2 ReLU" in found["inspect-activations"]["alt"]
    page.selectbox(key=LAYER).set_value("0").run()
    found = shown(page, session, "Gradients", "gradients", "gradient_matrix@0")["inspect-gradient_matrix"]
    assert "1 Linear, 8 rows by 2" in found["alt"]
    rows = shown(page, session, "Parameters", "parameters")["inspect-parameters-table"]["rows"]
    assert [cell[0] for cell in rows[0][:7]] == ["0", "0.weight", "8×2", "16", "float32", "True", "True"]


def test_the_hidden_space_is_seen_by_the_chosen_layer(page: AppTest, session: Session) -> None:
    found = shown(page, session, "Hidden space", "hidden_space@6.2|train|pca|0|1")["inspect-hidden_space"]
    assert found["alt"].startswith("200 samples as 7.3 Linear sees them")
    assert "of the variance" in found["figure"]["layout"]["xaxis"]["title"]["text"]
    page.selectbox(key=LAYER).set_value("input").run()
    page.segmented_control(key="inspect_method").set_value("neurons").run()
    page.number_input(key="inspect_neuron_0").set_value(1).run()
    page.segmented_control(key="inspect_part").set_value("test").run()
    found = shown(page, session, "Hidden space", "hidden_space@input|test|neurons|1|1")["inspect-hidden_space"]
    assert found["figure"]["layout"]["xaxis"]["title"]["text"] == "neuron 1"
    shown(page, session, "Weights", "weights")
    assert page.selectbox(key=LAYER).value == "6.2", "the input has no weights"


def test_umap_is_computed_in_the_background(
    page: AppTest, session: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "umap.py").write_text(
        "class UMAP:\n    def __init__(self, **given): pass\n    def fit_transform(self, v): return v[:, :2]\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    shown(page, session, "Hidden space", "hidden_space@6.2|test|pca|0|1")
    page.segmented_control(key="inspect_method").set_value("umap").run()
    found = shown(page, session, "Hidden space", "hidden_space@6.2|test|umap|0|1")
    assert found["inspect-umap"]["alt"].startswith("Press Compute UMAP")
    page.button(key="umap-compute").click().run()
    work = page.session_state["umap_held"].work
    assert work is None or work.wait(LIMIT)
    page.run()
    assert not page.error
    assert parts(page)["inspect-umap"]["alt"].startswith("200 samples as 7.3 Linear sees them")
    assert "Step 40." in [caption.value for caption in page.caption]
    page.segmented_control(key="inspect_part").set_value("train").run()
    found = shown(page, session, "Hidden space", "hidden_space@6.2|train|umap|0|1")
    assert found["inspect-umap"]["alt"].startswith("Press Compute UMAP"), "it is of other samples"


def test_a_moment_of_the_run_is_looked_at(page: AppTest, session: Session) -> None:
    found = shown(page, session, "Over time")
    steps = [moment.step for moment in session.snapshot().moments.kept]  # type: ignore[union-attr]
    assert steps[0] == 0
    assert steps[-1] == session.snapshot().step == 40
    assert f"Chosen, step {steps[-1]}" in found["inspect-ridge"]["alt"]
    page.slider(key="inspect_moment").set_value(0).run()
    page.segmented_control(key="inspect_spread").set_value("updates").run()
    ridge = shown(page, session, "Over time")["inspect-ridge"]
    assert "7.3 Linear. Outlines of the log₁₀ of" in ridge["alt"]
    assert "Chosen, step 0" in ridge["alt"]


def test_the_summary_needs_no_run(page: AppTest, session: Session) -> None:
    shown(page, session, "Summary")
    assert [metric.value for metric in page.metric[:3]] == ["330", "0", "576"]
    rows = page.dataframe[0].value
    assert list(rows["name"][-5:]) == ["6", "6.0", "6.1", "6.2", "7"]
    assert list(rows["parameters"][-5:]) == [144, 72, 0, 72, 18]
    assert list(rows["FLOPs"][-5:]) == [256, 128, 0, 128, 32]
    assert "(6): Residual(" in page.code[0].value
