"""What an activation does to a signal on its way through many layers, forward and backward."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mlp_core.activations.response import KEPT, build, elementwise
from mlp_core.catalog import INITIALIZERS, load_object
from mlp_core.catalog.initializers import LECUN_NORMAL
from mlp_core.errors import SpecError
from mlp_core.run.randomness import RandomStream
from mlp_core.spec import InitSpec, LayerSpec

LAYERS = 10
"""Linear layers, each with the activation after it."""
SAMPLES = 256
"""Samples, each of standard normal features."""
SMALL = 0.01
"""The standard deviation of a plain normal distribution of weights, too small for a signal to live long."""
FLAT = 0.01
"""The slope below which a value counts as saturated."""


DEFAULT = "PyTorch's default"
"""The initialisation that a layer has by itself."""


def _starts() -> dict[str, InitSpec | None]:
    """Every initialiser of matrices, by its label; those that look at what comes after stand for ReLU.

    LeCun normal is SELU's, which PyTorch has under another name.
    """
    lecun, params = LECUN_NORMAL
    found: dict[str, InitSpec | None] = {DEFAULT: None, "LeCun normal": InitSpec(type=lecun, params=params)}
    for name, entry in INITIALIZERS.items():
        after = {"nonlinearity": "relu"} if "nonlinearity" in entry.fill({}) else {}
        small = {"std": SMALL} if name in ("normal_", "trunc_normal_") else {}
        found[f"{entry.label}{f', {SMALL:g}' if small else ''}"] = InitSpec(type=name, params={**after, **small})
    return found


INITIALISATIONS = _starts()
"""How weights are drawn, by the words of the page; biases are zero, but for PyTorch's default, which draws them too."""


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
    init = INITIALISATIONS[initialisation]
    if init is not None:
        with torch.no_grad():
            load_object(init.entry.target)(made.weight, **init.params)
            nn.init.zeros_(made.bias)
    return made


def _each(tensors: list[Tensor], figure: Callable[[Tensor], Tensor]) -> NDArray[np.float64]:
    return np.array([float(figure(tensor.detach())) for tensor in tensors])
