"""A hand-written loop: tensors in memory, zero the gradients, forward, backward, step."""

from __future__ import annotations

import time
from collections.abc import Iterator

from benchmarks.cases import Case


class Trainer:
    """The plain loop."""

    def __init__(self, case: Case) -> None:
        from benchmarks.peers import pytorch

        self._tools, self._case = pytorch, case
        pytorch.settle(case)
        self._data = self._batches(case)

    def _batches(self, case: Case) -> Iterator[tuple[object, object]]:
        return self._tools.endless(self._tools.TensorBatches(*self._tools.tensors(case), case.batch))

    def build(self) -> None:
        """The network and its optimizer."""
        from torch import nn

        self._model = self._tools.network(self._case)
        self._optimizer = self._tools.optimizer(self._case, self._model)
        self._loss = nn.CrossEntropyLoss()

    def train(self, seconds: float) -> tuple[int, float]:
        """Step after step; the loss is read every time, as a loop that prints or plots it does."""
        began, steps, running = time.perf_counter(), 0, 0.0
        while time.perf_counter() - began < seconds:
            x, y = next(self._data)
            self._optimizer.zero_grad()
            loss = self._loss(self._model(x), y)
            loss.backward()
            self._optimizer.step()
            running += loss.item()
            steps += 1
        return steps, time.perf_counter() - began
