"""Initialisers: what torch.nn.init draws, by way of every place that an experiment passes through."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import torch
from torch import nn

from mlp_core import data
from mlp_core.catalog import INITIALIZERS
from mlp_core.errors import SpecError
from mlp_core.export.weights import load, save
from mlp_core.link import decode, encode
from mlp_core.locks import refuse_locked
from mlp_core.run.build import build
from mlp_core.spec import DataSpec, Experiment, InitSpec, LayerSpec, LossSpec, OptimizerSpec, TrainingSpec


def experiment(init: InitSpec | None, bias_init: InitSpec | None = None) -> Experiment:
    wide = LayerSpec(type="Linear", params={"out_features": 5}, init=init, bias_init=bias_init)
    block = LayerSpec(type="Residual", inside=(LayerSpec(type="Linear", init=init), LayerSpec(type="ReLU")))
    return Experiment(
        data=DataSpec(dataset="xor", params={"points": 40}),
        layers=(wide, LayerSpec(type="ReLU"), block, LayerSpec(type="Linear", init=init)),
        loss=LossSpec(type="CrossEntropyLoss"),
        optimizer=OptimizerSpec(type="SGD", params={"lr": 0.1}),
        training=TrainingSpec(batch_size=6),
    )


def other(entry: Any) -> dict[str, Any]:
    """Values that are not the defaults."""
    return {
        parameter.name: parameter.choices[-1] if hasattr(parameter, "choices") else parameter.default + 0.25
        for parameter in entry.parameters
    }


CASES = [(name, params) for name, entry in INITIALIZERS.items() for params in ({}, other(entry))]


@pytest.mark.parametrize(("name", "params"), CASES)
def test_weights_are_those_of_a_script_that_calls_nn_init_after_it_made_the_model(name: str, params: Any) -> None:
    entry = INITIALIZERS[name]
    init = InitSpec(type=name, params=params)
    found = experiment(init, init if entry.vectors else None)
    run = build(found, data.load(found.data))
    with torch.random.fork_rng():
        torch.manual_seed(found.training.seed)
        first, inner, last = nn.Linear(2, 5), nn.Linear(5, 5), nn.Linear(5, 2)
        function = getattr(nn.init, name)
        function(first.weight, **init.params)
        if entry.vectors:
            function(first.bias, **init.params)
        function(inner.weight, **init.params)
        function(last.weight, **init.params)
    expected = [*first.parameters(), *inner.parameters(), *last.parameters()]
    for ours, theirs in zip(run.model.parameters(), expected, strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("name", INITIALIZERS)
def test_defaults_are_those_of_torch(name: str) -> None:
    entry = INITIALIZERS[name]
    signature = inspect.signature(getattr(nn.init, name)).parameters
    for parameter in entry.parameters:
        assert signature[parameter.name].default in (parameter.default, inspect.Parameter.empty)
    vector = torch.empty(4)
    if entry.vectors:
        getattr(nn.init, name)(vector, **entry.fill({}))
    else:
        with pytest.raises(ValueError, match="dimension"):
            getattr(nn.init, name)(vector, **entry.fill({}))


def test_the_catalog_has_what_torch_has_or_says_why_not() -> None:
    left_out = {"dirac_": "for convolutions"}
    names = {name for name, value in vars(nn.init).items() if name.endswith("_") and not name.startswith("_")
             and inspect.isfunction(value)}  # fmt: skip
    assert names - set(INITIALIZERS) == set(left_out)


@pytest.mark.parametrize(("name", "params"), CASES)
def test_round_trips(name: str, params: Any) -> None:
    init = InitSpec(type=name, params=params)
    found = experiment(init, InitSpec(type="constant_", params={"val": 0.5}))
    assert Experiment.from_json(found.to_json()) == found
    assert decode(encode(found)) == found
    run = build(found, data.load(found.data))
    assert load(save(found, run.model.state_dict())).experiment == found


def test_an_experiment_without_initialisers_is_written_as_before() -> None:
    text = experiment(None).to_json()
    assert "init" not in text


def test_what_takes_no_initialiser_is_refused() -> None:
    with pytest.raises(SpecError, match="'init' of layer ReLU must be empty"):
        LayerSpec(type="ReLU", init=InitSpec(type="zeros_"))
    with pytest.raises(SpecError, match="'bias_init' of layer Linear must be an initialiser of vectors"):
        LayerSpec(type="Linear", bias_init=InitSpec(type="orthogonal_"))
    with pytest.raises(SpecError, match="no initializer named 'zeros'"):
        InitSpec(type="zeros")
    with pytest.raises(SpecError, match="'a' parameter of initializer uniform_ must be at most 'b'"):
        InitSpec(type="uniform_", params={"a": 2.0})


def test_a_locked_network_keeps_its_initialisers() -> None:
    with pytest.raises(SpecError, match="locks 'Network'"):
        refuse_locked(experiment(None), experiment(InitSpec(type="zeros_")), {"network"})


def test_equal_neurons_stay_equal() -> None:
    from mlp_core.engines.eager import EagerEngine

    found = experiment(InitSpec(type="constant_"), InitSpec(type="zeros_")).remove_layer((2,))
    run = build(found, data.load(found.data))
    EagerEngine().run(run, 30)
    weight = run.model[0].weight
    assert torch.equal(weight, weight[:1].expand_as(weight))
