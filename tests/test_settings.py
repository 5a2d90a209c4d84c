"""Settings by their paths: each can be read, set to what its rule allows, and is where kept runs have it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlp_core.catalog.parameters import Bool, Choice
from mlp_core.changes import changes
from mlp_core.errors import SpecError
from mlp_core.presets import PRESETS, preset
from mlp_core.problems import problems
from mlp_core.settings import (
    ACTIVATION,
    DEPTH,
    INITIALIZER,
    NONE,
    WIDTH,
    Setting,
    applied,
    path_in_layer,
    settable,
    setting_at,
    settings_of,
)
from mlp_core.settings.whole import WHOLE
from mlp_core.spec import Experiment, InitSpec, LayerSpec
from mlp_core.store.settings import settings_of as kept_settings
from tests import strategies

SPIRAL = preset("spiral").experiment


def allowed(setting: Setting) -> list[Any] | None:
    """All that it may be, where those are few."""
    rule = setting.rule
    if isinstance(rule, Bool):
        return [False, True]
    return [*rule.choices, *([None] if rule.optional else [])] if isinstance(rule, Choice) else None


@settings(max_examples=10)
@given(strategies.experiments(modest=True), st.data())
def test_every_setting_is_read_and_set_to_whatever_its_rule_allows(experiment: Experiment, data: st.DataObject) -> None:
    known = settings_of(experiment)
    assert len({one.label for one in known.values()}) == len(known)
    kept = kept_settings(experiment)
    for path, setting in known.items():
        now = setting.get(experiment)
        if path not in WHOLE:
            assert setting.put(experiment, now) == experiment, path
        if path in kept and not isinstance(now, tuple):
            assert kept[path] == now, path
    path = data.draw(st.sampled_from(list(known)))
    setting = known[path]
    values = allowed(setting) or [data.draw(strategies.values(setting.rule, modest=True))]
    for value in map(setting.check, values):
        try:
            made = setting.put(experiment, value)
        except SpecError:  # it does not fit what else is set
            continue
        assert setting.get(made) in (value, None if path in WHOLE else value)
        assert Experiment.from_json(made.to_json()) == made
        assert setting.put(made, value) == made
        assert setting.text(value)
    for bad in setting.rule.bad_values():
        with pytest.raises(SpecError):
            setting.check(bad)


@settings(max_examples=10)
@given(st.sampled_from(list(PRESETS)), st.data())
def test_an_unknown_path_is_named_with_the_nearest_one(name: str, data: st.DataObject) -> None:
    known = settings_of(PRESETS[name].experiment)
    path = data.draw(st.sampled_from(list(known)))
    place = data.draw(st.integers(0, len(path) - 1))
    wrong = path[:place] + "_" + path[place:]
    with pytest.raises(SpecError, match=f"no setting '{wrong}'. Did you mean '") as raised:
        setting_at(known, wrong)
    assert str(raised.value).split("'")[3] in known
    assert setting_at(known, path) is known[path]
    with pytest.raises(SpecError, match="Leave it out"):
        setting_at(known, "🙂" * 1000)


@pytest.mark.parametrize("name", PRESETS)
def test_what_a_page_has_a_field_for_changes_the_experiment(name: str) -> None:
    experiment = preset(name).experiment
    found = settable(experiment)
    assert {DEPTH, INITIALIZER, "optimizer.lr", "loss.type", "training.batch_size"} <= set(found)
    assert (WIDTH in found) == (settings_of(experiment)[WIDTH].get(experiment) is not None)
    assert "training.min_delta" not in found, "it does nothing without patience"
    assert path_in_layer((len(experiment.layers) - 1,), "out_features") not in found
    for setting in found.values():
        for value in allowed(setting) or ():
            try:
                made = setting.put(experiment, value)
            except SpecError:  # it needs another value beside it
                continue
            assert bool(changes(experiment, made)) == (made != experiment)


def test_losses_are_those_for_the_data() -> None:
    plane = preset("plane").experiment
    rule = settings_of(plane)["loss.type"].rule
    assert isinstance(rule, Choice)
    assert "MSELoss" in rule.choices
    assert "CrossEntropyLoss" not in rule.choices
    named = settings_of(plane, {"loss": ["CrossEntropyLoss"]})["loss.type"]
    assert named.check("CrossEntropyLoss") == "CrossEntropyLoss"


def test_all_layers_are_set_at_once_and_what_was_set_there_stays() -> None:
    slope = SPIRAL.replace_layer((1,), LayerSpec(type="LeakyReLU", params={"negative_slope": 0.5}))
    known = settings_of(slope)
    made = known[ACTIVATION].put(slope, "LeakyReLU")
    assert [layer.params["negative_slope"] for layer in made.layers[1::2]] == [0.5, 0.01, 0.01]
    deeper = known[WIDTH].put(known[DEPTH].put(SPIRAL, 5), 3)
    assert [layer.params["out_features"] for layer in deeper.layers[::2]] == [3, 3, 3, 3, 3, None]
    flat = known[DEPTH].put(SPIRAL, 0)
    assert (known[DEPTH].get(flat), known[WIDTH].get(flat), known[ACTIVATION].get(flat)) == (0, None, None)
    assert [layer.type for layer in known[DEPTH].put(flat, 2).layers] == ["Linear", "ReLU", "Linear", "ReLU", "Linear"]
    drawn = known[INITIALIZER].put(SPIRAL, "orthogonal_")
    assert {layer.init for layer in drawn.layers[::2]} == {InitSpec(type="orthogonal_")}
    assert known[INITIALIZER].put(drawn, NONE) == SPIRAL
    assert not [one for one in problems(deeper) if one.severity == "error"]


def test_values_are_put_in_the_order_that_they_need() -> None:
    known = settings_of(SPIRAL, {"optimizer": ["SGD", "Adam"], "layers.1": ["PReLU"]})
    made = applied(SPIRAL, {"optimizer.nesterov": True, "optimizer.momentum": 0.9, "layers.1.init": 0.5,
                            "layers.1.type": "PReLU", "layers.0.init.type": "zeros_"}, known)  # fmt: skip
    assert made.optimizer.params["nesterov"]
    assert made.layers[1].params["init"] == 0.5
    assert known["layers.1.init"].get(made) == 0.5
    back = applied(made, {"optimizer.momentum": 0.0, "optimizer.nesterov": False}, known)
    assert (back.optimizer.params["momentum"], back.optimizer.params["nesterov"]) == (0.0, False)
    assert applied(SPIRAL, {"optimizer.type": "Adam", "optimizer.nesterov": True}, known).optimizer.type == "Adam"
    with pytest.raises(SpecError, match="momentum"):
        applied(SPIRAL, {"optimizer.nesterov": True, "optimizer.momentum": 0.0}, known)
    flat = settings_of(SPIRAL)[DEPTH].put(SPIRAL, 0)
    with pytest.raises(SpecError, match=r"no layer for the setting 'layers\.4\.out_features' any more"):
        known["layers.4.out_features"].put(flat, 3)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("optimizer.type", "SGD", "SGD"),
        ("scheduler.type", NONE, "constant"),
        ("optimizer.lr", 0.1, "learning rate 0.1"),
        ("training.l1_penalty", 0.5, "L1 penalty 0.5"),
        ("training.batch_size", None, "batch size full batch"),
        ("layers.0.out_features", 3, "layer 1 neurons 3"),
        ("layers.0.frozen", True, "layer 1 frozen on"),
    ],
)
def test_a_setting_with_a_value_in_words(path: str, value: Any, said: str) -> None:
    assert settings_of(SPIRAL)[path].phrase(value) == said
