"""What was changed, by a reader or by the page, is said in a line and can be taken back."""

from __future__ import annotations

from typing import Any

from streamlit.testing.v1 import AppTest

from mlp_core.presets import PRESETS, TABLE_NETWORK
from tests.pages.test_pages import ROOT, app, field, settled

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


def test_edits_are_undone_redone_and_listed_across_pages(app: AppTest) -> None:
    first = app.session.experiment
    assert button(app, "undo").disabled
    field(app, "number_input", "lr").set_value(0.1).run()
    field(app, "selectbox", "optimizer").set_value("Adam").run()
    last = settled(app).session.experiment
    button(app, "undo").click().run()
    assert field(app, "selectbox", "optimizer").value == "SGD"
    assert settled(app).session.experiment.optimizer.params["lr"] == 0.1
    app.switch_page(str(ROOT / "pages" / "data" / "page.py")).run()
    app.session_state["edits_list"] = True
    app.run()
    listed = next(one for one in app.radio if one.key.startswith("edits-"))
    assert [text.replace("\\", "") for text in listed.options] == [
        "Optimizer SGD → Adam", "Learning rate 0.03 → 0.1", "Before these edits"]  # fmt: skip
    button(app, "redo").click().run()
    assert not app.exception
    assert app.session_state["experiment"] == last
    next(one for one in app.radio if one.key.startswith("edits-")).set_value(0).run()
    assert app.session_state["experiment"] == first
    button(app, "redo").click().run()
    next(one for one in app.button if (one.key or "").startswith("use-circle")).click().run()
    assert button(app, "redo").disabled
    assert not app.exception


def test_what_other_offers_take_back_can_be_redone(app: AppTest) -> None:
    field(app, "number_input", "lr").set_value(0.1).run()
    button(app, "undo-changes").click().run()
    assert app.session_state["experiment"] == PRESETS["spiral"].experiment
    button(app, "redo").click().run()
    assert app.session_state["experiment"].optimizer.params["lr"] == 0.1
    assert not app.exception


def test_a_link_that_locks_a_setting_locks_its_undo_too(app: AppTest) -> None:
    from mlp_core.link import Link

    field(app, "number_input", "lr").set_value(0.1).run()
    app.session_state["link"] = Link(lock=frozenset({"learning_rate"}))
    button(app, "undo").click().run()
    assert app.session_state["experiment"].optimizer.params["lr"] == 0.1
    assert not app.exception
