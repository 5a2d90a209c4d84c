"""Samples as pictures: images as they are, and rows of a table whose columns are pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mlp_core.data.dataset import Array, Dataset
from mlp_core.data.parts import PARTS

Pictures = NDArray[np.uint8]
"""Pictures (N, channels, height, width)."""


def pictures_of(dataset: Dataset, inputs: Array) -> Pictures:
    """Inputs (N, …) as the data set keeps them, as pictures. Asserts that its samples are pictures."""
    shape = dataset.facts.picture_shape
    assert shape is not None, "samples are no pictures"
    if dataset.facts.holds_images:
        found: Pictures = inputs
        return found
    values = np.asarray(inputs, dtype=np.float64)
    if dataset.feature_mean is not None and dataset.feature_std is not None:
        values = values * dataset.feature_std + dataset.feature_mean
    black, white = dataset.pixel_range
    grey = (np.nan_to_num(values) - black) * (255.0 / (white - black))
    return np.rint(grey).clip(0, 255).astype(np.uint8).reshape(-1, *shape)


def part_pictures(dataset: Dataset, part: str, places: NDArray[np.int64] | slice) -> Pictures:
    """Some samples of a part as pictures."""
    return pictures_of(dataset, PARTS[part].arrays(dataset)[0][places])


def row_of_picture(dataset: Dataset, picture: Pictures) -> NDArray[np.float64]:
    """A picture (channels, height, width) as a row (features,) of pixels in the unit of the table: whole numbers where
    the table's white is one above 1."""
    black, white = dataset.pixel_range
    values = black + picture.reshape(-1).astype(np.float64) * ((white - black) / 255.0)
    return np.rint(values) if white > 1 else values
