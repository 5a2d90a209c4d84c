"""What engines share that prepare something for a run and keep it for its next chunks."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

from mlp_core.engines.optimizers import Update, update_of
from mlp_core.run.build import Run


class PreparedRun(Protocol):
    """A run with what was prepared for it."""

    def fits(self, run: Run, update: Update) -> bool:
        """Whether it was prepared for this run, with its optimizer set as it is now."""
        ...


P = TypeVar("P", bound=PreparedRun)


class PreparedEngine(Generic[P]):
    """An engine for one run at a time; `_make` prepares a run, or raises `UnsupportedError`."""

    def __init__(self) -> None:
        self._prepared: P | None = None

    def prepare(self, run: Run) -> None:
        """Build what the run needs, if it is not there; raises `UnsupportedError` if the run cannot be run so."""
        self._prepared_for(run)

    def _prepared_for(self, run: Run) -> P:
        update = update_of(run.optimizer)
        if self._prepared is None or not self._prepared.fits(run, update):
            self._prepared = self._make(run, update)
        return self._prepared

    def _make(self, run: Run, update: Update) -> P:
        raise NotImplementedError
