"""scikit-learn's `MLPClassifier`: its own mini-batches, float32, no penalty, no early stopping.

With two classes it has one output where the others have two. Many epochs are one call of `fit`, so that its checks
of the data cost nothing; large sets are cut to their first samples, so that an epoch fits into a turn.
"""

from __future__ import annotations

import time
import warnings
from typing import Any

from benchmarks.cases import Case

LARGEST_EPOCH = 100
"""Steps."""


class Trainer:
    """An MLPClassifier that goes on where it was."""

    def __init__(self, case: Case) -> None:
        import numpy as np
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.neural_network import MLPClassifier

        warnings.filterwarnings("ignore", category=ConvergenceWarning)
        self._class, self._case = MLPClassifier, case
        dataset = case.dataset()
        rows = min(dataset.train_size, LARGEST_EPOCH * case.batch)
        self._x = np.asarray(dataset.x_train[:rows].reshape(rows, -1), dtype=np.float32) / np.float32(dataset.divisor)
        self._y = dataset.y_train[:rows]
        self._epoch_steps = -(-rows // case.batch)
        self._epochs = 1

    def build(self) -> None:
        """The classifier; its weights come with the first fit."""
        optimizer = self._case.optimizer
        settings: dict[str, Any] = {"solver": optimizer.type.lower(), "learning_rate_init": optimizer.params["lr"]}
        if optimizer.type == "SGD":
            settings |= {"momentum": optimizer.params["momentum"], "nesterovs_momentum": False}
        self._model = self._class(
            self._case.widths[1:-1], activation=self._case.activation.lower(), batch_size=self._case.batch, alpha=0.0,
            warm_start=True, tol=0.0, n_iter_no_change=10**9, random_state=0, **settings,
        )  # fmt: skip

    def train(self, seconds: float) -> tuple[int, float]:
        """Fits of as many epochs as fill a good part of the time."""
        began, steps = time.perf_counter(), 0
        while (spent := time.perf_counter() - began) < seconds:
            self._model.max_iter = self._epochs
            self._model.fit(self._x, self._y)
            steps += self._epochs * self._epoch_steps
            took = time.perf_counter() - began - spent
            self._epochs = max(1, min(4 * self._epochs, int(self._epochs * seconds / 4 / took)))
        return steps, time.perf_counter() - began
