"""Data sets: from a spec to arrays.

`load` is the one way in. Importing this package needs numpy only; PyTorch, torchvision and scikit-learn are
imported when a set that needs them is loaded, and generated sets need none of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from mlp_core.catalog import load_object
from mlp_core.data import uploads
from mlp_core.data.cache import Cache
from mlp_core.data.dataset import Dataset
from mlp_core.data.errors import DataCancelled, DataMissing
from mlp_core.data.folder import data_folder, has_files, missing, remarks
from mlp_core.data.generated import EXTENT, features_of, generate, sample_points
from mlp_core.data.tabular import read_table, standardised
from mlp_core.data.waiting import Cancelled, Progress, Report, ignore, never
from mlp_core.spec import DataSpec

__all__ = [
    "EXTENT",
    "DataCancelled",
    "DataMissing",
    "Dataset",
    "Progress",
    "data_folder",
    "features_of",
    "is_present",
    "load",
    "sample_points",
]

_cache = Cache()

_MAKERS: dict[str, Callable[[DataSpec], Dataset]] = {
    "generated": generate,
    "drawn": generate,
    "bundled": read_table,
}


def load(
    spec: DataSpec,
    data_dir: Path | None = None,
    *,
    progress: Report | None = None,
    cancelled: Cancelled | None = None,
    download: bool = False,
) -> Dataset:
    """The data set that the spec describes, from memory where it was loaded before.

    `data_dir` is where downloaded sets lie (default: `data_folder()`). With `download` a set that is not
    there is fetched, `progress` is told how far that is, and `cancelled` is asked whether to stop. Safe to
    call from any number of threads: a set is made once, and all get the same arrays. Raises `DataMissing` for
    a set that must be downloaded or uploaded first, `DataCancelled`, or another `DataError`.
    """
    progress, cancelled = progress or ignore, cancelled or never
    if spec.entry.source == "downloaded":
        return _load_downloaded(spec, _resolved(data_dir), progress, cancelled, download)
    if spec.entry.source == "uploaded":
        return _load_uploaded(spec, _resolved(data_dir), progress, cancelled)
    make = _MAKERS[spec.entry.source]
    return _cache.get(spec, lambda report: make(spec), progress, cancelled)


def is_present(spec: DataSpec, data_dir: Path | None = None) -> bool:
    """Whether `load` needs no download, and no upload."""
    if spec.entry.source == "uploaded":
        file = spec.entry.own_file(spec.params) if spec.entry.own_file else None
        return file is not None and uploads.path_of(file.sha256, _resolved(data_dir)).is_file()
    return spec.entry.source != "downloaded" or has_files(spec.entry, _resolved(data_dir))


def _load_downloaded(spec: DataSpec, folder: Path, progress: Report, cancelled: Cancelled, download: bool) -> Dataset:
    entry = spec.entry
    images = spec.facts.official_split
    key = (entry.name, folder) if images else (spec, folder)
    if _cache.peek(key) is None and not has_files(entry, folder):
        if not download:
            raise missing(entry, folder)
        from mlp_core.data.download import download as fetch_files

        fetch_files(entry, folder, progress, cancelled)

    def read(report: Report) -> Dataset:
        report(Progress(f"Reading {entry.label}"))
        if not images:
            return _read_downloaded_table(spec, folder)
        whole: Dataset = load_object(entry.loader)(entry, folder, report, cancelled)
        return whole

    whole = _cache.get(key, read, progress, cancelled)
    if not images:
        return whole
    # The image code imports torchvision's helpers, so it stays out until an image set is asked for.
    from mlp_core.data.vision import subset

    if spec.validation_fraction is None:
        return subset(whole, spec)  # views, which cost nothing
    return _cache.get((spec, folder), lambda report: subset(whole, spec), progress, cancelled)


def _read_downloaded_table(spec: DataSpec, folder: Path) -> Dataset:
    found = standardised(spec, *load_object(spec.entry.loader)(folder))
    return replace(found, notes=(*found.notes, *remarks(spec.entry, folder)))


def _load_uploaded(spec: DataSpec, folder: Path, progress: Report, cancelled: Cancelled) -> Dataset:
    read: Callable[[DataSpec, Path, Report, Cancelled], Dataset] = load_object(spec.entry.loader)
    if not spec.facts.holds_images:
        return _cache.get((spec, folder), lambda report: read(spec, folder, report, cancelled), progress, cancelled)
    from mlp_core.data.uploaded_images import divided

    if (found := _cache.peek((spec, folder))) is not None:
        return found
    # Decoding takes long, so another split is made of the same pixels.
    whole = _cache.get((spec.params, folder), lambda report: read(spec, folder, report, cancelled), progress, cancelled)
    return _cache.get((spec, folder), lambda report: divided(whole, spec), progress, cancelled)


def _resolved(data_dir: Path | None) -> Path:
    return data_folder() if data_dir is None else data_dir.expanduser().resolve()
