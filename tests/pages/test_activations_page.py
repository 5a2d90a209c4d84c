"""The Activations page without a browser: every entry, every tab, and the way into the user's network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from mlp_core.activations import cost
from mlp_core.catalog import ACTIVATIONS
from mlp_core.plan import plan
from mlp_core.presets import PRESETS, mlp
from mlp_core.spec import Experiment, LayerSpec
from mlp_core.training.session import Session
from pages.activations.trial import hidden_activations, with_activation
from tests.pages.test_pages import LIMIT, ROOT, use
from tests.toy_entries import SINE

PAGE = """
import streamlit as st
from pages.shared.editor import entered
entered("activations")
exec(compile(open("pages/activations/page.py").read(), "page.py", "exec"))
"""


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    session = Session()
    use(monkeypatch, session)
    monkeypatch.chdir(ROOT)
    yield AppTest.from_string(PAGE, default_timeout=LIMIT)
    assert session.close(timeout=LIMIT)


def pills(app: AppTest) -> Any:
    return next(group for group in app.button_group if (group.key or "").startswith("activations_pills"))


def choose(app: AppTest, *names: str) -> AppTest:
    pills(app).set_value(list(names)).run()
    assert not app.exception
    return app


def words(app: AppTest) -> str:
    return " ".join(
        element.value for kind in ("markdown", "caption", "info", "error") for element in getattr(app, kind)
    )


def test_it_begins_with_what_the_network_has(app: AppTest) -> None:
    app.run()
    assert not app.exception
    assert pills(app).value == ["ReLU", "Tanh", "GELU"]
    assert "saturates" in words(app)
    table = app.table[0].value
    assert list(table.columns) == ["ReLU", "Tanh", "GELU"]
    assert table.loc["Range", "ReLU"] == "[0, ∞)"
    assert table.loc["Derivative", "ReLU"] == "no derivative at 0, where it has a kink"


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_is_shown_on_every_tab(app: AppTest, name: str) -> None:
    app.session_state["activations_chosen"] = [name]
    for tab in ("Facts", "Ten layers", "All"):
        app.session_state["activations_tab"] = tab
        app.run()
        assert not app.exception, tab
        assert not app.error
    assert pills(app).value == [name]


def test_an_entry_without_facts_is_shown_too(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ACTIVATIONS, "Sine", SINE)
    app.session_state["activations_chosen"] = ["Sine"]
    for tab in ("Facts", "Ten layers", "All"):
        app.session_state["activations_tab"] = tab
        app.run()
        assert not app.exception, tab


def test_a_parameter_moves_the_facts_and_a_bad_one_is_refused(app: AppTest) -> None:
    choose(app.run(), "Hardtanh")
    field = next(number for number in app.number_input if "max_val" in (number.key or ""))
    field.set_value(3.0).run()
    assert app.table[0].value.loc["Range", "Hardtanh"] == "[−1, 3]"
    field = next(number for number in app.number_input if "max_val" in (number.key or ""))
    field.set_value(-2.0).run()
    assert not app.exception
    assert "min_val" in app.error[0].value
    assert app.table[0].value.loc["Range", "Hardtanh"] == "[−1, 3]", "the value before stays"
    assert next(number for number in app.number_input if "max_val" in (number.key or "")).value == 3.0


def test_nothing_chosen_is_no_error(app: AppTest) -> None:
    choose(app.run())
    assert "Choose an activation" in words(app)
    for tab in ("Ten layers", "Cost on this machine", "All"):
        app.session_state["activations_tab"] = tab
        app.run()
        assert not app.exception


def test_at_most_six_are_shown(app: AppTest) -> None:
    choose(app.run(), *list(ACTIVATIONS)[:8])
    assert len(app.table[0].value.columns) == 6
    assert "The first 6 are shown" in words(app)


def test_costs_are_measured_at_a_press(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "SAMPLES", 8)
    app.session_state["activations_tab"] = "Cost on this machine"
    app.run()
    assert "activations_costs" not in app.session_state
    app.button(key="measure-costs").click().run()
    assert not app.exception
    found = app.session_state["activations_costs"]
    assert [each.layer.type for each in found] == ["ReLU", "Tanh", "GELU"]
    assert found[0].forward == found[0].backward == 1.0
    assert all(each.forward > 0 and each.backward > 0 for each in found)


def test_hidden_activations_are_replaced_and_those_of_the_output_stay() -> None:
    experiment = PRESETS["binary-16-12-10-1"].experiment
    assert hidden_activations(experiment) == [(1,), (3,)]
    tried = with_activation(experiment, LayerSpec(type="ELU", params={"alpha": 0.5}))
    assert [layer.type for layer in tried.layers] == ["Linear", "ELU", "Linear", "ELU", "Linear", "Sigmoid"]
    assert tried.layers[1].params["alpha"] == 0.5
    one = with_activation(experiment, LayerSpec(type="ELU"), (3,))
    assert [layer.type for layer in one.layers] == ["Linear", "ReLU", "Linear", "ELU", "Linear", "Sigmoid"]


def test_activations_inside_of_other_layers_are_replaced_too() -> None:
    block = LayerSpec(type="Residual")
    experiment: Experiment = PRESETS["xor"].experiment
    nested = experiment.updated(layers=(*mlp((4,), "ReLU")[:2], block, LayerSpec(type="Linear")))
    tried = with_activation(nested, LayerSpec(type="Tanh"))
    assert [layer.type for _, layer in tried.walk()].count("Tanh") == 2
    assert "ReLU" not in {layer.type for _, layer in tried.walk()}


def test_a_network_without_any_gets_one() -> None:
    bare = PRESETS["plane"].experiment
    tried = with_activation(bare, LayerSpec(type="Tanh"))
    assert [layer.type for layer in tried.layers] == ["Tanh", "Linear"]
    plan(tried)
