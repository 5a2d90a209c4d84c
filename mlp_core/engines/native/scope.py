"""What the rules of layers are given: a table for their calls, memory, and the parameters with their gradients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from torch import Tensor, nn

from mlp_core.engines.native import activations, elementwise
from mlp_core.engines.native.arrays import Array, view
from mlp_core.engines.native.table import Table
from mlp_core.engines.tracing import UnsupportedError

ELEMENTWISE = {**elementwise.RULES, **activations.RULES}
"""Every operator of one element at a time."""
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

    def filled(self, value: float, count: int) -> Array:
        """New memory with one number in all places."""
        found = self.array(count)
        view(found.address, count, np.float32)[:] = value
        return found

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
