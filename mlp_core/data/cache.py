"""Loaded data sets, one copy of each for the whole process."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock

from mlp_core.data.dataset import Dataset
from mlp_core.data.waiting import Cancelled, Report, SingleFlight, ignore, never

MAX_CACHE_BYTES = 512 * 1024**2
"""Bytes of arrays that are kept: the largest image set of the catalog, SVHN, is 305 MB."""


class Cache:
    """Data sets by key; the ones longest unused make room when their bytes pass the limit.

    A set that was dropped lives on in the sessions that still train with it. The newest is always kept.
    """

    def __init__(self, max_bytes: int = MAX_CACHE_BYTES) -> None:
        self._max_bytes = max_bytes
        self._lock = Lock()
        self._kept: OrderedDict[Hashable, Dataset] = OrderedDict()
        self._flights = SingleFlight()

    @property
    def nbytes(self) -> int:
        """Bytes of all sets kept."""
        with self._lock:
            return sum(kept.nbytes for kept in self._kept.values())

    def peek(self, key: Hashable) -> Dataset | None:
        """The set of that key if it is kept."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def get(
        self,
        key: Hashable,
        make: Callable[[Report], Dataset],
        progress: Report = ignore,
        cancelled: Cancelled = never,
    ) -> Dataset:
        """The set of that key, made once even if many threads ask at the same time."""

        def work(report: Report) -> Dataset:
            # Looked up again: another thread may have finished between the look below and this one's turn.
            return self.peek(key) or self._keep(key, make(report))

        return self.peek(key) or self._flights.run(key, work, progress, cancelled)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()

    def _keep(self, key: Hashable, dataset: Dataset) -> Dataset:
        with self._lock:
            self._kept[key] = dataset
            total = sum(kept.nbytes for kept in self._kept.values())
            while total > self._max_bytes and len(self._kept) > 1:
                _, dropped = self._kept.popitem(last=False)
                total -= dropped.nbytes
        return dataset
