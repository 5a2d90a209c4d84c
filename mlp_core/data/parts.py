"""The parts of a data set by name: every choice of a part, on a page or a command line, is one of these."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlp_core.data.dataset import Array, Dataset, PartName


@dataclass(frozen=True)
class DataPart:
    """One part of a data set."""

    name: PartName
    """Its key everywhere, and the ending of its fields in `Dataset`."""
    label: str
    """Its name for people."""

    def arrays(self, dataset: Dataset) -> tuple[Array, Array]:
        """Its inputs and targets."""
        return dataset.part(self.name)

    def points(self, dataset: Dataset) -> Array | None:
        """The coordinates (N, 2) of its samples; None where they are no points."""
        found: Array | None = getattr(dataset, f"points_{self.name}")
        return found

    def samples(self, dataset: Dataset, places: NDArray[np.int64] | slice) -> Array:
        """Some of its samples in their own units: images as bytes, coordinates of points, or rows of a table."""
        inputs, points = self.arrays(dataset)[0], self.points(dataset)
        if points is not None:
            return points[places]
        if dataset.feature_mean is None or dataset.feature_std is None:
            return inputs[places]
        return inputs[places] * dataset.feature_std + dataset.feature_mean

    def exists(self, dataset: Dataset) -> bool:
        """Whether the set has such a part, with samples in it."""
        inputs = getattr(dataset, f"x_{self.name}")
        return inputs is not None and len(inputs) > 0


PARTS: dict[str, DataPart] = {
    part.name: part
    for part in (DataPart("test", "Test"), DataPart("validation", "Validation"), DataPart("train", "Training"))
}
"""The parts of a data set, the one that is looked at first."""
