"""The rules of layers that normalise: BatchNorm over the samples of a batch, LayerNorm and RMSNorm over each sample."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mlp_core.engines.native.arrays import Array, of_tensor
from mlp_core.engines.native.scope import GRAIN, Backward, Rule, Scope
from mlp_core.engines.tracing import UnsupportedError


def _value(scope: Scope, parameter: Tensor | None, otherwise: float, count: int) -> Array:
    """A parameter's numbers; without it, so many numbers that change nothing."""
    return scope.filled(otherwise, count) if parameter is None else scope.weight(parameter).value


def _gradient(scope: Scope, parameter: Tensor | None, count: int) -> Array:
    """The place of a parameter's gradient; without it, memory that nobody reads."""
    return scope.array(count) if parameter is None else scope.weight(parameter).gradient


def _batch_norm(scope: Scope, module: nn.Module, x: Array) -> tuple[Array, Backward]:
    assert isinstance(module, nn.BatchNorm1d)
    table, (rows, columns) = scope.table, x.shape
    y, weight = scope.array(rows, columns), _value(scope, module.weight, 1.0, columns)
    bias = _value(scope, module.bias, 0.0, columns)
    if not scope.training and module.running_mean is not None and module.running_var is not None:
        known = of_tensor(module.running_mean), of_tensor(module.running_var)
        table.call("batch_norm_fixed", y, x, *known, weight, bias, module.eps, rows, columns)
        return y, _no_way_back
    if rows == 1:
        raise UnsupportedError("PyTorch refuses to normalise over a batch of one sample")
    if scope.threads > 1:
        raise UnsupportedError("PyTorch adds up the samples of a batch in as many parts as it has threads")
    means, squares, inverses = (scope.array(columns) for _ in range(3))
    table.call("batch_norm", y, x, means, squares, inverses, weight, bias, module.eps, rows, columns)
    if scope.training and module.running_mean is not None:
        assert module.running_var is not None
        assert module.num_batches_tracked is not None
        if module.momentum is None:
            raise UnsupportedError("its BatchNorm1d has no momentum: it averages over all batches alike")
        kept = of_tensor(module.running_mean), of_tensor(module.running_var), of_tensor(module.num_batches_tracked)
        table.call("batch_norm_running", *kept, means, squares, module.momentum, rows, columns)

    def backward(gradient: Array, needed: bool) -> Array:
        factors, shifts = (_gradient(scope, parameter, columns) for parameter in (module.weight, module.bias))
        given = scope.array(rows, columns) if needed else gradient
        target = given if needed else scope.array(1)
        table.call(
            "batch_norm_backward", target, factors, shifts, gradient, x, means, inverses, weight, rows,
            rows if needed else 0, columns,
        )  # fmt: skip
        return given

    return y, backward


def _no_way_back(gradient: Array, needed: bool) -> Array:
    raise AssertionError("in evaluation mode, nothing goes back")


def _layer_norm(scope: Scope, module: nn.Module, x: Array) -> tuple[Array, Backward]:
    assert isinstance(module, nn.LayerNorm)
    table, (rows, columns) = scope.table, x.shape
    y, means, inverses = scope.array(rows, columns), scope.array(rows), scope.array(rows)
    weight, bias = _value(scope, module.weight, 1.0, columns), _value(scope, module.bias, 0.0, columns)
    table.call("layer_norm", y, x, means, inverses, weight, bias, module.eps, rows, columns)

    def backward(gradient: Array, needed: bool) -> Array:
        if module.weight is not None:
            factors, shifts = (_gradient(scope, parameter, columns) for parameter in (module.weight, module.bias))
            table.call("layer_norm_slopes", factors, shifts, gradient, x, means, inverses, rows, columns)
        if not needed:
            return gradient
        given = scope.array(rows, columns)
        if module.weight is None:  # products of two factors round otherwise than those of three of which one is 1
            table.call("layer_norm_backward_plain", given, gradient, x, means, inverses, rows, columns)
        else:
            table.call("layer_norm_backward", given, gradient, x, means, inverses, weight, rows, columns)
        return given

    return y, backward


def _rms_norm(scope: Scope, module: nn.Module, x: Array) -> tuple[Array, Backward]:
    assert isinstance(module, nn.RMSNorm)
    table, (rows, columns) = scope.table, x.shape
    if scope.threads > 1 and rows == 1 and x.size > GRAIN:
        raise UnsupportedError("PyTorch adds up a single large sample in as many parts as it has threads")
    y, normalised, inverses = scope.array(rows, columns), scope.array(rows, columns), scope.array(rows)
    room, weight = scope.array(columns), _value(scope, module.weight, 1.0, columns)
    eps = torch.finfo(torch.float32).eps if module.eps is None else module.eps
    table.call("rms_norm", y, normalised, inverses, room, x, weight, eps, rows, columns)

    def backward(gradient: Array, needed: bool) -> Array:
        if module.weight is not None:
            terms = scope.map("mul", gradient, normalised)
            table.call("column_sums", scope.weight(module.weight).gradient, terms, rows, columns)
        if not needed:
            return gradient
        given = scope.array(rows, columns)
        table.call("rms_norm_backward", given, room, gradient, x, inverses, weight, rows, columns)
        return given

    return y, backward


RULES: dict[type[nn.Module], Rule] = {
    nn.BatchNorm1d: _batch_norm,
    nn.LayerNorm: _layer_norm,
    nn.RMSNorm: _rms_norm,
}
"""Layers that normalise, by their class."""
