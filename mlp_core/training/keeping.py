"""What a session hands over of a run so that it is kept, and to whom. Whoever keeps it does that elsewhere, later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from mlp_core.data.dataset import Dataset
    from mlp_core.export.weights import Weights
    from mlp_core.training.record import RunRecord
    from mlp_core.training.state import RunState


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


class Keeper(Protocol):
    """Keeps the runs of one owner. No method waits for a disk or a server, but `flush`."""

    def due(self, run: str) -> bool:
        """Whether a run that goes on, by its identity, should be handed over again."""

    def keep(self, draft: Draft) -> None:
        """Keep a run as it is now, in the place of what is kept of it."""

    def flush(self, seconds: float) -> bool:
        """Wait so many seconds at most until all that was handed over is kept; whether it is."""
