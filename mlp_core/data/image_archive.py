"""A user's own images: a zip with a folder for each class, or with a table of file names and labels.

Nothing is ever unpacked to the disk: members are read one by one into memory, each within its limits, so what a path
in the archive says decides no more than the class.
"""

from __future__ import annotations

import csv
import io
import re
import struct
import time
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import IO, TypeVar

import numpy as np
from numpy.typing import NDArray

from mlp_core.data.errors import DataCancelled
from mlp_core.data.pictures import decode_image
from mlp_core.data.waiting import Cancelled, Progress, Report, ignore, never
from mlp_core.data.zip_archive import SkippedFile, Source, open_archive, read_member, usable_members
from mlp_core.errors import DataError
from mlp_core.limits import MAX_CLASSES, MAX_TEXT

SUFFIXES = (".png", ".jpg", ".jpeg")
TRAIN_FOLDERS = ("train", "training")
TEST_FOLDERS = ("test", "testing", "val", "valid", "validation")
"""Folders above those of the classes that say which part an image is in, in small letters."""
FILE_COLUMNS = ("file", "filename", "file_name", "image", "path")
LABEL_COLUMNS = ("label", "class", "category")
"""Names of columns that a table of labels may have, in small letters; else its first two columns are taken."""
REPORT_SECONDS = 0.1
"""The least time between two reports of how far it is."""
COLOUR_PIXELS, GREY_SPREAD = 8, 8
"""The side to which an image is shrunk to see whether it has colours, and how far the channels of a grey one differ."""

ResultT = TypeVar("ResultT")


@dataclass(frozen=True)
class Member:
    """One image of an archive."""

    path: str
    """Its name in the archive."""
    label: str
    """The name of its class."""
    test: bool
    """Whether the archive itself says that it is for testing."""


def class_names(members: Iterable[Member]) -> tuple[str, ...]:
    """The classes of images in the order of their indices: numbers by their value, other names by the alphabet."""
    names = {member.label for member in members}
    return tuple(sorted(names, key=_as_number if all(map(_is_number, names)) else str))


@dataclass(frozen=True)
class Listing:
    """What an archive holds, by the names of its members alone."""

    images: tuple[Member, ...]
    """Its images, in the order of their names."""
    skipped: tuple[SkippedFile, ...]
    """What is left out."""
    official_split: bool
    """Whether folders of its own divide it into a training and a test part."""
    depth: int = 0
    """How many folders stand above that of the class."""
    table: str = ""
    """The name of the table that gives the labels; '' where folders do."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes in the order of their indices: numbers by their value, other names by the alphabet."""
        return class_names(self.images)


def list_images(archive: Source, name: str) -> Listing:
    """The images of a zip and their classes; `name` is what messages call it.

    Raises `DataError` where it is no zip, asks for more than a limit allows, or has no two classes of images.
    """
    with open_archive(archive, name) as opened:
        usable, skipped = usable_members(opened, name, (*SUFFIXES, ".csv"))
        tables = [info for info in usable if info.filename.lower().endswith(".csv")]
        images = [info.filename for info in usable if info.filename.lower().endswith(SUFFIXES)]
        if len(tables) > 1:
            raise DataError(
                f"The archive {name!r} holds {len(tables)} tables ({_some(info.filename for info in tables)}). "
                "Leave in it the one that names the images and their labels, or sort the images into folders."
            )
        if tables:
            found, more = _labelled_by_table(opened, tables[0], images, name)
            listing = Listing(tuple(found), (*skipped, *more), False, table=tables[0].filename)
        else:
            listing = _labelled_by_folders(images, skipped, name)
    if len(listing.class_names) < 2:
        raise DataError(
            f"The archive {name!r} must hold images of at least two classes. Got {len(listing.images)} images of "
            f"{len(listing.class_names)}. Put the images of each class into a folder of its own, or add a CSV file "
            "with the columns 'file' and 'label'."
        )
    if len(listing.class_names) > MAX_CLASSES:
        raise DataError(
            f"The archive {name!r} must hold at most {MAX_CLASSES} classes. Got {len(listing.class_names)}. "
            "The folder that an image lies in is its class: check how the folders are arranged."
        )
    return listing


@dataclass(frozen=True, eq=False)
class Images:
    """Decoded images."""

    pixels: NDArray[np.uint8]
    """uint8 (N, C, H, W)."""
    members: tuple[Member, ...]
    """Which image each is."""
    bad: tuple[SkippedFile, ...]
    """Images that could not be decoded."""


def read_images(
    archive: Source,
    name: str,
    members: Sequence[Member],
    shape: tuple[int, int, int],
    progress: Report = ignore,
    cancelled: Cancelled = never,
    most: int | None = None,
) -> Images:
    """The members as pixels of the shape (channels, height, width); those that are damaged are listed.

    With `most` it ends after so many images.
    """
    room = len(members) if most is None else min(most, len(members))
    pixels = np.empty((room, *shape), np.uint8)
    good: list[Member] = []
    bad: list[SkippedFile] = []
    for member, content in _contents(archive, name, members, progress, cancelled):
        if len(good) == room:
            break
        decoded = _attempt(partial(decode_image, shape=shape), content)
        if isinstance(decoded, str):
            bad.append(SkippedFile(member.path, decoded))
        else:
            pixels[len(good)] = decoded
            good.append(member)
    return Images(pixels[: len(good)], tuple(good), tuple(bad))


@dataclass(frozen=True)
class Survey:
    """What decoding every image once has shown."""

    good: tuple[Member, ...]
    """Images that can be decoded."""
    bad: tuple[SkippedFile, ...]
    """Images that cannot."""
    height: int
    """The most frequent height in pixels."""
    width: int
    """The most frequent width among images of that height."""
    colour: bool
    """Whether any has colours."""
    sizes: tuple[tuple[tuple[int, int], int], ...] = ()
    """Every (height, width) and how many images have it, the most frequent first."""


def survey_images(
    archive: Source,
    name: str,
    members: Sequence[Member],
    progress: Report = ignore,
    cancelled: Cancelled = never,
) -> Survey:
    """Decode every member, and tell which are good and what they look like."""
    good: list[Member] = []
    bad: list[SkippedFile] = []
    sizes: Counter[tuple[int, int]] = Counter()
    colour = False
    for member, content in _contents(archive, name, members, progress, cancelled):
        looked = _attempt(_look, content)
        if isinstance(looked, str):
            bad.append(SkippedFile(member.path, looked))
        else:
            good.append(member)
            sizes[looked[:2]] += 1
            colour = colour or looked[2]
    height, width = max(sizes, key=lambda size: (sizes[size], size)) if sizes else (1, 1)
    order = sorted(sizes.items(), key=lambda found: (-found[1], found[0]))
    return Survey(tuple(good), tuple(bad), height, width, colour, tuple(order))


def _look(file: IO[bytes]) -> tuple[int, int, bool]:
    """Height, width and whether it has colours, of an image that decodes."""
    from PIL import Image

    try:
        with Image.open(file, formats=("PNG", "JPEG")) as image:
            width, height = image.size
    except Image.DecompressionBombError:
        width, height = 1, 1  # refused when it is decoded
    file.seek(0)
    small = decode_image(file, (3, min(height, COLOUR_PIXELS), min(width, COLOUR_PIXELS)))
    return height, width, bool(np.ptp(small.astype(int), axis=0).max() > GREY_SPREAD)


def _attempt(decode: Callable[[IO[bytes]], ResultT], content: bytes) -> ResultT | str:
    """What decoding gives, or why it failed."""
    if not content:
        return "it cannot be unpacked, or is empty or too large"
    try:
        return decode(io.BytesIO(content))
    except (OSError, SyntaxError, ValueError, EOFError, OverflowError, zlib.error, struct.error) as error:
        return "it is no PNG or JPEG file" if "cannot identify" in str(error) else str(error)[:MAX_TEXT] or "damaged"


def _contents(
    archive: Source, name: str, members: Sequence[Member], progress: Report, cancelled: Cancelled
) -> Iterator[tuple[Member, bytes]]:
    """Every member with its bytes; b'' for one that cannot be unpacked."""
    with open_archive(archive, name) as opened:
        done, total = 0, sum(opened.getinfo(member.path).file_size for member in members)
        due = 0.0
        for member in members:
            if (now := time.monotonic()) >= due:
                due = now + REPORT_SECONDS
                progress(Progress(f"Reading images of {name}", done, total))
                if cancelled():
                    raise DataCancelled("Reading the images was stopped. Start it again when you like.")
            yield member, read_member(opened, member.path)
            done += opened.getinfo(member.path).file_size
        progress(Progress(f"Reading images of {name}", total, total))


def _labelled_by_folders(paths: Sequence[str], skipped: Sequence[SkippedFile], name: str) -> Listing:
    """Every image with the folder that it lies in as its class."""
    folders = [PurePosixPath(path).parent.parts for path in paths]
    shared = _shared_start(folders)
    parts = {folder[shared].lower() for folder in folders if len(folder) > shared}
    official = bool(parts & set(TRAIN_FOLDERS)) and bool(parts & set(TEST_FOLDERS))
    official = official and parts <= {*TRAIN_FOLDERS, *TEST_FOLDERS}
    depth = shared + official
    images: list[Member] = []
    left: list[SkippedFile] = []
    for path, folder in zip(paths, folders, strict=True):
        label = clean_name(folder[depth]) if len(folder) > depth else ""
        if label:
            images.append(Member(path, label, official and folder[shared].lower() in TEST_FOLDERS))
        else:
            left.append(SkippedFile(path, "it lies in no folder with the name of a class"))
    return Listing(tuple(images), (*skipped, *left), official, depth)


def _shared_start(folders: Sequence[Sequence[str]]) -> int:
    """How many folders stand around all images, so that they say nothing of the class."""
    inner = [folder for folder in folders if folder]
    if not inner:
        return 0
    shared = 0
    while all(len(folder) > shared + 1 and folder[shared] == inner[0][shared] for folder in inner):
        shared += 1
    return shared


def _labelled_by_table(
    opened: zipfile.ZipFile, table: zipfile.ZipInfo, paths: Sequence[str], name: str
) -> tuple[list[Member], list[SkippedFile]]:
    """Every image that the table names, with its label there."""
    text = _decoded(read_member(opened, table.filename), table.filename)
    first = text.split("\n", 1)[0]
    rows = [row for row in _rows(text, max(",;\t", key=first.count), table.filename) if any(map(str.strip, row))]
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    file_at, label_at = _columns(header)
    by_name = _names_of(paths, str(PurePosixPath(table.filename).parent))
    images: dict[str, Member] = {}
    skipped: list[SkippedFile] = []
    for number, row in enumerate(rows):
        if len(row) <= max(file_at, label_at):
            raise DataError(
                f"Row {number + 1} of the table {table.filename[:MAX_TEXT]!r} in {name!r} must hold a file name and a "
                f"label. Got {len(row)} cells. Give the table the columns 'file' and 'label'."
            )
        given, label = row[file_at].strip(), clean_name(row[label_at])
        path = by_name.get(given.replace("\\", "/").removeprefix("./"))
        if path is None:
            if number > 0 or not _may_be_header(given):
                skipped.append(SkippedFile(given, "the table names it, and the archive has no such image"))
        elif not label:
            skipped.append(SkippedFile(path, "the table gives it no label"))
        elif path in images:
            skipped.append(SkippedFile(path, "the table names it more than once"))
        else:
            images[path] = Member(path, label, False)
    unnamed = [path for path in paths if path not in images]
    skipped += [SkippedFile(path, "the table does not name it") for path in unnamed]
    return [images[path] for path in sorted(images)], skipped


def _rows(text: str, separator: str, path: str) -> list[list[str]]:
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except csv.Error as error:
        raise DataError(f"The table {path[:MAX_TEXT]!r} is not valid CSV: {error}. Save it again as CSV.") from None


def _decoded(content: bytes, path: str) -> str:
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        raise DataError(f"The table {path[:MAX_TEXT]!r} is not text in UTF-8. Save it as 'CSV UTF-8'.") from None


def _may_be_header(cell: str) -> bool:
    return not cell.lower().endswith(SUFFIXES)


# Exported scripts contain the next three functions as they stand here, so their code keeps to 88 columns.
# fmt: off


def _columns(header: Sequence[str]) -> tuple[int, int]:
    """Where file names and labels stand: by the names in the first row, else in the first two columns."""
    files = [place for place, cell in enumerate(header) if cell in FILE_COLUMNS]
    labels = [place for place, cell in enumerate(header) if cell in LABEL_COLUMNS]
    return (files[0], labels[0]) if files and labels else (0, 1)


def _names_of(paths: Sequence[str], folder: str) -> dict[str, str]:
    """What a table may call each image: its path, from its own folder or not, or its name where only one has it."""
    counts = Counter(PurePosixPath(path).name for path in paths)
    found = {}
    for path in paths:
        name = PurePosixPath(path).name
        if counts[name] == 1:
            found[name] = path
    for path in paths:
        found[path] = path
        if folder != "." and path.startswith(f"{folder}/"):
            found[path.removeprefix(f"{folder}/")] = path
    return found


def clean_name(text: str) -> str:
    """A class's name as one line of printable text of a bounded length."""
    shown = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(shown.split())[:MAX_TEXT]


# fmt: on


def _is_number(name: str) -> bool:
    return re.fullmatch(r"[+-]?\d{1,15}", name) is not None


def _as_number(name: str) -> tuple[int, str]:
    return int(name), name


def _some(names: Iterable[str]) -> str:
    listed = [name[:MAX_TEXT] for name in names]
    return ", ".join(listed[:3]) + (", …" if len(listed) > 3 else "")
