"""Early stopping: after each epoch, whether the loss has not improved for so long that the run ends.

The rule is that of Keras' `EarlyStopping` (https://keras.io/api/callbacks/early_stopping/): an epoch improves where its
loss is below the best one by more than `min_delta`, and `patience` epochs in a row without an improvement end the run.
"""

from __future__ import annotations

import math

from torch import Tensor

from mlp_core.run.build import Run
from mlp_core.run.nogil import assign, copies
from mlp_core.training.events import EarlyStop, Evaluation


class EarlyStopping:
    """What early stopping remembers of a run: its best epoch, and a copy of its weights where they may be restored."""

    def __init__(self) -> None:
        self.best_epoch = 0  # epochs finished at the last improvement; 0 before the first
        self.seen_epoch = 0  # epochs finished at the last look
        self._best_loss = math.inf
        self.counts_from = 0  # epochs finished when the run was begun, or trained on after an early stop
        self._best: list[Tensor] | None = None
        self._stop: EarlyStop | None = None  # decided, and not told yet

    @property
    def kept(self) -> list[Tensor]:
        """The copy of the best epoch's weights; empty where there is none."""
        return self._best or []

    def due(self, run: Run) -> bool:
        """Whether the run stands at the end of an epoch that was not looked at."""
        asked = run.experiment.training.patience is not None
        return asked and run.position.batch == 0 and run.position.epoch > self.seen_epoch

    def look(self, run: Run, evaluation: Evaluation) -> None:
        """Take the figures of an epoch's end; `stop` tells whether the run is to end there."""
        training, epoch = run.experiment.training, evaluation.epoch
        assert training.patience is not None
        self.seen_epoch = epoch
        if evaluation.monitored_loss < self._best_loss - training.min_delta:
            self._best_loss, self.best_epoch = evaluation.monitored_loss, epoch
            self._best = copies(_tensors(run)) if training.restore_best_weights else None
        elif epoch - max(self.best_epoch, self.counts_from) >= training.patience:
            self.counts_from = epoch
            restored = self._best is not None
            self._stop = EarlyStop(
                run.position.step, epoch, evaluation.monitored, self.best_epoch, self._best_loss, restored,
                _message(evaluation, training.patience, self.best_epoch, restored),
            )  # fmt: skip

    def stop(self, run: Run) -> EarlyStop | None:
        """The end that was decided, told once, with the best weights in the run if that was asked for; None for no end.

        A run that is trained on after that gets as many epochs again.
        """
        found, self._stop = self._stop, None
        if found is not None and self._best is not None:
            assign(list(zip(_tensors(run), self._best, strict=True)))
        return found


def _tensors(run: Run) -> list[Tensor]:
    return [*run.model.parameters(), *run.model.buffers()]


def _message(evaluation: Evaluation, patience: int, best: int, restored: bool) -> str:
    epochs = f"{patience:,} epoch{'s' if patience > 1 else ''}"
    which = f"best was epoch {best:,}" if best else "none was finite"
    end = ", whose weights are restored." if restored else "."
    return (
        f"Stopped early at epoch {evaluation.epoch:,}: no improvement of the {evaluation.monitored} for {epochs}; "
        f"{which}{end}"
    )
