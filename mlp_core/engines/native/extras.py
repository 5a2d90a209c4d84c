"""What a step does to gradients between the backward pass and the update: penalties, accumulation, clipping."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp_core.engines.native.arrays import Memory, of_tensor
from mlp_core.engines.native.table import Table
from mlp_core.engines.storage import Storage
from mlp_core.run.build import Run


class Extras:
    """The calls for what the training settings of a run ask for besides."""

    def __init__(self, run: Run, storage: Storage, memory: Memory) -> None:
        self._training, self._storage, self._memory = run.experiment.training, storage, memory
        self.limit: NDArray[Any] = memory.view(1, np.float32)
        """What gradients are clipped at, to be set before a chunk."""
        self.seed = float(np.float32(1.0) / np.float32(self._training.accumulate_grad_batches))
        """The gradient of the objective by the loss."""

    @property
    def leaves_gradients(self) -> bool:
        """Whether a step does nothing to gradients between the two."""
        training = self._training
        clips = training.max_grad_norm is not None or training.max_grad_value is not None
        return not (clips or training.penalized or self._storage.accumulate)

    def collect(self, table: Table, begins: int) -> None:
        """Add the gradients of penalties, then everything to the gradients of earlier mini-batches, where there are
        any: `begins` is the address of whether this one is the first of an update."""
        storage, training = self._storage, self._training
        if training.penalized:
            self._penalize(table)
        if storage.accumulate:
            target, source = of_tensor(storage.gradients), of_tensor(storage.fresh)
            if training.zero_grad:
                table.call("collect", target, source, begins, len(storage.fresh))
            else:
                table.call("accumulate", target, source, len(storage.fresh))

    def _penalize(self, table: Table) -> None:
        first, second = (
            float(np.float32(self.seed) * np.float32(share))
            for share in (self._training.l1_penalty, self._training.l2_penalty)
        )
        for parameter, weights, gradient in self._matrices():
            target, source = of_tensor(gradient), of_tensor(weights)
            if self._training.l1_penalty > 0 and self._training.l2_penalty > 0:
                table.call("both_penalties", target, source, first, second, parameter.numel())
            elif self._training.l1_penalty > 0:
                table.call("l1_penalty", target, source, first, parameter.numel())
            else:
                table.call("l2_penalty", target, source, second, parameter.numel())

    def _matrices(self) -> Iterable[tuple[Any, Any, Any]]:
        storage = self._storage
        for three in zip(storage.parameters, storage.weight_views, storage.fresh_views, strict=True):
            if three[0].ndim > 1:
                yield three

    def clip(self, table: Table) -> None:
        """Clip the gradients before the update, by the norm of their norms or each of their numbers."""
        storage, limit = self._storage, int(self.limit.ctypes.data)
        target = of_tensor(storage.gradients)
        if self._training.max_grad_norm is not None:
            norms, total = self._memory.array(len(storage.parameters)), self._memory.array(1)
            for position, gradient in enumerate(storage.gradient_views):
                table.call("norm", norms.part(0, position, position + 1), of_tensor(gradient), gradient.numel())
            table.call("norm", total, norms, norms.size)
            table.call("clip_norm", target, total, limit, target.size)
        if self._training.max_grad_value is not None:
            table.call("clip_values", target, limit, target.size)
