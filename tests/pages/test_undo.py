"""What was changed, by a reader or by the page, is said in a line and can be taken back."""

from __future__ import annotations

from typing import Any

from streamlit.testing.v1 import AppTest

from mlp_core.presets import PRESETS, TABLE_NETWORK
from tests.pages.test_pages import app, field, settled

__all__ = ["app"]


def said(app: AppTest) -> str:
    return " ".join(caption.value for caption in app.caption).replace("\\", "")


def button(app: AppTest, key: str) -> Any:
    return app.button(key=key)


def test_a_change_of_a_preset_is_named_and_undone(app: AppTest) -> None:
    field(app, "number_input", "lr").set_value(0.1).run()
    assert "Changed: learning rate 0.03 → 0.1" in said(app)
    button(app, "undo-changes").click().run()
    settled(app)
    assert app.session.experiment == PRESETS["spiral"].experiment
    assert "Changed:" not in said(app)


def test_fewer_points_than_a_batch_make_batches_smaller(app: AppTest) -> None:
    field(app, "number_input", "data-spiral-points").set_value(20).run()
    settled(app)
    assert "points 400 → 20, batch size 20 → 10" in said(app)
    assert app.session.experiment.training.batch_size == 10
    assert not app.button(key="train").disabled


def test_a_set_of_another_task_brings_its_loss_and_both_are_undone(app: AppTest) -> None:
    field(app, "selectbox", "dataset").set_value("plane").run()
    settled(app)
    assert not app.button(key="train").disabled
    assert app.session.experiment.loss.type == "MSELoss"
    assert "because Plane has a number to predict" in said(app)
    button(app, "undo-choice").click().run()
    settled(app)
    assert app.session.experiment == PRESETS["spiral"].experiment


def test_the_gallery_closes_and_a_table_offers_a_network_that_suits_it(app: AppTest) -> None:
    app.session_state["gallery"] = True
    app.run()
    next(one for one in app.button if (one.key or "").startswith("use-circle")).click().run()
    settled(app)
    assert app.session.experiment.data.dataset == "circle"
    assert not app.session_state["gallery"], "the gallery closes"
    field(app, "selectbox", "dataset").set_value("digits").run()
    settled(app)
    before = app.session.experiment
    button(app, "use-suited").click().run()
    settled(app)
    assert app.session.experiment.layers == TABLE_NETWORK[0]
    button(app, "undo-choice").click().run()
    settled(app)
    assert app.session.experiment == before
