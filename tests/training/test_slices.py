"""Views that are computed in slices while a run trains: of one step, stopped when nobody looks, in nobody's way."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from small_runs import experiment, layer, make

from mlp_core.engines.passes import CompiledPasses
from mlp_core.run.build import Run
from mlp_core.run.metrics import PlainPasses
from mlp_core.training import views
from mlp_core.training.views import ViewSchedule

ANSWERS = "answers-test"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(views, "SLICE_SECONDS", 0.0)  # so that every slice is one step of the work
    made = make(experiment(layer("Linear", out_features=3), layer("Tanh"), layer("Linear")))
    made.passes = CompiledPasses(made)
    return made


def schedule_of(run: Run) -> ViewSchedule:
    return ViewSchedule(run, lambda: None, lambda: run.position.step)


def train(run: Run) -> None:
    """Move the weights, as a step does."""
    with torch.no_grad():
        for parameter in run.model.parameters():
            parameter.add_(1.0)
    run.position.step += 1


def test_answers_are_those_of_the_step_at_which_they_were_begun(run: Run) -> None:
    schedule = schedule_of(run)
    expected = PlainPasses(run).classified(run.x_test)[0].numpy()
    began, slices = run.position.step, 0
    while ANSWERS not in schedule.results:
        schedule.compute([ANSWERS], worked=0.0, all_stale=False)
        train(run)
        slices += 1
        assert slices < 2000
    assert slices > 3
    result = schedule.results[ANSWERS]
    assert result.step == began
    np.testing.assert_array_equal(result.data["probabilities"], expected)


def test_what_nobody_looks_at_any_more_is_not_gone_on_with(run: Run) -> None:
    schedule = schedule_of(run)
    assert not schedule.compute([ANSWERS], worked=0.0, all_stale=True)
    spent = schedule.seconds
    assert schedule.compute([], worked=0.0, all_stale=True)
    assert schedule.seconds == spent
    assert not schedule._begun
