"""Links on the pages: what an address holds, hides and locks, through AppTest."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from mlp_core.link import decode
from mlp_core.presets import PRESETS
from tests.pages.test_pages import LIMIT, address, field, messages, opened, preset

pytestmark = pytest.mark.layer_list


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
