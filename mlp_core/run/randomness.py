"""One private stream of random numbers per run, equal to what `torch.manual_seed(seed)` gives a plain script.

The process's global generator belongs to nobody: many runs share one process. A run draws from a generator of
its own, and where PyTorch offers no generator argument (initial weights, `nn.Dropout`), the run's state is put
into the global generator for the duration of `lend`, under a lock, and taken out again.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_GLOBAL_GENERATOR = threading.Lock()


class RandomStream:
    """The random numbers of one run on one device, starting as after `torch.manual_seed(seed)`."""

    def __init__(self, seed: int, device: torch.device) -> None:
        self._generator = torch.Generator().manual_seed(seed)
        self._accelerator = torch.cuda if device.type == "cuda" else torch.mps if device.type == "mps" else None
        self._accelerator_state: torch.Tensor | None = None
        self._seed = seed
        self._lent = False

    @property
    def generator(self) -> torch.Generator | None:
        """What to pass to a torch function that takes a generator: None while the stream is lent."""
        return None if self._lent else self._generator

    @contextmanager
    def lend(self) -> Iterator[None]:
        """Make this stream PyTorch's global one; other streams wait, so hold it for one chunk at most."""
        with _GLOBAL_GENERATOR:
            before = torch.random.get_rng_state()
            torch.random.set_rng_state(self._generator.get_state())
            self._lent = True
            try:
                with self._lend_accelerator():
                    yield
            finally:
                self._lent = False
                self._generator.set_state(torch.random.get_rng_state())
                torch.random.set_rng_state(before)

    @contextmanager
    def _lend_accelerator(self) -> Iterator[None]:
        if self._accelerator is None:
            yield
            return
        before = self._accelerator.get_rng_state()
        if self._accelerator_state is None:
            self._accelerator.manual_seed(self._seed)
        else:
            self._accelerator.set_rng_state(self._accelerator_state)
        try:
            yield
        finally:
            self._accelerator_state = self._accelerator.get_rng_state()
            self._accelerator.set_rng_state(before)

    def state(self) -> tuple[torch.Tensor, torch.Tensor | None]:
        """A copy of the stream's position, for `restore`."""
        accelerator = None if self._accelerator_state is None else self._accelerator_state.clone()
        return self._generator.get_state(), accelerator

    def restore(self, state: tuple[torch.Tensor, torch.Tensor | None]) -> None:
        """Go back to a position that `state` gave."""
        self._generator.set_state(state[0])
        self._accelerator_state = state[1]

    def draw_seed(self) -> int:
        """One 64-bit integer, drawn as a DataLoader and its sampler draw theirs."""
        return int(torch.empty((), dtype=torch.int64).random_(generator=self.generator).item())

    def shuffled(self, size: int) -> torch.Tensor:
        """The order of an epoch as `DataLoader(shuffle=True)` would visit it: int64 (size,).

        A DataLoader first draws a base seed for its workers, whether it has any or not; its RandomSampler then
        draws the seed of the generator that permutes.
        """
        self.draw_seed()
        sampler = torch.Generator().manual_seed(self.draw_seed())
        return torch.randperm(size, generator=sampler)
