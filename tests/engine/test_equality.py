"""The contract of the fast and the native engine: the reference engine's numbers, bit for bit."""

from __future__ import annotations

import contextlib
import copy
from dataclasses import replace
from typing import Any

import pytest
import torch
from blocks import NETWORKS, residual
from comparing import FAST_OPTIMIZERS, assert_same, assert_same_losses, experiment, layer, make
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import fitting

from mlp_core.catalog import ACTIVATIONS, LAYERS, LOSSES, OPTIMIZERS, SCHEDULERS
from mlp_core.catalog.parameters import Bool, Choice, Float, Floats, Int, Parameter
from mlp_core.catalog.schedulers import EVERY
from mlp_core.engines import fast as module
from mlp_core.engines.cache import BuildCache
from mlp_core.engines.choose import engine_for
from mlp_core.engines.eager import EagerEngine
from mlp_core.engines.fast import FastEngine
from mlp_core.engines.native import engine as native
from mlp_core.engines.tracing import UnsupportedError
from mlp_core.problems import problems
from mlp_core.run.build import Run
from mlp_core.run.checkpoint import restore, save
from mlp_core.spec import Experiment, LayerSpec, OptimizerSpec, SchedulerSpec

STEPS = 200
ALL = {**LAYERS, **ACTIVATIONS}


ENGINES = (FastEngine, native.NativeEngine)


def engines_that_run(described: Experiment) -> list[Any]:
    """A fresh engine of each kind; the native one only where it takes the experiment."""
    engines: list[Any] = [FastEngine()]
    with contextlib.suppress(UnsupportedError):
        engine = native.NativeEngine()
        engine.prepare(make(described))
        engines.append(engine)
    return engines


def compare(described: Experiment, chunks: tuple[int, ...] = (1, 60, 139)) -> None:
    """Run all engines for the same steps, in chunks of other lengths, and compare all that they leave."""
    with make(described).tuned():  # sums over a batch, such as BatchNorm's, depend on the threads
        compare_as_it_is(described, chunks)


def compare_as_it_is(described: Experiment, chunks: tuple[int, ...]) -> None:
    """The same on as many threads as PyTorch has."""
    eager = make(described)
    expected = EagerEngine().run(eager, sum(chunks))
    for engine in engines_that_run(described):
        run = make(described)
        done, samples = 0, 0
        for steps in chunks:
            result = engine.run(run, steps)
            assert_same_losses(expected.losses[done : done + steps], result.losses)
            assert result.learning_rates.tolist() == expected.learning_rates[done : done + steps].tolist()
            done += steps
            samples += result.samples
        assert samples == expected.samples
        assert_same(eager, run)


def network(name: str, **params: Any) -> list[LayerSpec]:
    """A small network with this layer in the middle, wide enough for layers that halve the width."""
    return [layer("Linear", out_features=6), layer(name, **params), layer("Linear")]


def usable(described: Experiment) -> Experiment:
    """The experiment, with the first fix that is offered for each thing that keeps it from running."""
    for _ in range(5):
        errors = [problem for problem in problems(described, 25) if problem.severity == "error"]
        if not errors:
            break
        assert errors[0].fixed is not None, errors[0].message
        described = errors[0].fixed
    return described


@pytest.mark.parametrize("name", [name for name in ALL if name != "Linear"])
def test_every_layer(name: str) -> None:
    compare(usable(experiment(network(name), batch_size=10)))


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("optimizer", ["SGD", "AdamW"])
def test_layers_inside_others(name: str, optimizer: str) -> None:
    compare(experiment(NETWORKS[name], optimizer=OptimizerSpec(type=optimizer), batch_size=10))


def test_a_residual_block_of_linear_and_relu_is_compiled() -> None:
    native.NativeEngine().prepare(make(experiment(NETWORKS["plain"])))


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss(name: str) -> None:
    entry = LOSSES[name]
    dataset = "xor" if "classification" in entry.tasks else "plane"
    end = [layer("Sigmoid")] if entry.bounded_outputs else []
    compare(usable(experiment([*network("Tanh"), *end], loss=name, dataset=dataset)))


@pytest.mark.parametrize("name", FAST_OPTIMIZERS)
def test_every_optimizer(name: str) -> None:
    compare(experiment(network("Tanh"), optimizer=OptimizerSpec(type=name)))


@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if name not in FAST_OPTIMIZERS])
def test_an_optimizer_that_no_engine_knows_runs_on_the_plain_one(name: str) -> None:
    run = make(experiment(network("Tanh"), optimizer=OptimizerSpec(type=name)))
    engine, why = engine_for(run)
    assert engine.name == EagerEngine.name
    assert f"the optimizer {type(run.optimizer).__name__} has no fast form yet" in why
    assert len(engine.run(run, 30).losses) == 30


@pytest.mark.parametrize("name", FAST_OPTIMIZERS)
@pytest.mark.parametrize("zero_grad", [False, True])
def test_schedule_and_clipping_with_every_optimizer(name: str, zero_grad: bool) -> None:
    described = experiment(
        [layer("Linear", out_features=6), layer("Tanh"), layer("Dropout"), layer("Linear")],
        optimizer=OptimizerSpec(type=name),
        scheduler=SchedulerSpec(type="CosineAnnealingLR", params={"T_max": 17}, every="step"),
        max_grad_norm=0.3,
        zero_grad=zero_grad,
    )
    compare(described)


VARIANTS: dict[str, list[dict[str, Any]]] = {
    "SGD": [
        {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01}, {"weight_decay": 0.1},
        {"momentum": 0.9, "nesterov": True}, {"momentum": 0.9, "dampening": 0.5},
        {"momentum": 0.5, "dampening": 0.1, "weight_decay": 0.01}, {"dampening": 0.5},
    ],
    "Adam": [{"weight_decay": 0.01, "amsgrad": True}, {"betas": (0.5, 0.9), "eps": 1e-4}],
    "AdamW": [{"weight_decay": 0.0}, {"amsgrad": True}],
    "RMSprop": [{"momentum": 0.9, "centered": True, "weight_decay": 0.01}, {"centered": True}, {"momentum": 0.5}],
    "Adagrad": [{"lr": 0.1, "lr_decay": 0.01, "weight_decay": 0.01, "initial_accumulator_value": 0.1}],
    "NAdam": [{"weight_decay": 0.01, "momentum_decay": 0.1}, {"weight_decay": 0.1, "decoupled_weight_decay": True}],
    "RAdam": [{"weight_decay": 0.01, "betas": (0.5, 0.6)}, {"weight_decay": 0.1, "decoupled_weight_decay": True}],
}  # fmt: skip
FUSED: dict[str, list[dict[str, Any]]] = {
    "SGD": [{"weight_decay": 0.1}, {"momentum": 0.9, "dampening": 0.5}, {"momentum": 0.9, "nesterov": True}],
    "Adam": [{"weight_decay": 0.01, "maximize": True}, {"amsgrad": True}],
    "AdamW": [{"betas": (0.3, 0.9)}],
    "Adagrad": [{"weight_decay": 0.01, "lr_decay": 0.01}],
}


@pytest.mark.parametrize(("name", "params"), [(name, params) for name, many in FUSED.items() for params in many])
def test_fused_updates(name: str, params: dict[str, Any]) -> None:
    """Among weights whose last numbers fill no vector, and some of whose gradients are computed where they are used."""
    wide = [layer("Linear", out_features=83), layer("Tanh"), layer("Linear", out_features=83), layer("Linear")]
    described = experiment(wide, optimizer=OptimizerSpec(type=name, params={**params, "fused": True}))
    compare(described, chunks=(1, 19, 30))
    plain = [make(described.updated(optimizer=OptimizerSpec(type=name, params=p)))
             for p in (params, {**params, "fused": True})]  # fmt: skip
    for run in plain:
        EagerEngine().run(run, 3)
    for first, second in zip(*(run.model.parameters() for run in plain), strict=True):
        torch.testing.assert_close(first, second)


@pytest.mark.parametrize(("name", "params"), [(name, params) for name, many in VARIANTS.items() for params in many])
def test_optimizer_settings(name: str, params: dict[str, Any]) -> None:
    compare(experiment(network("Tanh"), optimizer=OptimizerSpec(type=name, params=params)))


LATER: dict[str, tuple[torch.nn.Module, ...]] = {
    type(module).__name__: (module,)
    for module in (
        torch.nn.PReLU(6), torch.nn.Hardtanh(-0.5, 0.5), torch.nn.Hardshrink(0.1), torch.nn.Hardsigmoid(),
        torch.nn.Softshrink(0.1), torch.nn.Threshold(0.1, 0.2), torch.nn.ELU(0.7), torch.nn.SELU(), torch.nn.CELU(0.7),
        torch.nn.Softplus(), torch.nn.Tanhshrink(), torch.nn.Hardswish(), torch.nn.SiLU(), torch.nn.Mish(),
        torch.nn.Softsign(), torch.nn.LogSigmoid(), torch.nn.LogSoftmax(1), torch.nn.Softmax(1), torch.nn.Softmin(1),
        torch.nn.ReLU6(), torch.nn.LayerNorm(6), torch.nn.RMSNorm(6), torch.nn.GroupNorm(2, 6),
    )
}  # fmt: skip
LATER["RReLU"] = (torch.nn.RReLU(),)
LATER["AlphaDropout"] = (torch.nn.AlphaDropout(0.2),)
LATER["GLU"] = (torch.nn.GLU(1), torch.nn.Linear(3, 6))


@pytest.mark.parametrize("name", LATER)
def test_modules_that_the_catalog_may_get(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing in the engine knows a layer by name, so what PyTorch has is tried here before a catalog offers it."""
    monkeypatch.setattr(Run, "draws_in_training", property(lambda run: True))
    monkeypatch.setattr(module, "PROGRAMS", BuildCache(1))
    runs = []
    for _ in range(2):
        run = make(experiment(network("Identity")))
        first, _, last = run.model
        run.model = torch.nn.Sequential(first, *copy.deepcopy(LATER[name]), last)
        run.optimizer = torch.optim.SGD(run.model.parameters(), lr=0.1, momentum=0.9)
        runs.append(run)
    expected, result = EagerEngine().run(runs[0], STEPS), FastEngine().run(runs[1], STEPS)
    assert_same_losses(expected.losses, result.losses)
    assert_same(*runs)


def values_of(parameter: Parameter) -> st.SearchStrategy[Any]:
    """Sound values of a catalog parameter, from its own rule."""
    found: st.SearchStrategy[Any] = st.just(parameter.default)
    if isinstance(parameter, Bool):
        found = st.booleans()
    elif isinstance(parameter, Choice):
        found = st.sampled_from(parameter.choices)
    elif isinstance(parameter, Float):
        low, high = max(parameter.low, -1.0), min(parameter.high, 1.0)
        found = st.sampled_from([0.01, 0.1, 0.3, 0.5, 0.9, low, high]).filter(parameter.accepts)
    elif isinstance(parameter, Floats):
        found = st.tuples(*[values_of(parameter.element)] * len(parameter.labels))
    elif isinstance(parameter, Int):
        found = st.integers(2, 9).filter(parameter.accepts)
    return found


@st.composite
def schedules(draw: st.DrawFn) -> SchedulerSpec:
    """Any schedule, with rates that weights stay finite at."""
    name = draw(st.sampled_from(sorted(SCHEDULERS)))
    chosen = {p.name: draw(values_of(p)) for p in SCHEDULERS[name].parameters}
    return SchedulerSpec(type=name, params=chosen, every=draw(values_of(EVERY)))


@st.composite
def experiments(draw: st.DrawFn) -> Experiment:
    """Experiments that can run: layers, loss, optimizer and their parameters drawn from the catalogs."""
    layers = []
    for name in draw(st.lists(st.sampled_from(sorted(ALL)), min_size=1, max_size=5)):
        params = {p.name: draw(values_of(p)) for p in ALL[name].parameters}
        layers.append(layer(name, **fitting(ALL[name], params)))
    if draw(st.booleans()):  # some of them stand inside a residual block
        start = draw(st.integers(0, len(layers) - 1))
        end = draw(st.integers(start + 1, len(layers)))
        layers[start:end] = [residual(*layers[start:end])]
    optimizer = draw(st.sampled_from(sorted(FAST_OPTIMIZERS)))
    settings_ = {p.name: draw(values_of(p)) for p in FAST_OPTIMIZERS[optimizer].parameters} | {
        "lr": draw(st.sampled_from([0.0, 1e-3, 0.1]))
    }
    chosen = OptimizerSpec(type=optimizer, params=fitting(FAST_OPTIMIZERS[optimizer], settings_))
    dataset = draw(st.sampled_from(["xor", "plane", "blobs16", "ones"]))
    loss = draw(st.sampled_from(sorted(LOSSES)))
    described = experiment(
        [*layers, layer("Linear")],
        loss=loss,
        optimizer=chosen,
        scheduler=draw(st.none() | schedules()),
        **draw(st.sampled_from([{}, {}, {"max_grad_norm": 1e-3}, {"max_grad_norm": 0.5}, {"max_grad_value": 1e-3}])),
        accumulate_grad_batches=draw(st.sampled_from([1, 1, 2, 3, 1000])),
        l1_penalty=draw(st.sampled_from([0.0, 0.0, 0.01])),
        l2_penalty=draw(st.sampled_from([0.0, 0.0, 0.1])),
        dataset=dataset,
        points=50,
        batch_size=draw(st.sampled_from([7, 8, 10, 25, None])),
        zero_grad=draw(st.booleans()),
        seed=draw(st.integers(0, 3)),
    )
    return usable(described)


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(experiments(), st.lists(st.tuples(st.integers(0, 2), st.integers(1, 90)), min_size=2, max_size=5))
def test_engines_agree_on_any_experiment_and_can_be_swapped(
    described: Experiment, chunks: list[tuple[int, int]]
) -> None:
    eager, mixed = make(described), make(described)
    engines = [EagerEngine(), *engines_that_run(described)]
    with eager.tuned():
        for choice, steps in chunks:
            expected = EagerEngine().run(eager, steps)
            result = engines[min(choice, len(engines) - 1)].run(mixed, steps)
            assert_same_losses(expected.losses, result.losses)
            assert result.samples == expected.samples
            assert_same(eager, mixed)


def test_numbers_do_not_depend_on_the_threads_that_operators_use() -> None:
    """Weights large enough to be shared out among threads, in pieces that differ between flat and single tensors."""
    wide = [layer("Linear", out_features=300), layer("ReLU"), layer("Linear", out_features=250), layer("Linear")]
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        for name in FAST_OPTIMIZERS:
            compare_as_it_is(experiment(wide, optimizer=OptimizerSpec(type=name)), chunks=(5, 15))
    finally:
        torch.set_num_threads(before)


def test_images_are_scaled_inside_the_step() -> None:
    described = experiment(network("ReLU"), optimizer=OptimizerSpec(type="Adam"))
    runs = [make(described), make(described)]
    for run in runs:
        generator = torch.Generator().manual_seed(0)
        images = torch.randint(0, 256, (25, 2), dtype=torch.uint8, generator=generator)
        run.batches.x = images
        run.dataset = replace(run.dataset, x_train=images.numpy())  # the set itself is everybody's
    expected, result = EagerEngine().run(runs[0], STEPS), FastEngine().run(runs[1], STEPS)
    assert_same_losses(expected.losses, result.losses)
    assert_same(*runs)


@pytest.mark.parametrize("zero_grad", [True, False])
def test_settings_may_change_and_checkpoints_be_restored_between_chunks(zero_grad: bool) -> None:
    described = experiment(
        [layer("Linear", out_features=6), layer("BatchNorm1d"), layer("Dropout"), layer("Linear")],
        optimizer=OptimizerSpec(type="AdamW"),
        batch_size=10,
        zero_grad=zero_grad,
    )
    eager, fast = make(described), make(described)
    for run, engine in ((eager, EagerEngine()), (fast, FastEngine())):
        engine.run(run, 30)
        kept = save(run)
        engine.run(run, 17)
        run.learning_rate = 0.05
        run.optimizer.param_groups[0]["weight_decay"] = 0.0
        engine.run(run, 20)
        restore(run, kept)
        engine.run(run, 33)
        run.optimizer.param_groups[0]["weight_decay"] = 0.3
        engine.run(run, 5)
    assert_same(eager, fast)
    assert eager.position.step == 68


def test_every_parameter_begins_where_pytorch_would_put_it() -> None:
    """Matrix products of some processors round by the address that a matrix begins at."""
    run = make(experiment([layer("Linear", out_features=3), layer("Tanh"), layer("Linear")]))
    FastEngine().run(run, 2)
    for parameter in run.model.parameters():
        assert parameter.grad is not None
        assert parameter.data_ptr() % 64 == parameter.grad.data_ptr() % 64 == torch.empty(1).data_ptr() % 64
