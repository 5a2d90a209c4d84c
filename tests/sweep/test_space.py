"""Spaces of settings: what they may name, what they refuse, and what is put into an experiment."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
import strategies
from hypothesis import given, settings
from hypothesis import strategies as st

from mlp_core.errors import SpecError
from mlp_core.presets import preset
from mlp_core.settings import settings_of
from mlp_core.spec import Experiment
from mlp_core.sweep.space import Range, read_space, space_of
from mlp_core.sweep.spec import SweepSpec

SPIRAL = preset("spiral").experiment
LR = {"low": 1e-3, "high": 1.0, "log": True}


@pytest.mark.parametrize(
    ("space", "words"),
    [
        ("[1]", "must be a JSON object"),
        ("{}", "must be a JSON object"),
        ('{"optimizer.lr": {"low": 0.1, "high": 1}, "optimizer.lr": {"choices": [1]}}', "twice"),
        ('{"optimizer.lr": {"low": NaN, "high": 1}}', "not a number"),
        ({"optimizer.learning": LR}, "This experiment has no setting 'optimizer.learning'"),
        ({"hidden.widht": LR}, "Did you mean 'hidden.width'"),
        ({"layers.9.out_features": {"choices": [1]}}, "This experiment has no setting 'layers.9.out_features'"),
        ({"optimizer.lr": {"low": 1, "high": 0.1}}, "is empty"),
        ({"optimizer.lr": {"low": 1, "high": 1}}, "is empty"),
        ({"optimizer.lr": {"low": 0, "high": 1, "log": True}}, "must begin above 0"),
        ({"optimizer.lr": {"low": 0.1, "high": 1, "log": True, "step": 0.1}}, "either 'log' or 'step'"),
        ({"optimizer.lr": {"low": 0.1, "high": 1, "step": 0}}, "'step'"),
        ({"optimizer.lr": {"low": 0.1, "high": 1, "step": 5}}, "'step'"),
        ({"optimizer.lr": {"low": 0.1, "high": 1, "log": "yes"}}, "'log'"),
        ({"optimizer.lr": {"low": -1, "high": 1}}, "The 'lr' parameter"),
        ({"optimizer.lr": {"low": None, "high": 1}}, "must be numbers|The 'lr' parameter"),
        ({"optimizer.lr": {"low": 0.1}}, '"low", "high"'),
        ({"optimizer.lr": {"low": 0.1, "high": 1, "choices": [1]}}, "one or more choices"),
        ({"optimizer.lr": {"choices": []}}, "one or more choices"),
        ({"optimizer.lr": {"choices": [0.1, 0.1]}}, "twice"),
        ({"optimizer.lr": {"choices": list(range(1, 200))}}, "at most 100 choices"),
        ({"training.batch_size": {"low": 1, "high": 9.5}}, "batch_size"),
        ({"training.batch_size": {"low": None, "high": 9}}, "must be numbers"),
        ({"training.batch_size": {"low": 1, "high": 9, "step": 1.5}}, "a whole number"),
        ({"training.zero_grad": {"low": 0, "high": 1}}, "has no range"),
        ({"layers.1.type": {"choices": ["Tanh", "Thanh"]}}, "Thanh"),
        ({"layers.1.type": {"choices": [{}]}}, "must be names"),
        ({"hidden.width": {"low": 1, "high": 3}, "layers.1.type": {"choices": ["Tanh"]}}, "Leave one out"),
        ({f"layers.{at}.out_features": {"choices": [at + 1]} for at in range(30)}, "at most 20 settings"),
    ],
)
def test_what_a_space_refuses_is_named(space: Any, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        read_space(space if isinstance(space, str) else json.dumps(space), SPIRAL)


def test_a_grid_of_too_many_points_is_refused_with_its_count() -> None:
    space = space_of({f"data.{name}": {"low": 0, "high": 999, "step": 1} for name in ("seed",)}
                     | {f"training.{name}": {"low": 1, "high": 1000, "step": 1}
                        for name in ("batch_size", "patience")}, SPIRAL)  # fmt: skip
    with pytest.raises(SpecError, match="1,000,000,000 points"):
        SweepSpec(space=space, sampler="grid")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sampler": "cmaes", "objective": "loss_and_parameters"}, "two objectives"),
        ({"sampler": "nsga2"}, "single objective"),
        ({"sampler": "nsga2", "objective": "loss_and_parameters", "pruner": "median"}, "'none'"),
        ({"sampler": "cmaes"}, "2 ranges"),
        ({"sampler": "best"}, "'sampler' parameter"),
        ({"trials": 0}, "'trials' parameter"),
        ({"trials": 10**9}, "'trials' parameter"),
    ],
)
def test_what_does_not_fit_together_is_named(options: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError, match=words):
        SweepSpec(space=space_of({"optimizer.lr": LR}, SPIRAL), **options)


@settings(max_examples=10)
@given(strategies.json_values())
def test_any_other_json_is_refused_in_a_sentence(value: Any) -> None:
    for form in (value, {"optimizer.lr": value}, {"layers.1.type": {"choices": value}}, {"optimizer.betas": value}):
        with suppress(SpecError):
            assert space_of(form, SPIRAL).dimensions


@settings(max_examples=10)
@given(strategies.experiments(modest=True), st.data())
def test_every_setting_of_any_experiment_can_be_searched(experiment: Experiment, data: st.DataObject) -> None:
    known = settings_of(experiment)
    path = data.draw(st.sampled_from(sorted(known)))
    rule = known[path].rule
    drawn = data.draw(st.lists(strategies.values(rule, modest=True), min_size=1, max_size=3))
    values = [rule.convert(value) for value in drawn if rule.accepts(value)] or [rule.convert(rule.default)]
    unique = list({json.dumps(value): value for value in values}.values())
    space = space_of({path: {"choices": unique}}, experiment)
    assert space_of(json.loads(json.dumps(space.record())), experiment) == space
    for value in space.dimensions[path].grid():
        try:
            changed = space.experiment_of({path: value})
        except SpecError:
            continue  # it does not fit what else is set
        if path.startswith(("hidden.", "layers.")) or path.endswith(".type"):
            continue  # a type brings its own parameters
        assert known[path].get(changed) == value


@pytest.mark.parametrize(
    ("form", "grid"),
    [
        (Range(1, 3, whole=True), (1, 2, 3)),
        (Range(1, 10, step=4, whole=True), (1, 5, 9)),
        (Range(1, 100, log=True, whole=True), (1, 3, 10, 32, 100)),
        (Range(0.0, 1.0), (0.0, 0.25, 0.5, 0.75, 1.0)),
        (Range(0.1, 0.4, step=0.1), (0.1, 0.2, 0.30000000000000004, 0.4)),
    ],
)
def test_the_values_of_a_grid(form: Range, grid: tuple[float, ...]) -> None:
    assert form.grid() == pytest.approx(grid)
    assert len(grid) <= form.count


def test_the_hidden_layers_are_searched_together() -> None:
    space = space_of({"hidden.layers": {"low": 0, "high": 5}, "hidden.width": {"low": 1, "high": 64},
                      "hidden.activation": {"choices": ["ReLU", "Tanh"]}}, SPIRAL)  # fmt: skip
    found = space.experiment_of({"hidden.layers": 4, "hidden.width": 5, "hidden.activation": "ReLU"})
    assert [layer.type for layer in found.layers] == ["Linear", "ReLU"] * 4 + ["Linear"]
    assert [layer.params["out_features"] for layer in found.layers[::2]] == [5, 5, 5, 5, None]
    assert space.experiment_of({"hidden.layers": 0}).layers == SPIRAL.layers[-1:]


def test_a_parameter_of_another_optimizer_is_searched_where_it_has_one() -> None:
    space = space_of({"optimizer.type": {"choices": ["SGD", "Adam"]}, "optimizer.momentum": {"low": 0, "high": 0.9},
                      "optimizer.lr": LR}, SPIRAL)  # fmt: skip
    values = {"optimizer.type": "Adam", "optimizer.momentum": 0.5, "optimizer.lr": 0.25}
    assert space.experiment_of(values).optimizer.params["lr"] == 0.25
    assert space.experiment_of({**values, "optimizer.type": "SGD"}).optimizer.params["momentum"] == 0.5
