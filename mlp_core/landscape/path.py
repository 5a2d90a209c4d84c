"""The path of a run: its weights at a bounded number of moments, spread over all of its steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from mlp_core.run.build import Run
from mlp_core.run.nogil import copies

MOST_MOMENTS = 64
"""Moments of a path at most: more are not told apart in a picture."""
MOST_BYTES = 128 * 1024**2
"""Bytes of all of them together at most."""


@dataclass(frozen=True, eq=False)
class PathMoment:
    """The weights of a run at one moment."""

    step: int
    """Mini-batches done then."""
    tensors: Mapping[str, Tensor]
    """Copies of weights and buffers, by their names in the network's state dict."""


class Path:
    """The weights of one run along its way. When no more have room, every second one goes."""

    def __init__(self) -> None:
        self.moments: tuple[PathMoment, ...] = ()
        self._stride = 1

    def add(self, run: Run) -> None:
        """Add the weights of the run as they are, if it has come far enough since the last ones."""
        step, tensors = run.position.step, run.model.state_dict()
        if self.moments and step < self.moments[-1].step + self._stride:
            return
        size = sum(tensor.nbytes for tensor in tensors.values())
        most = min(MOST_MOMENTS, MOST_BYTES // max(1, size))
        if most < 2:
            return
        if len(self.moments) >= most:
            self.moments = self.moments[::2]
            self._stride = max(2 * self._stride, (step - self.moments[0].step) // len(self.moments))
            if step < self.moments[-1].step + self._stride:
                return
        made = copies([tensor.detach() for tensor in tensors.values()])
        self.moments = (*self.moments, PathMoment(step, dict(zip(tensors, made, strict=True))))
