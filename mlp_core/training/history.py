"""The memory of a run, bounded: a million steps take no more room than ten thousand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlp_core.training.events import Chunk, Evaluation

BUCKETS = 1024
EVALUATIONS = 1024


@dataclass(frozen=True, eq=False)
class Buckets:
    """A curve thinned to buckets: last step, mean, lowest and highest value of each; float64 and float32 (n,)."""

    steps: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


class StepSeries:
    """One value per step, kept as at most `capacity` buckets of equal length.

    When the buckets are full, neighbours are merged and the bucket length doubles: means stay exact, and no
    peak is lost from `low` and `high`.
    """

    def __init__(self, capacity: int = BUCKETS) -> None:
        assert capacity % 2 == 0
        self._capacity = capacity
        self._stride = 1
        self._used = 0
        self._table = np.zeros((3, capacity), dtype=np.float64)  # sum, low, high of each bucket
        self._rest = np.zeros(0, dtype=np.float32)  # steps that do not fill a bucket yet

    def extend(self, values: np.ndarray) -> None:
        """Append the values of the next steps, (n,)."""
        pending = values.astype(np.float32, copy=False)
        if len(self._rest):
            pending = np.concatenate([self._rest, pending])
        while len(pending) >= self._stride:
            room = self._capacity - self._used
            if room == 0:
                self._merge()
                continue
            taken = min(room, len(pending) // self._stride)
            blocks = pending[: taken * self._stride].reshape(taken, self._stride)
            columns = slice(self._used, self._used + taken)
            self._table[0, columns] = blocks.sum(axis=1, dtype=np.float64)
            self._table[1, columns] = blocks.min(axis=1)
            self._table[2, columns] = blocks.max(axis=1)
            self._used += taken
            pending = pending[taken * self._stride :]
        self._rest = pending.copy()

    def _merge(self) -> None:
        pairs = self._table.reshape(3, -1, 2)
        half = self._capacity // 2
        self._table[0, :half] = pairs[0].sum(axis=1)
        self._table[1, :half] = pairs[1].min(axis=1)
        self._table[2, :half] = pairs[2].max(axis=1)
        self._used = half
        self._stride *= 2

    def buckets(self, points: int | None = None) -> Buckets:
        """The curve in at most `points` buckets (all when None); the unfinished last one included."""
        used, stride = self._used, self._stride
        sums, low, high = self._table[:, :used].copy()
        sizes = np.full(used, stride, dtype=np.float64)
        if len(self._rest):
            sums = np.append(sums, self._rest.sum(dtype=np.float64))
            low, high = np.append(low, self._rest.min()), np.append(high, self._rest.max())
            sizes = np.append(sizes, len(self._rest))
        if points is not None and len(sums) > points:
            starts = np.arange(0, len(sums), -(-len(sums) // points))
            sums, sizes = np.add.reduceat(sums, starts), np.add.reduceat(sizes, starts)
            low, high = np.minimum.reduceat(low, starts), np.maximum.reduceat(high, starts)
        means = (sums / sizes).astype(np.float32) if len(sums) else np.zeros(0, dtype=np.float32)
        return Buckets(np.cumsum(sizes), means, low.astype(np.float32), high.astype(np.float32))


class PointSeries:
    """Rows of values at irregular steps, kept as at most `capacity` rows; when full, every second one goes."""

    def __init__(self, columns: int, capacity: int = EVALUATIONS) -> None:
        self._rows = np.zeros((capacity, columns), dtype=np.float64)
        self._used = 0
        self._keep_every = 1
        self._seen = 0
        self._last: np.ndarray | None = None

    def append(self, *values: float) -> None:
        """Add a row."""
        self._last = np.array(values, dtype=np.float64)
        if self._seen % self._keep_every == 0:
            if self._used == len(self._rows):
                half = self._rows[::2].copy()
                self._rows[: len(half)] = half
                self._used, self._keep_every = len(half), self._keep_every * 2
            if self._seen % self._keep_every == 0:
                self._rows[self._used] = self._last
                self._used += 1
        self._seen += 1

    def rows(self, points: int | None = None) -> np.ndarray:
        """The kept rows, float64 (n, columns), thinned to about `points`; the newest is always the last."""
        kept = self._rows[: self._used]
        if points is not None and len(kept) > points:
            kept = kept[:: -(-len(kept) // points)]
        if self._last is not None and (len(kept) == 0 or kept[-1][0] != self._last[0]):
            kept = np.vstack([kept, self._last])
        return kept.copy()


class History:
    """Curves of one run: train loss per step, evaluations, learning rate where it changed."""

    def __init__(self) -> None:
        self.train_loss = StepSeries()
        self.evaluations = PointSeries(3)  # step, test loss, test accuracy (NaN in regression)
        self.learning_rates = PointSeries(2)  # step, learning rate
        self.best: tuple[float, int] | None = None  # lowest test loss and its step

    def add_chunk(self, chunk: Chunk) -> None:
        """Record a chunk of steps."""
        first = chunk.step - len(chunk.losses)
        rows = self.learning_rates.rows()
        if len(rows) == 0 or rows[-1][1] != chunk.learning_rate:
            self.learning_rates.append(first, chunk.learning_rate)
        self.train_loss.extend(chunk.losses)

    def add_evaluation(self, evaluation: Evaluation) -> None:
        """Record a test pass; a second one of the same step is the same, and is left out."""
        rows = self.evaluations.rows()
        if len(rows) and rows[-1][0] == evaluation.step:
            return
        accuracy = float("nan") if evaluation.test_accuracy is None else evaluation.test_accuracy
        self.evaluations.append(evaluation.step, evaluation.test_loss, accuracy)
        if not np.isnan(evaluation.test_loss) and (self.best is None or evaluation.test_loss < self.best[0]):
            self.best = (evaluation.test_loss, evaluation.step)
