"""Layers that normalise, and AlphaDropout, in native code: PyTorch's bits, its running statistics and its refusals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from blocks import residual
from comparing import assert_same, assert_same_losses, experiment, layer, make
from hypothesis import given, settings
from hypothesis import strategies as st
from kernels import call, random, with_room

from mlp_core.engines.choose import engine_for
from mlp_core.engines.eager import EagerEngine
from mlp_core.engines.native.engine import NativeEngine
from mlp_core.engines.native.forward import Forward
from mlp_core.engines.native.functions import vector_width
from mlp_core.engines.tracing import UnsupportedError
from mlp_core.run.build import Run
from mlp_core.run.metrics import PlainPasses
from mlp_core.spec import Experiment, OptimizerSpec

try:
    WIDTH = vector_width()
except UnsupportedError as error:
    pytest.skip(f"no native code here: {error}", allow_module_level=True)

tried_here = pytest.mark.skipif(WIDTH != 8, reason="how PyTorch's kernels of norms round was tried with AVX2")
SIZES = st.integers(2, 40), st.sampled_from([*range(1, 34), 47, 64, 129, 257, 400, 2100])
"""Samples and features: with and without an end that fills no vector, and of one and of several chunks of vectors."""


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As small steps run everywhere; with more threads, PyTorch adds up a batch in parts."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    """Numbers of all magnitudes about 0.3, with room behind them, other ones for another seed."""
    count = torch.Size(shape).numel()
    return with_room(0.3 + random(count + seed)[seed:]).view(shape)


def room(*shape: int) -> torch.Tensor:
    return with_room(torch.zeros(torch.Size(shape).numel())).view(shape)


def same(found: torch.Tensor, expected: torch.Tensor | None) -> None:
    assert expected is not None
    assert torch.equal(found.view(-1).view(torch.int32), expected.detach().reshape(-1).view(torch.int32))


@tried_here
@settings(max_examples=40, deadline=None, derandomize=True)
@given(*SIZES, st.sampled_from([0.0, 0.1, 0.37, 1.0]), st.sampled_from([1e-5, 0.0, 0.1]))
def test_batch_norm(rows: int, columns: int, momentum: float, eps: float) -> None:
    x, gradient = drawn(rows, columns), drawn(rows, columns, seed=1)
    weight, bias, means, variances = (drawn(columns, seed=seed) for seed in range(2, 6))
    variances, batches = variances.abs(), torch.zeros((), dtype=torch.int64)
    kept = means.clone(), variances.clone()
    found, squares, mean, inverse = room(rows, columns), room(columns), room(columns), room(columns)
    call("batch_norm", found, x, mean, squares, inverse, weight, bias, eps, rows, columns)
    call("batch_norm_running", *kept, batches, mean, squares, momentum, rows, columns)
    expected = torch.ops.aten.native_batch_norm(x, weight, bias, means, variances, True, momentum, eps)
    for one, other in zip((found, mean, inverse, *kept), (*expected, means, variances), strict=True):
        same(one, other)
    assert batches == 1
    call("batch_norm_fixed", found, x, *kept, weight, bias, eps, rows, columns)
    same(found, torch.nn.functional.batch_norm(x, means, variances, weight, bias, False, momentum, eps))
    factors, shifts = room(columns), room(columns)
    call(
        "batch_norm_backward", found, factors, shifts, gradient, x, mean, inverse, weight, rows, rows, columns
    )  # fmt: skip
    slopes = torch.ops.aten.native_batch_norm_backward(
        gradient, x, weight, means, variances, mean, inverse, True, eps, [True] * 3
    )
    for one, other in zip((found, factors, shifts), slopes, strict=True):
        same(one, other)


@tried_here
@settings(max_examples=40, deadline=None, derandomize=True)
@given(*SIZES, st.sampled_from([1e-5, 0.1]))
def test_layer_norm(rows: int, columns: int, eps: float) -> None:
    x, gradient = drawn(rows, columns), drawn(rows, columns, seed=1)
    weight, bias = drawn(columns, seed=2), drawn(columns, seed=3)
    found, mean, inverse, factors, shifts = room(rows, columns), room(rows), room(rows), room(columns), room(columns)
    for given_weight, given_bias in ((None, None), (weight, None), (weight, bias)):
        numbers = (
            torch.ones(columns) if given_weight is None else weight,
            torch.zeros(columns) if given_bias is None else bias,
        )
        call("layer_norm", found, x, mean, inverse, *numbers, eps, rows, columns)
        expected = torch.ops.aten.native_layer_norm(x, [columns], given_weight, given_bias, eps)
        for one, other in zip((found, mean, inverse), expected, strict=True):
            same(one, other)
        trained = [True, given_weight is not None, given_bias is not None]
        slopes = torch.ops.aten.native_layer_norm_backward(
            gradient, x, [columns], *expected[1:], given_weight, given_bias, trained
        )
        if given_weight is None:
            call("layer_norm_backward_plain", found, gradient, x, mean, inverse, rows, columns)
        else:
            call("layer_norm_backward", found, gradient, x, mean, inverse, weight, rows, columns)
            call("layer_norm_slopes", factors, shifts, gradient, x, mean, inverse, rows, columns)
            same(factors, slopes[1])
        same(found, slopes[0])
    same(shifts, slopes[2])


@tried_here
@settings(max_examples=40, deadline=None, derandomize=True)
@given(*SIZES, st.sampled_from([None, 0.1]))
def test_rms_norm(rows: int, columns: int, eps: float | None) -> None:
    x, gradient = drawn(rows, columns).requires_grad_(), drawn(rows, columns, seed=1)
    weight = drawn(columns, seed=2).requires_grad_()
    expected = torch.nn.functional.rms_norm(x, [columns], weight, eps)
    expected.backward(gradient)
    found, normalised, inverse, line = room(rows, columns), room(rows, columns), room(rows), room(columns)
    added = torch.finfo(torch.float32).eps if eps is None else eps
    call("rms_norm", found, normalised, inverse, line, x.detach(), weight.detach(), added, rows, columns)
    same(found, expected)
    call("rms_norm_backward", found, line, gradient, x.detach(), inverse, weight.detach(), rows, columns)
    same(found, x.grad)


SETTINGS: dict[str, list[dict[str, Any]]] = {
    "BatchNorm1d": [
        {}, {"affine": False}, {"track_running_stats": False}, {"momentum": 0.37, "eps": 0.01}, {"momentum": 0.0},
        {"momentum": 1.0, "affine": False},
    ],
    "LayerNorm": [{}, {"elementwise_affine": False}, {"bias": False}, {"eps": 0.1}],
    "RMSNorm": [{}, {"elementwise_affine": False}, {"eps": 0.01}],
    "AlphaDropout": [{"p": 0.2}, {"p": 0.0}],
}  # fmt: skip
CASES = [(name, params) for name, many in SETTINGS.items() for params in many]


def norms_in_a_row(name: str, params: dict[str, Any], batch: int, width: int) -> Experiment:
    """The layer first, before and after a Linear, inside a residual block, beside Dropout, and last."""
    norm = layer(name, **params)
    wide = layer("Linear", out_features=width)
    first = [] if name == "RMSNorm" else [norm]  # see the test of residual blocks below
    return experiment(
        [norm, wide, norm, layer("Tanh"), residual(*first, wide, norm, layer("ReLU")), layer("Dropout", p=0.2),
         layer("Linear"), norm],
        optimizer=OptimizerSpec(type="Adam"), points=max(20, 2 * (2 * batch + 2)), batch_size=batch,
    )  # fmt: skip


def taken(run: Run) -> bool:
    """Whether native code takes a run with Dropout: not where PyTorch leaves the draws to MKL."""
    return engine_for(run)[0].name == "native"


@tried_here
@pytest.mark.parametrize(("name", "params"), CASES)
def test_steps_and_what_they_leave(name: str, params: dict[str, Any]) -> None:
    for batch, width in ((2, 3), (10, 17), (33, 1), (10, 64)):
        described = norms_in_a_row(name, params, batch, width)
        eager, native = make(described), make(described)
        if not taken(native) and name == "AlphaDropout":
            pytest.skip("this processor draws otherwise")
        engine = NativeEngine()
        expected = EagerEngine().run(eager, 31)
        found = [engine.run(native, steps).losses for steps in (1, 30)]
        assert_same_losses(expected.losses, torch.cat([torch.from_numpy(part) for part in found]).numpy())
        assert_same(eager, native)
        forward, plain = Forward(native), PlainPasses(eager)
        for rows in (2, len(native.x_test)):
            assert torch.equal(forward(native.x_test[:rows]), plain.outputs(eager.x_test[:rows]))


@tried_here
def test_buffers_that_somebody_replaces_are_the_ones_that_are_written_to() -> None:
    described = experiment([layer("Linear", out_features=5), layer("BatchNorm1d"), layer("Linear")], batch_size=10)
    eager, native = make(described), make(described)
    for run, runner in ((eager, EagerEngine()), (native, NativeEngine())):
        runner.run(run, 7)
        for name, buffer in list(run.model.named_buffers()):
            module, leaf = name.rsplit(".", 1)
            setattr(run.model.get_submodule(module), leaf, buffer * 2)
        runner.run(run, 9)
    assert_same(eager, native)
    assert dict(native.model.named_buffers())["1.num_batches_tracked"] == 7 * 2 + 9


def test_a_pass_that_adds_up_its_own_batch_is_native_only_where_pytorch_adds_in_one_part() -> None:
    run = make(experiment([layer("Linear"), layer("BatchNorm1d", track_running_stats=False)], batch_size=10))
    with pytest.raises(UnsupportedError, match="batch of one sample"):
        Forward(run)(run.x_test[:1])
    torch.set_num_threads(2)
    with pytest.raises(UnsupportedError, match="as many parts as it has threads"):
        Forward(run)(run.x_test)


def test_a_residual_block_that_begins_with_rms_norm_is_left_to_others() -> None:
    block = residual(layer("RMSNorm"), layer("Linear"))
    with pytest.raises(UnsupportedError, match="another order"):
        NativeEngine().prepare(make(experiment([layer("Linear", out_features=3), block, layer("Linear")])))
