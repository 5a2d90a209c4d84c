"""What an activation answers: its values and slopes, from PyTorch's module and autograd."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mlp_core.catalog import load_object
from mlp_core.errors import SpecError
from mlp_core.run.randomness import RandomStream
from mlp_core.spec import LayerSpec

Array = NDArray[Any]

POINTS = 401
"""Inputs of a curve."""
FEATURES = 4
"""Features of the small sample that shows a function of all features."""
REST = (0.0, 0.5, 1.0, -0.5)
"""The sample's features; the first one moves."""
SEED = 0
"""What weights are drawn from, where an activation has some."""
KEPT = 256
"""Answers that the process keeps."""


@dataclass(frozen=True, eq=False)
class Response:
    """What comes out while one input moves."""

    x: Array
    """(n,) the input that moves."""
    values: Array
    """(n, m) outputs; m is 1 for an activation of each value by itself."""
    slopes: Array
    """(n, m) derivative of each output by that input; NaN at points where the output jumps."""
    elementwise: bool
    """Whether every output depends on one input alone."""


def build(layer: LayerSpec, features: int, seed: int = SEED) -> nn.Module:
    """PyTorch's module of an activation for so many features, its weights drawn from the seed.

    Raises `SpecError` where it cannot take so many.
    """
    entry = layer.entry
    if (misfit := entry.misfit(layer.params, features, f"layer {layer.type}")) is not None:
        raise SpecError(misfit.message)
    with RandomStream(seed, torch.device("cpu")).lend():
        made: nn.Module = load_object(entry.target)(**entry.arguments(layer.params, features))
    return made


@lru_cache(maxsize=KEPT)
def elementwise(layer: LayerSpec) -> bool:
    """Whether every output depends on one input alone: what its facts say, else what autograd finds."""
    entry = layer.entry
    if entry.facts is not None:
        return entry.facts(layer.params).elementwise
    if entry.out_features(layer.params, FEATURES) != FEATURES:
        return False
    sample = torch.tensor([REST], requires_grad=True)
    out = build(layer, FEATURES).eval()(sample)[0]
    slopes = torch.stack([torch.autograd.grad(each, sample, retain_graph=True)[0][0] for each in out])
    return bool(torch.equal(slopes, torch.diag(slopes.diag())))


@lru_cache(maxsize=KEPT)
def respond(layer: LayerSpec, low: float, high: float, points: int = POINTS) -> Response:
    """The answer to inputs from low to high: of one value, or of a small sample whose first feature moves.

    Layers that draw random numbers in training answer as they do in a test.
    """
    alone = elementwise(layer)
    x = torch.linspace(low, high, points)
    x.requires_grad_(True)
    if alone:
        inputs = x.unsqueeze(1)
    else:
        rest = torch.tensor(REST[1:]).expand(points, FEATURES - 1)
        inputs = torch.cat([x.unsqueeze(1), rest], dim=1)
    out = build(layer, inputs.shape[1]).eval()(inputs)
    slopes = [
        torch.autograd.grad(out[:, column].sum(), x, retain_graph=True, allow_unused=True)[0]
        for column in range(out.shape[1])
    ]
    found = [torch.zeros_like(x) if slope is None else slope for slope in slopes]
    return Response(x.detach().numpy(), out.detach().numpy(), torch.stack(found, dim=1).numpy(), alone)


def cut_at(response: Response, points: tuple[float, ...]) -> Response:
    """The same with a gap where the output jumps, so that no line is drawn across."""
    if not points:
        return response
    x, values, slopes = (np.array(array, dtype=np.float64) for array in (response.x, response.values, response.slopes))
    for point in points:
        at = int(np.searchsorted(x, point, side="right"))
        if 0 < at < len(x):
            x = np.insert(x, at, point)
            values, slopes = np.insert(values, at, np.nan, axis=0), np.insert(slopes, at, np.nan, axis=0)
    return Response(x, values, slopes, response.elementwise)
