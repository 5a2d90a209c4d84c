"""The pages without a browser: every press and every refused value, through Streamlit's own AppTest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from mlp_core.presets import PRESETS
from mlp_core.training import lease
from mlp_core.training.session import Session
from pages.live import runs as browser
from pages.live.runs import PLAYGROUND, BrowserRuns

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 180  # seconds; the first run of the process imports PyTorch


def use(monkeypatch: pytest.MonkeyPatch, session: Session) -> BrowserRuns:
    """Make the session the one that a browser's Playground shows."""
    runs = BrowserRuns()
    runs._sessions[PLAYGROUND] = session
    monkeypatch.setattr(browser, "browser_runs", lambda: runs)
    return runs


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    """The app at its default page, with a session that the test can reach as `app.session`."""
    session = Session()
    use(monkeypatch, session)
    monkeypatch.chdir(ROOT)
    test = AppTest.from_file(str(ROOT / "pages" / "entry" / "main.py"), default_timeout=LIMIT).run()
    test.session = session  # type: ignore[attr-defined]
    test.session_state["more"] = True  # the popover with further settings is open
    settled(test)
    yield test
    assert session.close(timeout=LIMIT), "the training thread must end with its session"


def settled(app: AppTest) -> AppTest:
    """Wait until the session has prepared its run, then draw the page again."""
    session: Session = app.session  # type: ignore[attr-defined]
    assert session.wait(lambda snapshot: snapshot.status != "preparing", LIMIT)
    return app.run()


def field(app: AppTest, kind: str, name: str) -> Any:
    """The widget that shows a part of the experiment; its key ends in the revision that it was drawn in."""
    return next(widget for widget in getattr(app, kind) if (widget.key or "").rsplit("--", 1)[0] == name)


def preset(app: AppTest) -> Any:
    return next(widget for widget in app.selectbox if (widget.key or "").startswith("preset-"))


def messages(app: AppTest) -> str:
    """All sentences that the page shows in boxes."""
    shown = " ".join(element.value for kind in (app.error, app.info, app.success) for element in kind)
    return shown.replace("\\", "")


def opened(monkeypatch: pytest.MonkeyPatch, **query: str) -> AppTest:
    """The app in a browser that came with this query."""
    session = Session()
    use(monkeypatch, session)
    monkeypatch.chdir(ROOT)
    test = AppTest.from_file(str(ROOT / "pages" / "entry" / "main.py"), default_timeout=LIMIT)
    for name, value in query.items():
        test.query_params[name] = value
    test.session = session  # type: ignore[attr-defined]
    test.run()
    test.session_state["more"] = True
    return settled(test)


def address(app: AppTest) -> dict[str, str]:
    """The query of the address, as a browser would hold it."""
    return {name: value[0] if isinstance(value, list) else value for name, value in app.query_params.items()}


def test_opens_ready_to_train_with_the_default_preset(app: AppTest) -> None:
    assert not app.exception
    assert preset(app).value == "spiral"
    assert app.button(key="train").disabled is False
    assert field(app, "button_group", "data-spiral-features").value == ["x1", "x2"]
    assert not app.error


@pytest.mark.layer_list
@pytest.mark.parametrize(
    "name", [name for name, preset in PRESETS.items() if preset.experiment.data.entry.source != "downloaded"]
)
def test_every_preset_fills_every_control_and_prepares(app: AppTest, name: str) -> None:
    preset(app).set_value(name).run()
    settled(app)
    wanted = PRESETS[name].experiment
    assert not app.exception
    assert app.session.experiment == wanted
    assert field(app, "selectbox", "dataset").value == wanted.data.dataset
    assert field(app, "selectbox", "loss").value == wanted.loss.type
    assert field(app, "selectbox", "optimizer").value == wanted.optimizer.type
    assert field(app, "number_input", "lr").value == wanted.optimizer.params["lr"]
    types = [field(app, "selectbox", f"layer-{i}-type").value for i in range(len(wanted.layers))]
    assert types == [layer.type for layer in wanted.layers]


def test_a_preset_without_its_data_offers_the_download(
    app: AppTest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MLP_DATA_DIR", str(tmp_path))
    preset(app).set_value("fashion-mnist-quickstart").run()
    settled(app)
    assert not app.exception
    assert "Fashion-MNIST" in messages(app)
    assert app.button(key="download").disabled is False
    assert app.button(key="train").disabled is True


def test_a_download_that_fails_says_why_and_can_be_tried_again(
    app: AppTest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from mlp_core.data import published

    monkeypatch.setenv("MLP_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(published.image_class("MNIST"), "mirrors", ["http://127.0.0.1:9/"])
    field(app, "selectbox", "dataset").set_value("MNIST").run()
    settled(app)
    app.button(key="download").click().run()
    settled(app)
    assert app.session.snapshot().status == "failed"
    assert "127.0.0.1" in messages(app)
    assert app.button(key="download").disabled is False
    assert not any(path.is_file() for path in tmp_path.rglob("*")), "nothing half-written is left behind"


def test_train_pause_step_and_reset(app: AppTest) -> None:
    session = app.session
    app.button(key="train").click().run()
    assert session.wait(lambda snapshot: snapshot.step > 0, LIMIT)
    app.run().button(key="pause").click().run()
    assert session.wait(lambda snapshot: snapshot.status == "ready", LIMIT)
    before = session.snapshot().step
    app.run().button(key="step").click().run()
    assert session.wait(lambda snapshot: snapshot.step == before + 1 and snapshot.status == "ready", LIMIT)
    app.run().button(key="reset").click().run()
    assert session.wait(lambda snapshot: snapshot.step == 0 and snapshot.status == "ready", LIMIT)
    assert not app.exception


@pytest.mark.layer_list
def test_an_emptied_field_is_refused_and_shows_its_value_again(app: AppTest) -> None:
    before = app.session.experiment
    field(app, "number_input", "lr").set_value(None).run()
    assert "Learning rate cannot be empty" in messages(app)
    assert field(app, "number_input", "lr").value == before.optimizer.params["lr"]
    field(app, "number_input", "layer-0-Linear-out_features").set_value(3.7).run()
    assert "Neurons of layer 1 must be a whole number" in messages(app)
    field(app, "number_input", "batch_size").set_value(None).run()
    settled(app)
    assert app.session.experiment == before.updated(training=before.training.updated(batch_size=None)), "a full batch"


@pytest.mark.layer_list
@pytest.mark.parametrize(
    ("width", "said"), [(0, "Neurons of layer 1 must"), (1_000_000_000, "parameters"), (10**10, "not 10,000,000,000")]
)
def test_a_bad_width_is_explained_and_costs_nothing(app: AppTest, width: int, said: str) -> None:
    before = app.session.experiment
    field(app, "number_input", "layer-0-Linear-out_features").set_value(width).run()
    assert said in messages(app)
    assert app.session.experiment == before
    assert field(app, "number_input", "layer-0-Linear-out_features").value == 8
    field(app, "number_input", "layer-0-Linear-out_features").set_value(9).run()
    assert not app.error, "a good value takes the sentence away"


@pytest.mark.layer_list
def test_a_network_that_is_too_large_is_refused_with_its_estimate(app: AppTest) -> None:
    field(app, "number_input", "layer-0-Linear-out_features").set_value(60_000).run()
    field(app, "number_input", "layer-2-Linear-out_features").set_value(60_000).run()
    assert "3,600" in messages(app)
    assert "GiB" in messages(app)
    assert [layer.params.get("out_features") for layer in app.session.experiment.layers[:3:2]] == [60_000, 8]


def test_a_learning_rate_of_ten_billion_ends_in_a_clear_sentence(app: AppTest) -> None:
    field(app, "number_input", "lr").set_value(1e10).run()
    app.button(key="train").click().run()
    assert app.session.wait(lambda snapshot: snapshot.status == "diverged", LIMIT)
    app.run()
    assert "step" in messages(app)
    assert "learning rate" in messages(app)
    app.button(key="fix-diverged").click().run()
    settled(app)
    assert app.session.snapshot().status == "ready"
    assert app.session.snapshot().learning_rate == pytest.approx(0.001)
    assert field(app, "number_input", "lr").value == pytest.approx(0.001)


def test_changing_the_learning_rate_keeps_the_run(app: AppTest) -> None:
    app.button(key="step").click().run()
    assert app.session.wait(lambda snapshot: snapshot.step == 1 and not snapshot.busy, LIMIT)
    generation = app.session.snapshot().generation
    app.run()
    field(app, "number_input", "lr").set_value(0.5).run()
    app.button(key="step").click().run()
    assert app.session.wait(lambda snapshot: snapshot.step == 2 and snapshot.learning_rate == 0.5, LIMIT)
    assert app.session.snapshot().generation == generation


def test_small_sets_start_slow_enough_to_watch_and_a_chosen_speed_stays(app: AppTest) -> None:
    session: Session = app.session  # type: ignore[attr-defined]
    assert field(app, "selectbox", "speed-small").value == "1,000 steps/s"
    assert session._mail.orders.steps_per_second == 1000
    preset(app).set_value("fashion-mnist-quickstart")
    settled(app.run())
    assert field(app, "selectbox", "speed-images").value == "full speed"
    assert session._mail.orders.steps_per_second is None
    preset(app).set_value("xor")
    settled(app.run())
    field(app, "selectbox", "speed-small").set_value("10 steps/s")
    app.run()
    assert session._mail.orders.steps_per_second == 10
    preset(app).set_value("moons")
    settled(app.run())
    assert field(app, "selectbox", "speed-small").value == "10 steps/s"
    assert session._mail.orders.steps_per_second == 10


def test_two_sessions_do_not_see_each_others_work(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Session()
    use(monkeypatch, other)
    second = AppTest.from_file(str(ROOT / "pages" / "entry" / "main.py"), default_timeout=LIMIT).run()
    preset(second).set_value("xor").run()
    assert other.experiment == PRESETS["xor"].experiment
    assert app.session.experiment == PRESETS["spiral"].experiment
    assert other.close(timeout=LIMIT)


def test_an_error_in_the_training_thread_is_shown_and_training_can_start_again(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlp_core.training import trainer

    def broken(*arguments: object, **options: object) -> object:
        raise RuntimeError("the disk is <b>on fire</b>")

    with monkeypatch.context() as patch:
        patch.setattr(trainer, "train", broken)
        app.button(key="train").click().run()
        assert app.session.wait(lambda snapshot: snapshot.status == "failed", LIMIT)
    app.run()
    assert "on fire" in messages(app)
    assert "\\<b\\>" in app.error[0].value, "texts from outside are shown as text, not as markup"
    app.button(key="train").click().run()
    assert app.session.wait(lambda snapshot: snapshot.step > 0, LIMIT)


def test_the_lease_is_longer_than_a_hidden_tab_stays_silent() -> None:
    assert lease.LEASE_SECONDS > 2 * 60


def test_a_schedule_is_chosen_and_set(app: AppTest) -> None:
    field(app, "selectbox", "scheduler").set_value("StepLR").run()
    field(app, "number_input", "scheduler-StepLR-step_size").set_value(3).run()
    field(app, "selectbox", "scheduler-every").set_value("step").run()
    chosen = app.session.experiment.scheduler
    assert (chosen.type, chosen.params["step_size"], chosen.every) == ("StepLR", 3, "step")
    field(app, "selectbox", "scheduler").set_value("constant").run()
    assert app.session.experiment.scheduler is None
    assert not app.exception
