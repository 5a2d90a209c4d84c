"""Things that the catalog has not, as a project beside this one would define them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


class Sine(nn.Module):
    """A wave as an activation."""

    def __init__(self, frequency: float = 1.0) -> None:
        super().__init__()
        self.frequency = frequency

    def forward(self, x: Tensor) -> Tensor:
        return torch.sin(self.frequency * x)


class Mirrored(nn.Module):
    """A layer that doubles the width: what is positive in its input, and what is negative."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x.clamp(min=0), (-x).clamp(min=0)], dim=1)


class Averaged(nn.Sequential):
    """A layer that holds others: the mean of its input and what its layers make of it."""

    def forward(self, x: Tensor) -> Tensor:
        return (x + super().forward(x)) / 2


class SignDescent(torch.optim.Optimizer):
    """A step of the same length for every weight."""

    def __init__(self, params: Any, lr: float = 0.01) -> None:
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for p in group["params"]:
                p.add_(p.grad.sign(), alpha=-group["lr"])


def stripes(points: int, columns: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two classes, by the sign of the sum of all columns."""
    x = np.random.default_rng(seed).normal(size=(points, columns))
    return x, (x.sum(axis=1) > 0).astype(np.int64)
