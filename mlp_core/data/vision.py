"""Image sets: torchvision's classes read the official files, and this makes arrays of them.

Images stay bytes (a quarter of float32) and are divided by 255 in the training step, so that every session
shares one copy. In float32 that division gives exactly what torchvision's `ToTensor` gives.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp_core.catalog.datasets import DatasetEntry
from mlp_core.data.dataset import Dataset, read_only
from mlp_core.data.split import split_training
from mlp_core.errors import DataError
from mlp_core.spec import DataSpec
from mlp_core.torchvision_compat import import_torchvision

Images = tuple[NDArray[np.uint8], NDArray[np.int64]]


def image_class(name: str) -> Any:
    """torchvision's class of that name, such as `torchvision.datasets.MNIST`."""
    return getattr(import_torchvision().datasets, name)


def load_images(entry: DatasetEntry, folder: Path) -> Dataset:
    """The whole set from its files in the folder.

    Raises `DataError` where the files are damaged.
    """
    spec = DataSpec(dataset=entry.name)
    (x_train, y_train), (x_test, y_test) = (_read_part(spec, folder, train) for train in (True, False))
    return Dataset(
        spec=spec,
        x_train=x_train,
        y_train=y_train,
        x_test=x_test,
        y_test=y_test,
    )


def subset(whole: Dataset, spec: DataSpec) -> Dataset:
    """The first so many images that the spec asks for: views of the whole set where there is no validation part.

    Raises `DataError` where they are too few for such a part.
    """
    if spec == whole.spec:
        return whole
    train, test = spec.params["train_samples"], spec.params["test_samples"]
    notes = []
    for part, asked, size in (("training", train, whole.train_size), ("test", test, whole.test_size)):
        if asked is not None and asked < size:
            notes.append(f"Only the first {asked} of {size} {part} images are used.")
    found = replace(
        whole,
        spec=spec,
        x_train=whole.x_train[:train],
        y_train=whole.y_train[:train],
        x_test=whole.x_test[:test],
        y_test=whole.y_test[:test],
        notes=tuple(notes),
    )
    if spec.validation_fraction is None:
        return found
    kept, validation = split_training(spec, found.train_size, found.y_train)
    return replace(
        found,
        x_train=read_only(found.x_train[kept]),
        y_train=read_only(found.y_train[kept]),
        x_validation=read_only(found.x_train[validation]),
        y_validation=read_only(found.y_train[validation]),
    )


def _read_part(spec: DataSpec, folder: Path, train: bool) -> Images:
    entry, facts = spec.entry, spec.facts
    try:
        part = image_class(entry.name)(root=folder, train=train, download=False)
        images, labels = np.asarray(part.data), np.asarray(part.targets, dtype=np.int64)
    except (MemoryError, ImportError):
        raise
    except Exception as error:
        # torchvision meets a damaged file with whatever its parser stumbles over.
        raise _damaged(entry, folder, str(error)) from error
    if images.ndim == 3:
        images = images[:, None]  # grey, without a channel
    elif images.ndim == 4:
        images = images.transpose(0, 3, 1, 2)  # torchvision keeps colour last
    if images.shape != (len(labels), *facts.sample_shape) or images.dtype != np.uint8:
        found = f"{len(labels)} labels for an array {images.shape} of {images.dtype}"
        raise _damaged(entry, folder, found)
    if len(labels) == 0 or labels.min() < 0 or labels.max() >= facts.classes:
        raise _damaged(entry, folder, f"labels that are not 0 to {facts.classes - 1}")
    return read_only(images), read_only(labels)


def _damaged(entry: DatasetEntry, folder: Path, reason: str) -> DataError:
    place = (folder / entry.files[0]).parent
    return DataError(
        f"The files of {entry.label} in the folder {place} are damaged ({reason}). Delete that folder and "
        "download the set again."
    )
