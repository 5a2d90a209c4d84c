"""What an activation does to a signal on its way through many layers, forward and backward."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mlp_core.activations.response import KEPT, build, elementwise
from mlp_core.errors import SpecError
from mlp_core.run.randomness import RandomStream
from mlp_core.spec import LayerSpec

LAYERS = 10
"""Linear layers, each with the activation after it."""
SAMPLES = 256
"""Samples, each of standard normal features."""
FLAT = 0.01
"""The slope below which a value counts as saturated."""


def _lecun(weight: Tensor) -> None:
    nn.init.normal_(weight, std=1 / math.sqrt(weight.shape[1]))


INITIALISATIONS: dict[str, Callable[[Tensor], Any]] = {
    "PyTorch's default": lambda weight: nn.init.kaiming_uniform_(weight, a=math.sqrt(5)),
    "LeCun normal": _lecun,
    "Xavier (Glorot) normal": nn.init.xavier_normal_,
    "Xavier (Glorot) uniform": nn.init.xavier_uniform_,
    "Kaiming (He) normal": lambda weight: nn.init.kaiming_normal_(weight, nonlinearity="relu"),
    "Kaiming (He) uniform": lambda weight: nn.init.kaiming_uniform_(weight, nonlinearity="relu"),
    "Orthogonal": nn.init.orthogonal_,
    "Normal, 0.01": lambda weight: nn.init.normal_(weight, std=0.01),
}
"""How weights are drawn; biases are zero, but for PyTorch's default, which draws them too."""
DEFAULT = next(iter(INITIALISATIONS))


@dataclass(frozen=True, eq=False)
class Signal:
    """A signal through layers. Arrays have one number per layer, from the first to the last."""

    forward: NDArray[np.float64]
    """Variance of what comes out of each activation, over samples and features."""
    mean: NDArray[np.float64]
    """Its mean."""
    backward: NDArray[np.float64]
    """Variance of the gradient by what comes out of each activation, where that at the last one is standard normal."""
    dead: NDArray[np.float64] | None
    """Share of units whose slope is zero for every sample; None where outputs depend on all features."""
    saturated: NDArray[np.float64] | None
    """Share of values whose slope is nearly zero (below `FLAT`); None as for `dead`."""


@lru_cache(maxsize=KEPT)
def propagate(
    layer: LayerSpec, width: int, initialisation: str = DEFAULT, *, layers: int = LAYERS, seed: int = 0
) -> Signal:
    """Send standard normal samples through layers of a width, and standard normal gradients back.

    Raises `SpecError` where the activation cannot stand in layers of this width.
    """
    alone = elementwise(layer)
    fan_out = _fan_out(layer, width)
    with RandomStream(seed, torch.device("cpu")).lend():
        h = torch.randn(SAMPLES, width)
        end = torch.randn(SAMPLES, width)
        linear = [_linear(width, fan_out, initialisation) for _ in range(layers)]
    try:
        module = build(layer, fan_out, seed)
    except (RuntimeError, ValueError, AssertionError) as error:
        raise SpecError(
            f"{layer.type} does not fit into layers of {width} units: {error}. Choose another width."
        ) from None
    outputs: list[Tensor] = []
    slopes: list[Tensor] = []
    with RandomStream(seed, torch.device("cpu")).lend():  # some draw numbers in training
        for each in linear:
            sums = each(h)
            h = module(sums)
            outputs.append(h)
            if alone:
                (slope,) = torch.autograd.grad(h, sums, torch.ones_like(h), retain_graph=True)
                slopes.append(slope)
    gradients = torch.autograd.grad(h, outputs, end)
    return Signal(
        forward=_each(outputs, lambda out: out.double().var()),
        mean=_each(outputs, lambda out: out.double().mean()),
        backward=_each(list(gradients), lambda gradient: gradient.double().var()),
        dead=_each(slopes, lambda slope: (slope == 0).all(dim=0).double().mean()) if alone else None,
        saturated=_each(slopes, lambda slope: (slope.abs() < FLAT).double().mean()) if alone else None,
    )


def _fan_out(layer: LayerSpec, width: int) -> int:
    """What the Linear layer in front must put out, so that `width` values come out of the activation."""
    for candidate in (width, 2 * width):
        if layer.entry.out_features(layer.params, candidate) == width:
            return candidate
    raise SpecError(f"{layer.type} does not keep the width of a layer, so it cannot stand in layers of one width.")


def _linear(width: int, fan_out: int, initialisation: str) -> nn.Linear:
    made = nn.Linear(width, fan_out)
    if initialisation != DEFAULT:
        with torch.no_grad():
            INITIALISATIONS[initialisation](made.weight)
            nn.init.zeros_(made.bias)
    return made


def _each(tensors: list[Tensor], figure: Callable[[Tensor], Tensor]) -> NDArray[np.float64]:
    return np.array([float(figure(tensor.detach())) for tensor in tensors])
