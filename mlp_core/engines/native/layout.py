"""What a native program is written for: sizes that are constants of its code."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Layout:
    """What a program is written for: the sizes of batches and data, and where each parameter lies among all."""

    samples: int
    batch_size: int
    x_shape: tuple[int, ...]
    x_type: torch.dtype
    y_shape: tuple[int, ...]
    y_type: torch.dtype
    shapes: tuple[tuple[int, ...], ...]
    offsets: tuple[int, ...]
    total: int
    accumulate: bool
    scheduled: bool
    join: bool

    @property
    def sizes(self) -> tuple[int, ...]:
        """The batch size, and that of an epoch's last batch where it is smaller."""
        size, rest = min(self.batch_size, self.samples), self.samples % self.batch_size
        return (size, rest) if rest and rest != self.samples else (size,)
