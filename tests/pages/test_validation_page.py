"""The validation part and early stopping on the pages: widgets, figures, sentences, links that lock."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from mlp_core.link import query_of
from mlp_core.presets import preset as ready
from mlp_core.training.session import Session
from pages.export import files
from pages.playground.status import StripSlot, _cells
from tests.pages.test_pages import LIMIT, ROOT, app, field, messages, settled, use  # noqa: F401

SHARE, PATIENCE = ("number_input", "validation_fraction"), ("number_input", "training-patience")


def names(test: AppTest) -> list[str]:
    widgets = [*test.number_input, *test.toggle]
    return [(widget.key or "").rsplit("--", 1)[0] for widget in widgets]


def test_a_share_is_set_refused_and_taken_away(app: AppTest) -> None:  # noqa: F811
    assert field(app, *SHARE).value is None
    field(app, *SHARE).set_value(0.25).run()
    settled(app)
    assert app.session.experiment.data.validation_fraction == 0.25
    assert any("150 training, 50 validation, 200 test samples" in caption.value for caption in app.caption)
    cells = {cell["label"]: cell for cell in _cells(app.session.snapshot(), True)}
    assert cells["validation loss"]["value"]
    assert cells["validation accuracy"]["note"].endswith("of 50 wrong")
    assert "validation loss" in {cell["label"] for cell in _cells(app.session.snapshot(), False)}
    field(app, *SHARE).set_value(0.9).run()
    assert "Validation share must be a number from 0.05 to 0.5, or empty (none), not 0.9." in messages(app)
    assert field(app, *SHARE).value == 0.25
    field(app, "selectbox", "dataset").set_value("iris").run()
    assert settled(app).session.experiment.data.validation_fraction == 0.25, "kept for another set"
    field(app, *SHARE).set_value(None).run()
    assert settled(app).session.experiment.data.validation_fraction is None


def test_patience_brings_its_settings_and_a_hint_with_a_fix(app: AppTest) -> None:  # noqa: F811
    assert {"training-min_delta", "training-restore_best_weights"} & set(names(app)) == set()
    field(app, *PATIENCE).set_value(3).run()
    settled(app)
    assert {"training-min_delta", "training-restore_best_weights"} <= set(names(app))
    assert "early stopping looks at the test loss" in messages(app)
    field(app, "toggle", "training-restore_best_weights").set_value(True).run()
    app.button(key="fix-0").click().run()
    settled(app)
    assert "early stopping looks" not in messages(app)
    training, data = app.session.experiment.training, app.session.experiment.data
    assert (training.patience, training.restore_best_weights, data.validation_fraction) == (3, True, 0.2)


def test_a_run_that_stops_early_says_so_and_its_best_weights_can_be_taken(app: AppTest) -> None:  # noqa: F811
    base = ready("spiral").experiment
    found = base.updated(
        data=base.data.updated(validation_fraction=0.25), training=base.training.updated(patience=2, min_delta=50.0)
    )
    session: Session = app.session  # type: ignore[attr-defined]
    app.session_state["experiment"] = found
    settled(app.run())
    app.button(key="train").click().run()
    assert session.wait(lambda snapshot: snapshot.status == "finished", LIMIT)
    app.run()
    assert "Stopped early at epoch 3: no improvement of the validation loss for 2 epochs; best was epoch 1." in (
        messages(app)
    )
    assert StripSlot(__import__("mlp_core.views", fromlist=["Options"]).Options()).part(session.snapshot())
    app.switch_page(str(ROOT / "pages" / "export" / "page.py")).run()
    app.session_state["export_tab"] = "Weights and models"
    app.run()
    choice = next(box for box in app.button_group if (box.key or "").startswith("export_which"))
    assert choice.options == [files.NOW, files.LOWEST_VALIDATION]
    choice.set_value(files.LOWEST_VALIDATION).run()
    app.button(key="make-file").click().run()
    best = session.snapshot()
    said = next(caption.value for caption in app.caption if caption.value.startswith("Weights of step"))
    assert f"Weights of step {best.best_step:,}, validation loss" in said


@pytest.mark.parametrize("control", ["data", "epochs"])
def test_a_link_can_lock_and_hide_them(monkeypatch: pytest.MonkeyPatch, control: str) -> None:
    widget = SHARE if control == "data" else PATIENCE
    for key in ("lock", "hide"):
        session = Session()
        use(monkeypatch, session)
        monkeypatch.chdir(ROOT)
        test = AppTest.from_file(str(ROOT / "pages" / "entry" / "main.py"), default_timeout=LIMIT)
        test.query_params.update(query_of(ready("spiral").experiment, **{key: [control]}))
        test.session_state["more"] = True
        test.run()
        assert not test.exception
        if key == "hide":
            assert widget[1] not in names(test)
        else:
            assert field(test, *widget).disabled
        assert session.close(timeout=LIMIT)
