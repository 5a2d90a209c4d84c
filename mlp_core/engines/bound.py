"""What engines share that prepare something for a run and keep it for its next chunks."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

from mlp_core.engines.optimizers import Update, update_of
from mlp_core.run.build import Run


class Bound(Protocol):
    """A run with what was prepared for it."""

    def fits(self, run: Run, update: Update) -> bool:
        """Whether it was prepared for this run, with its optimizer set as it is now."""
        ...


B = TypeVar("B", bound=Bound)


class BoundEngine(Generic[B]):
    """An engine for one run at a time; `_make` prepares a run, or raises `UnsupportedError`."""

    def __init__(self) -> None:
        self._bound: B | None = None

    def prepare(self, run: Run) -> None:
        """Build what the run needs, if it is not there; raises `UnsupportedError` if the run cannot be run so."""
        self._bind(run)

    def _bind(self, run: Run) -> B:
        update = update_of(run.optimizer)
        if self._bound is None or not self._bound.fits(run, update):
            self._bound = self._make(run, update)
        return self._bound

    def _make(self, run: Run, update: Update) -> B:
        raise NotImplementedError
