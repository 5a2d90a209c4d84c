"""A user's own images in an exported script: a zip with a folder for each class, or with a table of labels.

The text of these functions goes into scripts as it stands. What they give equals what `mlp_core.data.image_archive`
gives for an archive that it takes.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from mlp_core.catalog.images import archive_of, image_shape
from mlp_core.data import split, uploads
from mlp_core.data.folder import data_folder
from mlp_core.data.image_archive import TEST_FOLDERS, _columns, _names_of, clean_name, list_images
from mlp_core.data.pictures import decode_image
from mlp_core.data.zip_archive import _is_clutter, _refusal
from mlp_core.errors import SpecError
from mlp_core.export.python import Group, assign, call, layout, literal
from mlp_core.spec import Experiment

# The text keeps to the width of 88 that ruff has by default.
# fmt: off


def image_paths(archive: zipfile.ZipFile) -> list[str]:
    """The images of a zip in the order of their names, without what is not read."""
    suffixes = (".png", ".jpg", ".jpeg")
    found = set()
    for info in archive.infolist():
        other = info.is_dir() or _is_clutter(info.filename)
        if not other and not _refusal(info, suffixes):
            found.add(info.filename)
    return sorted(found)


def classes_by_folder(paths: Sequence[str], depth: int) -> dict[str, str]:
    """The class of each image: the name of its folder below `depth` others."""
    found = {}
    for path in paths:
        folders = PurePosixPath(path).parent.parts
        if len(folders) > depth:
            found[path] = clean_name(folders[depth])
    return found


def classes_by_table(archive: zipfile.ZipFile, table: str, paths: Sequence[str]) -> dict[str, str]:
    """The class of each image that a CSV file in the archive names."""
    content = archive.read(table)
    utf16 = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    text = content.decode("utf-16" if utf16 else "utf-8-sig")
    delimiter = max(",;\t", key=text.split("\n", 1)[0].count)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows = [row for row in lines if any(map(str.strip, row))]
    file, label = _columns([cell.strip().lower() for cell in rows[0]])
    names = _names_of(paths, str(PurePosixPath(table).parent))
    found = {}
    for row in rows:
        path = names.get(row[file].strip().replace("\\", "/").removeprefix("./"))
        if path is not None and path not in found and clean_name(row[label]):
            found[path] = clean_name(row[label])
    return {path: found[path] for path in sorted(found)}


def is_tested(path: str, depth: int) -> bool:
    """Whether an image lies in a folder for testing, which stands above its class."""
    return PurePosixPath(path).parts[depth - 1].lower() in TEST_FOLDERS


def read_images(archive: zipfile.ZipFile, paths: Sequence[str], shape: Sequence[int]) -> tuple[np.ndarray, list[str]]:
    """Images as bytes (N, channels, height, width), and their names.

    Those that are damaged are left out.
    """
    pixels, good = [], []
    for path in paths:
        try:
            pixels.append(decode_image(io.BytesIO(archive.read(path)), shape))
        except Exception:
            continue
        good.append(path)
    return np.stack(pixels), good


# fmt: on


@dataclass(frozen=True)
class ImageProgram:
    """How a script reads an archive of images."""

    text: str
    """What it needs."""
    functions: tuple[Callable[..., Any], ...]
    """The functions that it calls."""
    lines: tuple[str, ...]
    """The code up to the split: `inputs` as bytes, and `labels`."""
    divide: Group | None
    """The call that splits the images by the archive's own folders; None where their shares are asked for."""


def program(experiment: Experiment) -> ImageProgram:
    """The code for the experiment's images; raises `SpecError` where none are chosen, and `DataMissing`."""
    data = experiment.data
    archive = archive_of(data.params)
    if archive is None:
        raise SpecError("No archive of images is chosen yet, so there is no script to write. Choose one on the Data "
                        "page.")  # fmt: skip
    name = archive.file.name
    listing = list_images(uploads.find(archive.file.sha256, name, data_folder(), "--images"), name)
    functions: list[Callable[..., Any]] = [image_paths]
    lines = [*assign("archive", call("zipfile.ZipFile", literal(name))), "paths = image_paths(archive)"]
    if listing.table:
        functions.append(classes_by_table)
        lines += assign("found", call("classes_by_table", "archive", literal(listing.table), "paths"))
    else:
        functions.append(classes_by_folder)
        lines += assign("found", call("classes_by_folder", "paths", depth=str(listing.depth)))
    functions.append(read_images)
    lines += assign("classes", Group("[", tuple(map(literal, archive.classes)), "]"))
    lines.append("paths = [path for path in found if found[path] in classes]")
    lines += layout(call("read_images", "archive", "paths", literal(image_shape(data.params))), "inputs, paths = ")
    lines.append("inputs = inputs.astype(np.float32) / 255")
    lines.append("labels = np.array([classes.index(found[path]) for path in paths])")
    if not archive.official_split:
        return ImageProgram(_text(name), tuple(functions), tuple(lines), None)
    functions += [is_tested, split.given_split]
    lines.append(f"tested = np.array([is_tested(path, depth={listing.depth}) for path in paths])")
    divide = call("given_split", "tested", seed=str(data.seed))
    return ImageProgram(_text(name), tuple(functions), tuple(lines), divide)


def _text(name: str) -> str:
    return f"The file {name!r} must lie where this is run. A folder or a table in it tells the class of each image."
