"""The pages without a browser: every press and every refused value, through Streamlit's own AppTest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import torch
from streamlit.testing.v1 import AppTest

from mlp_core.catalog import INITIALIZERS, LAYERS, LayerEntry
from mlp_core.export import STYLES, refuses, script, weights
from mlp_core.limits import MAX_LAYER_DEPTH
from mlp_core.link import decode
from mlp_core.presets import PRESETS
from mlp_core.spec import InitSpec
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


def test_opens_ready_to_train_with_the_default_preset(app: AppTest) -> None:
    assert not app.exception
    assert preset(app).value == "spiral"
    assert app.button(key="train").disabled is False
    assert field(app, "button_group", "data-spiral-features").value == ["x1", "x2"]
    assert not app.error


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


@pytest.mark.parametrize(
    ("width", "said"), [(0, "'out_features'"), (1_000_000_000, "parameters"), (10**10, "'out_features'")]
)
def test_a_bad_width_is_explained_and_costs_nothing(app: AppTest, width: int, said: str) -> None:
    before = app.session.experiment
    field(app, "number_input", "layer-0-Linear-out_features").set_value(width).run()
    assert said in messages(app)
    assert app.session.experiment == before
    assert field(app, "number_input", "layer-0-Linear-out_features").value == 8
    field(app, "number_input", "layer-0-Linear-out_features").set_value(9).run()
    assert not app.error, "a good value takes the sentence away"


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


def test_a_wrong_loss_is_explained_with_a_fix_that_works(app: AppTest) -> None:
    field(app, "selectbox", "loss").set_value("BCELoss").run()
    assert "Sigmoid" in messages(app)
    assert app.button(key="train").disabled
    app.button(key="fix-0").click().run()
    assert not app.error
    assert field(app, "selectbox", "loss").value == "BCEWithLogitsLoss"


def test_layers_are_added_moved_duplicated_and_removed(app: AppTest) -> None:
    def types() -> list[str]:
        return [layer.type for layer in app.session.experiment.layers]

    def menu(name: str, action: str) -> None:
        field(app, "menu_button", name).click(action).run()

    menu("add-layer", "hidden")
    assert types() == ["Linear", "Tanh"] * 4 + ["Linear"]
    menu("add-layer", "activation")
    assert app.session.experiment.layers[-2].type == "Tanh", "the one that the network has already"
    menu("layer-8-menu", "Remove")
    menu("add-layer", "Dropout")
    assert types()[-2:] == ["Dropout", "Linear"]
    menu("layer-8-menu", "Move towards the input")
    assert types()[-3:] == ["Dropout", "Tanh", "Linear"]
    menu("layer-7-menu", "Duplicate")
    assert types()[-4:] == ["Dropout", "Dropout", "Tanh", "Linear"]
    menu("layer-7-menu", "Remove")
    menu("layer-7-menu", "Remove")
    field(app, "selectbox", "layer-1-type").set_value("LeakyReLU").run()
    field(app, "number_input", "layer-1-LeakyReLU-negative_slope").set_value(0.2).run()
    assert app.session.experiment.layers[1].params == {"negative_slope": 0.2}
    menu("layer-0-menu", "Settings and formula")
    assert app.latex[0].value
    field(app, "toggle", "layer-0-Linear-bias").set_value(False).run()
    assert app.session.experiment.layers[0].params["bias"] is False
    app.button(key="close-details").click().run()
    assert not app.latex
    assert not app.exception


def test_what_weights_begin_with_is_chosen_by_widgets_of_the_catalog(app: AppTest) -> None:
    def chosen() -> Any:
        return app.session.experiment.layers[0]  # type: ignore[attr-defined]

    field(app, "menu_button", "layer-0-menu").click("Settings and formula").run()
    weights = field(app, "selectbox", "layer-0-init")
    assert weights.options == ["PyTorch's default", *(entry.label for entry in INITIALIZERS.values())]
    assert weights.value == "default"
    weights.set_value("kaiming_normal_").run()
    field(app, "selectbox", "layer-0-init-kaiming_normal_-nonlinearity").set_value("linear").run()
    assert chosen().init == InitSpec(type="kaiming_normal_", params={"nonlinearity": "linear"})
    biases = field(app, "selectbox", "layer-0-bias_init")
    assert biases.options == ["PyTorch's default", *(e.label for e in INITIALIZERS.values() if e.vectors)]
    biases.set_value("constant_").run()
    field(app, "number_input", "layer-0-bias_init-constant_-val").set_value(0.5).run()
    assert chosen().bias_init == InitSpec(type="constant_", params={"val": 0.5})
    field(app, "selectbox", "layer-0-init").set_value("default").run()
    assert chosen().init is None
    assert chosen().bias_init is not None
    field(app, "selectbox", "layer-0-bias_init").set_value("uniform_").run()
    field(app, "number_input", "layer-0-bias_init-uniform_-a").set_value(3.0).run()
    assert "must be at most 'b'" in messages(app)
    assert chosen().bias_init == InitSpec(type="uniform_")


def test_a_residual_block_is_composed_row_by_row(app: AppTest) -> None:
    def inside(path: tuple[int, ...]) -> list[str]:
        return [layer.type for layer in app.session.experiment.layers_inside(path)]

    def menu(name: str, action: str) -> None:
        field(app, "menu_button", name).click(action).run()

    menu("add-layer", "Residual")
    assert inside(())[-2:] == ["Residual", "Linear"]
    assert inside((6,)) == ["Linear", "ReLU", "Linear"]
    assert "8 → 8 :gray[ · 144]" in [element.value for element in app.markdown], (
        "two Linear layers of the block's width"
    )
    menu("add-layer-6", "hidden")
    assert inside((6,)) == ["Linear", "ReLU", "Linear", "ReLU", "Linear"]
    menu("add-layer-6", "Residual")
    assert inside((6,)) == ["Linear", "ReLU", "Linear", "ReLU", "Residual", "Linear"]
    menu("layer-6-4-1-menu", "Move towards the input")
    assert inside((6, 4)) == ["ReLU", "Linear", "Linear"]
    menu("layer-6-4-2-menu", "Remove")
    menu("layer-6-4-0-menu", "Duplicate")
    field(app, "selectbox", "layer-6-4-0-type").set_value("LeakyReLU").run()
    assert inside((6, 4)) == ["LeakyReLU", "ReLU", "Linear"]
    field(app, "number_input", "layer-6-4-0-LeakyReLU-negative_slope").set_value(0.2).run()
    menu("layer-6-4-0-menu", "Settings and formula")
    assert any("Layer 7.5.1: LeakyReLU" in element.value for element in app.markdown)
    app.button(key="close-details").click().run()
    assert app.session.experiment.layer_at((6, 4, 0)).params == {"negative_slope": 0.2}
    assert not app.exception
    assert not app.error
    for _ in range(3):
        menu("layer-6-menu", "Duplicate")
    assert inside((9, 4)) == ["LeakyReLU", "ReLU", "Linear"]
    assert {"Remove", "Duplicate"} <= set(field(app, "menu_button", "layer-6-4-0-menu").options)
    for position in (2, 1):
        menu(f"layer-6-4-{position}-menu", "Remove")
    assert "Remove" not in field(app, "menu_button", "layer-6-4-0-menu").options, "the last one of a block stays"
    settled(app)
    assert app.session.snapshot().status == "ready"


def test_a_block_of_another_width_is_explained_with_a_fix_that_works(app: AppTest) -> None:
    field(app, "menu_button", "add-layer").click("Residual").run()
    field(app, "number_input", "layer-6-2-Linear-out_features").set_value(5).run()
    assert "layer 7 (Residual) must give as many values as come in, 8. Got 5 instead" in messages(app)
    assert app.button(key="train").disabled
    fix = app.button(key="fix-0")
    assert fix.label == "Make it give 8"
    fix.click().run()
    assert not app.error
    assert field(app, "number_input", "layer-6-2-Linear-out_features").value is None
    assert settled(app).button(key="train").disabled is False
    app.button(key="step").click().run()
    assert app.session.wait(lambda snapshot: snapshot.step == 1 and not snapshot.busy, LIMIT)


def test_settings_of_a_layer_that_do_not_fit_together_are_refused(app: AppTest) -> None:
    field(app, "selectbox", "layer-1-type").set_value("Hardtanh").run()
    before = app.session.experiment
    field(app, "number_input", "layer-1-Hardtanh-min_val").set_value(5.0).run()
    assert not app.exception
    assert "'min_val' parameter of layer Hardtanh must be below 'max_val'" in messages(app)
    assert app.session.experiment == before


def test_more_blocks_inside_each_other_than_allowed_are_refused(app: AppTest) -> None:
    path: tuple[int, ...] = ()
    for depth in range(MAX_LAYER_DEPTH + 1):
        before = app.session.experiment
        place = len(before.layers_inside(path)) - 1  # in front of the last Linear
        name = "-".join(["add-layer", *map(str, path)])
        field(app, "menu_button", name).click("Residual").run()
        assert not app.exception
        if depth == MAX_LAYER_DEPTH:
            assert f"at most {MAX_LAYER_DEPTH} deep" in messages(app)
            assert app.session.experiment == before
        path = (*path, place)


def test_a_layer_of_one_entry_can_be_chosen(monkeypatch: pytest.MonkeyPatch, app: AppTest) -> None:
    entry = LayerEntry(name="Mirrored", label="A mirror", summary="Twice as wide.", family="other",
                       target="toys:Mirrored", out_features=lambda params, features: 2 * features)  # fmt: skip
    monkeypatch.setitem(LAYERS, "Mirrored", entry)
    app.run()
    assert "A mirror" in field(app, "selectbox", "layer-1-type").options
    field(app, "menu_button", "add-layer").click("Mirrored").run()
    assert not app.exception
    assert not app.error
    assert "8 → 16 :gray[]" in [element.value for element in app.markdown]
    settled(app).button(key="step").click().run()
    assert app.session.wait(lambda snapshot: snapshot.step == 1 and not snapshot.busy, LIMIT)
    preset(app).set_value("xor").run()  # before the entry goes
    settled(app)


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


def test_the_model_page_prints_the_model(app: AppTest) -> None:
    app.switch_page("../model/page.py").run()
    assert not app.exception
    assert "Linear(in_features=2, out_features=8, bias=True)" in app.code[0].value
    assert app.metric[0].value == "186"


def test_the_model_page_lists_the_layers_inside_others(app: AppTest) -> None:
    field(app, "menu_button", "add-layer").click("Residual").run()
    settled(app).switch_page("../model/page.py").run()
    assert not app.exception
    rows = app.dataframe[0].value
    assert list(rows["name"][-5:]) == ["6", "6.0", "6.1", "6.2", "7"]
    assert list(rows["layer"][-5:]) == ["Residual", "Linear", "ReLU", "Linear", "Linear"]
    assert list(rows["parameters"][-5:]) == [144, 72, 0, 72, 18]
    assert app.metric[0].value == str(186 + 144)
    assert "(6): Residual(" in app.code[0].value


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


# Links


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


def test_the_address_holds_the_experiment_and_opens_it_elsewhere(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    field(app, "number_input", "layer-0-Linear-out_features").set_value(5).run()
    query = address(app)
    assert decode(query["experiment"]) == app.session.experiment
    other = opened(monkeypatch, **query)
    assert other.session.experiment == app.session.experiment
    assert field(other, "number_input", "layer-0-Linear-out_features").value == 5
    assert other.session.close(timeout=LIMIT)


def test_a_broken_link_is_explained_and_the_default_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    test = opened(monkeypatch, experiment="1abc", hide="everything")
    assert "link is broken" in test.warning[0].value
    assert test.session.experiment == PRESETS["spiral"].experiment
    test.button(key="close-link-notes").click().run()
    assert not test.warning
    assert test.session.close(timeout=LIMIT)


HIDDEN = {
    "preset": ("selectbox", "preset-spiral"),
    "dataset": ("selectbox", "dataset"),
    "data": ("number_input", "batch_size"),
    "features": ("button_group", "data-spiral-features"),
    "network": ("selectbox", "layer-0-type"),
    "loss": ("selectbox", "loss"),
    "optimizer": ("selectbox", "optimizer"),
    "scheduler": ("selectbox", "scheduler"),
    "learning_rate": ("number_input", "lr"),
    "batch_size": ("number_input", "batch_size"),
    "epochs": ("number_input", "training-epochs"),
    "seed": ("number_input", "training-seed"),
    "device": ("selectbox", "device"),
    "regularisation": ("number_input", "training-max_grad_norm"),
}
LOCKED = HIDDEN | {"activation": ("selectbox", "layer-1-type")}


def has(app: AppTest, kind: str, name: str) -> bool:
    return any((widget.key or "").rsplit("--", 1)[0] == name for widget in getattr(app, kind))


@pytest.mark.parametrize("name", HIDDEN)
def test_a_link_hides_a_control(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    test = opened(monkeypatch, preset="spiral", hide=name)
    assert not test.exception
    assert not has(test, *HIDDEN[name])
    assert [other for other in HIDDEN if HIDDEN[other] != HIDDEN[name] and has(test, *HIDDEN[other])]
    assert address(test)["hide"] == name, "the address keeps what it hides"
    assert test.session.close(timeout=LIMIT)


def test_a_link_hides_what_is_no_widget(monkeypatch: pytest.MonkeyPatch) -> None:
    test = opened(monkeypatch, preset="spiral", hide="output,views,test,step,speed,activation,code")
    assert not test.exception
    assert not test.tabs
    assert not any(button.key in ("step", "epoch") for button in test.button)
    assert "Output" not in [title.value for title in test.subheader]
    assert test.session.close(timeout=LIMIT)


@pytest.mark.parametrize("name", LOCKED)
def test_a_link_locks_a_control(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    test = opened(monkeypatch, preset="spiral", lock=name)
    assert field(test, *LOCKED[name]).disabled
    assert not field(test, "selectbox", "preset-spiral" if name != "preset" else "dataset").disabled
    assert test.session.close(timeout=LIMIT)


def test_what_a_link_locks_no_other_control_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    test = opened(monkeypatch, preset="spiral", lock="network,loss")
    preset(test).set_value("xor").run()
    assert "locks 'Network'" in messages(test)
    assert test.session.experiment == PRESETS["spiral"].experiment
    field(test, "selectbox", "optimizer").set_value("Adam").run()
    assert test.session.experiment.optimizer.type == "Adam"
    assert test.session.close(timeout=LIMIT)


def test_a_schedule_is_chosen_and_set(app: AppTest) -> None:
    field(app, "selectbox", "scheduler").set_value("StepLR").run()
    field(app, "number_input", "scheduler-StepLR-step_size").set_value(3).run()
    field(app, "selectbox", "scheduler-every").set_value("step").run()
    chosen = app.session.experiment.scheduler
    assert (chosen.type, chosen.params["step_size"], chosen.every) == ("StepLR", 3, "step")
    field(app, "selectbox", "scheduler").set_value("constant").run()
    assert app.session.experiment.scheduler is None
    assert not app.exception


# Export


@pytest.fixture
def export(app: AppTest) -> AppTest:
    """The Export page, of a run of some steps."""
    app.button(key="step").click().run()
    assert app.session.wait(lambda snapshot: snapshot.step == 1 and not snapshot.busy, LIMIT)
    app.switch_page("../export/page.py").run()
    assert not app.exception
    return app


def show_tab(app: AppTest, name: str) -> None:
    app.session_state["export_tab"] = name
    app.run()
    assert not app.exception


def test_every_style_is_shown_or_refused_with_a_reason(export: AppTest) -> None:
    for style in STYLES:
        export.selectbox(key="export_style").set_value(style).run()
        assert not export.exception
        reason = refuses(export.session.experiment, style)
        if reason:
            assert reason in messages(export)
        else:
            assert export.code[0].value == script(export.session.experiment, style).strip()


def test_two_styles_stand_side_by_side_with_their_differences_marked(export: AppTest) -> None:
    export.selectbox(key="export_other").set_value("bare-tensors").run()
    shown = next(block.value for block in export.get("html") if "code-compare" in block.value)
    assert 'class="differs"' in shown
    assert "equal lines" in shown
    assert not export.code


def test_a_script_that_cannot_repeat_the_run_says_so(export: AppTest) -> None:
    assert "prints the numbers" in messages(export)
    session = export.session
    changed = session.experiment.updated(
        optimizer=session.experiment.optimizer.updated(params={**session.experiment.optimizer.params, "lr": 0.5})
    )
    edited = changed.to_json()
    show_tab(export, "Experiment and link")
    export.get("file_uploader")[0].upload("experiment.json", edited.encode(), "application/json").run()
    session.step()
    assert session.wait(lambda snapshot: snapshot.step == 2 and not snapshot.busy, LIMIT)
    show_tab(export, "Code")
    assert "changed by hand" in export.warning[0].value
    export.toggle(key="export_trained").set_value(True).run()
    assert "load_file" in export.code[0].value


@pytest.mark.parametrize("kind", ["weights", "onnx", "zip"])
def test_files_of_the_trained_network(export: AppTest, kind: str) -> None:
    show_tab(export, "Weights and models")
    export.selectbox(key="export_kind").set_value(kind).run()
    export.button(key="make-file").click().run()
    assert not export.exception
    assert not export.error
    name, content, said = export.session_state["made_file"]
    assert "step 1" in said
    if kind == "weights":
        assert weights.load(content).experiment == export.session.experiment
    else:
        assert content.startswith(b"PK" if kind == "zip" else b"\x08")
    assert any(name in button.label for button in export.get("download_button"))


def test_weights_come_back_and_a_bad_file_costs_nothing(export: AppTest) -> None:
    session = export.session
    state = session.weights("current", LIMIT)
    content = weights.save(state.experiment, state.tensors, step=1)
    show_tab(export, "Weights and models")
    export.get("file_uploader")[0].upload("w.safetensors", b"\x80\x04pickle", "application/octet-stream").run()
    assert "safetensors" in messages(export)
    assert session.snapshot().step == 1
    session.reset()
    assert session.wait(lambda snapshot: snapshot.step == 0 and not snapshot.busy, LIMIT)
    export.get("file_uploader")[0].upload("w.safetensors", content, "application/octet-stream").run()
    assert not export.error
    settled(export)
    back = session.weights("current", LIMIT)
    assert all(torch.equal(back.tensors[name], tensor) for name, tensor in state.tensors.items())
    assert any("loaded" in reason for reason in session.snapshot().inexact)


def test_an_experiment_comes_back_and_a_bad_one_is_explained(export: AppTest) -> None:
    show_tab(export, "Experiment and link")
    export.get("file_uploader")[0].upload("e.json", b'{"layers": [], "surprise": 1}', "application/json").run()
    assert "lacks the key 'loss'" in messages(export)
    assert export.session.experiment == PRESETS["spiral"].experiment
    wanted = PRESETS["xor"].experiment
    export.get("file_uploader")[0].upload("e.json", wanted.to_json().encode(), "application/json").run()
    assert export.session.experiment == wanted


def test_the_link_on_the_page_opens_the_experiment(export: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    show_tab(export, "Experiment and link")
    export.multiselect(key="link_lock").set_value(["network"]).run()
    link = next(block.value for block in export.code if block.value.startswith("http"))
    query = {name: values[0] for name, values in parse_qs(urlsplit(link).query).items()}
    other = opened(monkeypatch, **query)
    assert other.session.experiment == export.session.experiment
    assert field(other, "selectbox", "layer-0-type").disabled
    assert other.session.close(timeout=LIMIT)
