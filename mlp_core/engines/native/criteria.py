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
from mlp_core.run.modules import HingeLoss

Criterion = Callable[[Scope, Any, Array, Array, Array, float], Array]
"""From the loss as a module, the network's outputs, the targets, where the loss goes, and the gradient of what is made
small by the loss, 1 unless gradients are shared: the gradient of the outputs."""

_PLAIN: dict[str, Any] = {"reduction": "mean", "weight": None, "pos_weight": None}
"""Settings under which the calls here are right. `ignore_index` is no class."""


def criterion(module: nn.Module, scope: Scope, outputs: Array, targets: Array, loss: Array, seed: float = 1.0) -> Array:
    """Calls for a loss and for the gradient of the outputs, which is returned; see `Criterion`.

    Raises `UnsupportedError` where the loss has no native code.
    """
    if type(module) not in CRITERIA:
        raise UnsupportedError(f"its loss {type(module).__name__} has no native code yet")
    if any(getattr(module, name, plain) != plain for name, plain in _PLAIN.items()):
        raise UnsupportedError("its loss is not a plain mean")
    return CRITERIA[type(module)](scope, module, outputs, targets, loss, seed)


def _cross_entropy(scope: Scope, module: Any, outputs: Array, labels: Array, loss: Array, seed: float) -> Array:
    table, (rows, classes) = scope.table, outputs.shape
    logs, gradient = log_softmax(scope, outputs), scope.array(rows, classes)
    if not module.label_smoothing:
        table.call("nll_loss", loss, logs, labels, rows, classes)
        table.call("cross_entropy_backward", gradient, logs, labels, scope.array(rows), seed, rows, classes)
        return gradient
    smooth = float(module.label_smoothing)
    shares = 1 - smooth, smooth / classes  # of the label, and of each class
    table.call("nll_loss", loss, logs, labels, rows, classes)
    table.call("smooth_loss", loss, logs, scope.array(rows), *shares, rows, classes)
    own, each = (float(np.float32(seed) * np.float32(share)) for share in shares)
    table.call("smooth_loss_backward", gradient, labels, own, each, rows, classes)
    given = scope.array(rows, classes)
    table.call("log_softmax_backward", given, gradient, logs, rows, classes)
    return given


def _nll(scope: Scope, module: Any, outputs: Array, labels: Array, loss: Array, seed: float) -> Array:
    scope.table.call("nll_loss", loss, outputs, labels, *outputs.shape)
    gradient = scope.array(*outputs.shape)
    scope.table.call("nll_loss_backward", gradient, labels, seed, *outputs.shape)
    return gradient


def _bce_with_logits(scope: Scope, module: Any, outputs: Array, targets: Array, loss: Array, seed: float) -> Array:
    scope.table.call("bce_with_logits", loss, outputs, targets, scope.array(outputs.size), outputs.size)
    difference = _shared(scope, scope.map("sub", scope.map("sigmoid", outputs), targets), seed)
    return scope.map("divide", difference, float(outputs.size))


def _bce(scope: Scope, module: Any, outputs: Array, targets: Array, loss: Array, seed: float) -> Array:
    scope.table.call("bce", loss, outputs, targets, scope.array(outputs.size), outputs.size)
    return scope.map("bce_backward", outputs, targets, seed)


def _mse(scope: Scope, module: Any, outputs: Array, targets: Array, loss: Array, seed: float) -> Array:
    scope.table.call("mse_loss", loss, outputs, targets, scope.array(outputs.size), outputs.size)
    return _shared(scope, scope.map("mse_loss_backward", outputs, targets, 2.0 / outputs.size), seed)


def _l1(scope: Scope, module: Any, outputs: Array, targets: Array, loss: Array, seed: float) -> Array:
    difference = scope.map("sub", outputs, targets)
    scope.table.call("mean", loss, scope.map("abs", difference), outputs.size)
    share = float(np.float32(seed) / np.float32(outputs.size))
    return scope.map("scale", scope.map("sgn", difference), share)


def _hinge(scope: Scope, module: Any, outputs: Array, targets: Array, loss: Array, seed: float) -> Array:
    margin, share = float(module.margin), float(np.float32(seed) / np.float32(outputs.size))
    scope.table.call("mean", loss, scope.map("hinge", outputs, targets, margin), outputs.size)
    return scope.map("hinge_backward", outputs, targets, margin, share)


def _soft_margin(scope: Scope, module: Any, outputs: Array, targets: Array, loss: Array, seed: float) -> Array:
    power = scope.map("exp", scope.map("neg", scope.map("mul", outputs, targets)))
    scope.table.call("mean", loss, scope.map("soft_margin", power), outputs.size)
    return scope.map("soft_margin_backward", power, targets, -1.0 / outputs.size, seed)


def _rounded_off(name: str, bound: str) -> Criterion:
    """A loss that is a square near zero and a line further away, with the setting that says where it changes."""

    def rule(scope: Scope, module: Any, outputs: Array, targets: Array, loss: Array, seed: float) -> Array:
        limit = float(getattr(module, bound))
        if limit == 0:
            return _l1(scope, module, outputs, targets, loss, seed)
        scope.table.call("mean", loss, scope.map(name, outputs, targets, limit), outputs.size)
        return scope.map(f"{name}_backward", outputs, targets, 1.0 / outputs.size, seed, limit, limit)

    return rule


def _shared(scope: Scope, gradient: Array, seed: float) -> Array:
    return gradient if seed == 1 else scope.map("scale", gradient, seed)


CRITERIA: dict[type[nn.Module], Criterion] = {
    nn.CrossEntropyLoss: _cross_entropy,
    nn.NLLLoss: _nll,
    nn.BCEWithLogitsLoss: _bce_with_logits,
    nn.BCELoss: _bce,
    nn.MSELoss: _mse,
    nn.L1Loss: _l1,
    nn.SmoothL1Loss: _rounded_off("smooth_l1", "beta"),
    HingeLoss: _hinge,
    nn.SoftMarginLoss: _soft_margin,
    nn.HuberLoss: _rounded_off("huber", "delta"),
}
"""Every loss that has native code, by its class."""
