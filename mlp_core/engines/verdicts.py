"""What trials of faster code have said, for networks and for the layers that they are made of."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable
from typing import Generic, TypeVar

from mlp_core.engines.cache import BuildCache

V = TypeVar("V")


class Verdicts(Generic[V]):
    """Verdicts by structure. The code of a network is that of its layers, one after the other: where each layer has
    been part of a network that passed, the network passes without a trial."""

    def __init__(self, size: int, passed: V) -> None:
        """Keep so many verdicts and layers; `passed` is the verdict that says as much of every layer."""
        self._size, self._passed = size, passed
        self._found: BuildCache[V] = BuildCache(size)
        self._layers: set[Hashable] = set()

    def get(self, structure: Hashable, layers: Collection[Hashable], trial: Callable[[], V]) -> V:
        """The verdict on a structure, of `trial` where neither it nor its layers are known.

        `layers` hold all that the code of each layer depends on.
        """
        if structure not in self._found and self._layers.issuperset(layers):
            return self._passed  # without waiting for somebody else's trial

        def decide() -> V:
            if self._layers.issuperset(layers):
                return self._passed
            verdict = trial()
            if verdict == self._passed:
                if len(self._layers) > self._size:
                    self._layers.clear()
                self._layers.update(layers)
            return verdict

        return self._found.get(structure, decide)
