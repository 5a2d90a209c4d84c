"""An uploaded archive of images as a data set: decoded once, then divided as the spec asks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from mlp_core.catalog.images import Archive, archive_of, image_shape
from mlp_core.data import uploads
from mlp_core.data.dataset import Dataset, read_only
from mlp_core.data.errors import DataMissing
from mlp_core.data.image_archive import list_images, read_images
from mlp_core.data.split import Parts, given_split, split_parts, split_training
from mlp_core.data.waiting import Cancelled, Report
from mlp_core.errors import DataError
from mlp_core.spec import DataSpec


def read_pixels(spec: DataSpec, data_dir: Path, progress: Report, cancelled: Cancelled) -> Dataset:
    """Every image of the archive that the spec names, in the order of their names, not divided by the spec yet.

    Those that the archive itself says are for testing are the test part, which is empty where it says so of none.
    Raises `DataMissing` where no archive is chosen or its file is not there, `DataCancelled`, or another `DataError`.
    """
    archive = archive_of(spec.params)
    if archive is None:
        raise DataMissing("No archive of images is chosen yet. Upload one on the Data page.")
    name = archive.file.name
    path = uploads.find(archive.file.sha256, name, data_dir, "--images")
    listing = list_images(path, name)
    places = {label: place for place, label in enumerate(archive.classes)}
    members = [member for member in listing.images if member.label in places]
    most = archive.images + 1  # what an experiment says of a file may be wrong, and decides how much memory is taken
    found = read_images(path, name, members, image_shape(spec.params), progress, cancelled, most)
    tested = np.array([member.test and archive.official_split for member in found.members], dtype=bool)
    if (len(tested), int(tested.sum())) != (archive.images, archive.test_images):
        raise DataError(
            f"The archive {name!r} holds other images than the experiment says ({archive.images:,}, and "
            f"{archive.test_images:,} of them for testing). Choose it again on the Data page."
        )
    labels = np.array([places[member.label] for member in found.members], dtype=np.int64)
    left_out = len(listing.images) + len(listing.skipped) - len(tested)
    return Dataset(
        spec=spec,
        x_train=read_only(found.pixels[~tested]),
        y_train=read_only(labels[~tested]),
        x_test=read_only(found.pixels[tested]),
        y_test=read_only(labels[tested]),
        notes=_notes(spec, archive, left_out),
    )


def divided(whole: Dataset, spec: DataSpec) -> Dataset:
    """What `read_pixels` gave, divided as the spec asks: by its shares, or by the archive's own folders.

    Raises `DataError` where there are too few images.
    """
    labels = np.concatenate([whole.y_train, whole.y_test])
    parts = _parts(spec, labels, np.arange(len(labels)) >= whole.train_size)
    pixels = whole.x_train if not whole.test_size else np.concatenate([whole.x_train, whole.x_test])
    held_out = parts.validation
    return replace(
        whole,
        spec=spec,
        x_train=read_only(pixels[parts.train]),
        y_train=read_only(labels[parts.train]),
        x_validation=None if held_out is None else read_only(pixels[held_out]),
        y_validation=None if held_out is None else read_only(labels[held_out]),
        x_test=read_only(pixels[parts.test]),
        y_test=read_only(labels[parts.test]),
    )


def _parts(spec: DataSpec, labels: np.ndarray, tested: np.ndarray) -> Parts:
    if not spec.facts.official_split:
        return split_parts(spec, len(labels), labels)
    train, test = given_split(tested, spec.seed)
    if spec.validation_fraction is None:
        return Parts(train, None, test)
    kept, validation = split_training(spec, len(train), labels[train])
    return Parts(train[kept], train[validation], test)


def _notes(spec: DataSpec, archive: Archive, left_out: int) -> tuple[str, ...]:
    """What became of the images, in sentences."""
    size = f"{spec.params['height']}×{spec.params['width']} pixels"
    notes = [f"Images are {spec.params['colours']} and have {size}."]
    if archive.official_split:
        notes.append("The folders of the archive say which images are for testing.")
    if left_out:
        files = "1 file" if left_out == 1 else f"{left_out:,} files"
        notes.append(f"{files} of the archive {'is' if left_out == 1 else 'are'} left out.")
    return tuple(notes)
