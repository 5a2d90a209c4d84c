"""The memory of a run, bounded: a million steps take no more room than ten thousand."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mlp_core.training.events import Chunk, Evaluation

BUCKETS = 1024
"""Buckets of a curve with a value per step."""
KEPT = 16
"""Single values that are kept of each bucket, evenly spread, to know between which most of them lie."""
MOST = 0.1, 0.9
"""The quantiles between which most values of a bucket lie."""
ROWS = 1024
"""Rows of a curve with values at irregular steps."""


@dataclass(frozen=True, eq=False)
class Buckets:
    """A curve thinned to buckets of neighbouring steps."""

    steps: np.ndarray
    """The last step of each bucket, float64 (n,)."""
    mean: np.ndarray
    """The mean value of each bucket, float32 (n,)."""
    low: np.ndarray
    """The lowest value of each bucket, float32 (n,)."""
    high: np.ndarray
    """The highest value of each bucket, float32 (n,)."""
    tenth: np.ndarray | None = None
    """The value below which a tenth of each bucket lies, float32 (n,); None where it is not known."""
    ninetieth: np.ndarray | None = None
    """The value above which a tenth of each bucket lies, float32 (n,); None where it is not known."""


class StepSeries:
    """One value per step, kept as at most `capacity` buckets of equal length.

    When the buckets are full, neighbours are merged and the bucket length doubles: means stay exact, and no
    peak is lost from `low` and `high`. Quantiles are those of the `KEPT` values of each bucket.
    """

    def __init__(self, capacity: int = BUCKETS) -> None:
        assert capacity % 2 == 0
        self._capacity = capacity
        self._stride = 1
        self._used = 0
        self._table = np.zeros((3, capacity), dtype=np.float64)  # sum, low, high of each bucket
        self._kept = np.full((capacity, KEPT), np.nan, dtype=np.float32)  # values of each bucket; NaN for no value
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
            self._kept[columns] = _some(blocks)
            self._used += taken
            pending = pending[taken * self._stride :]
        self._rest = pending.copy()

    def first(self, steps: int) -> StepSeries:
        """A copy of the values of so many first steps. If they end within a bucket, its mean stands for them there."""
        made = StepSeries(self._capacity)
        whole = min(steps // self._stride, self._used)
        made._stride, made._used = self._stride, whole
        made._table[:, :whole] = self._table[:, :whole]
        made._kept[:whole] = self._kept[:whole]
        left = steps - whole * self._stride
        if whole < self._used:
            made._rest = np.full(left, self._table[0, whole] / self._stride, dtype=np.float32)
        else:
            made._rest = self._rest[:left].copy()
        return made

    def memory(self) -> dict[str, Any]:
        """A copy of all that it remembers, for `recalled`."""
        return {
            "stride": self._stride,
            "table": self._table[:, : self._used].copy(),
            "kept": self._kept[: self._used].copy(),
            "rest": self._rest.copy(),
        }

    @classmethod
    def recalled(cls, memory: Mapping[str, Any]) -> StepSeries:
        """One that remembers what `memory` gave."""
        made, used = cls(), memory["table"].shape[1]
        made._stride, made._used = memory["stride"], used
        made._table[:, :used], made._kept[:used] = memory["table"], memory["kept"]
        made._rest = memory["rest"].copy()
        return made

    def _merge(self) -> None:
        pairs = self._table.reshape(3, -1, 2)
        half = self._capacity // 2
        self._table[0, :half] = pairs[0].sum(axis=1)
        self._table[1, :half] = pairs[1].min(axis=1)
        self._table[2, :half] = pairs[2].max(axis=1)
        self._kept[:half] = _some(self._kept[:, : min(self._stride, KEPT)].reshape(half, -1))
        self._used = half
        self._stride *= 2

    def buckets(self, points: int | None = None) -> Buckets:
        """The curve in at most `points` buckets (all when None); the unfinished last one included."""
        used, stride = self._used, self._stride
        sums, low, high = self._table[:, :used].copy()
        sizes, kept = np.full(used, stride, dtype=np.float64), self._kept[:used]
        if len(self._rest):
            sums = np.append(sums, self._rest.sum(dtype=np.float64))
            low, high = np.append(low, self._rest.min()), np.append(high, self._rest.max())
            sizes, kept = np.append(sizes, len(self._rest)), np.vstack([kept, _some(self._rest[None])])
        if points is not None and len(sums) > points:
            width = -(-len(sums) // points)
            starts = np.arange(0, len(sums), width)
            sums, sizes = np.add.reduceat(sums, starts), np.add.reduceat(sizes, starts)
            low, high = np.minimum.reduceat(low, starts), np.maximum.reduceat(high, starts)
            empty = np.full((len(starts) * width - len(kept), KEPT), np.nan, dtype=np.float32)
            kept = np.vstack([kept, empty]).reshape(len(starts), -1)
        means = (sums / sizes).astype(np.float32) if len(sums) else np.zeros(0, dtype=np.float32)
        most = _quantiles(kept)
        return Buckets(np.cumsum(sizes), means, low.astype(np.float32), high.astype(np.float32), *most)


def _some(blocks: np.ndarray) -> np.ndarray:
    """At most `KEPT` evenly spread values of each row; (rows, KEPT), with NaN where there are fewer."""
    count = blocks.shape[1]
    if count >= KEPT:
        return blocks[:, (np.arange(KEPT) * count) // KEPT]
    found = np.full((len(blocks), KEPT), np.nan, dtype=np.float32)
    found[:, :count] = blocks
    return found


def _quantiles(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The quantiles `MOST` of each row, without its NaN; NaN for a row of nothing else. The nearest value is taken."""
    ordered = np.sort(values, axis=1)  # NaN at the end
    last = np.maximum(np.isfinite(ordered).sum(axis=1) - 1, 0)
    rows = np.arange(len(ordered))
    low, high = (ordered[rows, np.rint(share * last).astype(int)] for share in MOST)
    return low, high


class PointSeries:
    """Rows of values at irregular steps, kept as at most `capacity` rows; when full, every second one goes."""

    def __init__(self, columns: int, capacity: int = ROWS) -> None:
        self._rows = np.zeros((capacity, columns), dtype=np.float64)
        self._used = 0
        self._keep_every = 1
        self._seen = 0
        self._last: np.ndarray | None = None

    def extend(self, rows: np.ndarray) -> None:
        """Add rows (n, columns)."""
        pending = rows.astype(np.float64, copy=False)
        if not len(pending):
            return
        self._last = pending[-1].copy()
        while len(pending):
            skipped = -self._seen % self._keep_every  # rows until the next one that is kept
            wanted = pending[skipped :: self._keep_every]
            room = len(self._rows) - self._used
            taken = wanted[:room]
            self._rows[self._used : self._used + len(taken)] = taken
            self._used += len(taken)
            if len(wanted) <= room:
                self._seen += len(pending)
                return
            done = skipped + room * self._keep_every
            self._seen, pending = self._seen + done, pending[done:]
            half = self._rows[::2].copy()
            self._rows[: len(half)] = half
            self._used, self._keep_every = len(half), self._keep_every * 2

    def until(self, last: float) -> PointSeries:
        """A copy without the rows whose first value is larger."""
        rows = self.rows()
        made = PointSeries(self._rows.shape[1], len(self._rows))
        made.extend(rows[rows[:, 0] <= last])
        return made

    def memory(self) -> dict[str, Any]:
        """A copy of all that it remembers, for `recalled`."""
        last = None if self._last is None else self._last.copy()
        return {
            "rows": self._rows[: self._used].copy(), "every": self._keep_every, "seen": self._seen, "last": last,
        }  # fmt: skip

    @classmethod
    def recalled(cls, memory: Mapping[str, Any]) -> PointSeries:
        """One that remembers what `memory` gave."""
        used, columns = memory["rows"].shape
        made = cls(columns)
        made._rows[:used], made._used = memory["rows"], used
        made._keep_every, made._seen, made._last = memory["every"], memory["seen"], memory["last"]
        return made

    def rows(self, points: int | None = None) -> np.ndarray:
        """The kept rows, float64 (n, columns), thinned to about `points`; the newest is always the last."""
        kept = self._rows[: self._used]
        if points is not None and len(kept) > points:
            kept = kept[:: -(-len(kept) // points)]
        if self._last is not None and (len(kept) == 0 or kept[-1][0] != self._last[0]):
            kept = np.vstack([kept, self._last])
        return kept.copy()


@dataclass(frozen=True, eq=False)
class Curves:
    """The curves of a run, thinned to a number of points."""

    train_loss: Buckets
    """The loss of every step."""
    evaluations: np.ndarray
    """float64 (n, 3): step, test loss, test accuracy (NaN in regression)."""
    learning_rates: np.ndarray
    """float64 (n, 2): the first step done at a learning rate, and that rate."""
    validations: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    """float64 (n, 3): step, validation loss, validation accuracy (NaN in regression); (0, 3) without a validation
    part."""


class History:
    """Curves of one run: train loss per step, evaluations, learning rate where it changed. Safe in any thread."""

    def __init__(self) -> None:
        self.best: Evaluation | None = None  # the one with the lowest validation loss, or without such, test loss
        self._lock = threading.Lock()
        self._train_loss = StepSeries()
        self._evaluations, self._validations = PointSeries(3), PointSeries(3)
        self._learning_rates = PointSeries(2)
        self._evaluated_step = -1

    def add_chunk(self, chunk: Chunk) -> None:
        """Record a chunk of steps."""
        with self._lock:
            self._learning_rates.extend(chunk.learning_rates)
            self._train_loss.extend(chunk.losses)

    def add_evaluation(self, evaluation: Evaluation) -> bool:
        """Record a test pass, and tell whether it is the best so far; a second one of the same step is left out."""
        with self._lock:
            if evaluation.step == self._evaluated_step:
                return False
            self._evaluated_step = evaluation.step
            self._evaluations.extend(_row(evaluation.step, evaluation.test_loss, evaluation.test_accuracy))
            if evaluation.validation_loss is not None:
                row = _row(evaluation.step, evaluation.validation_loss, evaluation.validation_accuracy)
                self._validations.extend(row)
            better = self.best is None or evaluation.monitored_loss < self.best.monitored_loss
            if np.isnan(evaluation.monitored_loss) or not better:
                return False
            self.best = evaluation
            return True

    def until(self, step: int, evaluated: Evaluation | None, best: Evaluation | None) -> History:
        """A copy up to a step, with the newest and the best evaluation as they were then."""
        made = History()
        made.best = best
        made._evaluated_step = -1 if evaluated is None else evaluated.step
        with self._lock:
            made._train_loss = self._train_loss.first(step)
            made._evaluations = self._evaluations.until(made._evaluated_step)
            made._validations = self._validations.until(made._evaluated_step)
            made._learning_rates = self._learning_rates.until(step - 1)
        return made

    def memory(self) -> dict[str, Any]:
        """A copy of all of it but the best evaluation, for `recalled`."""
        with self._lock:
            return {"evaluated": self._evaluated_step} | {
                name: getattr(self, f"_{name}").memory() for name in _SERIES
            }  # fmt: skip

    @classmethod
    def recalled(cls, memory: Mapping[str, Any], best: Evaluation | None) -> History:
        """One that remembers what `memory` gave, and this best evaluation."""
        made = cls()
        made.best, made._evaluated_step = best, memory["evaluated"]
        for name, kind in _SERIES.items():
            setattr(made, f"_{name}", kind.recalled(memory[name]))
        return made

    def curves(self, points: int | None = None) -> Curves:
        """The curves in at most about `points` points each; everything that is kept where that is None."""
        with self._lock:
            return Curves(
                self._train_loss.buckets(points),
                self._evaluations.rows(points),
                self._learning_rates.rows(points),
                self._validations.rows(points),
            )


_SERIES: Mapping[str, type[StepSeries] | type[PointSeries]] = {
    "train_loss": StepSeries, "evaluations": PointSeries, "validations": PointSeries, "learning_rates": PointSeries,
}  # fmt: skip
"""The curves of a history."""


def _row(step: int, loss: float, accuracy: float | None) -> np.ndarray:
    """A row of a curve of evaluations, (1, 3)."""
    return np.array([[step, loss, float("nan") if accuracy is None else accuracy]])
