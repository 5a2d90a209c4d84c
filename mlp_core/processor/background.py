"""Work in slices on the processor's background threads: with progress, and a way to call it off."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator
from typing import Generic, TypeVar

from mlp_core.processor.processor import Processor
from mlp_core.processor.turns import Priority

LOG = logging.getLogger(__name__)

T = TypeVar("T")

SLICE_SECONDS = 0.03
"""How long a slice goes on before others of the background have their turn."""
PATIENCE_SECONDS = 0.5
"""How long a slice waits for a turn at most. Where others keep all turns it goes on without one, at the lowest priority
that the system knows: it disturbs nobody, and still comes to an end."""


class BackgroundWork(Generic[T]):
    """Work that yields the share of it that is done, again and again, and returns a T at its end.

    It begins at once and goes on slice by slice, each of which may be in another thread. Safe to ask from any thread.
    """

    def __init__(
        self,
        processor: Processor,
        work: Callable[[], Generator[float, None, T]],
        *,
        tune: Callable[[], None] = lambda: None,
        wanted: Callable[[], bool] = lambda: True,
        attended: bool = False,
    ) -> None:
        """`tune` sets a thread up before each slice; where `wanted` is not true any more, the work is called off. With
        `attended`, slices are done by threads of ordinary priority: for work that needs the GIL between what it has
        `Processor.compute` do."""
        self._go = processor.attend if attended else processor.later
        self._processor, self._tune, self._wanted = processor, tune, wanted
        self._work = work()
        self._ended = threading.Event()
        self._cancelled = False
        self.progress = 0.0
        """The share that is done, from 0 to 1."""
        self.result: T | None = None
        """What was found; None before that, and where it was called off or failed."""
        self.error: Exception | None = None
        """Why there is no result, where it failed."""
        self.began = time.monotonic()
        """When it was asked for."""
        self._go(self._slice)

    @property
    def running(self) -> bool:
        """Whether it goes on."""
        return not self._ended.is_set()

    @property
    def cancelled(self) -> bool:
        """Whether it was called off."""
        return self._cancelled

    def cancel(self) -> None:
        """Call it off: it ends after the slice at hand, with what it held."""
        self._cancelled = True

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end; whether it came within so many seconds."""
        return self._ended.wait(timeout)

    def _slice(self) -> None:
        turn = self._processor.turns.ask(Priority.BACKGROUND)
        if not turn.held:
            turn.decided.wait(PATIENCE_SECONDS)
            turn.call_off()
        try:
            ended = self._go_on()
        finally:
            turn.end()
        if not ended:
            self._go(self._slice)

    def _go_on(self) -> bool:
        """Do a slice; whether that was the end."""
        ends = time.monotonic() + SLICE_SECONDS
        try:
            self._tune()
            while not self._called_off():
                self.progress = next(self._work)
                if time.monotonic() >= ends:
                    return False
            self._work.close()
        except StopIteration as end:
            self.progress, self.result = 1.0, end.value
        except Exception as error:
            self.error = error
        del self._work  # with all that it held
        self._ended.set()
        return True

    def _called_off(self) -> bool:
        self._cancelled = self._cancelled or not self._wanted()
        return self._cancelled
