"""The native engine: what it must take, that it is tried before it is used, and its parts against PyTorch's."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest
import torch
from comparing import assert_same, assert_same_losses, experiment, layer, make
from hypothesis import given, settings
from hypothesis import strategies as st
from llvmlite import ir

from mlp_core import data
from mlp_core.engines.cache import BuildCache
from mlp_core.engines.choose import engine_for
from mlp_core.engines.eager import EagerEngine
from mlp_core.engines.native import elementwise, functions, program
from mlp_core.engines.native import engine as module
from mlp_core.engines.native.emitter import POINTER, Emitter
from mlp_core.engines.native.engine import NativeEngine
from mlp_core.engines.native.functions import vector_width
from mlp_core.engines.native.sums import sum_of_all, sum_of_rows
from mlp_core.engines.tracing import UnsupportedError
from mlp_core.presets import preset
from mlp_core.run.build import build
from mlp_core.spec import DataSpec, Experiment, OptimizerSpec, SchedulerSpec

try:
    WIDTH = vector_width()
except UnsupportedError as error:
    pytest.skip(f"no native code here: {error}", allow_module_level=True)

tried_here = pytest.mark.skipif(WIDTH != 8, reason="which experiments run natively was only tried with AVX2")
"""Elsewhere an experiment may be left to the fast engine, because the trial finds a difference."""


def network(name: str, **params: Any) -> list[Any]:
    return [layer("Linear", out_features=6), layer(name, **params), layer("Linear")]


TAKEN: dict[str, Experiment] = {
    **{name: experiment(network(name)) for name in ("ReLU", "LeakyReLU", "Tanh", "Sigmoid", "Identity")},
    **{name: experiment(network("Tanh"), loss=name, dataset="plane") for name in ("MSELoss", "L1Loss")},
    **{name: preset(name).experiment for name in ("circle", "binary-16-12-10-1")},  # the binary cross-entropies
    **{
        name: experiment(network("Tanh"), optimizer=OptimizerSpec(type=name))
        for name in ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad")
    },
    "amsgrad": experiment(network("Tanh"), optimizer=OptimizerSpec(type="Adam", params={"amsgrad": True})),
    "momentum": experiment(
        network("Tanh"), optimizer=OptimizerSpec(type="SGD", params={"momentum": 0.9, "nesterov": True})
    ),
    "dampening": experiment(
        network("Tanh"), optimizer=OptimizerSpec(type="SGD", params={"momentum": 0.9, "dampening": 0.5})
    ),
    "centered": experiment(
        network("Tanh"), optimizer=OptimizerSpec(type="RMSprop", params={"centered": True, "momentum": 0.5})
    ),
    "gradients that are never zeroed": experiment(network("Tanh"), zero_grad=False),
    "a schedule": experiment(
        network("Tanh"), scheduler=SchedulerSpec(type="CosineAnnealingLR", params={"T_max": 17}, every="step")
    ),
    "whole set as one batch": experiment(network("Tanh"), batch_size=None),
    "single samples": experiment(network("Tanh"), batch_size=1),
    "wide layers": experiment(
        [layer("Linear", out_features=300), layer("ReLU"), layer("Linear", out_features=250), layer("Linear")],
        optimizer=OptimizerSpec(type="Adam"),
    ),
}


@tried_here
@pytest.mark.parametrize("name", TAKEN)
def test_what_runs_natively(name: str) -> None:
    """So that an engine that is never used cannot go unnoticed; that its numbers are right is another test's."""
    engine, why = engine_for(make(TAKEN[name]))
    assert (engine.name, why) == ("native", "")


@tried_here
@pytest.mark.parametrize("batch", [7, 20])
def test_dropout_draws_the_runs_own_numbers(batch: int) -> None:
    """On processors where PyTorch draws number by number; elsewhere it leaves the draws to MKL, which has others."""
    drawn, whole = torch.Generator().manual_seed(3), torch.Generator().manual_seed(3)
    kept = torch.empty(50).bernoulli_(0.8, generator=drawn)
    digits = torch.empty(50, dtype=torch.int64).random_(generator=whole) & (2**53 - 1)
    one_by_one = torch.equal(kept, (digits.double() * 2.0**-53 < 0.8).float())
    described = experiment(
        [layer("Linear", out_features=9), layer("Tanh"), layer("Dropout", p=0.2), layer("Linear", out_features=5),
         layer("Dropout", p=0.5), layer("Linear")],
        batch_size=batch,
    )  # fmt: skip
    eager, run = make(described), make(described)
    engine, _ = engine_for(run)
    assert engine.name == ("native" if one_by_one else "fast")
    assert_same_losses(EagerEngine().run(eager, 90).losses, engine.run(run, 90).losses)
    assert_same(eager, run)


@tried_here
@pytest.mark.parametrize("width", [1, 2, 3, 7, 8, 9, 16, 17, 33, 64, 100])
@pytest.mark.parametrize("batch", [3, 20, 70])
def test_widths_and_batches_of_all_sizes(width: int, batch: int) -> None:
    described = experiment(
        [layer("Linear", out_features=width), layer("Tanh"), layer("Linear", out_features=width), layer("ReLU"),
         layer("Linear")],
        optimizer=OptimizerSpec(type="Adam"), points=400, batch_size=batch,
    )  # fmt: skip
    eager, native = make(described), make(described)
    expected, result = EagerEngine().run(eager, 60), NativeEngine().run(native, 60)
    assert_same_losses(expected.losses, result.losses)
    assert_same(eager, native)


@tried_here
def test_images_and_gradients_that_are_computed_where_they_are_used() -> None:
    """A first layer of many inputs: its gradient is never written, but after the last step of a chunk."""
    described = experiment(
        [layer("Linear", out_features=70), layer("ReLU"), layer("Linear")],
        dataset="blobs16", points=100, batch_size=10, optimizer=OptimizerSpec(type="Adam"),
    )  # fmt: skip
    runs = [make(described) for _ in range(2)]
    for run in runs:
        generator = torch.Generator().manual_seed(0)
        images = torch.randint(0, 256, (len(run.batches.x), 700), dtype=torch.uint8, generator=generator)
        run.batches.x = images
        with torch.random.fork_rng():
            torch.manual_seed(0)
            run.model[0] = torch.nn.Linear(700, 70)
        run.optimizer = torch.optim.Adam(run.model.parameters())
    expected = EagerEngine().run(runs[0], 37)
    native = NativeEngine()
    result = native.run(runs[1], 37)
    assert_same_losses(expected.losses, result.losses)
    assert_same(*runs)


def test_a_program_that_differs_is_not_used_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PROGRAMS", BuildCache(4))
    right = elementwise.RULES["aten::relu"]

    def nearly(emitter: Emitter, x: Any) -> Any:
        return emitter.builder.fmul(right(emitter, x), ir.Constant(ir.FloatType(), 1.0000001192092896))

    monkeypatch.setitem(elementwise.RULES, "aten::relu", nearly)
    run, untouched = make(experiment(network("ReLU"))), make(experiment(network("ReLU")))
    with pytest.raises(UnsupportedError, match="rounds differently"):
        NativeEngine().prepare(run)
    assert_same(run, untouched)
    assert engine_for(run)[0].name == "fast"


def test_routines_that_are_hidden_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnsupportedError, match="does not show its routine not_there"):
        functions.address_of("not_there")
    monkeypatch.setattr(functions.platform, "machine", lambda: "riscv64")
    with pytest.raises(UnsupportedError, match="no native code for riscv64"):
        vector_width()


def test_large_steps_are_left_to_others() -> None:
    described = experiment([layer("Linear", out_features=1500), layer("Linear", out_features=1500), layer("Linear")])
    run = build(described, data.load(DataSpec(dataset="xor", params={"points": 50})))
    with pytest.raises(UnsupportedError, match="large"):
        NativeEngine().prepare(run)


def compiled(write: Callable[..., None], pointers: int) -> Callable[..., None]:
    """A function that `write` fills, given the emitter and its arguments."""
    native = ir.Module("test")
    emitter = Emitter(native, "tested", [POINTER] * pointers)
    write(emitter, *emitter.function.args)
    emitter.finish()
    code = program._compile(native)
    function = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * pointers)(code.get_function_address("tested"))
    function.code = code  # type: ignore[attr-defined]  # lives as long as the function
    return function


def random(size: int) -> torch.Tensor:
    """Numbers of all magnitudes and both signs, with room for a vector behind them."""
    generator = torch.Generator().manual_seed(size)
    values = torch.randn(size + 64, generator=generator) * torch.exp(3 * torch.randn(size + 64, generator=generator))
    return values[:size]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(1, 300), st.integers(1, 80))
def test_sums_of_columns(rows: int, columns: int) -> None:
    x, found = random(rows * columns).view(rows, columns), torch.zeros(columns + 64)
    add = compiled(lambda emitter, source, target: sum_of_rows(emitter, source, target, rows, columns, WIDTH), 2)
    add(x.data_ptr(), found.data_ptr())
    assert torch.equal(found[:columns], x.sum(0))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(1, 5000))
def test_sums_of_everything(size: int) -> None:
    x, found = random(size), torch.zeros(1)
    add = compiled(lambda emitter, source, target: emitter.store(sum_of_all(emitter, source, size, WIDTH), target), 2)
    add(x.data_ptr(), found.data_ptr())
    assert torch.equal(found[0], x.sum())


CALLS: dict[str, tuple[int, tuple[float, ...]]] = {
    "relu": (1, ()),
    "neg": (1, ()),
    "abs": (1, ()),
    "sgn": (1, ()),
    "leaky_relu": (1, (0.013,)),
    "add": (2, (0.3,)),
    "sub": (2, (0.3,)),
    "mul": (2, ()),
    "div": (2, ()),
    "tanh_backward": (2, ()),
    "sigmoid_backward": (2, ()),
    "threshold_backward": (2, (0.0,)),
}


@pytest.mark.parametrize("name", CALLS)
def test_operators_of_single_elements(name: str) -> None:
    """Every rule rounds as PyTorch's operator does, beginnings and ends of arrays alike."""
    tensors, numbers = CALLS[name]
    for size in (1, 7, 1000):
        values = [random(size + position)[:size].clone() for position in range(tensors)]
        found = torch.empty(size)

        def write(emitter: Emitter, target: Any, *sources: Any, size: int = size) -> None:
            with emitter.loop(size) as index:
                given = [emitter.load(source, index) for source in sources]
                given += [ir.Constant(ir.FloatType(), float(torch.tensor(number))) for number in numbers]
                emitter.store(elementwise.RULES[f"aten::{name}"](emitter, *given), target, index)

        compiled(write, tensors + 1)(found.data_ptr(), *(value.data_ptr() for value in values))
        operator = getattr(torch.ops.aten, name)
        options = {"alpha": numbers[0]} if name in ("add", "sub") else {}
        expected = operator(*values, **options) if options else operator(*values, *numbers)
        assert torch.equal(found, expected), size


def test_neither_a_program_nor_a_refusal_keeps_a_run_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PROGRAMS", BuildCache(4))
    for described in (TAKEN["Tanh"], experiment(network("GELU"))):
        run = make(described)
        with contextlib.suppress(UnsupportedError):
            NativeEngine().prepare(run)
        alive = weakref.ref(run)
        del run
        gc.collect()
        assert alive() is None
