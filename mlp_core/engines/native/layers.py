"""What each kind of layer computes, forward and backward, as calls of kernels: the operators that PyTorch's autograd
runs for it, in their order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from mlp_core.engines.native.arrays import Array
from mlp_core.engines.native.elementwise import RULES as ELEMENTWISE
from mlp_core.engines.native.table import Table
from mlp_core.engines.tracing import UnsupportedError
from mlp_core.run.modules import Residual

GRAIN = 32768
"""Elements from which PyTorch shares an operator's work among threads."""

Backward = Callable[[Array, bool], Array]
"""Calls for a layer's gradients, from that of its output. The second argument tells whether the gradient of its input
is needed, which is the result; without need, the result is the argument itself."""


@dataclass(frozen=True)
class Weight:
    """A parameter as native code sees it."""

    value: Array
    """The numbers."""
    gradient: Array
    """Where a step leaves their gradient."""


@dataclass(frozen=True)
class Scope:
    """What the rules of layers are given."""

    table: Table
    """Takes the calls."""
    rows: int
    """Samples of a batch."""
    training: bool
    """Whether layers do what they do in training; without it, there is no way back."""
    weights: Mapping[int, Weight]
    """Every parameter by the identity of its tensor."""
    stream: int = 0
    """Where the state of the run's random numbers lies."""
    join: Callable[[Array, Array, Array], bool] = lambda errors, inputs, gradient: False
    """Takes over a weight's gradient, the product of errors and inputs, if it is better computed where it is used."""
    threads: int = 1
    """How many PyTorch's kernels would use."""

    def weight(self, parameter: Tensor) -> Weight:
        """A parameter's numbers and the place of its gradient."""
        return self.weights[id(parameter)]

    def array(self, *shape: int) -> Array:
        """New memory."""
        return self.table.memory.array(*shape)

    def map(self, kernel: str, *arguments: Array | float) -> Array:
        """Call a kernel of single elements on arrays of one shape, for a new one of that shape."""
        shape = next(argument.shape for argument in arguments if isinstance(argument, Array))
        target = self.array(*shape)
        if self.threads > 1 and target.size > GRAIN and kernel in ELEMENTWISE and ELEMENTWISE[kernel].scalar_ends:
            raise UnsupportedError(f"PyTorch computes {kernel} in pieces, each with an end of its own")
        self.table.call(kernel, target, *arguments, target.size)
        return target


Rule = Callable[[Scope, nn.Module, Array], tuple[Array, Backward]]
"""From a layer and its input (rows, features) to its output, and what computes its gradients."""


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


def _residual(scope: Scope, module: nn.Module, x: Array) -> tuple[Array, Backward]:
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


def _leaky_relu(scope: Scope, module: nn.Module, x: Array) -> tuple[Array, Backward]:
    slope = float(module.negative_slope)  # type: ignore[arg-type]
    y = scope.map("leaky_relu", x, slope)
    return y, lambda gradient, needed: scope.map("leaky_relu_backward", gradient, x, slope) if needed else gradient


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


RULES: dict[type[nn.Module], Rule] = {
    nn.Sequential: _sequential,
    Residual: _residual,
    nn.Flatten: _identity,
    nn.Identity: _identity,
    nn.Linear: _linear,
    nn.ReLU: _of_output("relu", "threshold_backward"),
    nn.Tanh: _of_output("tanh", "tanh_backward"),
    nn.Sigmoid: _of_output("sigmoid", "sigmoid_backward"),
    nn.LeakyReLU: _leaky_relu,
    nn.GELU: _gelu,
    nn.Dropout: _dropout,
}
"""Every kind of layer that has native code, by its class. Inputs and outputs are (rows, features): samples of more axes
lie in memory as their flat form does."""
