"""What is wrong in a run is named: networks that were built to have each fault, and healthy ones that have none."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from blocks import layer
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import health as benchmark
from mlp_core import data
from mlp_core.engines.eager import EagerEngine
from mlp_core.health import FINDINGS, Evidence, Finding, findings
from mlp_core.presets import PRESETS, mlp, preset
from mlp_core.problems import problems
from mlp_core.run.build import Run, build
from mlp_core.run.layer_statistics import layer_statistics
from mlp_core.run.metrics import evaluate
from mlp_core.spec import Experiment, InitSpec, LayerSpec, OptimizerSpec


def trained(experiment: Experiment, epochs: int) -> tuple[Run, Evidence]:
    """A run after so many epochs, with what is known of it then."""
    run = build(experiment, data.load(experiment.data))
    engine = EagerEngine()
    losses, tests = [], []
    for _ in range(epochs):
        losses.append(engine.run(run, run.batches.per_epoch).losses)
        tests.append((run.position.step, evaluate(run).loss))
    told = np.concatenate([np.zeros(0), *losses])
    parts = np.array_split(told, min(250, max(1, len(told))))
    return run, Evidence(
        experiment=experiment,
        step=run.position.step,
        epochs=epochs,
        layers=layer_statistics(run),
        losses=np.array([part.mean() for part in parts]) if len(told) else told,
        loss_steps=np.cumsum([len(part) for part in parts]).astype(float),
        tests=np.array(tests, dtype=float).reshape(-1, 2),
    )


def small_batches(name: str) -> Experiment:
    """A preset with ten samples in a batch, whatever its own are."""
    found = preset(name).experiment
    return found.updated(training=found.training.updated(batch_size=10))


def found_in(experiment: Experiment, epochs: int) -> dict[str, Finding]:
    _, evidence = trained(experiment, epochs)
    return {finding.name: finding for finding in findings(evidence)}


def network(*layers: LayerSpec, rate: float = 0.03, name: str = "spiral") -> Experiment:
    return small_batches(name).updated(
        layers=layers, optimizer=OptimizerSpec(type="SGD", params={"lr": rate, "momentum": 0.0})
    )


def linear(width: int | None, std: float | None = None, bias: float | None = None) -> LayerSpec:
    params = {} if width is None else {"out_features": width}
    return LayerSpec(
        type="Linear",
        params=params,
        init=None if std is None else InitSpec(type="normal_", params={"std": std}),
        bias_init=None if bias is None else InitSpec(type="constant_", params={"val": bias}),
    )


def same(width: int | None, value: float = 0.3) -> LayerSpec:
    init = InitSpec(type="constant_", params={"val": value})
    return LayerSpec(type="Linear", params={} if width is None else {"out_features": width}, init=init, bias_init=init)


def deep(activation: str, layers: int, width: int = 8, std: float | None = None) -> tuple[LayerSpec, ...]:
    inner = [each for _ in range(layers) for each in (linear(width, std), layer(activation))]
    return (*inner, linear(None, std))


def overfitted() -> Experiment:
    few = small_batches("spiral")
    few = few.updated(data=few.data.updated(params={**few.data.params, "points": 60, "noise": 0.35}))
    return few.updated(layers=mlp((32, 32), "Tanh"), optimizer=OptimizerSpec(type="Adam", params={"lr": 0.02}))


def climbing() -> Experiment:
    up = small_batches("circle")
    return up.updated(optimizer=up.optimizer.updated(params={**up.optimizer.params, "lr": 0.1, "maximize": True}))


FAULTS: dict[str, tuple[str, str, Callable[[], Experiment], int]] = {
    "dead ReLU": ("dead_units", "2", lambda: network(linear(8, bias=-9.0), layer("ReLU"), linear(None)), 2),
    "dead GELU inside": (
        "dead_units", "2.2", lambda: network(
            linear(6), LayerSpec(type="Residual", inside=(linear(6, bias=-80.0), layer("GELU"), linear(None))),
            linear(None)), 2,
    ),
    "saturated Sigmoid": ("saturated_units", "2", lambda: network(
        linear(8, std=1.0, bias=9.0), layer("Sigmoid"), linear(None)), 2),
    "saturated Tanh": ("saturated_units", "2", lambda: network(linear(8, std=90.0), layer("Tanh"), linear(None)), 2),
    "vanishing": ("vanishing_gradients", "1", lambda: network(*deep("Sigmoid", 9)), 2),
    "exploding": ("exploding_gradients", "1", lambda: network(*deep("Identity", 9, std=2.0), rate=1e-30), 1),
    "too large updates": ("update_ratio", "", lambda: network(linear(None), rate=3.0, name="plane"), 1),
    "too small updates": ("update_ratio", "", lambda: network(*mlp((8, 8), "Tanh"), rate=1e-9), 3),
    "shifted": ("bias_shift", "1", lambda: network(linear(8, bias=20.0), layer("LeakyReLU"), linear(None)), 1),
    "symmetry": ("symmetry", "1", lambda: network(same(8), layer("Tanh"), same(8), layer("Tanh"), same(None)), 3),
    "all zeros": ("symmetry", "1", lambda: network(same(8, 0.0), layer("Tanh"), same(None, 0.0)), 3),
    "overfitting": ("overfitting", "", overfitted, 200),
    "divergence": ("divergence", "", climbing, 40),
    "plateau": ("plateau", "", lambda: network(linear(None), name="xor"), 60),
}  # fmt: skip
"""By what is wrong: the finding, its layer (where that is known before), the experiment, and after how many epochs."""


@pytest.mark.parametrize("fault", list(FAULTS))
def test_each_fault_is_named(fault: str) -> None:
    name, where, make, epochs = FAULTS[fault]
    experiment = make()
    _, evidence = trained(experiment, epochs)
    raised = {finding.name: finding for finding in findings(evidence)}
    assert name in raised, raised
    finding = raised[name]
    assert not where or finding.layer == where
    assert any(sign.isdigit() for sign in finding.sentence), "the numbers behind it"
    assert set(finding.as_record()) == {"name", "layer", "sentence", "remedy"}
    if finding.change is not None:
        changed = finding.change(experiment)
        assert changed is not None
        assert changed != experiment
        assert finding.fix_label
        assert not [each for each in problems(changed) if each.severity == "error"]


CURED = ["dead ReLU", "saturated Tanh", "vanishing", "exploding", "too large updates", "too small updates", "shifted",
         "symmetry", "divergence", "plateau"]  # fmt: skip


@pytest.mark.parametrize("fault", CURED)
def test_the_remedy_at_one_press_takes_the_finding_away(fault: str) -> None:
    name, _, make, epochs = FAULTS[fault]
    experiment = make()
    for _ in range(2):  # a rate may have to come down more than once
        finding = found_in(experiment, epochs).get(name)
        if finding is None:
            return
        assert finding.change is not None
        changed = finding.change(experiment)
        assert changed is not None
        experiment = changed
    pytest.fail(f"{fault} is still there")


HEALTHY = [(name, seed, 10) for name in PRESETS if preset(name).experiment.data.entry.source != "downloaded"
           for seed in (0, 1)]  # fmt: skip


@pytest.mark.parametrize(("name", "seed", "epochs"), HEALTHY)
def test_healthy_runs_raise_nothing(name: str, seed: int, epochs: int) -> None:
    experiment = preset(name).experiment
    experiment = experiment.updated(training=experiment.training.updated(seed=seed))
    for moment in (0, epochs):
        _, evidence = trained(experiment, moment)
        assert findings(evidence) == ()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(width=32), max_size=80), st.lists(st.floats(width=32), max_size=80), st.integers(0, 10**7))
def test_any_curve_can_be_looked_at(losses: list[float], tests: list[float], step: int) -> None:
    evidence = Evidence(
        experiment=preset("spiral").experiment,
        step=step,
        epochs=step / 20,
        losses=np.array(losses, dtype=float),
        loss_steps=np.arange(1.0, len(losses) + 1),
        tests=np.array(list(enumerate(tests)), dtype=float).reshape(-1, 2),
    )
    with np.errstate(all="ignore"):
        assert all(finding.name in FINDINGS for finding in findings(evidence))


def test_the_benchmark_looks_at_a_run_again_and_again() -> None:
    looks = [(names, took > 0) for names, took in benchmark.looked_at(preset("batchnorm-block").experiment)]
    assert looks == [([], True)] * 5, "after 0, 1, 2, 5 and 10 epochs, of which it has no more"
