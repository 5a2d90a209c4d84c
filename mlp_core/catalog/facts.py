"""What is known of a data set before a byte of it is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Literal

Task = Literal["classification", "regression"]


@dataclass(frozen=True, kw_only=True)
class DataFacts:
    """The facts of one data set with its parameters: all that planning, pages and exports need to know of it."""

    task: Task
    """Whether a class or numbers are predicted."""
    sample_shape: tuple[int, ...]
    """(features,) of a table, (channels, height, width) of images."""
    class_names: tuple[str, ...] = ()
    """One per class; empty for regression."""
    target_names: tuple[str, ...] = ()
    """One per output of a regression; empty for classification."""
    target_unit: str = ""
    """The unit of the targets, for axis titles."""
    samples: int | None = None
    """Samples in all, before the split; None where that is not known before loading."""
    train_size: int | None = None
    """Samples of the training part, where the set itself says which they are."""
    test_size: int | None = None
    """Samples of the test part, where the set itself says which they are."""
    plane: bool = False
    """Whether samples are points (x₁, x₂), so that the network can be drawn over the plane."""
    pixels: tuple[int, int, int] | None = None
    """(channels, height, width) of the picture that each row of a table is, pixel by pixel; None for other tables."""

    @property
    def classifies(self) -> bool:
        """Whether a class is predicted."""
        return self.task == "classification"

    @property
    def classes(self) -> int:
        """How many classes there are; 0 for regression."""
        return len(self.class_names)

    @property
    def features(self) -> int:
        """Numbers of one sample."""
        return prod(self.sample_shape)

    @property
    def holds_images(self) -> bool:
        """Whether a sample is an image."""
        return len(self.sample_shape) == 3

    @property
    def picture_shape(self) -> tuple[int, int, int] | None:
        """(channels, height, width) of what people see in a sample: an image, or a row of pixels; None for others."""
        if self.holds_images:
            channels, height, width = self.sample_shape
            return channels, height, width
        return self.pixels

    @property
    def official_split(self) -> bool:
        """Whether the set itself says which samples are for testing, so that `test_fraction` does not apply."""
        return self.train_size is not None

    @property
    def most_train_samples(self) -> int | None:
        """An upper bound of the training samples; None where nothing is known before loading."""
        return self.train_size if self.train_size is not None else self.samples
