"""What was built once for all runs of a structure, by that structure."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class BuildCache(Generic[T]):
    """Things by key, the least recently used dropped first. Safe to use from many threads."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._found: OrderedDict[Hashable, T] = OrderedDict()
        self._lock = threading.Lock()
        self._building = threading.Lock()

    def __contains__(self, key: Hashable) -> bool:
        """Whether it has been built. Waits for nobody."""
        with self._lock:
            return key in self._found

    def get(self, key: Hashable, build: Callable[[], T]) -> T:
        """What has that key, built once. Others' builds are waited for, what others do with it is not."""
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
                return self._found[key]
        with self._building:
            with self._lock:
                if key in self._found:
                    return self._found[key]
            made = build()
            with self._lock:
                self._found[key] = made
                while len(self._found) > self._size:
                    self._found.popitem(last=False)
        return made
