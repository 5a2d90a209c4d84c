"""The plane of a landscape: two directions in the space of all weights, and how far it reaches along each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mlp_core.errors import DataError

MARGIN = 0.3
"""How much longer the plane of a path is than the path, as a share of it, at a span of 1."""
NARROW = 0.25
"""The shorter side of such a plane is at least this share of the longer one: a path that is almost a line lies on a
strip otherwise."""
BLOCK = 2**17
"""Columns of a path that are looked at together: it may hold many millions of numbers."""
NEGLIGIBLE = 1e-10
"""The share of the first component's variance below which there is no second one."""


class Moment(Protocol):
    """The weights of a run at a moment of its past."""

    @property
    def step(self) -> int | None:
        """Mini-batches done then."""

    @property
    def tensors(self) -> Mapping[str, Tensor]:
        """Weights and buffers by their names in the network's state dict."""


@dataclass(frozen=True, eq=False)
class Plane:
    """Points `weights + x · directions[0] + y · directions[1]` in the space of all weights."""

    directions: tuple[list[Tensor], list[Tensor]]
    """For each of the two a tensor for every parameter, in the model's order and of its shape."""
    x: NDArray[np.float64]
    """Coordinates (size,) of the grid along the first direction, in its lengths; one of them is 0."""
    y: NDArray[np.float64]
    """The same along the second."""
    path: NDArray[np.float64]
    """Where the moments of a path lie, projected onto the plane, (T, 2); (0, 2) without one."""
    explained: tuple[float, float] | None
    """The shares of the path's variance that lie along each direction; None for random directions."""

    @property
    def cosine(self) -> float:
        """The cosine of the angle between both directions: 0 where the picture's axes are as far apart as they look."""
        first, second = (_norm(direction) for direction in self.directions)
        return _dot(*self.directions) / (first * second) if first and second else 0.0


def filter_normalised(weights: Sequence[Tensor], generator: torch.Generator) -> list[Tensor]:
    """A random direction for these parameters, normalised by filter: Li, Xu, Taylor, Studer and Goldstein,
    "Visualizing the Loss Landscape of Neural Nets", 2018, section 4.

    Each row of a matrix, the weights of one neuron, is normally distributed and as long as the row of `weights` that it
    is added to. Biases and the parameters of normalisation, which are no matrices, stay as they are, as in the paper's
    pictures.
    """
    found = []
    for weight in weights:
        direction = torch.zeros(weight.shape)
        if weight.ndim > 1:
            rows = torch.randn((len(weight), weight[0].numel()), generator=generator)
            lengths = weight.detach().flatten(1).float().norm(dim=1, keepdim=True).cpu()
            direction = (rows * (lengths / rows.norm(dim=1, keepdim=True))).reshape(weight.shape)
        found.append(direction.to(weight.device, weight.dtype))
    return found


def random_plane(weights: Sequence[Tensor], *, span: float, size: int, seed: int) -> Plane:
    """The plane of two random directions, `span` of their lengths to each side.

    Raises `DataError` for a network whose weights are all zero.
    """
    generator = torch.Generator().manual_seed(seed)
    directions = filter_normalised(weights, generator), filter_normalised(weights, generator)
    if not all(map(_norm, directions)):
        raise DataError(
            "All weights of this network are 0, so no direction is as long as they are. Draw new weights, or train it."
        )
    line = _ticks(-span, span, size)
    return Plane(directions, line, line, np.zeros((0, 2)), None)


def path_plane(
    weights: Sequence[Tensor], path: Sequence[Sequence[Tensor]], *, span: float, size: int, seed: int
) -> Plane:
    """The plane through `weights` along the two principal components of a path, each of length 1.

    `path` holds the parameters at each moment. Where it is a straight line, the second direction is a random one at a
    right angle. Raises `DataError` for a path that goes nowhere.
    """
    components, variances = _principal(path)
    if not components:
        raise DataError(
            "The weights have not moved along this run's path, so it has no direction. "
            "Train on, or choose random directions."
        )
    if len(components) == 1:
        components.append(_across(components[0], seed))
    first, second = components
    total = sum(variances)
    shares = [variance / total for variance in [*variances, 0.0][:2]]
    places = np.array([[_dot(_difference(moment, weights), d) for d in (first, second)] for moment in path])
    signs = np.where(places.sum(axis=0) > 0, -1.0, 1.0)  # the sign of a component is free: so the path comes from below
    places *= signs
    reached = np.vstack([places, np.zeros((1, 2))])
    low, high = reached.min(axis=0), reached.max(axis=0)
    half = (1 + MARGIN) / 2 * (high - low)
    half = np.maximum(half, NARROW * half.max()) * span
    middle = (low + high) / 2
    x, y = (_ticks(m - h, m + h, size) for m, h in zip(middle, half, strict=True))
    scaled = tuple([part * sign for part in d] for d, sign in zip((first, second), signs.tolist(), strict=True))
    return Plane((scaled[0], scaled[1]), x, y, places, (shares[0], shares[1]))


def _ticks(low: float, high: float, size: int) -> NDArray[np.float64]:
    """So many points at equal distances, about from `low` to `high`, moved by less than a distance so that 0 is one."""
    step = (high - low) / (size - 1)
    return step * (round(low / step) + np.arange(size, dtype=np.float64))


def _principal(path: Sequence[Sequence[Tensor]]) -> tuple[list[list[Tensor]], list[float]]:
    """At most two principal components of unit length, and the variances along all of them.

    A path is few rows of very many numbers, so the eigenvectors of its small Gram matrix are taken: no copy of the
    whole path is needed.
    """
    gram = torch.zeros((len(path), len(path)), dtype=torch.float64)
    for block in _blocks(path):
        gram += block @ block.T
    values, vectors = torch.linalg.eigh(gram)
    variances = values.flip(0).clamp(min=0).tolist()
    scale = max((float(tensor.double().square().sum()) for tensor in path[-1]), default=0.0) + 1e-30
    if variances[0] <= 1e-14 * scale:  # what rounding alone would give
        return [], []
    count = 1 + (len(variances) > 1 and variances[1] > NEGLIGIBLE * variances[0])
    mixing = (vectors.flip(1)[:, :count] / values.flip(0)[:count].sqrt()).T
    flat = torch.cat([mixing @ block for block in _blocks(path)], dim=1)
    return [_shaped(row, path[0]) for row in flat], variances


def _blocks(path: Sequence[Sequence[Tensor]]) -> Iterator[Tensor]:
    """The path as rows (T, columns) around their mean, some columns at a time, float64."""
    for tensors in zip(*path, strict=True):
        flat = [tensor.detach().reshape(-1) for tensor in tensors]
        for start in range(0, len(flat[0]), BLOCK):
            rows = torch.stack([row[start : start + BLOCK].double().cpu() for row in flat])
            yield rows - rows.mean(dim=0)


def _shaped(flat: Tensor, like: Sequence[Tensor]) -> list[Tensor]:
    pieces = torch.split(flat, [tensor.numel() for tensor in like])
    return [
        piece.reshape(tensor.shape).to(tensor.device, tensor.dtype)
        for piece, tensor in zip(pieces, like, strict=True)
    ]


def _across(direction: Sequence[Tensor], seed: int) -> list[Tensor]:
    """A random direction of length 1 at a right angle to another one of length 1."""
    generator = torch.Generator().manual_seed(seed)
    drawn = [torch.randn(tensor.shape, generator=generator).to(tensor) for tensor in direction]
    along = _dot(drawn, direction)
    drawn = [one - along * other for one, other in zip(drawn, direction, strict=True)]
    length = _norm(drawn)
    return [tensor / length for tensor in drawn]


def _difference(first: Sequence[Tensor], second: Sequence[Tensor]) -> list[Tensor]:
    return [(one.detach() - other.detach()).double() for one, other in zip(first, second, strict=True)]


def _dot(first: Sequence[Tensor], second: Sequence[Tensor]) -> float:
    return sum(float((one.double() * other.double()).sum()) for one, other in zip(first, second, strict=True))


def _norm(direction: Sequence[Tensor]) -> float:
    return math.sqrt(_dot(direction, direction))
