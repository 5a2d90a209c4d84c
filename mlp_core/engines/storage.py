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

_ALIGNMENT = 16
"""Numbers in 64 bytes. PyTorch's own tensors begin at such addresses, and matrix products round by where they begin."""
_NEGATIVE_ZERO = -0.0
"""What a sum of gradients starts from: adding to it changes no bit, not even the sign of a zero."""


class Storage:
    """Flat tensors of one run, and the views of them that its parameters and optimizer hold."""

    def __init__(self, parameters: list[nn.Parameter], optimizer: torch.optim.Optimizer, update: Update,
                 accumulate: bool) -> None:  # fmt: skip
        if any(p.dtype != torch.float32 or p.device.type != "cpu" or not p.requires_grad for p in parameters):
            raise UnsupportedError("not all of its weights are trained numbers in single precision on the processor")
        if len({id(p) for p in optimizer.param_groups[0]["params"]} & {id(p) for p in parameters}) != len(parameters):
            raise UnsupportedError("its optimizer does not hold exactly the network's weights")
        self.parameters, self.optimizer, self.update, self.accumulate = parameters, optimizer, update, accumulate
        self._room = [-(-p.numel() // _ALIGNMENT) * _ALIGNMENT for p in parameters]
        size = sum(self._room)
        self.weights, self.gradients = torch.zeros(size), torch.zeros(size)
        self.fresh = torch.zeros(size) if accumulate else self.gradients
        self.buffers = {name: torch.zeros(size) for name, _ in update.state}
        self.counts = torch.zeros(len(parameters))
        self.scratch = [torch.zeros(size) for _ in update.scratch]
        self.weight_views = self._views(self.weights)
        self.gradient_views = self._views(self.gradients)
        self.fresh_views = self._views(self.fresh) if accumulate else self.gradient_views
        self.buffer_views = {name: self._views(flat) for name, flat in self.buffers.items()}
        self.count_views = list(self.counts.unbind(0))
        self.first = True

    def _views(self, flat: Tensor) -> list[Tensor]:
        pieces = torch.split(flat, self._room)
        return [piece[: p.numel()].view(p.shape) for piece, p in zip(pieces, self.parameters, strict=True)]

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
        called from Python gives the interpreter lock away.
        """
        self.first = False
        for position, parameter in enumerate(self.parameters):
            self._adopt_weight(parameter, self.weight_views[position])
            self._adopt_gradient(parameter, self.gradient_views[position])
            self._adopt_state(parameter, position)

    def _adopt_weight(self, parameter: nn.Parameter, view: Tensor) -> None:
        if parameter.data_ptr() != view.data_ptr():
            with torch.no_grad():
                view.copy_(parameter)
            parameter.data = view

    def _adopt_gradient(self, parameter: nn.Parameter, view: Tensor) -> None:
        if parameter.grad is view:
            return
        if self.accumulate:
            if parameter.grad is None:
                view.fill_(_NEGATIVE_ZERO)
            else:
                view.copy_(parameter.grad)
        parameter.grad = view

    def _adopt_state(self, parameter: nn.Parameter, position: int) -> None:
        state: dict[str, Any] = self.optimizer.state[parameter] if self.update.counts or self.buffers else {}
        if self.update.counts:
            _take(state, "step", self.count_views[position], 0.0)
        for name, fill in self.update.state:
            self.first |= name not in state
            _take(state, name, self.buffer_views[name][position], fill)


def _take(state: dict[str, Any], name: str, view: Tensor, fill: float) -> None:
    held = state.get(name)
    if held is view:
        return
    if held is None:
        view.fill_(fill)
    else:
        view.copy_(held)
    state[name] = view
