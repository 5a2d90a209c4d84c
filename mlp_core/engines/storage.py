"""A run's weights, gradients and optimizer state laid end to end, while everybody else keeps their tensors.

An optimizer then needs one operator for all parameters where it would need one for each. The parameters, their
gradients and the optimizer's state stay the objects that they are, and become views of the flat tensors. Whoever
replaces one (a checkpoint, the reference engine) need not know: `adopt` takes the replacement in.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from mlp_core.engines.optimizers import Update
from mlp_core.engines.tracing import UnsupportedError
from mlp_core.run.nogil import assign, flats

_ALIGNMENT = 16
"""Numbers in 64 bytes. PyTorch's own tensors begin at such addresses, and matrix products round by where they begin."""
_NEGATIVE_ZERO = -0.0
"""What a sum of gradients starts from: adding to it changes no bit, not even the sign of a zero."""
Values = list[tuple[Tensor, Tensor | float]]
"""Tensors, and what they are filled with: another one's numbers, or one number."""


class Storage:
    """Flat tensors of one run, and the views of them that its parameters and optimizer hold."""

    def __init__(self, parameters: list[nn.Parameter], optimizer: torch.optim.Optimizer, update: Update,
                 accumulate: bool) -> None:  # fmt: skip
        if any(p.dtype != torch.float32 or p.device.type != "cpu" or not p.requires_grad for p in parameters):
            raise UnsupportedError("not all of its weights are trained numbers in single precision on the processor")
        if len({id(p) for p in optimizer.param_groups[0]["params"]} & {id(p) for p in parameters}) != len(parameters):
            raise UnsupportedError("its optimizer does not hold exactly the network's weights")
        self.parameters, self.optimizer, self.update, self.accumulate = parameters, optimizer, update, accumulate
        room = [-(-p.numel() // _ALIGNMENT) * _ALIGNMENT for p in parameters]
        names = [name for name, _ in update.state]
        count = 2 + accumulate + len(names) + len(update.scratch)
        made = iter(flats([tuple(p.shape) for p in parameters], room, count))
        self.weights, self.weight_views = next(made)
        self.gradients, self.gradient_views = next(made)
        self.fresh, self.fresh_views = next(made) if accumulate else (self.gradients, self.gradient_views)
        self.buffers: dict[str, Tensor] = {}
        self.buffer_views: dict[str, list[Tensor]] = {}
        for name in names:
            self.buffers[name], self.buffer_views[name] = next(made)
        self.scratch = [flat for flat, _ in made]
        self.counts = torch.zeros(len(parameters))
        self.count_views = list(self.counts.unbind(0))
        self.numbers = [torch.zeros(len(parameters)) for _ in update.numbers]
        self.number_views = [list(kept.unbind(0)) for kept in self.numbers]
        self.first = True

    @property
    def flats(self) -> list[Tensor]:
        """Weights, gradients, the step's own gradients, then the optimizer's state, each of all parameters."""
        return [self.weights, self.gradients, self.fresh, *self.buffers.values()]

    @property
    def states(self) -> list[list[Tensor]]:
        """The optimizer's state, each a list with one tensor per parameter; its step counters last."""
        return [*self.buffer_views.values(), self.count_views]

    def adopt(self) -> None:
        """Make sure that parameters, gradients and state are views of the flat tensors, with their values.

        Called before every chunk: where nothing was replaced it runs no operator, since every operator that is
        called from Python gives the interpreter lock away. All that was replaced is taken in by one.
        """
        values: Values = []
        moved = []
        self.first = False
        for position, parameter in enumerate(self.parameters):
            weight = self.weight_views[position]
            if parameter.data_ptr() != weight.data_ptr():
                values.append((weight, parameter))
                moved.append((parameter, weight))
            self._adopt_gradient(parameter, self.gradient_views[position], values)
            self._adopt_state(parameter, position, values)
        assign(values)
        for parameter, weight in moved:
            parameter.data = weight

    def _adopt_gradient(self, parameter: nn.Parameter, view: Tensor, values: Values) -> None:
        if parameter.grad is view:
            return
        if self.accumulate:
            values.append((view, _NEGATIVE_ZERO if parameter.grad is None else parameter.grad))
        parameter.grad = view

    def _adopt_state(self, parameter: nn.Parameter, position: int, values: Values) -> None:
        state: dict[str, Any] = self.optimizer.state[parameter] if self.update.counts or self.buffers else {}
        if self.update.counts:
            _take(state, "step", self.count_views[position], 0.0, values)
        for kept, views in zip(self.update.numbers, self.number_views, strict=True):
            _take(state, kept.key, views[position], kept.fill, values)
        for name, fill in self.update.state:
            self.first |= name not in state
            _take(state, name, self.buffer_views[name][position], fill, values)


def _take(state: dict[str, Any], name: str, view: Tensor, fill: float, values: Values) -> None:
    held = state.get(name)
    if held is not view:
        values.append((view, fill if held is None else held))
        state[name] = view
