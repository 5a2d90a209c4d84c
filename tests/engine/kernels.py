"""Kernels of the native engine called by themselves, and numbers to call them with."""

from __future__ import annotations

import torch

from mlp_core.engines.native.arrays import Memory, of_tensor
from mlp_core.engines.native.library import library
from mlp_core.engines.native.table import Table


def call(kernel: str, *arguments: torch.Tensor | float) -> None:
    """Call a kernel of the library once; tensors have room for a vector behind them."""
    table = Table(Memory())
    table.call(kernel, *(of_tensor(value) if isinstance(value, torch.Tensor) else value for value in arguments))
    table.finish()
    library().function("walk", 2)(table.address, len(table))


def random(size: int) -> torch.Tensor:
    """Numbers of all magnitudes and both signs, with room for a vector behind them."""
    generator = torch.Generator().manual_seed(size)
    values = torch.randn(size + 64, generator=generator) * torch.exp(3 * torch.randn(size + 64, generator=generator))
    return values[:size]


def with_room(values: torch.Tensor) -> torch.Tensor:
    """The same numbers, with room for a vector behind them."""
    return torch.cat([values, torch.ones(64)])[: len(values)]
