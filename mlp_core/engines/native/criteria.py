"""What each loss computes, forward and backward, as calls of kernels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from torch import nn

from mlp_core.engines.native.arrays import Array
from mlp_core.engines.native.layers import log_softmax
from mlp_core.engines.native.scope import Scope
from mlp_core.engines.tracing import UnsupportedError

Criterion = Callable[[Scope, Array, Array, Array], Array]
"""From the network's outputs, the targets, and where the loss goes: the gradient of the outputs."""

_PLAIN: dict[str, Any] = {"reduction": "mean", "weight": None, "pos_weight": None, "label_smoothing": 0.0}
"""Settings under which the calls here are right. `ignore_index` is no class."""


def criterion(module: nn.Module) -> Criterion:
    """The rule of a loss; raises `UnsupportedError` where it has none."""
    if type(module) not in CRITERIA:
        raise UnsupportedError(f"its loss {type(module).__name__} has no native code yet")
    if any(getattr(module, name, plain) != plain for name, plain in _PLAIN.items()):
        raise UnsupportedError("its loss is not a plain mean")
    return CRITERIA[type(module)]


def _cross_entropy(scope: Scope, outputs: Array, labels: Array, loss: Array) -> Array:
    table, (rows, classes) = scope.table, outputs.shape
    logs = log_softmax(scope, outputs)
    table.call("nll_loss", loss, logs, labels, rows, classes)
    gradient = scope.array(rows, classes)
    table.call("cross_entropy_backward", gradient, logs, labels, scope.array(rows), rows, classes)
    return gradient


def _nll(scope: Scope, outputs: Array, labels: Array, loss: Array) -> Array:
    scope.table.call("nll_loss", loss, outputs, labels, *outputs.shape)
    gradient = scope.array(*outputs.shape)
    scope.table.call("nll_loss_backward", gradient, labels, *outputs.shape)
    return gradient


def _bce_with_logits(scope: Scope, outputs: Array, targets: Array, loss: Array) -> Array:
    scope.table.call("bce_with_logits", loss, outputs, targets, scope.array(outputs.size), outputs.size)
    difference = scope.map("sub", scope.map("sigmoid", outputs), targets)
    return scope.map("divide", difference, float(outputs.size))


def _bce(scope: Scope, outputs: Array, targets: Array, loss: Array) -> Array:
    scope.table.call("bce", loss, outputs, targets, scope.array(outputs.size), outputs.size)
    return scope.map("bce_backward", outputs, targets)


def _mse(scope: Scope, outputs: Array, targets: Array, loss: Array) -> Array:
    scope.table.call("mse_loss", loss, outputs, targets, scope.array(outputs.size), outputs.size)
    return scope.map("mse_loss_backward", outputs, targets, 2.0 / outputs.size)


def _l1(scope: Scope, outputs: Array, targets: Array, loss: Array) -> Array:
    difference = scope.map("sub", outputs, targets)
    scope.table.call("mean", loss, scope.map("abs", difference), outputs.size)
    share = float(np.float32(1.0) / np.float32(outputs.size))
    return scope.map("scale", scope.map("sgn", difference), share)


CRITERIA: dict[type[nn.Module], Criterion] = {
    nn.CrossEntropyLoss: _cross_entropy,
    nn.NLLLoss: _nll,
    nn.BCEWithLogitsLoss: _bce_with_logits,
    nn.BCELoss: _bce,
    nn.MSELoss: _mse,
    nn.L1Loss: _l1,
}
"""Every loss that has native code, by its class."""
