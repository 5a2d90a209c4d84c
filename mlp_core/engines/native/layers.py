"""What each kind of layer computes, forward and backward, as calls of kernels: the operators that PyTorch's autograd
runs for it, in their order."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from torch import nn

from mlp_core.engines.native import norm_layers
from mlp_core.engines.native.arrays import Array
from mlp_core.engines.native.scope import GRAIN, Backward, Rule, Scope
from mlp_core.engines.tracing import UnsupportedError
from mlp_core.run.modules import Residual

SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805
"""The constants of SELU, as `aten/src/ATen/native/Activation.cpp` has them."""
LEAST_SPREAD = 1e-6
"""Up to which difference of its bounds RReLU goes back as if all slopes were one."""
ALPHA = 1.7580993408473766
"""How far below zero SELU's lowest value lies, as `aten/src/ATen/native/Dropout.cpp` has it."""


def forward(scope: Scope, module: nn.Module, x: Array) -> tuple[Array, Backward]:
    """The calls of a layer; raises `UnsupportedError` where it has no rule."""
    rule = RULES.get(type(module))
    if rule is None:
        raise UnsupportedError(f"its layer {type(module).__name__} has no native code yet")
    return rule(scope, module, x)


def _pass(gradient: Array, _: bool) -> Array:
    return gradient


def _identity(scope: Scope, module: nn.Module, x: Array) -> tuple[Array, Backward]:
    return x, _pass


def _sequential(scope: Scope, module: nn.Module, x: Array) -> tuple[Array, Backward]:
    """Layer after layer. Before the first one with parameters, no gradient is needed."""
    steps: list[tuple[Backward, bool]] = []
    trained = False
    for child in module.children():
        x, back = forward(scope, child, x)
        steps.append((back, trained))
        trained |= any(True for _ in child.parameters())

    def backward(gradient: Array, needed: bool) -> Array:
        for back, before in reversed(steps):
            gradient = back(gradient, needed or before)
        return gradient

    return x, backward


def _begins_with_rms_norm(module: nn.Module) -> bool:
    """Whether the input of layers reaches an RMSNorm as it is."""
    for child in module.children():
        if isinstance(child, nn.RMSNorm) or (isinstance(child, nn.Sequential) and _begins_with_rms_norm(child)):
            return True
        if not isinstance(child, nn.Identity | nn.Flatten | nn.Dropout | nn.AlphaDropout):
            return False
    return False


def _residual(scope: Scope, module: nn.Module, x: Array) -> tuple[Array, Backward]:
    if scope.training and _begins_with_rms_norm(module):
        # RMSNorm is several operators: its input gets two gradients, and autograd adds the block's own between them.
        raise UnsupportedError("a residual block that begins with RMSNorm adds up its gradients in another order")
    made, back = _sequential(scope, module, x)

    def backward(gradient: Array, needed: bool) -> Array:
        inner = back(gradient, needed)
        return scope.map("add", gradient, inner) if needed else gradient

    return scope.map("add", x, made), backward


def _linear(scope: Scope, module: nn.Module, x: Array) -> tuple[Array, Backward]:
    assert isinstance(module, nn.Linear)
    table, weight = scope.table, scope.weight(module.weight)
    bias = None if module.bias is None else scope.weight(module.bias)
    y = scope.array(scope.rows, module.out_features)
    table.multiply(x, weight.value.transposed, y, None if bias is None else bias.value)

    def backward(gradient: Array, needed: bool) -> Array:
        given = gradient
        if needed:
            given = scope.array(*x.shape)
            if x.shape == (1, 1):  # counts as columns for PyTorch, which then takes the product transposed
                table.multiply(weight.value.transposed, gradient.transposed, given)
            else:
                table.multiply(gradient, weight.value, given)
        if not scope.join(gradient, x, weight.gradient):
            table.multiply(gradient.transposed, x, weight.gradient)
        if bias is not None:
            table.call("column_sums", bias.gradient, gradient, *gradient.shape)
        return given

    return y, backward


def _of_output(name: str, back: str) -> Rule:
    """An activation whose gradient is computed from its output."""

    def rule(scope: Scope, module: nn.Module, x: Array) -> tuple[Array, Backward]:
        y = scope.map(name, x)
        return y, lambda gradient, needed: scope.map(back, gradient, y) if needed else gradient

    return rule


def _from_input(
    scope: Scope, name: str, x: Array, numbers: Sequence[float], back: Sequence[float] | None = None
) -> tuple[Array, Backward]:
    """An activation whose gradient is computed from its input, with other numbers for the way back where given."""
    y = scope.map(name, x, *numbers)
    given = numbers if back is None else back
    return y, lambda gradient, needed: scope.map(f"{name}_backward", gradient, x, *given) if needed else gradient


def _of_input(name: str, *settings: str) -> Rule:
    """Such an activation whose numbers are settings of the module, in the kernels' order."""
    return lambda scope, module, x: _from_input(scope, name, x, [float(getattr(module, each)) for each in settings])


def _threshold(scope: Scope, module: nn.Module, x: Array) -> tuple[Array, Backward]:
    assert isinstance(module, nn.Threshold)
    limit = float(module.threshold)
    return _from_input(scope, "threshold", x, (limit, float(module.value)), (limit,))


def _elu(scope: Scope, module: nn.Module, x: Array) -> tuple[Array, Backward]:
    assert isinstance(module, nn.ELU)
    return _from_input(scope, "elu", x, (float(module.alpha), 1.0, 1.0))


def _selu(scope: Scope, module: nn.Module, x: Array) -> tuple[Array, Backward]:
    below = float(np.float32(SELU_ALPHA) * np.float32(SELU_SCALE))
    return _from_input(scope, "elu", x, (below, SELU_SCALE, 1.0))


def _celu(scope: Scope, module: nn.Module, x: Array) -> tuple[Array, Backward]:
    assert isinstance(module, nn.CELU)
    alpha = float(module.alpha)
    # Forward and backward round the inverse at different moments.
    return _from_input(scope, "elu", x, (alpha, 1.0, 1 / alpha), (alpha, 1.0, 1 / float(np.float32(alpha))))


def _tanhshrink(scope: Scope, module: nn.Module, x: Array) -> tuple[Array, Backward]:
    tanh = scope.map("tanh", x)

    def backward(gradient: Array, needed: bool) -> Array:
        if not needed:
            return gradient
        return scope.map("add", gradient, scope.map("tanh_backward", scope.map("neg", gradient), tanh))

    return scope.map("sub", x, tanh), backward


def _softsign(scope: Scope, module: nn.Module, x: Array) -> tuple[Array, Backward]:
    size = scope.map("shift", scope.map("abs", x), 1.0)
    y = scope.map("div", x, size)

    def backward(gradient: Array, needed: bool) -> Array:
        if not needed:
            return gradient
        outer = scope.map("mul", scope.map("neg", gradient), scope.map("div", y, size))
        return scope.map("add", scope.map("div", gradient, size), scope.map("mul", outer, scope.map("sgn", x)))

    return y, backward


def _gelu(scope: Scope, module: nn.Module, x: Array) -> tuple[Array, Backward]:
    assert isinstance(module, nn.GELU)
    name = "gelu_tanh" if module.approximate == "tanh" else "gelu" if x.size > 1 else "gelu_single"
    y = scope.map(name, x)
    return y, lambda gradient, needed: scope.map(f"{name}_backward", gradient, x) if needed else gradient


def _dropout(scope: Scope, module: nn.Module, x: Array) -> tuple[Array, Backward]:
    assert isinstance(module, nn.Dropout)
    if not scope.training or module.p == 0:
        return x, _pass
    if module.p == 1:
        raise UnsupportedError("its Dropout drops everything")
    kept = 1.0 - module.p
    y, noise = scope.array(*x.shape), scope.array(*x.shape)
    scope.table.call("dropout", y, noise, x, scope.stream, kept, kept, x.size)
    return y, lambda gradient, needed: scope.map("mul", gradient, noise) if needed else gradient


def _alpha_dropout(scope: Scope, module: nn.Module, x: Array) -> tuple[Array, Backward]:
    assert isinstance(module, nn.AlphaDropout)
    p = module.p
    if not scope.training or p == 0:
        return x, _pass
    if p == 1:
        raise UnsupportedError("its AlphaDropout drops everything")
    scale = 1 / math.sqrt((ALPHA * ALPHA * p + 1) * (1 - p))
    below, shift = np.float32(ALPHA * scale), np.float32(ALPHA * scale * p)
    y, noise = scope.array(*x.shape), scope.array(*x.shape)
    scope.table.call(
        "alpha_dropout", y, noise, x, scope.stream, 1 - p, scale, float(shift), float(shift - below), x.size
    )
    return y, lambda gradient, needed: scope.map("mul", gradient, noise) if needed else gradient


def _softmax(scope: Scope, module: nn.Module, x: Array) -> tuple[Array, Backward]:
    y = scope.array(*x.shape)
    scope.table.call("softmax", y, x, *x.shape)
    return y, lambda gradient, needed: _over_rows(scope, "softmax_backward", gradient, y) if needed else gradient


def _softmin(scope: Scope, module: nn.Module, x: Array) -> tuple[Array, Backward]:
    y, back = _softmax(scope, module, scope.map("neg", x))
    return y, lambda gradient, needed: scope.map("neg", back(gradient, True)) if needed else gradient


def _log_softmax(scope: Scope, module: nn.Module, x: Array) -> tuple[Array, Backward]:
    y = log_softmax(scope, x)
    return y, lambda gradient, needed: _over_rows(scope, "log_softmax_backward", gradient, y) if needed else gradient


def log_softmax(scope: Scope, x: Array) -> Array:
    """The logarithms of softmax over the rows of a matrix."""
    rows, columns = x.shape
    y = scope.array(rows, columns)
    room = scope.array(rows, columns), scope.array(rows), scope.array(rows)
    scope.table.call("log_softmax", y, x, *room, rows, columns)
    return y


def _over_rows(scope: Scope, kernel: str, gradient: Array, y: Array) -> Array:
    target = scope.array(*y.shape)
    scope.table.call(kernel, target, gradient, y, *y.shape)
    return target


def _prelu(scope: Scope, module: nn.Module, x: Array) -> tuple[Array, Backward]:
    assert isinstance(module, nn.PReLU)
    slopes, each = scope.weight(module.weight), module.num_parameters > 1
    y = scope.array(*x.shape)
    scope.table.call("prelu", y, x, slopes.value, int(each), *x.shape)

    def backward(gradient: Array, needed: bool) -> Array:
        terms = scope.map("prelu_slopes", gradient, x)
        scope.table.call("column_sums", slopes.gradient, terms, *(x.shape if each else (x.size, 1)))
        if not needed:
            return gradient
        given = scope.array(*x.shape)
        scope.table.call("prelu_backward", given, gradient, x, slopes.value, int(each), *x.shape)
        return given

    return y, backward


def _rrelu(scope: Scope, module: nn.Module, x: Array) -> tuple[Array, Backward]:
    assert isinstance(module, nn.RReLU)
    lower, upper = float(module.lower), float(module.upper)
    if not scope.training:
        return _from_input(scope, "leaky_relu", x, ((lower + upper) / 2,))
    y, noise = scope.array(*x.shape), scope.array(*x.shape)
    single = float(np.float32(lower)), float(np.float32(upper))  # the drawn number has more digits than its bounds
    scope.table.call("rrelu", y, noise, x, scope.stream, *single, x.size)

    def backward(gradient: Array, needed: bool) -> Array:
        if not needed:
            return gradient
        if upper - lower > LEAST_SPREAD:
            return scope.map("mul", gradient, noise)
        return scope.map("leaky_relu_backward", gradient, x, (lower + upper) / 2)

    return y, backward


def _glu(scope: Scope, module: nn.Module, x: Array) -> tuple[Array, Backward]:
    rows, half = x.shape[0], x.shape[1] // 2
    if scope.threads > 1 and x.size > GRAIN:
        raise UnsupportedError("PyTorch computes glu in pieces, each with an end of its own")
    y = scope.array(rows, half)
    scope.table.call("glu", y, x, rows, half)

    def backward(gradient: Array, needed: bool) -> Array:
        if not needed:
            return gradient
        given = scope.array(*x.shape)
        scope.table.call("glu_backward", given, gradient, x, rows, half)
        return given

    return y, backward


RULES: dict[type[nn.Module], Rule] = {
    nn.Sequential: _sequential,
    Residual: _residual,
    nn.Flatten: _identity,
    nn.Identity: _identity,
    nn.Linear: _linear,
    nn.ReLU: _of_output("relu", "relu_backward"),
    nn.Tanh: _of_output("tanh", "tanh_backward"),
    nn.Sigmoid: _of_output("sigmoid", "sigmoid_backward"),
    nn.LeakyReLU: _of_input("leaky_relu", "negative_slope"),
    nn.GELU: _gelu,
    nn.ReLU6: _of_input("hardtanh", "min_val", "max_val"),
    nn.Hardtanh: _of_input("hardtanh", "min_val", "max_val"),
    nn.Hardshrink: _of_input("hardshrink", "lambd"),
    nn.Softshrink: _of_input("softshrink", "lambd"),
    nn.Threshold: _threshold,
    nn.Hardsigmoid: _of_input("hardsigmoid"),
    nn.Hardswish: _of_input("hardswish"),
    nn.ELU: _elu,
    nn.SELU: _selu,
    nn.CELU: _celu,
    nn.SiLU: _of_input("silu"),
    nn.Mish: _of_input("mish"),
    nn.Softplus: _of_input("softplus", "beta", "threshold"),
    nn.LogSigmoid: _of_input("log_sigmoid"),
    nn.Softsign: _softsign,
    nn.Tanhshrink: _tanhshrink,
    nn.Dropout: _dropout,
    nn.AlphaDropout: _alpha_dropout,
    **norm_layers.RULES,
    nn.Softmax: _softmax,
    nn.Softmin: _softmin,
    nn.LogSoftmax: _log_softmax,
    nn.PReLU: _prelu,
    nn.RReLU: _rrelu,
    nn.GLU: _glu,
}
"""Every kind of layer that has native code, by its class. Inputs and outputs are (rows, features): samples of more axes
lie in memory as their flat form does."""
