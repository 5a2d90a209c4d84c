"""Charts of sweeps: each point is its trial's, in both themes; and what a setting is searched in at first."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given, settings

from mlp_core import figures
from mlp_core.catalog.parameters import Float
from mlp_core.figures import Dimension, Trials
from mlp_core.presets import PRESETS, preset
from mlp_core.settings import settings_of
from mlp_core.spec import Experiment
from mlp_core.sweep.space import Range, space_of
from mlp_core.sweep.usual import usual_form
from tests import strategies

NUMBERS = (1, 2, 4, 7, 8, 9)
LOSSES = np.array([0.5, 0.2, 0.9, 0.3, 0.1, 0.4])
TRIALS = Trials(NUMBERS, LOSSES, "best loss")
RATE = Dimension("Learning rate", (0.001, 0.01, 0.1, 1.0, 0.05, 0.5), True)
KIND = Dimension("Optimizer <b>", ("SGD", "Adam", "SGD", "<i>", "Adam", "SGD"))
PARAMETERS = np.array([30.0, 20.0, 10.0, 25.0, 40.0, 50.0])
NONE = Trials((), np.empty(0), "loss")


def valid(figure: Any) -> go.Figure:
    return go.Figure(json.loads(json.dumps(figure, allow_nan=False)))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_point_is_known_by_its_trial(theme: Any) -> None:
    history = valid(figures.sweep_history(TRIALS, theme=theme))
    assert history.data[0].ids == tuple(map(str, NUMBERS))
    assert valid(figures.sweep_history(TRIALS, log=True, theme=theme)).layout.yaxis.type == "log"
    for dimension in (RATE, KIND):
        slices = figures.sweep_slice(TRIALS, dimension, theme=theme)
        assert valid(slices).layout.xaxis.type == ("log" if dimension is RATE else "category")
        found = {int(id): (x, y) for one in slices["data"]
                 for id, x, y in zip(one["ids"], one["x"], one["y"], strict=True)}  # fmt: skip
        assert {number: place[1] for number, place in found.items()} == dict(zip(NUMBERS, LOSSES, strict=True))
        assert dimension is KIND or found[7] == (1.0, 0.3)
    assert "<i>" not in json.dumps(slices["data"]), "what users write is text"
    front = figures.pareto_front(TRIALS, PARAMETERS, [2, 1, 4], theme=theme)
    assert valid(front).data[1].ids == ("4", "2", "8"), "by their size"
    assert set(valid(front).data[0].ids) == {"1", "7", "9"}
    parallel = figures.sweep_parallel(TRIALS, [RATE, KIND], theme=theme)
    assert {one.uid for one in valid(parallel).data} == {f"level-{level}" for level in range(5)}
    for one in parallel["data"]:
        assert len(one["ids"]) == len(one["x"]) == len(one["text"])
    best = parallel["data"][-1]
    assert set(best["ids"]) == {"8"}, "the darkest fifth has the best trial"


def test_the_best_is_said_in_words() -> None:
    assert "The best is trial 8 with 0.1" in figures.sweep_history_alt(TRIALS)
    assert "The best, 8, has Learning rate 0.05, Optimizer <b> Adam" in figures.sweep_parallel_alt(TRIALS, [RATE, KIND])
    assert "The best trial has 0.05" in figures.sweep_slice_alt(TRIALS, RATE)
    assert "trial 4: 10 parameters, 0.9; trial 2: 20" in figures.pareto_front_alt(TRIALS, PARAMETERS, [1, 2])
    higher = Trials(NUMBERS, LOSSES, "accuracy, %", True)
    assert "The best is trial 4" in figures.sweep_history_alt(higher)
    assert higher.levels()[2] == figures.Trials(NUMBERS, LOSSES, "loss").levels()[4] == 4


def test_without_a_trial_every_chart_says_so() -> None:
    for figure in (
        figures.sweep_history(NONE), figures.sweep_parallel(NONE, []), figures.sweep_slice(NONE, Dimension("x", ())),
        figures.pareto_front(NONE, np.empty(0), []),
    ):  # fmt: skip
        assert valid(figure).layout.annotations
    assert "No trial" in figures.sweep_history_alt(NONE)


@settings(max_examples=10)
@given(strategies.experiments(modest=True))
def test_every_setting_has_a_usual_range_that_a_space_takes(experiment: Experiment) -> None:
    for path, setting in settings_of(experiment).items():
        form = usual_form(setting, experiment)
        space = space_of(json.loads(json.dumps({path: form})), experiment)
        dimension = space.dimensions[path]
        value = setting.get(experiment)
        if isinstance(dimension, Range) and isinstance(value, int | float) and value:
            assert dimension.low <= value <= dimension.high, path
        ends = (dimension.low, dimension.high) if isinstance(dimension, Range) else dimension.values
        assert all(map(setting.rule.accepts, ends)), path


def test_usual_ranges_go_around_the_value() -> None:
    spiral = preset("spiral").experiment
    known = settings_of(spiral)
    assert usual_form(known["optimizer.lr"], spiral) == {"low": 0.003, "high": 0.3, "log": True}
    assert usual_form(known["training.batch_size"], spiral) == {"low": 10, "high": 40}
    assert usual_form(known["training.zero_grad"], spiral) == {"choices": [False, True]}
    assert usual_form(known["hidden.activation"], spiral)["choices"][0] == "Tanh"
    assert usual_form(known["scheduler.type"], spiral)["choices"][0] == "none"
    for name in PRESETS:
        rate = settings_of(preset(name).experiment)["optimizer.lr"]
        assert isinstance(rate.rule, Float)
        assert usual_form(rate, preset(name).experiment)["log"]
