"""Importances of a sweep's settings are those that Optuna computes of the same trials."""

from __future__ import annotations

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from mlp_core.presets import preset
from mlp_core.sweep.importance import FEWEST, ImportanceError, importances
from mlp_core.sweep.measuring import TrialResult
from mlp_core.sweep.space import space_of
from mlp_core.sweep.spec import SweepSpec

SPACE = {"optimizer.lr": {"low": 0.001, "high": 1.0, "log": True}, "hidden.width": {"low": 2, "high": 9},
         "hidden.activation": {"choices": ["ReLU", "Tanh"]}}  # fmt: skip
SPEC = SweepSpec(space=space_of(SPACE, preset("circle").experiment))


def result(number: int, values: dict[str, object], loss: float) -> TrialResult:
    return TrialResult(number=number, values=values, state="finished", objectives=(loss,))


def computed(spec: SweepSpec, results: list[TrialResult]) -> dict[str, float]:
    """What the generator gives at its end."""
    steps = importances(spec, results)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return dict(end.value)


def test_they_are_those_of_optuna() -> None:
    activations = ["ReLU", "Tanh"]
    drawn = [(0.001 * 1000 ** (number * 7 % 20 / 19), 2 + number * 3 % 8, number % 2) for number in range(20)]
    losses = [rate + 0.02 * width + 0.1 * kind for rate, width, kind in drawn]
    results = [
        result(number, {"optimizer.lr": rate, "hidden.width": width, "hidden.activation": activations[kind]}, loss)
        for number, ((rate, width, kind), loss) in enumerate(zip(drawn, losses, strict=True))
    ]
    ours = computed(SPEC, results)
    distributions = {"optimizer.lr": FloatDistribution(0.001, 1.0, log=True), "hidden.width": IntDistribution(2, 9),
                     "hidden.activation": CategoricalDistribution(activations)}  # fmt: skip
    study = optuna.create_study()
    study.add_trials([optuna.trial.create_trial(params=dict(one.values), value=one.objectives[0],
                                                distributions=distributions) for one in results])  # fmt: skip
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    theirs = optuna.importance.get_param_importances(study, evaluator=evaluator)
    assert ours == pytest.approx(theirs)
    assert next(iter(ours)) == "optimizer.lr"
    assert sum(ours.values()) == pytest.approx(1)


def test_too_few_or_equal_trials_and_a_single_setting_need_no_forest() -> None:
    values = {"optimizer.lr": 0.1, "hidden.width": 3, "hidden.activation": "ReLU"}
    few = [result(number, values, number) for number in range(FEWEST - 1)]
    with pytest.raises(ImportanceError, match=f"need {FEWEST} trials"):
        computed(SPEC, few)
    with pytest.raises(ImportanceError, match="the same figure"):
        computed(SPEC, [result(number, values, 0.5) for number in range(FEWEST)])
    single = SweepSpec(space=space_of({"optimizer.lr": SPACE["optimizer.lr"]}, preset("circle").experiment))
    assert computed(single, [result(number, values, number) for number in range(FEWEST)]) == {"optimizer.lr": 1.0}
