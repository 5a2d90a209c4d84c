"""Figures of layers equal those of a plain script, and looking at a run changes nothing of it."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from blocks import NETWORKS, layer
from hypothesis import given, reject, settings
from strategies import optimizers

from mlp_core import data
from mlp_core.engines.eager import EagerEngine
from mlp_core.presets import preset
from mlp_core.run.build import Run, build
from mlp_core.run.checkpoint import save
from mlp_core.run.layer_statistics import LayerStatistics, layer_statistics
from mlp_core.spec import Experiment, InitSpec, LayerSpec, OptimizerSpec


def make(experiment: Experiment, steps: int = 0) -> Run:
    run = build(experiment, data.load(experiment.data))
    EagerEngine().run(run, steps)
    return run


def with_layers(*layers: LayerSpec) -> Experiment:
    return preset("spiral").experiment.updated(layers=layers)


def by_number(run: Run) -> dict[str, LayerStatistics]:
    return {found.number: found for found in layer_statistics(run)}


def test_figures_equal_a_plain_script() -> None:
    run = make(preset("two-hidden-relu").experiment, 5)
    found = by_number(run)
    model, optimizer = copy.deepcopy(run.model), copy.deepcopy(run.optimizer)
    optimizer.param_groups[0]["params"] = list(model.parameters())
    optimizer.state = {
        mine: copy.deepcopy(run.optimizer.state[its])
        for mine, its in zip(model.parameters(), run.model.parameters(), strict=True)
    }  # type: ignore[assignment]
    x, y = run.batches.x, run.batches.y  # fewer than the samples that are looked at
    hidden = model[1](model[0](x))
    hidden.retain_grad()
    model.zero_grad()
    loss = run.loss(model[2:](hidden), y)
    loss.backward()
    before = model[0].weight.detach().clone()
    assert found["1"].weight_mean == pytest.approx(float(before.mean()), rel=1e-5)
    assert found["1"].weight_std == pytest.approx(float(before.std(unbiased=False)), rel=1e-5)
    assert found["1"].gradient_norm == pytest.approx(float(model[0].weight.grad.norm()), rel=1e-4)
    assert found["1"].gradient_mean == pytest.approx(float(model[0].weight.grad.abs().mean()), rel=1e-4)
    assert found["2"].activation_std == pytest.approx(float(hidden.detach().std(unbiased=False)), rel=1e-4)
    assert found["2"].signal_norm == pytest.approx(float(hidden.grad.norm()), rel=1e-4)
    assert found["2"].dead_share == pytest.approx(float((hidden == 0).all(dim=0).float().mean()))
    optimizer.step()
    change = (model[0].weight.detach() - before).std(unbiased=False) / before.std(unbiased=False)
    assert found["1"].update_ratio == pytest.approx(float(change), rel=1e-3)


@pytest.mark.parametrize("network", list(NETWORKS))
def test_every_layer_has_figures_and_the_run_stays_as_it_is(network: str) -> None:
    run, untouched = (make(with_layers(*NETWORKS[network]), 3) for _ in range(2))
    found = layer_statistics(run)
    assert [one.path for one in found] == [planned.path for planned in run.plan.walk()]
    assert sum(one.parameters for one in found) == run.plan.parameters
    assert all(np.isfinite(one.activation_std) for one in found)
    assert found == layer_statistics(run), "the same weights give the same figures"
    _assert_same(run, untouched)


@settings(max_examples=10, deadline=None)
@given(optimizers())
def test_an_update_is_foreseen_for_every_optimizer(optimizer: OptimizerSpec) -> None:
    experiment = preset("xor").experiment.updated(optimizer=optimizer)
    try:
        run, untouched = make(experiment, 2), make(experiment, 2)
    except ArithmeticError:
        reject()  # as PyTorch's NAdam with some of its parameters
    assert layer_statistics(run)[0].gradient_norm is not None
    try:
        _assert_same(run, untouched)
    except ArithmeticError:
        assert layer_statistics(run)[0].update_ratio is None
    else:
        assert layer_statistics(run)[0].update_ratio is not None


def _assert_same(run: Run, untouched: Run) -> None:
    """The two have the same state, and go on with the same losses."""
    assert torch.equal(run.stream.state()[0], untouched.stream.state()[0])
    for mine, its in zip(save(run).tensors, save(untouched).tensors, strict=True):
        torch.testing.assert_close(mine, its, rtol=0, atol=0, equal_nan=True)
    losses, expected = (EagerEngine().run(one, 3).losses for one in (run, untouched))
    np.testing.assert_array_equal(losses, expected)


def test_units_that_are_stuck_and_neurons_that_are_copies() -> None:
    low = InitSpec(type="constant_", params={"val": -9.0})
    same = InitSpec(type="constant_", params={"val": 0.3})
    dead = LayerSpec(type="Linear", params={"out_features": 6}, bias_init=low)
    found = by_number(make(with_layers(dead, layer("ReLU"), layer("Linear"))))
    assert found["2"].dead_share == 1
    assert found["2"].saturated_share is None
    assert found["1"].copies == 0
    found = by_number(make(with_layers(dead, layer("Sigmoid"), layer("Linear"))))
    assert found["2"].saturated_share == 1
    assert found["2"].dead_share is None
    twins = LayerSpec(type="Linear", params={"out_features": 6}, init=same, bias_init=same)
    found = by_number(make(with_layers(twins, layer("Tanh"), layer("Linear"))))
    assert found["1"].copies == 5
    assert found["1"].update_ratio is None, "weights that are all equal have no spread to compare with"
