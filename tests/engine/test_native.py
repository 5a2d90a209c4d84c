"""The native engine: what it must take, that it is tried before it is used, and its parts against PyTorch's."""

from __future__ import annotations

import contextlib
import gc
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from comparing import assert_same, assert_same_losses, experiment, layer, make
from hypothesis import given, settings
from hypothesis import strategies as st
from kernels import call, random, with_room

from mlp_core import data
from mlp_core.catalog import ACTIVATIONS
from mlp_core.engines.choose import engine_for
from mlp_core.engines.eager import EagerEngine
from mlp_core.engines.native import engine as module
from mlp_core.engines.native import functions, layers
from mlp_core.engines.native.arrays import Array
from mlp_core.engines.native.engine import NativeEngine
from mlp_core.engines.native.functions import vector_width
from mlp_core.engines.native.library import library
from mlp_core.engines.tracing import UnsupportedError
from mlp_core.engines.verdicts import Verdicts
from mlp_core.presets import preset
from mlp_core.run.build import build
from mlp_core.run.checkpoint import restore, save
from mlp_core.spec import DataSpec, Experiment, LossSpec, OptimizerSpec, SchedulerSpec

try:
    WIDTH = vector_width()
except UnsupportedError as error:
    pytest.skip(f"no native code here: {error}", allow_module_level=True)

INTEL = "GenuineIntel" in (Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else "")
tried_here = pytest.mark.skipif(
    WIDTH != 8 and not INTEL, reason="which experiments run natively was tried with AVX2, and AVX-512 by Intel"
)
"""Elsewhere an experiment may be left to the fast engine, because the trial finds a difference."""


def network(name: str, **params: Any) -> list[Any]:
    return [layer("Linear", out_features=6), layer(name, **params), layer("Linear")]


TAKEN: dict[str, Experiment] = {
    **{name: experiment(network(name)) for name in ACTIVATIONS},
    **{name: experiment(network(name), batch_size=5) for name in ("BatchNorm1d", "LayerNorm", "RMSNorm")},
    **{
        name: experiment(network("Tanh"), loss=name, dataset="plane")
        for name in ("MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss")
    },
    **{name: preset(name).experiment for name in ("circle", "binary-16-12-10-1")},  # the binary cross-entropies
    **{
        name: experiment(network("Tanh"), optimizer=OptimizerSpec(type=name))
        for name in ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "NAdam", "RAdam")
    },
    **{
        f"fused {name}": experiment(network("Tanh"), optimizer=OptimizerSpec(type=name, params={"fused": True}))
        for name in ("SGD", "Adam", "AdamW", "Adagrad")
    },
    "NLLLoss": experiment([*network("Tanh"), layer("LogSoftmax")], loss="NLLLoss"),
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
    "HingeLoss": experiment(network("Tanh"), loss="HingeLoss"),
    "SoftMarginLoss": experiment(network("Tanh"), loss="SoftMarginLoss"),
    "cycled momentum": experiment(
        network("Tanh"), optimizer=OptimizerSpec(type="Adam"), scheduler=SchedulerSpec(type="OneCycleLR"), epochs=9
    ),
    "label smoothing": experiment(network("Tanh")).updated(
        loss=LossSpec(type="CrossEntropyLoss", params={"label_smoothing": 0.1})
    ),
    "accumulation": experiment(network("Tanh"), accumulate_grad_batches=3),
    "clipping by norm": experiment(network("Tanh"), max_grad_norm=0.1),
    "clipping by value": experiment(network("Tanh"), max_grad_value=0.01),
    "penalties": experiment(network("Tanh"), l1_penalty=0.001, l2_penalty=0.01),
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


EXTRAS: dict[str, dict[str, Any]] = {
    "the last of an epoch alone": {"accumulate_grad_batches": 3, "l2_penalty": 0.01},
    "more than an epoch has": {"accumulate_grad_batches": 99, "max_grad_norm": 0.1, "l1_penalty": 0.01},
    "never zeroed": {"accumulate_grad_batches": 2, "zero_grad": False, "max_grad_value": 0.01},
    "a norm that is not finite": {"max_grad_norm": 1.0, "batch_size": 3},
    "both penalties": {"accumulate_grad_batches": 7, "l1_penalty": 0.003, "l2_penalty": 0.01, "batch_size": 1},
}


@tried_here
@pytest.mark.parametrize("name", EXTRAS)
def test_accumulation_penalties_and_clipping_natively(name: str) -> None:
    """Gradients, the norms that are shown of them, and state included, while a rate and a limit change."""
    described = experiment(network("Tanh"), optimizer=OptimizerSpec(type="AdamW", params={"lr": 0.05}), **EXTRAS[name])
    eager, run = make(described), make(described)
    last = 1e38 if name == "a norm that is not finite" else 0.01
    for each, engine in ((eager, EagerEngine()), (run, NativeEngine())):
        for rate, steps in ((0.05, 3), (0.2, 5), (last, 30)):
            each.learning_rate = rate
            engine.run(each, steps)
        assert torch.isfinite(next(each.model.parameters())).all() == (last < 1)
        kept = save(each)
        engine.run(each, 7)
        restore(each, kept)
        engine.run(each, 8)
    assert_same(eager, run)


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
    monkeypatch.setattr(module, "VERDICTS", Verdicts(4, passed=True))
    right = layers.RULES[torch.nn.ReLU]

    def nearly(scope: layers.Scope, relu: torch.nn.Module, x: Array) -> tuple[Array, layers.Backward]:
        y, backward = right(scope, relu, x)
        return scope.map("scale", y, 1.0000001192092896), backward

    monkeypatch.setitem(layers.RULES, torch.nn.ReLU, nearly)
    run, untouched = make(experiment(network("ReLU"))), make(experiment(network("ReLU")))
    with pytest.raises(UnsupportedError, match="rounds differently"):
        NativeEngine().prepare(run)
    assert_same(run, untouched)
    assert engine_for(run)[0].name == "fast"


@tried_here
def test_a_network_whose_layers_have_passed_is_not_tried_and_gives_the_same_bits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "VERDICTS", Verdicts(64, passed=True))
    wide, deep, both = (
        experiment([layer("Linear", out_features=5), layer("Tanh"), layer("Linear")]),
        experiment([layer("Linear", out_features=6), layer("ReLU"), layer("Linear", out_features=5), layer("Tanh"),
                    layer("Linear")]),
        experiment([layer("Linear", out_features=6), layer("ReLU"), layer("Linear", out_features=5), layer("Tanh"),
                    layer("Linear", out_features=5), layer("Tanh"), layer("Linear")]),
    )  # fmt: skip
    for described in (wide, deep):
        NativeEngine().prepare(make(described))
    trials = []
    tried = module._PreparedRun._try
    monkeypatch.setattr(module._PreparedRun, "_try", lambda prepared: trials.append(prepared) or tried(prepared))
    NativeEngine().prepare(make(both))
    assert len(trials) == 1, "a Linear from 5 to 5 is new"
    known = experiment([layer("Linear", out_features=6), layer("ReLU"), layer("Linear", out_features=5), layer("Tanh"),
                        *[layer("Linear", out_features=5), layer("Tanh")] * 2, layer("Linear")])  # fmt: skip
    runs = [make(known) for _ in range(2)]
    expected, result = EagerEngine().run(runs[0], 37), NativeEngine().run(runs[1], 37)
    assert len(trials) == 1
    assert_same_losses(expected.losses, result.losses)
    assert_same(*runs)
    NativeEngine().prepare(make(experiment(known.layers, optimizer=OptimizerSpec(type="Adam"))))
    assert len(trials) == 2, "another update"


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


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(1, 300), st.integers(1, 80))
def test_sums_of_columns(rows: int, columns: int) -> None:
    x, found = random(rows * columns).view(rows, columns), random(columns)
    call("column_sums", found, x, rows, columns)
    assert torch.equal(found, x.sum(0))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(1, 5000))
def test_means_of_everything(size: int) -> None:
    x, found = random(size), random(1)
    call("mean", found, x, size)
    assert torch.equal(found[0], x.mean())


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(1, 3000))
def test_norms_of_gradients(size: int) -> None:
    x, found = random(size), random(1)
    call("norm", found, x, size)
    assert torch.equal(found[0], torch._foreach_norm([x.clone()], 2.0)[0])


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(1, 70), st.integers(1, 40), st.sampled_from([0.1, 0.3, 1.0]))
def test_smoothed_labels(rows: int, classes: int, smoothing: float) -> None:
    x = random(rows * classes).view(rows, classes).requires_grad_()
    labels = torch.randint(classes, (rows + 64,), generator=torch.Generator().manual_seed(rows))[:rows]
    loss = torch.nn.functional.cross_entropy(x, labels, label_smoothing=smoothing)
    loss.backward()
    logs = with_room(x.detach().log_softmax(1).view(-1)).view(rows, classes)
    total, by_logs, gradient = (random(size) for size in (1, x.numel(), x.numel()))
    call("nll_loss", total, logs, labels, rows, classes)
    call("smooth_loss", total, logs, random(rows), 1 - smoothing, smoothing / classes, rows, classes)
    call("smooth_loss_backward", by_logs, labels, 1 - smoothing, smoothing / classes, rows, classes)
    call("log_softmax_backward", gradient, by_logs, logs, rows, classes)
    assert torch.equal(total[0], loss)
    assert torch.equal(gradient.view(rows, classes), x.grad)  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(1, 70), st.integers(1, 40))
def test_cross_entropy_of_any_number_of_classes(rows: int, classes: int) -> None:
    x = random(rows * classes).view(rows, classes).requires_grad_()
    labels = torch.randint(classes, (rows + 64,), generator=torch.Generator().manual_seed(rows))[:rows]
    loss = torch.nn.functional.cross_entropy(x, labels)
    loss.backward()
    logs, gradient, total, room = (
        random(x.numel()).view_as(x),
        random(x.numel()).view_as(x),
        random(1),
        random(x.numel()),
    )
    call("log_softmax", logs, x.detach(), room, random(rows), random(rows), rows, classes)
    call("nll_loss", total, logs, labels, rows, classes)
    call("cross_entropy_backward", gradient, logs, labels, random(rows), 1.0, rows, classes)
    assert torch.equal(logs, x.log_softmax(1))
    assert torch.equal(total[0], loss)
    assert torch.equal(gradient, x.grad)  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(1, 40), st.integers(1, 70), st.sampled_from(["softmax", "log_softmax"]))
def test_softmax_of_any_number_of_values(rows: int, columns: int, name: str) -> None:
    x, gradient = random(rows * columns).view(rows, columns), random(rows * columns + 1)[:-1].view(rows, columns)
    expected = getattr(torch, name)(x, 1)
    room = [random(rows * columns), random(rows), random(rows)] if name == "log_softmax" else []
    found, given = random(rows * columns).view(rows, columns), random(rows * columns).view(rows, columns)
    call(name, found, x, *room, rows, columns)
    call(f"{name}_backward", given, gradient, with_room(expected.view(-1)), rows, columns)
    assert torch.equal(found, expected)
    assert torch.equal(given, getattr(torch.ops.aten, f"_{name}_backward_data")(gradient, expected, 1, x.dtype))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(1, 40), st.integers(1, 70))
def test_gates_of_any_width(rows: int, half: int) -> None:
    x, gradient = random(rows * half * 2).view(rows, 2 * half), random(rows * half).view(rows, half)
    found, given = random(rows * half).view(rows, half), random(rows * half * 2).view(rows, 2 * half)
    call("glu", found, x, rows, half)
    call("glu_backward", given, gradient, x, rows, half)
    assert torch.equal(found, torch.nn.functional.glu(x))
    assert torch.equal(given, torch.ops.aten.glu_backward(gradient, x, 1))


OPERATORS: dict[str, tuple[Callable[..., torch.Tensor], int, tuple[float, ...]]] = {
    "relu": (torch.relu, 1, ()),
    "tanh": (torch.tanh, 1, ()),
    "sigmoid": (torch.sigmoid, 1, ()),
    "abs": (torch.abs, 1, ()),
    "sgn": (torch.sgn, 1, ()),
    "gelu": (torch.nn.functional.gelu, 1, ()),
    "gelu_tanh": (lambda x: torch.nn.functional.gelu(x, approximate="tanh"), 1, ()),
    "gelu_backward": (torch.ops.aten.gelu_backward, 2, ()),
    "gelu_tanh_backward": (lambda g, x: torch.ops.aten.gelu_backward(g, x, approximate="tanh"), 2, ()),
    "leaky_relu": (torch.ops.aten.leaky_relu, 1, (0.013,)),
    "leaky_relu_backward": (lambda g, x, slope: torch.ops.aten.leaky_relu_backward(g, x, slope, False), 2, (0.013,)),
    "add": (torch.add, 2, ()),
    "sub": (torch.sub, 2, ()),
    "mul": (torch.mul, 2, ()),
    "scale": (torch.mul, 1, (0.3,)),
    "divide": (torch.div, 1, (0.3,)),
    "tanh_backward": (torch.ops.aten.tanh_backward, 2, ()),
    "sigmoid_backward": (torch.ops.aten.sigmoid_backward, 2, ()),
    "relu_backward": (lambda g, x: torch.ops.aten.threshold_backward(g, x, 0.0), 2, ()),
    "div": (torch.div, 2, ()),
    "neg": (torch.neg, 1, ()),
    "shift": (torch.add, 1, (1.0,)),
    "threshold": (torch.nn.functional.threshold, 1, (0.3, -0.7)),
    "threshold_backward": (torch.ops.aten.threshold_backward, 2, (0.3,)),
    "hardtanh": (torch.nn.functional.hardtanh, 1, (-0.4, 0.9)),
    "hardtanh_backward": (torch.ops.aten.hardtanh_backward, 2, (-0.4, 0.9)),
    "hardshrink": (torch.nn.functional.hardshrink, 1, (0.3,)),
    "hardshrink_backward": (torch.ops.aten.hardshrink_backward, 2, (0.3,)),
    "softshrink": (torch.nn.functional.softshrink, 1, (0.3,)),
    "softshrink_backward": (torch.ops.aten.softshrink_backward, 2, (0.3,)),
    "hardsigmoid": (torch.nn.functional.hardsigmoid, 1, ()),
    "hardsigmoid_backward": (torch.ops.aten.hardsigmoid_backward, 2, ()),
    "hardswish": (torch.nn.functional.hardswish, 1, ()),
    "hardswish_backward": (torch.ops.aten.hardswish_backward, 2, ()),
    "elu": (torch.ops.aten.elu, 1, (1.3, 1.0, 0.7)),
    "elu_backward": (lambda g, x, a, s, i: torch.ops.aten.elu_backward(g, a, s, i, False, x), 2, (1.3, 1.0, 0.7)),
    "silu": (torch.nn.functional.silu, 1, ()),
    "silu_backward": (torch.ops.aten.silu_backward, 2, ()),
    "softplus": (torch.nn.functional.softplus, 1, (1.3, 4.0)),
    "softplus_backward": (torch.ops.aten.softplus_backward, 2, (1.3, 4.0)),
    "mish": (torch.nn.functional.mish, 1, ()),
    "mish_backward": (torch.ops.aten.mish_backward, 2, ()),
    "log_sigmoid": (torch.nn.functional.logsigmoid, 1, ()),
    "log_sigmoid_backward": (
        lambda g, x: torch.ops.aten.log_sigmoid_backward(g, x, torch.ops.aten.log_sigmoid_forward(x)[1]), 2, ()
    ),
}  # fmt: skip


for _name, _bound in (("smooth_l1", 0.3), ("huber", 0.9)):
    _loss = getattr(torch.ops.aten, f"{_name}_loss")
    _back = getattr(torch.ops.aten, f"{_name}_loss_backward")
    OPERATORS[_name] = (lambda x, y, bound, loss=_loss: loss(x, y, 0, bound), 2, (_bound,))  # type: ignore[misc]
    OPERATORS[f"{_name}_backward"] = (
        lambda x, y, share, seed, bound, _, back=_back: back(torch.tensor(seed), x, y, 0, bound),  # type: ignore[misc]
        2, (1.0, 0.7, _bound, _bound),
    )  # fmt: skip

EDGES = torch.tensor([0.0, -0.0, 0.3, -0.3, -0.4, 0.9, 1.0, -1.0, 3.0, -3.0, 6.0, 20.0, 90.0, -90.0, 1e30, -1e30])
"""Numbers at which rules of operators change."""


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_of_single_elements(name: str) -> None:
    """Every kernel rounds as PyTorch's operator does, beginnings and ends of arrays alike."""
    operator, arrays, numbers = OPERATORS[name]
    for size in (*range(2, 40), 1000):  # one GELU is an operator of its own
        values = [random(size + position)[:size].clone() for position in range(arrays)]
        values[-1][: len(EDGES)] = EDGES[torch.arange(size)[: len(EDGES)].flip(0)]
        found = random(size)
        call(name, found, *(with_room(value) for value in values), *numbers, size)
        assert torch.equal(found.view(torch.int32), operator(*values, *numbers).view(torch.int32)), size


def test_neither_a_program_nor_a_refusal_keeps_a_run_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "VERDICTS", Verdicts(4, passed=True))
    for described in (TAKEN["Tanh"], experiment(network("Tanh"), loss="MultiMarginLoss")):
        run = make(described)
        with contextlib.suppress(UnsupportedError):
            NativeEngine().prepare(run)
        alive = weakref.ref(run)
        del run
        gc.collect()
        assert alive() is None


def test_kernels_can_be_compiled_ahead_wherever_the_app_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    module.kernel_compiler()()
    assert library().address("walk")

    def refuse() -> None:
        raise UnsupportedError("there is no native code for this machine")

    monkeypatch.setattr("mlp_core.engines.native.library.library", refuse)
    module.kernel_compiler()()
    monkeypatch.setitem(sys.modules, "mlp_core.engines.native.library", None)  # as without llvmlite
    module.kernel_compiler()()
