"""The area of the network without a browser: layers composed, widths refused, and fixes that work."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from mlp_core.catalog import INITIALIZERS, LAYERS, LayerEntry
from mlp_core.limits import MAX_LAYER_DEPTH
from mlp_core.spec import InitSpec
from tests.pages.test_pages import LIMIT, field, messages, preset, settled

pytestmark = pytest.mark.layer_list


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
    assert "Lowest must be at most Highest" in messages(app)
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
    assert "Lowest of layer 2 must be below Highest" in messages(app)
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
