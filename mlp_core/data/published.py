"""What is published of the downloaded sets: addresses and sums, as torchvision and scikit-learn have them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from mlp_core.catalog.datasets import DatasetEntry
from mlp_core.torchvision_compat import import_torchvision


@dataclass(frozen=True)
class Archive:
    """One file to fetch."""

    path: str
    """Where it lies in the data folder."""
    checksum: str
    """Its sum in hexadecimal digits: MD5, or SHA-256 where there are 64 of them."""
    urls: tuple[str, ...]
    """Where it can be had; the first that answers is taken."""

    @property
    def name(self) -> str:
        """Its name without folders."""
        return PurePosixPath(self.path).name


def image_class(name: str) -> Any:
    """torchvision's class of that name, such as `torchvision.datasets.MNIST`."""
    return getattr(import_torchvision().datasets, name)


def archives_of(entry: DatasetEntry) -> tuple[Archive, ...]:
    """The files that a downloaded set comes in."""
    if entry.publisher == "scikit-learn":
        from sklearn.datasets import _california_housing

        remote = _california_housing.ARCHIVE
        return (Archive(entry.archives[0], remote.checksum, (remote.url,)),)
    return archives(image_class(entry.name))


def archives(images: Any) -> tuple[Archive, ...]:
    """What torchvision's class `images` would download."""
    raw = f"{images.__name__}/raw/"
    if isinstance(resources := getattr(images, "resources", None), dict):  # QMNIST: by part, each with its address
        found = [pair for part in ("train", "test") for pair in resources[part]]
        return tuple(Archive(raw + url.rsplit("/", 1)[-1], md5, (url,)) for url, md5 in found)
    if hasattr(images, "splits"):  # EMNIST: one archive of all its splits
        return (Archive(raw + images.url.rsplit("/", 1)[-1], images.md5, (images.url,)),)
    if resources is not None:  # MNIST and its kin: four files at any of several mirrors
        return tuple(
            Archive(raw + file, md5, tuple(mirror + file for mirror in images.mirrors)) for file, md5 in resources
        )
    if hasattr(images, "split_list"):  # USPS and SVHN: a file for each part
        parts = (images.split_list[part] for part in ("train", "test"))
        return tuple(Archive(file, md5, (url,)) for url, file, md5 in parts)
    return (Archive(images.filename, images.tgz_md5, (images.url,)),)


def sums(entry: DatasetEntry) -> dict[str, str]:
    """The MD5 sums of those of the set's files, as they lie in the data folder, of which any is published."""
    if not any(path in entry.files or path.endswith(".tar.gz") for path in entry.archives):
        return {}  # known without an import that takes seconds
    images = image_class(entry.name)
    if hasattr(images, "train_list"):
        listed = [*images.train_list, *images.test_list, [images.meta["filename"], images.meta["md5"]]]
        return {f"{images.base_folder}/{file}": md5 for file, md5 in listed}
    return {archive.path: archive.checksum for archive in archives(images) if archive.path in entry.files}
