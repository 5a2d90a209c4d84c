"""Networks that are dead on arrival are found on one batch, with repairs that bring them to life."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from strategies import experiments

from mlp_core.data import load
from mlp_core.plan import plan
from mlp_core.presets import PRESETS
from mlp_core.problems import problems
from mlp_core.run.build import build
from mlp_core.spec import DataSpec, Experiment, LayerSpec, LossSpec, OptimizerSpec
from mlp_core.training.arrival import examine
from mlp_core.training.session import Session


def layer(name: str, **params: Any) -> LayerSpec:
    return LayerSpec(type=name, params=params)


def network(*layers: LayerSpec, dataset: str = "moons", loss: str = "CrossEntropyLoss") -> Experiment:
    return Experiment(
        data=DataSpec(dataset=dataset), layers=layers, loss=LossSpec(type=loss), optimizer=OptimizerSpec(type="Adam")
    )


FIRST = layer("Linear", out_features=6)
DEAD: dict[str, tuple[Experiment, str]] = {
    "every unit is dead": (
        network(FIRST, layer("Threshold", threshold=1e5, value=0.0), layer("Linear")),
        "Layer 2 (Threshold) lets no gradient through on the first batch: every one of its units is on a flat part",
    ),
    "values are shrunk away": (
        network(FIRST, layer("Hardshrink", lambd=1000.0), layer("Tanh"), layer("Linear")),
        "Layer 2 (Hardshrink)",
    ),
    "outputs are cut off": (
        network(FIRST, layer("Hardtanh", min_val=50.0, max_val=60.0), layer("ReLU"), layer("Linear")),
        "Layer 2 (Hardtanh)",
    ),
    "all outputs are saturated": (
        network(FIRST, layer("Hardtanh", min_val=90.0, max_val=99.0), layer("ReLU"), layer("Linear"),
                layer("Threshold", threshold=1e5, value=0.5), layer("Sigmoid"), loss="BCELoss", dataset="circle"),
        "Layer 5 (Threshold)",
    ),
    "one feature is normalised": (
        network(FIRST, layer("Linear", out_features=1), layer("LayerNorm", elementwise_affine=False), layer("Linear")),
        "Layer 3 (LayerNorm) lets no gradient through",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DEAD)
def test_what_is_dead_on_arrival_is_named_and_mended(name: str) -> None:
    experiment, said = DEAD[name]
    seen = []
    for _ in range(4):
        (problem,) = examine(build(experiment, load(experiment.data)))
        assert problem.severity == "hint"
        seen.append(problem.message)
        assert problem.fixed is not None, seen
        assert problem.fix_label
        assert not any(found.severity == "error" for found in problems(problem.fixed))
        experiment = problem.fixed
        if not examine(build(experiment, load(experiment.data))):
            break
    assert said in seen[0]
    assert examine(build(experiment, load(experiment.data))) == (), seen


@pytest.mark.parametrize("name", DEAD)
def test_it_is_really_dead(name: str) -> None:
    experiment, _ = DEAD[name]
    run = build(experiment, load(experiment.data))
    run.loss(run.model(run.scaled(run.batches.x)), run.batches.y).backward()
    first = next(iter(run.model.parameters()))
    assert float(first.grad.abs().max()) < 1e-6


@pytest.mark.parametrize(
    "name", [name for name, preset in PRESETS.items() if preset.experiment.data.entry.source != "downloaded"]
)
def test_presets_are_alive_and_unchanged_by_the_look(name: str) -> None:
    experiment = PRESETS[name].experiment
    dataset = load(experiment.data)
    run, other = build(experiment, dataset), build(experiment, dataset)
    assert examine(run) == ()
    assert all(torch.equal(a, b) for a, b in zip(run.model.state_dict().values(), other.model.state_dict().values(),
                                                 strict=True))  # fmt: skip
    assert all(parameter.grad is None for parameter in run.model.parameters())


def test_the_look_draws_nothing_and_moves_no_running_mean() -> None:
    experiment = network(FIRST, layer("BatchNorm1d"), layer("Dropout"), layer("ReLU"), layer("Linear"))
    run, other = (build(experiment, load(experiment.data)) for _ in range(2))
    assert examine(run) == ()
    assert torch.equal(run.stream.state()[0], other.stream.state()[0])
    for ours, theirs in zip(run.model.buffers(), other.model.buffers(), strict=True):
        assert torch.equal(ours, theirs)


@given(experiments(modest=True))
@settings(max_examples=40)
def test_no_network_makes_the_look_fail(drawn: Experiment) -> None:
    experiment = drawn.updated(data=DataSpec(dataset="moons"), loss=LossSpec(type="CrossEntropyLoss"))
    if any(problem.severity == "error" for problem in problems(experiment, 100)):
        return
    from mlp_core.training import arrival

    for problem in arrival._examine(build(experiment, load(experiment.data))):
        assert problem.message.endswith(".")
        if problem.fixed is not None:
            plan(problem.fixed)


def test_a_session_tells_of_it_before_any_step() -> None:
    experiment, said = DEAD["every unit is dead"]
    session = Session()
    try:
        session.apply(experiment)
        assert session.wait(lambda snapshot: snapshot.status == "ready", 180)
        (problem,) = session.snapshot().problems
        assert said in problem.message
        assert problem.fixed is not None
        session.apply(problem.fixed)
        assert session.wait(lambda snapshot: snapshot.status == "ready", 180)
        assert session.snapshot().problems == ()
    finally:
        assert session.close(180)
