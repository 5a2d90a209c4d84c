"""The order in which a run sees its training samples, drawn as a plain script's DataLoaders draw it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from mlp_core.run.randomness import RandomStream

GATHER_BYTES = 4 * 2**20
"""How much of an epoch is put in order at once: one gather per batch is slow, a whole large epoch is a copy."""


@dataclass
class Position:
    """Where a run stands."""

    epoch: int = 0
    """Epochs finished."""
    batch: int = 0
    """Mini-batches done in the current epoch."""
    step: int = 0
    """Mini-batches done since the start."""


class Batches:
    """The endless sequence of shuffled mini-batches of a run, drawn as a plain script's DataLoaders draw.

    Each epoch takes two seeds for the training loader and, at its end, one for the iterator of every loader that a
    script evaluates with then: the validation loader's where there is a validation part, and the test loader's. They
    are drawn whether or not anybody evaluates: looking at a run must not change it.
    """

    def __init__(
        self, x: Tensor, y: Tensor, batch_size: int | None, stream: RandomStream, evaluation_loaders: int = 1
    ) -> None:
        self.x, self.y = x, y
        self.evaluation_loaders = evaluation_loaders
        self._stream = stream
        self._order: Tensor | None = None
        self._wanted = batch_size or len(x)
        self.marks: list[tuple[int, int]] = []
        """Steps and epochs done when the batch size was changed."""
        self.set_size(self._wanted)

    def set_size(self, batch_size: int) -> None:
        """Make every batch so large, at the beginning of an epoch, or where it was so large before."""
        self.batch_size = batch_size
        self.per_epoch = -(-len(self.x) // batch_size)
        row_bytes = max(1, math.prod(self.x.shape[1:]) * self.x.element_size())
        self._block = max(1, GATHER_BYTES // (row_bytes * batch_size)) * batch_size
        self._start = -1
        self._x_block, self._y_block = self.x, self.y

    def resize(self, batch_size: int | None) -> None:
        """Make batches so large from the next epoch on; None for all samples at once."""
        self._wanted = batch_size or len(self.x)

    @property
    def resizes(self) -> bool:
        """Whether the next epoch will have batches of another size."""
        return self._wanted != self.batch_size

    def settle(self, position: Position) -> None:
        """Call between chunks of steps: where an epoch begins, batches become as large as they should."""
        if self.resizes and position.batch == 0:
            self.marks = [mark for mark in self.marks if mark[0] < position.step]
            if position.step:
                self.marks.append((position.step, position.epoch))
            self.set_size(self._wanted)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The batch size, and that of an epoch's last batch where it is smaller."""
        size, samples = self.batch_size, len(self.x)
        rest = samples % size
        return (size, rest) if rest and rest != samples else (min(size, samples),)

    def get(self, position: Position) -> tuple[Tensor, Tensor]:
        """Inputs (n, ...) and targets (n, ...) of the batch at the position; draws when an epoch begins."""
        if self._order is None:
            self._order = self._stream.shuffled(len(self.x)).to(self.x.device)
            self._start = -1
        first = position.batch * self.batch_size
        start = first - first % self._block
        if start != self._start:
            rows = self._order[start : start + self._block]
            self._x_block, self._y_block, self._start = self.x[rows], self.y[rows], start
        piece = slice(first - start, first - start + self.batch_size)
        # Matrix products round by the address that a matrix begins at, and a script's batch is a tensor of its own.
        return self._x_block[piece].clone(), self._y_block[piece]

    def advance(self, position: Position) -> None:
        """Move the position one batch on; at the end of an epoch, draw what the evaluation loaders would."""
        position.step += 1
        position.batch += 1
        if position.batch == self.per_epoch:
            position.batch = 0
            position.epoch += 1
            self._order = None
            for _ in range(self.evaluation_loaders):
                self._stream.draw_seed()

    @property
    def block(self) -> int:
        """How many samples are put in order at once: a whole number of batches."""
        return self._block

    def skip(self, position: Position, steps: int, order: Tensor) -> int:
        """Move the position on by batches that somebody else has drawn and used; returns how many samples they held.

        `order` is that of the epoch that the last of them was in. Whoever did so has also made every draw of `get`
        and `advance`.
        """
        before, after = position.batch, position.batch + steps
        epochs, position.batch = divmod(after, self.per_epoch)
        position.step += steps
        position.epoch += epochs
        self.restore(order if position.batch else None)
        size = len(self.x)
        seen = min(position.batch * self.batch_size, size) + epochs * size
        return seen - min(before * self.batch_size, size)

    def state(self) -> Tensor | None:
        """The current epoch's order, for `restore`."""
        return self._order

    def restore(self, order: Tensor | None) -> None:
        """Go back to an order that `state` gave."""
        self._order = order
        self._start = -1
