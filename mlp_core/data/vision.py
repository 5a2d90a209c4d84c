"""Image sets: arrays of the official files, the same that torchvision's classes give.

Images stay bytes (a quarter of float32) and are divided by 255 in the training step, so that every session
shares one copy. In float32 that division gives exactly what torchvision's `ToTensor` gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mlp_core.catalog import load_object
from mlp_core.catalog.datasets import DatasetEntry
from mlp_core.data.dataset import Dataset, read_only
from mlp_core.data.errors import DataCancelled
from mlp_core.data.fetch import has_sum
from mlp_core.data.folder import remarks
from mlp_core.data.formats import Images
from mlp_core.data.published import sums
from mlp_core.data.split import split_training
from mlp_core.data.waiting import Cancelled, Progress, Report, ignore, never
from mlp_core.errors import DataError
from mlp_core.spec import DataSpec


def load_images(entry: DatasetEntry, folder: Path, progress: Report = ignore, cancelled: Cancelled = never) -> Dataset:
    """The whole set from its files in the folder; notes say how they differ from the published ones.

    Raises `DataError` where the files are damaged, and `DataCancelled` between two parts.
    """

    def step(done: int, what: str) -> None:
        if cancelled():
            raise DataCancelled(f"Reading {entry.label} was stopped. Start it again when you like.")
        progress(Progress(f"Reading {entry.label}: {what}", done, 10))

    spec = DataSpec(dataset=entry.name)
    step(0, "training images")
    x_train, y_train = read_part(entry, folder, train=True)
    step(7, "test images")
    x_test, y_test = read_part(entry, folder, train=False)
    step(9, "sums of its files")
    sizes = ((len(x_train), spec.facts.train_size, "training"), (len(x_test), spec.facts.test_size, "test"))
    return Dataset(
        spec=spec,
        x_train=x_train,
        y_train=y_train,
        x_test=x_test,
        y_test=y_test,
        notes=tuple(_differences(entry, folder, sizes)),
    )


def _differences(entry: DatasetEntry, folder: Path, sizes: Sequence[tuple[int, int | None, str]]) -> Iterator[str]:
    """How the files differ from the published ones, in sentences."""
    for found, published, part in sizes:
        if found != published:
            yield f"{found:,} {part} images are here, and the published set has {published:,}."
    other = [file for file, md5 in sums(entry).items() if not has_sum(folder / file, md5)]
    if other:
        yield f"Read although the MD5 sum is not the published one: {', '.join(other)}."
    yield from remarks(entry, folder)


def subset(whole: Dataset, spec: DataSpec) -> Dataset:
    """The first so many images that the spec asks for: views of the whole set where there is no validation part.

    Raises `DataError` where they are too few for such a part.
    """
    if spec == whole.spec:
        return whole
    train, test = spec.params["train_samples"], spec.params["test_samples"]
    notes = list(whole.notes)
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


def read_part(entry: DatasetEntry, folder: Path, train: bool) -> Images:
    """The training or the test part of a set from its files: images uint8 (N, C, H, W) and labels int64 (N,).

    Raises `DataError` where the files are damaged.
    """
    try:
        images, labels = checked_part(entry, folder, train)
    except (MemoryError, ImportError):
        raise
    except Exception as error:
        # A reader meets a damaged file with whatever its parser stumbles over.
        raise _damaged(entry, folder, str(error)) from error
    return read_only(images), read_only(labels)


def checked_part(entry: DatasetEntry, folder: Path, train: bool) -> Any:
    """As `read_part`, with `ValueError` or `OSError` for damaged files; of a table, whatever its reader gives."""
    found = load_object(entry.reader)(folder, entry.files, train)
    facts = entry.facts(entry.fill({}))
    if not facts.holds_images:
        return found
    images, labels = found
    if images.ndim == 3:
        images = images[:, None]  # grey, without a channel
    if images.shape != (len(labels), *facts.sample_shape) or images.dtype != np.uint8:
        raise ValueError(f"{len(labels)} labels for an array {images.shape} of {images.dtype}")
    if len(labels) == 0 or labels.min() < 0 or labels.max() >= facts.classes:
        raise ValueError(f"labels that are not {entry.first_label} to {facts.classes - 1 + entry.first_label}")
    return images, labels


def _damaged(entry: DatasetEntry, folder: Path, reason: str) -> DataError:
    place = (folder / entry.files[0]).parent
    what = "that folder" if place != folder else f"{' and '.join(entry.files)} there"
    return DataError(
        f"The files of {entry.label} in the folder {place} are damaged ({reason}). Delete {what} and download the set "
        "again."
    )
