"""What the PyTorch peers share: the network, the optimizer and the data as float tensors."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.cases import Case
from benchmarks.machine import cores


def settle(case: Case) -> None:
    """As many kernel threads as every other program gets; numbers below 1e-38 count as zero, as in the app."""
    torch.set_num_threads(cores() if case.large else 1)
    torch.set_flush_denormal(True)
    torch.manual_seed(0)
    torch.optim.SGD(nn.Linear(1, 1).parameters())  # the first optimizer of a process imports for seconds


def network(case: Case) -> nn.Sequential:
    """Linear layers with activations between; images are flattened first."""
    layers: list[nn.Module] = [nn.Flatten()]
    for inputs, outputs in zip(case.widths, case.widths[1:], strict=False):
        layers += [nn.Linear(inputs, outputs), getattr(nn, case.activation)()]
    return nn.Sequential(*layers[:-1])


def optimizer(case: Case, model: nn.Module) -> torch.optim.Optimizer:
    """The case's optimizer."""
    made: torch.optim.Optimizer = getattr(torch.optim, case.optimizer.type)(model.parameters(), **case.optimizer.params)
    return made


def tensors(case: Case) -> tuple[Tensor, Tensor]:
    """Inputs as float32, images scaled to [0, 1] beforehand, and int64 classes."""
    dataset = case.dataset()
    x = torch.tensor(dataset.x_train)
    return (x if x.dtype == torch.float32 else x.float().div_(dataset.divisor)), torch.tensor(dataset.y_train)


class TensorBatches:
    """Shuffled mini-batches of one epoch, cut out of two tensors: no work per sample."""

    def __init__(self, x: Tensor, y: Tensor, batch: int) -> None:
        self._x, self._y, self._batch = x, y, batch

    def __len__(self) -> int:
        return math.ceil(len(self._x) / self._batch)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for rows in torch.randperm(len(self._x)).split(self._batch):
            yield self._x[rows], self._y[rows]


def endless(epochs: Any) -> Iterator[tuple[Tensor, Tensor]]:
    """One epoch after the other."""
    while True:
        yield from epochs
