"""A user's own images as data: which archive, its classes, how many images it holds, and what they are made into.

As with a table, the archive is named by its SHA-256 sum, and everything that decides arrays and facts stands here, so
that a network can be planned where the archive is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlp_core.catalog.facts import DataFacts
from mlp_core.catalog.parameters import Choice, Int, Parameter
from mlp_core.catalog.structures import Items, Record
from mlp_core.catalog.user_files import FILE_FIELDS, UserFile, name_parameter
from mlp_core.limits import MAX_ARCHIVE_FILES, MAX_CLASSES, MAX_IMAGE_BYTES, MAX_IMAGE_SIDE, MAX_TABLE_TEXT

CHANNELS: dict[str, int] = {"grey": 1, "colour": 3}
"""How many channels an image has by its colours."""
USUAL_SIDE = 28
"""Height and width where nothing is chosen: those of MNIST."""


@dataclass(frozen=True, kw_only=True)
class Archive:
    """A zip of images, as a look through it has found it."""

    file: UserFile
    """Which file."""
    classes: tuple[str, ...]
    """The names of its classes in the order of their indices."""
    images: int
    """The images that can be decoded, those for testing included."""
    test_images: int = 0
    """How many of them lie in a folder for testing; 0 where the archive itself has no training and test part."""

    @property
    def official_split(self) -> bool:
        """Whether the archive itself says which images are for testing."""
        return self.test_images > 0

    def values(self) -> dict[str, Any]:
        """The value of the parameter 'archive' that `read_archive` makes this from."""
        found = {"file": dict(vars(self.file)), "classes": list(self.classes), "images": self.images}
        return {**found, "test_images": self.test_images} if self.test_images else found


def read_archive(values: Mapping[str, Any]) -> Archive:
    """The archive that a checked value of the parameter 'archive' describes."""
    return Archive(
        file=UserFile(**values["file"]),
        classes=tuple(values["classes"]),
        images=values["images"],
        test_images=values.get("test_images", 0),
    )


def _archive_conflict(values: Mapping[str, Any]) -> str:
    if values["test_images"] < values["images"]:
        return ""
    return (
        f"Of {values['images']:,} images at most {values['images'] - 1:,} can be for testing. Got "
        f"{values['test_images']:,} instead. Choose the archive again on the Data page."
    )


ARCHIVE = Record(
    name="archive", label="Archive", help="Which zip of images, and what it holds.", default=None, optional=True,
    none_means="no archive is chosen yet", required=("file", "classes", "images"), conflict=_archive_conflict,
    most_characters=MAX_TABLE_TEXT, advice="Upload the archive on the Data page, or give its classes shorter names.",
    fields=(
        Record(name="file", label="File", help="Which file.", default=None, required=("name", "sha256", "size"),
               fields=FILE_FIELDS),
        Items(name="classes", label="Classes", help="The names of its classes.", default=(), least=2,
              most=MAX_CLASSES, unique="", element=name_parameter("class", "Class", "The name of a class.")),
        Int(name="images", label="Images", help="How many images it holds.", default=2, low=2,
            high=MAX_ARCHIVE_FILES),
        Int(name="test_images", label="Test images", help="How many of them its folders say are for testing.",
            default=0, low=0, high=MAX_ARCHIVE_FILES),
    ),
)  # fmt: skip


def _side(name: str, label: str) -> Int:
    return Int(
        name=name, label=label, default=USUAL_SIDE, low=1, high=MAX_IMAGE_SIDE,
        help=f"The {name} in pixels to which every image is resized. Twice the size has four times the inputs.",
        advice="Choose a smaller size.",
    )  # fmt: skip


COLOURS = Choice(
    name="colours", label="Colours", default="grey", choices=tuple(CHANNELS),
    help="Grey images have one number for each pixel, colour images three: red, green and blue.",
)  # fmt: skip

PARAMETERS: tuple[Parameter, ...] = (ARCHIVE, _side("height", "Height"), _side("width", "Width"), COLOURS)


def archive_of(params: Mapping[str, Any]) -> Archive | None:
    """The archive that the parameters of the data set 'images' describe; None where none is chosen."""
    return None if params["archive"] is None else read_archive(params["archive"])


def image_shape(params: Mapping[str, Any]) -> tuple[int, int, int]:
    """(channels, height, width) of the images that these parameters make."""
    return CHANNELS[params["colours"]], params["height"], params["width"]


def images_file(params: Mapping[str, Any]) -> UserFile | None:
    """Which file the data set 'images' is read from; None where no archive is chosen."""
    archive = archive_of(params)
    return None if archive is None else archive.file


def images_words(params: Mapping[str, Any]) -> str:
    """What the archive that is chosen holds; '' where none is."""
    archive = archive_of(params)
    return "" if archive is None else f"{archive.images:,} images of {len(archive.classes):,} classes"


def images_facts(params: Mapping[str, Any]) -> DataFacts:
    """The facts of the data set 'images'; of a made-up one where no archive is chosen."""
    archive = archive_of(params)
    shape = image_shape(params)
    if archive is None:
        return DataFacts(
            task="classification", sample_shape=shape, class_names=("class 0", "class 1"), samples=2
        )
    official = archive.official_split
    return DataFacts(
        task="classification",
        sample_shape=shape,
        class_names=archive.classes,
        samples=archive.images,
        train_size=archive.images - archive.test_images if official else None,
        test_size=archive.test_images if official else None,
    )


def images_conflict(params: Mapping[str, Any], owner: str) -> str:
    """What is wrong with a size that would need too much memory, in a sentence."""
    archive = archive_of(params)
    channels, height, width = image_shape(params)
    needed = 0 if archive is None else archive.images * channels * height * width
    if archive is None or needed <= MAX_IMAGE_BYTES:
        return ""
    return (
        f"The {archive.images:,} images of {owner} must have at most {MAX_IMAGE_BYTES / 1e6:,.0f} MB together. Got "
        f"{needed / 1e6:,.0f} MB for {params['colours']} images of {height}×{width} pixels. Choose a smaller size, or "
        "take a part of the images."
    )
