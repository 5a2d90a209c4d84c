"""What a session hands over of a run so that it is kept, and to whom. Whoever keeps it does that elsewhere, later."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from mlp_core.data.dataset import Dataset
    from mlp_core.export.weights import Weights
    from mlp_core.training.record import RunRecord
    from mlp_core.training.state import RunState


BRANCHES = uuid.UUID("5f0c5e0e-2f0b-4d43-9b7c-6a3a0a5a8d11")
"""What the identities of branches are made under."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Draft:
    """A run as it is to be kept. It shares nothing that anybody writes to."""

    record: RunRecord
    """Its record, without curves and versions."""
    history: Mapping[str, Any]
    """Its curves; see `History.memory`."""
    dataset: Dataset
    """Its data."""
    last: Weights | None
    """Its newest weights; None where they are too large to be kept."""
    best: Weights | None
    """Those with the lowest validation loss, or test loss without such; None where there are none yet."""
    state: RunState | None
    """All that it can go on from; None where that is too large to be kept."""
    confusion: np.ndarray | None
    """int64 (classes, classes): how often each class was answered, in the newest test pass; None in regression."""
    name: str = ""
    """What a new run is called; '' for none."""
    tags: tuple[str, ...] = ()
    """Its tags."""
    writer: str = ""
    """Which training of the run this is: another one wherever it was opened from a store to go on; '' for nobody's."""
    before: tuple[str, int] | None = None
    """Where it was opened from a store: who had written it, and the mini-batches done then."""

    def branch(self) -> Draft:
        """The same as a run of its own: somebody else has trained the run on, in another tab or on another server."""
        run = uuid.uuid5(BRANCHES, f"{self.record.id} {self.writer}").hex  # always the same one of this training

        def own(record: RunRecord) -> RunRecord:
            if self.before is None:
                return replace(record, id=run)
            return replace(record, id=run, start="checkpoint", parent=self.record.id, parent_step=self.before[1])

        state = None if self.state is None else replace(self.state, record=own(self.state.record))
        return replace(self, record=own(self.record), state=state, before=None)


class Keeper(Protocol):
    """Keeps the runs of one owner. No method waits for a disk or a server, but `flush`."""

    def due(self, run: str) -> bool:
        """Whether a run that goes on, by its identity, should be handed over again."""

    def keep(self, draft: Draft) -> None:
        """Keep a run as it is now, in the place of what is kept of it."""

    def flush(self, seconds: float) -> bool:
        """Wait so many seconds at most until all that was handed over is kept; whether it is."""
