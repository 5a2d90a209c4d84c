"""The tables of a run's training step, and the memory that they work on."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mlp_core.engines.native import weights
from mlp_core.engines.native.arrays import Array, Memory, of_tensor
from mlp_core.engines.native.chunk import FIELD, FIELDS
from mlp_core.engines.native.criteria import criterion
from mlp_core.engines.native.extras import Extras
from mlp_core.engines.native.functions import avx2_width
from mlp_core.engines.native.layers import forward
from mlp_core.engines.native.library import library
from mlp_core.engines.native.scope import Scope, Weight
from mlp_core.engines.native.sharing import BOARD_BYTES
from mlp_core.engines.native.shuffling import STATE_BYTES
from mlp_core.engines.native.table import WORD, Table
from mlp_core.engines.optimizers import Update
from mlp_core.engines.storage import Storage
from mlp_core.engines.tracing import UnsupportedError
from mlp_core.run.build import Run

JOINED_WEIGHTS, JOINED_SAMPLES = 4096, 16
"""From how many weights, and up to how many samples, a weight's gradient is computed where it is used, in the pass that
updates the weight: written to memory and read again, it costs more."""
SHARED_WEIGHTS = 2 * weights.PART_SPANS * weights.SPAN
"""From how many weights on their update is shared by several threads."""
Joined = tuple[Array, Array, Array]
"""Errors (samples, outputs), inputs (samples, features), and where the product's gradient lies."""


class Program:
    """A run's chunk: call `run` after `control`, `numbers` and `stream` are set. Raises `UnsupportedError` when made.

    With `join`, gradients of large layers are computed in the pass that updates their weights.
    """

    def __init__(self, run: Run, storage: Storage, update: Update, *, join: bool) -> None:
        self._run, self._storage, self._update = run, storage, update
        self._memory = memory = Memory()
        self._extras = Extras(run, storage, memory)
        self._join = join and not storage.accumulate and self._extras.leaves_gradients
        self._code, self._update_code = library(), weights.code_of(update)
        self.control = self._field(len(FIELDS), np.int64)
        self.numbers: NDArray[Any] = self._field(len(update.scalars) + len(update.numbers) + 1, np.float64)
        self.board: NDArray[Any] = self._field(BOARD_BYTES // WORD, np.int64)
        self.stream: NDArray[Any] = self._field(STATE_BYTES, np.uint8)
        self.order: NDArray[Any] = self._field(len(run.batches.x), np.int64)
        self._tails = _tails(storage) if update.fused else []
        self._scales = memory.room(self._update_code.scales)
        self._loss = memory.array(1)
        self._weights = {
            id(parameter): Weight(of_tensor(value), of_tensor(gradient))
            for parameter, value, gradient in zip(
                storage.parameters, storage.weight_views, storage.fresh_views, strict=True
            )
        }
        self.limit = self._extras.limit
        made = [self._table(size) for size in run.batches.sizes]
        tables, updates = [table for table, _ in made], [update for _, update in made]
        self.shares = any(table.shares for table in tables)
        sampler = self._field(STATE_BYTES, np.uint8)
        sampler[:] = torch.Generator().get_state().numpy()
        self._set(
            samples=len(run.batches.x),
            batch_size=run.batches.batch_size,
            per_epoch=run.batches.per_epoch,
            loaders=run.batches.evaluation_loaders,
            stream=self.stream.ctypes.data,
            sampler=sampler.ctypes.data,
            order=self.order.ctypes.data,
            loss=self._loss.address,
            rate=self._scalar("lr"),
            momentum=self._scalar(run.cycled) if run.cycled in update.scalars else 0,
            every=run.experiment.training.accumulate_grad_batches,
            calls=tables[0].address,
            call_count=len(tables[0]),
            short_calls=tables[-1].address,
            short_call_count=len(tables[-1]),
            update_count=updates[0],
            short_update_count=updates[-1],
            board=self.board.ctypes.data if self.shares else 0,
        )
        self.run = self._code.function("chunk", 1)
        self.help = self._code.function("help", 1)

    def begin(
        self, batch: int, losses: NDArray[Any], rates: NDArray[Any], momenta: NDArray[Any], *, first: bool
    ) -> None:
        """Set the next chunk: the batch of the epoch that it begins with, memory for the loss of each of its steps,
        their learning rates and momenta if a schedule sets them, and whether the optimizer's state is new."""
        self._set(
            batch=batch,
            steps=len(losses),
            losses=losses.ctypes.data,
            rates=rates.ctypes.data if len(rates) else 0,
            momenta=momenta.ctypes.data if len(momenta) and self.control[FIELD["momentum"]] else 0,
            first=first,
        )

    def _field(self, count: int, kind: Any) -> NDArray[Any]:
        return self._memory.view(count, kind)

    def _set(self, **values: int) -> None:
        for name, value in values.items():
            self.control[FIELD[name]] = value

    def _scalar(self, name: str) -> int:
        """Where the update takes one of its numbers from."""
        return int(self.numbers.ctypes.data) + WORD * self._update.scalars.index(name)

    def _address(self, field: str) -> int:
        return int(self.control.ctypes.data) + WORD * FIELD[field]

    def _table(self, size: int) -> tuple[Table, int]:
        """The calls of a step on so many samples, and how many of them, the last ones, are the update."""
        run, update = self._run, self._update
        table = Table(self._memory, int(self.board.ctypes.data))
        joined: list[Joined] = []

        def take(errors: Array, inputs: Array, gradient: Array) -> bool:
            large = gradient.size >= JOINED_WEIGHTS and errors.shape[0] <= JOINED_SAMPLES
            taken = self._join and large and not (update.fused and gradient.size % avx2_width())
            if taken:
                joined.append((errors, inputs, gradient))
            return taken

        scope = Scope(table, size, True, self._weights, int(self.stream.ctypes.data), take)
        x, y = self._inputs(table, size), self._targets(table, size)
        outputs, backward = forward(scope, run.model, x)
        gradient = criterion(run.loss, scope, outputs, y, self._loss, self._extras.seed)
        backward(gradient, False)
        self._extras.collect(table, self._address("begins"))
        before = len(table)
        self._extras.clip(table)
        self._add_update(table, joined)
        table.finish()
        return table, len(table) - before

    def _inputs(self, table: Table, size: int) -> Array:
        batches = self._run.batches
        features = math.prod(batches.x.shape[1:])
        target, source = table.memory.array(size, features), of_tensor(batches.x)
        rows = self._address("rows")
        if batches.x.dtype == torch.float32:
            table.call("gather_float32", target, source, rows, size, features)
        elif batches.x.dtype == torch.uint8:
            table.call("gather_scaled", target, source, rows, float(self._run.dataset.divisor), size, features)
        else:
            raise UnsupportedError(f"its inputs are of type {batches.x.dtype}")
        return target

    def _targets(self, table: Table, size: int) -> Array:
        y, rows = self._run.batches.y, self._address("rows")
        if y.dtype == torch.int64 and y.dim() == 1:
            target = Array(table.memory.room(size, WORD), (size,), (1,))
            table.call("gather_int64", target, of_tensor(y), rows, size, 1)
        elif y.dtype == torch.float32 and y.dim() == 2:
            target = table.memory.array(size, y.shape[1])
            table.call("gather_float32", target, of_tensor(y), rows, size, y.shape[1])
        else:
            raise UnsupportedError(f"its targets are of type {y.dtype} and {y.dim()} dimensions")
        return target

    def _add_update(self, table: Table, joined: list[Joined]) -> None:
        """Calls for the update of every weight, in the order in which they lie."""
        storage, code = self._storage, self._update_code
        table.call_of(code.kernels, "numbers", int(self.numbers.ctypes.data), self._scales)
        common = [
            storage.weights.data_ptr(),
            *(flat.data_ptr() for flat in storage.buffers.values()),
            storage.gradients.data_ptr(),
            self._scales,
            self._address("first"),
            self._address("last"),
        ]
        begin = 0
        for errors, inputs, gradient in sorted(joined, key=lambda three: three[2].address):
            offset = (gradient.address - storage.gradients.data_ptr()) // 4
            self._add_spans(table, common, begin, offset)
            outputs, features = gradient.shape
            groups, tiles = -(-outputs // weights.TILE_ROWS), -(-features // weights.TILE)
            context = [
                *common, errors.address, inputs.address, outputs, features, errors.shape[0], offset, groups,
            ]  # fmt: skip
            table.in_parts(code.kernels.address("product_tile"), context, groups * tiles)
            begin = offset + gradient.size
        self._add_spans(table, common, begin, len(storage.weights))

    def _add_spans(self, table: Table, common: list[int], begin: int, end: int) -> None:
        """Calls for the update of the weights between two places among all."""
        kernels = self._update_code.kernels
        for start, stop in self._tails:
            if begin <= start < end:
                self._add_spans(table, common, begin, start)
                table.call_of(kernels, "tail", *common, start, stop)
                begin = stop
        if end - begin >= SHARED_WEIGHTS:
            parts = (end - begin) // (weights.PART_SPANS * weights.SPAN)
            table.in_parts(kernels.address("weights_part"), [*common, begin], parts)
            begin += parts * weights.PART_SPANS * weights.SPAN
        if end > begin:
            table.call_of(kernels, "weights", *common, begin, end)


def _tails(storage: Storage) -> list[tuple[int, int]]:
    """For each parameter, where its numbers begin and end among all that fill no vector of a fused operator."""
    found = []
    for view in storage.weight_views:
        end = int(view.storage_offset()) + view.numel()
        if over := view.numel() % avx2_width():
            found.append((end - over, end))
    return found
