"""What every loader returns: arrays that all sessions share, and what a page needs to explain them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from mlp_core.catalog.facts import DataFacts
from mlp_core.data.preparation import Preparation
from mlp_core.spec import DataSpec

Array = NDArray[Any]
PartName = Literal["train", "validation", "test"]
"""The parts of a data set."""
ScalarT = TypeVar("ScalarT", bound=np.generic)


@dataclass(frozen=True, eq=False, kw_only=True)
class Dataset:
    """One data set, split into a training part, a validation part where the spec asks for one, and a test part.

    Arrays are C-contiguous and read-only, because every session in the process holds the same ones.
    Inputs divided by `divisor` are what the network sees.
    """

    spec: DataSpec
    """What the set was made from."""
    x_train: Array
    """float32 (N, F), or images as uint8 (N, C, H, W)."""
    y_train: Array
    """int64 (N,) class indices, or float32 (N, T) targets."""
    x_test: Array
    """As `x_train`, of the test part."""
    y_test: Array
    """As `y_train`, of the test part."""
    x_validation: Array | None = None
    """As `x_train`, of the validation part; None where there is none."""
    y_validation: Array | None = None
    """As `y_train`, of the validation part; None where there is none."""
    feature_names: tuple[str, ...] = ()
    """One per column of a table; empty for images."""
    points_train: NDArray[np.float32] | None = None
    """(N, 2) coordinates of a generated set, from which its features are made."""
    points_test: NDArray[np.float32] | None = None
    """As `points_train`, of the test part."""
    points_validation: NDArray[np.float32] | None = None
    """As `points_train`, of the validation part."""
    feature_mean: NDArray[np.float32] | None = None
    """(F,) what was taken from each column of a table before it was divided by `feature_std`."""
    feature_std: NDArray[np.float32] | None = None
    """(F,) what each column of a table was divided by."""
    target_mean: NDArray[np.float32] | None = None
    """(T,) as `feature_mean`, of regression targets: `y * target_std + target_mean` has the original unit."""
    target_std: NDArray[np.float32] | None = None
    """(T,) what regression targets were divided by."""
    unscaled_train: NDArray[np.float32] | None = None
    """As `y_train`, regression targets in the unit of the data; None where `y_train` is in it."""
    unscaled_validation: NDArray[np.float32] | None = None
    """As `unscaled_train`, of the validation part."""
    unscaled_test: NDArray[np.float32] | None = None
    """As `unscaled_train`, of the test part."""
    preparation: Preparation | None = None
    """What was fitted on the training part of an uploaded table."""
    notes: tuple[str, ...] = ()
    """Sentences for the page: what was done to the data on the way."""

    @property
    def divisor(self) -> float:
        """What inputs are divided by inside the training step: 255 for images kept as bytes, 1 otherwise."""
        return 255.0 if self.x_train.dtype == np.uint8 else 1.0

    @property
    def facts(self) -> DataFacts:
        """Task, shapes and classes, known before the set was loaded."""
        return self.spec.facts

    @cached_property
    def target_range(self) -> tuple[float, float] | None:
        """The lowest and the highest target of a regression in the training part; None for classes."""
        return self._range(self.y_train)

    @cached_property
    def unscaled_range(self) -> tuple[float, float] | None:
        """The same in the unit of the data."""
        return self._range(self.targets("train", unscaled=True))

    def _range(self, targets: Array) -> tuple[float, float] | None:
        if self.facts.classifies or not targets.size:
            return None
        return float(targets.min()), float(targets.max())

    @cached_property
    def pixel_range(self) -> tuple[float, float]:
        """The values of black and of white in a table whose rows are pictures: the ends of its training part."""
        rows = self.x_train.astype(np.float64)
        if self.feature_mean is not None and self.feature_std is not None:
            rows = rows * self.feature_std + self.feature_mean
        black, white = min(0.0, round(float(rows.min()), 3)), round(float(rows.max()), 3)
        return black, white if white > black else black + 1.0

    @cached_property
    def class_counts(self) -> tuple[int, ...]:
        """Training samples of each class; empty for a regression."""
        if not self.facts.classifies:
            return ()
        return tuple(np.bincount(self.y_train, minlength=self.facts.classes).tolist())

    def targets(self, name: PartName, unscaled: bool = False) -> Array:
        """The targets of a part; with `unscaled` those of a regression in the unit of the data."""
        raw: Array | None = getattr(self, f"unscaled_{name}")
        return raw if unscaled and raw is not None else self.part(name)[1]

    @property
    def train_size(self) -> int:
        """Samples in the training part."""
        return len(self.x_train)

    @property
    def test_size(self) -> int:
        """Samples in the test part."""
        return len(self.x_test)

    def part(self, name: PartName) -> tuple[Array, Array]:
        """Inputs and targets of a part; asserts that there is one, as a set may have no validation part."""
        found = getattr(self, f"x_{name}"), getattr(self, f"y_{name}")
        assert found[0] is not None, f"there is no {name} part"
        return found

    @property
    def validation_size(self) -> int:
        """Samples in the validation part; 0 where there is none."""
        return 0 if self.x_validation is None else len(self.x_validation)

    @property
    def unvalidated_classes(self) -> tuple[str, ...]:
        """The classes with training samples, and none in the validation part that there is."""
        if self.y_validation is None or not self.facts.classifies:
            return ()
        missing = np.setdiff1d(self.y_train, self.y_validation)
        return tuple(self.facts.class_names[label] for label in missing)

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays together."""
        return sum(value.nbytes for value in vars(self).values() if isinstance(value, np.ndarray))


def read_only(array: NDArray[ScalarT]) -> NDArray[ScalarT]:
    """The array, C-contiguous and closed for writing; a view of it stays closed."""
    array = np.ascontiguousarray(array)
    array.flags.writeable = False
    return array
