"""Sense checks: what they find, that their repairs mend it, and that no experiment makes them fail."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import experiments

from mlp_core.catalog import OPTIMIZERS, SCHEDULERS
from mlp_core.catalog.schedulers import Surroundings
from mlp_core.data import load
from mlp_core.plan import plan
from mlp_core.presets import PRESETS, mlp
from mlp_core.problems import Problem, problems
from mlp_core.spec import (
    DataSpec,
    Experiment,
    InitSpec,
    LayerSpec,
    LossSpec,
    OptimizerSpec,
    SchedulerSpec,
    TrainingSpec,
)


def experiment(*layers: LayerSpec, optimizer: str = "Adam", lr: float | None = None, **changes: Any) -> Experiment:
    params = {} if lr is None else {"lr": lr}
    found = Experiment(
        data=DataSpec(dataset="moons"),
        layers=layers or mlp((4,), "ReLU"),
        loss=LossSpec(type="CrossEntropyLoss"),
        optimizer=OptimizerSpec(type=optimizer, params=params),
    )
    return found.updated(**changes)


def only(found: list[Problem]) -> tuple[str, Experiment]:
    (problem,) = found
    assert problem.severity == "hint"
    assert problem.fix_label
    assert problem.fixed is not None
    assert problems(problem.fixed) == [], "the repair mends it and breaks nothing"
    return problem.message, problem.fixed


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_says_which_rates_are_usual(name: str) -> None:
    entry = OPTIMIZERS[name]
    low, high = entry.usual_rates
    assert 0 < low < entry.parameter("lr").default < high
    assert problems(experiment(optimizer=name)) == []
    for rate, words in ((high * 10, "far above"), (low / 10, "far below"), (0.0, "no weight ever changes")):
        said, fixed = only(problems(experiment(optimizer=name, lr=rate)))
        assert words in said
        assert f"{low:g} to {high:g}" in said
        assert fixed.optimizer.params["lr"] == entry.parameter("lr").default


@pytest.mark.parametrize("name", PRESETS)
def test_no_preset_has_an_unusual_rate(name: str) -> None:
    assert not any("learning rate" in problem.message for problem in problems(PRESETS[name].experiment))


@pytest.mark.parametrize(
    ("schedule", "params", "every", "words"),
    [
        ("ExponentialLR", {"gamma": 2.0}, "epoch", "up to 5.1e+26"),
        ("StepLR", {"gamma": 10.0, "step_size": 10}, "epoch", "up to 1e+06"),
        ("CosineAnnealingLR", {"eta_min": 5.0}, "epoch", "up to 5"),
        ("LinearLR", {"start_factor": 1e-6, "end_factor": 0.0}, "epoch", "no more than 1e-09"),
    ],
)
def test_a_schedule_that_leads_far_from_the_usual_is_named(
    schedule: str, params: dict[str, Any], every: str, words: str
) -> None:
    scheduler = SchedulerSpec(type=schedule, params=params, every=every)
    led = experiment(scheduler=scheduler, training=TrainingSpec(epochs=100))
    if schedule == "ExponentialLR":
        words = f"up to {1e-3 * 2.0**99:.2g}"
    said, fixed = only(problems(led))
    assert SCHEDULERS[schedule].label in said
    assert words in said
    assert fixed.scheduler is None
    if "up to" in words and schedule != "CosineAnnealingLR":
        endless = led.updated(training=TrainingSpec(epochs=None))
        assert problems(endless) == [], "a run without an end is somebody's to stop"


def test_a_low_rate_that_a_schedule_raises_is_a_search() -> None:
    search = SchedulerSpec(type="ExponentialLR", params={"gamma": 2.0})
    assert problems(experiment(lr=1e-7, scheduler=search, training=TrainingSpec(epochs=16))) == []


@given(st.data())
@settings(max_examples=60)
def test_the_highest_rate_of_a_schedule_is_what_torch_reaches(data: st.DataObject) -> None:
    from strategies import params

    entry = SCHEDULERS[data.draw(st.sampled_from([name for name, one in SCHEDULERS.items() if not one.looks_at_loss]))]
    chosen = entry.fill(data.draw(params(entry, modest=True)))
    counts, rate = data.draw(st.integers(1, 40)), data.draw(st.floats(1e-6, 1.0))
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=rate)
    around = Surroundings(learning_rate=rate, length=counts, has_momentum=False)
    assume(not entry.misfit(chosen, around))
    assume((chosen.get("total_steps") or counts) >= counts)
    schedule = getattr(torch.optim.lr_scheduler, entry.name)(optimizer, **entry.arguments(chosen, around))
    rates = []
    for _ in range(counts):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if len(rates) < counts:
            schedule.step()
    highest = entry.highest(chosen, rate, counts)
    assert max(rates) <= highest * (1 + 1e-6) + 1e-9, "never more than it says"
    if (
        "max_lr" not in chosen
        and "div_factor" not in chosen
        and "eta_min" not in chosen
        and "start_factor" not in chosen
        and "factor" not in chosen
    ):
        assert highest <= max(rates) * (1 + 1e-6)


LECUN = InitSpec(type="kaiming_normal_", params={"nonlinearity": "linear"})


def test_plain_dropout_after_selu_becomes_alpha_dropout() -> None:
    layers = (
        LayerSpec(type="Linear", params={"out_features": 4}, init=LECUN),
        LayerSpec(type="SELU"),
        LayerSpec(type="Dropout", params={"p": 0.1}),
        LayerSpec(type="Linear"),
    )
    said, fixed = only(problems(experiment(*layers)))
    assert "Layer 3 (Dropout)" in said
    assert fixed.layers[2] == LayerSpec(type="AlphaDropout", params={"p": 0.1})
    assert problems(experiment(layers[0], LayerSpec(type="ReLU"), *layers[2:])) == []
    assert problems(experiment(layers[0], layers[1], layers[3])) == []
    block = LayerSpec(type="Residual", inside=(LayerSpec(type="Linear", init=LECUN), *layers[1:3]))
    said, fixed = only(problems(experiment(layers[0], LayerSpec(type="ReLU"), block, LayerSpec(type="Linear"))))
    assert "Layer 3.3" in said
    assert fixed.layer_at((2, 2)).type == "AlphaDropout"


def test_selu_wants_lecun_normal_weights() -> None:
    linear = LayerSpec(type="Linear", params={"out_features": 4})
    selu, dropout = LayerSpec(type="SELU"), LayerSpec(type="Dropout", params={"p": 0.1})
    block = LayerSpec(type="Residual", inside=(LayerSpec(type="Linear"), selu))
    layers = (linear, selu, dropout, block, LayerSpec(type="Linear"))
    found = problems(experiment(*layers))
    dropped, started = found
    assert "AlphaDropout" in dropped.message
    assert "layer 1 (Linear) before layer 2 is initialised otherwise, and 1 more" in started.message
    assert started.fixed is not None
    assert problems(started.fixed) == []
    first, inside = started.fixed.layer_at((0,)), started.fixed.layer_at((3, 0))
    assert first.init == inside.init == LECUN
    assert first.bias_init == InitSpec(type="zeros_")
    assert started.fixed.layer_at((2,)).type == "AlphaDropout"
    assert started.fixed.layers[-1] == layers[-1], "what feeds no SELU is left alone"
    weight = torch.empty(400, 300)
    torch.nn.init.kaiming_normal_(weight, **LECUN.params)
    assert abs(weight.var().item() * 300 - 1) < 0.02, "variance 1 / fan_in"
    between = experiment(linear, LayerSpec(type="BatchNorm1d"), selu, linear)
    assert not any("SELU" in problem.message for problem in problems(between))


def regression(*layers: LayerSpec) -> Experiment:
    return experiment(*layers, data=DataSpec(dataset="diabetes"), loss=LossSpec(type="MSELoss"))


@pytest.mark.parametrize(
    ("last", "params", "reached"),
    [("Sigmoid", {}, False), ("Tanh", {}, False), ("ReLU", {}, False), ("Identity", {}, True), ("Tanhshrink", {}, True),
     ("Hardtanh", {"min_val": -4.0, "max_val": 4.0}, True), ("Softplus", {}, False), ("LogSigmoid", {}, False)],
)  # fmt: skip
def test_targets_that_the_last_activation_cannot_reach(last: str, params: dict[str, Any], reached: bool) -> None:
    dataset = load(DataSpec(dataset="diabetes"))
    assert dataset.target_range is not None
    tried = regression(LayerSpec(type="Linear"), LayerSpec(type=last, params=params))
    found = problems(tried, dataset.train_size, (), dataset.target_range)
    if reached:
        assert found == []
        return
    said, fixed = only(found)
    assert last in said
    assert [layer.type for layer in fixed.layers] == ["Linear"]
    assert problems(fixed, dataset.train_size, (), dataset.target_range) == []


def test_ranges_are_a_matter_of_regressions_alone() -> None:
    assert load(DataSpec(dataset="moons")).target_range is None
    ended = (*mlp((4,), "ReLU"), LayerSpec(type="Tanh"))
    assert problems(regression(*ended), None, (), (-0.9, 0.9)) == []
    assert problems(regression(LayerSpec(type="Linear"), LayerSpec(type="Sigmoid")), None, (), (0.0, 1.0)) == []
    alone = problems(regression(LayerSpec(type="Sigmoid")), None, (), (-3.0, 3.0))
    assert not any("never reach" in problem.message and problem.fixed is not None for problem in alone)


def test_a_new_last_layer_leaves_the_one_before_its_width() -> None:
    halved = experiment(LayerSpec(type="Linear"), LayerSpec(type="GLU"), LayerSpec(type="GLU"))
    (odd, *_) = problems(halved)
    assert "must be even" in odd.message
    assert odd.fixed is not None
    assert [layer.params.get("out_features") for layer in odd.fixed.layers] == [2, None, 2, None]
    assert plan(odd.fixed).layers[-1].misfit is None


def test_a_network_without_weights_cannot_be_trained() -> None:
    (problem,) = problems(experiment(LayerSpec(type="ReLU"), LayerSpec(type="Tanh")))
    assert problem.severity == "error"
    assert "no weights" in problem.message
    assert problem.fixed is not None
    assert [layer.type for layer in problem.fixed.layers] == ["Linear", "ReLU", "Tanh"]
    assert problems(problem.fixed) == []


@given(experiments(), st.none() | st.integers(1, 100_000), st.none() | st.tuples(st.floats(-1e6, 0), st.floats(0, 1e6)))
def test_no_experiment_makes_the_checks_fail(
    drawn: Experiment, train_size: int | None, targets: tuple[float, float] | None
) -> None:
    for problem in problems(drawn, train_size, (), targets):
        assert problem.severity in ("error", "hint")
        assert problem.message.endswith(".")
        if problem.fixed is None:
            continue
        assert problem.fix_label
        assert problem.fixed != drawn
        assert Experiment.from_json(problem.fixed.to_json()) == problem.fixed
        assert problem not in problems(problem.fixed, train_size, (), targets), "what it says holds no more"
        plan(problem.fixed)


def test_weights_for_another_number_of_classes_are_an_error() -> None:
    wrong = experiment(loss=LossSpec(type="CrossEntropyLoss", params={"weight": [1.0, 2.0, 3.0]}))
    (problem,) = problems(wrong)
    assert problem.severity == "error"
    assert "must hold 2 numbers, one for each class" in problem.message
    assert problem.fixed is not None
    assert problem.fixed.loss.params["weight"] == "balanced"
    assert problems(problem.fixed) == []


@pytest.mark.parametrize(("loss", "name"), [("CrossEntropyLoss", "weight"), ("BCEWithLogitsLoss", "pos_weight")])
def test_rare_classes_bring_a_proposal_from_five_to_one_on(loss: str, name: str) -> None:
    plain = experiment(loss=LossSpec(type=loss))
    assert problems(plain, None, (), None, (49, 10)) == []
    (problem,) = problems(plain, None, (), None, (50, 10))
    assert problem.severity == "hint"
    assert "has 50 training samples and 'class 1' 10" in problem.message
    assert problem.fixed is not None
    assert problem.fixed.loss.params[name] == "balanced"
    assert problems(problem.fixed, None, (), None, (50, 10)) == []
    assert problems(plain, None, (), None, (50, 0)) == [], "of a class without samples nothing can be learned"
    assert problems(experiment(loss=LossSpec(type="HingeLoss")), None, (), None, (50, 10)) == []


def test_a_loss_for_counts_wants_counts_and_means_above_zero() -> None:
    counts = regression(*mlp((4,), "ReLU")).updated(loss=LossSpec(type="PoissonNLLLoss"))
    assert problems(counts, None, (), (0.0, 9.0)) == []
    said, fixed = only(problems(counts, None, (), (-2.0, 9.0)))
    assert "goes down to -2" in said
    assert "'disease progression'" in said
    assert fixed.loss.type == "MSELoss"
    means = counts.updated(loss=LossSpec(type="PoissonNLLLoss", params={"log_input": False}))
    said, fixed = only(problems(means, None, (), (0.0, 9.0)))
    assert "'log_input' is switched off" in said
    assert fixed.layers[-1].type == "Softplus"
