"""A network's outputs in evaluation mode as one table of calls."""

from __future__ import annotations

import math
from collections import OrderedDict

import numpy as np
import torch
from torch import Tensor

from mlp_core.engines.native.arrays import Array, Memory, of_tensor, view
from mlp_core.engines.native.layers import forward
from mlp_core.engines.native.library import library
from mlp_core.engines.native.scope import Scope, Weight
from mlp_core.engines.native.table import Table
from mlp_core.engines.tracing import UnsupportedError
from mlp_core.run.build import Run

KEPT_TABLES = 4
"""Tables that a run keeps: one for each number of samples that it is asked for again and again."""


class Forward:
    """The outputs of one run's network for any number of samples."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._tensors = [*run.model.parameters(), *run.model.buffers()]  # the objects stay, whatever they hold
        self._addresses: list[int] = []
        self._tables: OrderedDict[tuple[int, int], _Outputs] = OrderedDict()

    def __call__(self, x: Tensor) -> Tensor:
        """Outputs (N, outputs) for inputs as the data set holds them; raises `UnsupportedError`."""
        addresses = [tensor.data_ptr() for tensor in self._tensors]
        if addresses != self._addresses:
            self._tables.clear()
            self._addresses = addresses
        key = len(x), torch.get_num_threads()
        if key not in self._tables:
            self._tables[key] = _Outputs(self._run, self._tensors, x)
        self._tables.move_to_end(key)
        while len(self._tables) > KEPT_TABLES:
            self._tables.popitem(last=False)
        return self._tables[key](x)


class _Outputs:
    """The table for one number of samples."""

    def __init__(self, run: Run, tensors: list[Tensor], x: Tensor) -> None:
        self._memory = memory = Memory()
        self._table = table = Table(memory)
        self._source = x.data_ptr()
        weights = {id(tensor): Weight(of_tensor(tensor), of_tensor(tensor)) for tensor in tensors}
        inputs = memory.array(len(x), math.prod(x.shape[1:]))
        self._bytes = x.dtype == torch.uint8
        if self._bytes:
            table.call("bytes_to_numbers", inputs, of_tensor(x), float(run.dataset.divisor), inputs.size)
        elif x.dtype == torch.float32:
            table.call("copy", inputs, of_tensor(x), inputs.size)
        else:
            raise UnsupportedError(f"its inputs are of type {x.dtype}")
        scope = Scope(table, len(x), False, weights, threads=torch.get_num_threads())
        outputs, _ = forward(scope, run.model, inputs)
        table.finish()
        self._outputs: Array = outputs
        self._walk = library().function("walk", 2)

    def __call__(self, x: Tensor) -> Tensor:
        x = x.contiguous()
        if x.data_ptr() != self._source:
            self._table.replace(self._source, x.data_ptr())
            self._source = x.data_ptr()
        self._walk(self._table.address, len(self._table))
        outputs = self._outputs
        return torch.from_numpy(view(outputs.address, outputs.size, np.float32).reshape(outputs.shape).copy())
