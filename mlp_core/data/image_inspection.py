"""What an uploaded archive of images holds, and what to make of it when nobody says otherwise."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import IO, Any

from mlp_core.catalog.images import CHANNELS, Archive
from mlp_core.catalog.user_files import UserFile
from mlp_core.data import uploads
from mlp_core.data.image_archive import Listing, Survey, class_names, list_images, survey_images
from mlp_core.data.inspection import file_name
from mlp_core.data.waiting import Cancelled, Report, SingleFlight, ignore, never
from mlp_core.data.zip_archive import SkippedFile
from mlp_core.errors import DataError
from mlp_core.limits import MAX_IMAGE_BYTES

MOST_KNOWN = 4
"""Archives of which it is remembered what they hold: a class opens the same link at once."""
LONG_SIDE = 64
"""The longer side in pixels that images are proposed to have at most: an MLP has weights for each pixel."""


_known: OrderedDict[str, ImageInspection] = OrderedDict()
_lock = Lock()
_flights = SingleFlight()


@dataclass(frozen=True)
class ImageInspection:
    """What an archive holds."""

    file: UserFile
    """Which file."""
    listing: Listing
    """Its images by the names of its members."""
    survey: Survey
    """What decoding each of them has shown."""

    @cached_property
    def archive(self) -> Archive:
        """The archive as a part of an experiment."""
        good = self.survey.good
        tests = sum(member.test for member in good)
        return Archive(
            file=self.file,
            classes=class_names(good),
            images=len(good),
            test_images=tests if tests < len(good) else 0,
        )

    @cached_property
    def counts(self) -> Mapping[str, tuple[int, int]]:
        """How many images of each class are for training, and for testing where the archive says so."""
        official = self.archive.official_split
        counted = Counter((member.label, official and member.test) for member in self.survey.good)
        return {name: (counted[name, False], counted[name, True]) for name in self.archive.classes}

    @property
    def left_out(self) -> tuple[SkippedFile, ...]:
        """Every file of the archive that is not used."""
        return (*self.survey.bad, *self.listing.skipped)


def add_archive(
    source: IO[bytes],
    name: str,
    data_dir: Path,
    progress: Report = ignore,
    cancelled: Cancelled = never,
    copied: Callable[[], None] = lambda: None,
) -> tuple[ImageInspection, tuple[str, ...]]:
    """Put an archive into the data folder; returns what it holds, and sentences about older files that made room.

    A file that is refused leaves nothing behind. `copied` is called when `source` is needed no more.
    Raises `DataError` and `DataCancelled`.
    """
    name = file_name(name, "images.zip")

    def check(path: Path, sha256: str) -> ImageInspection:
        file = UserFile(name=name, sha256=sha256, size=path.stat().st_size)
        return _inspect(path, file, progress, cancelled)

    return uploads.add(source, name, data_dir, check, progress, cancelled, copied)


def open_archive_file(
    file: UserFile, data_dir: Path, progress: Report = ignore, cancelled: Cancelled = never
) -> ImageInspection:
    """What an archive holds that is in the data folder; raises `DataMissing` where it is not."""
    path = uploads.find(file.sha256, file.name, data_dir, "--images")
    return _inspect(path, file, progress, cancelled)


def _inspect(path: Path, file: UserFile, progress: Report, cancelled: Cancelled) -> ImageInspection:
    """As `_look_through`, once for all who ask for the same file."""
    with _lock:
        if file.sha256 in _known:
            _known.move_to_end(file.sha256)
            return replace(_known[file.sha256], file=file)
    found = _flights.run(file.sha256, lambda report: _look_through(path, file, report, cancelled), progress, cancelled)
    with _lock:
        _known[file.sha256] = found
        while len(_known) > MOST_KNOWN:
            _known.popitem(last=False)
    return replace(found, file=file)


def _look_through(path: Path, file: UserFile, progress: Report, cancelled: Cancelled) -> ImageInspection:
    listing = list_images(path, file.name)
    survey = survey_images(path, file.name, listing.images, progress, cancelled)
    if len(class_names(survey.good)) < 2:
        bad = "".join(f" {left.path!r}: {left.reason}." for left in survey.bad[:1])
        raise DataError(
            f"The archive {file.name!r} must hold images of at least two classes that can be decoded. Got "
            f"{len(survey.good):,} of {len(listing.images):,} images.{bad} Save them again as PNG or JPEG files."
        )
    return ImageInspection(file, listing, survey)


def propose(inspection: ImageInspection) -> dict[str, Any]:
    """Parameters of the data set 'images': the most frequent size, made smaller where an MLP would be too large."""
    archive, survey = inspection.archive, inspection.survey
    colours = "colour" if survey.colour else "grey"
    height, width = survey.height, survey.width
    scale = min(1.0, LONG_SIDE / max(height, width))
    needed = archive.images * CHANNELS[colours] * height * width * scale**2
    scale *= min(1.0, (MAX_IMAGE_BYTES / needed) ** 0.5 * 0.99)
    if scale < 1.0:
        height, width = (max(1, int(side * scale + 0.5)) for side in (height, width))
    return {"archive": archive.values(), "height": height, "width": width, "colours": colours}


def warnings(inspection: ImageInspection) -> tuple[str, ...]:
    """Sentences about classes that cannot be learned, or whose learning cannot be tested."""
    official = inspection.archive.official_split
    untaught = [name for name, (train, _) in inspection.counts.items() if not train]
    untested = [name for name, counts in inspection.counts.items() if (not counts[1] if official else counts[0] == 1)]
    said = []
    if official:
        depth = inspection.listing.depth
        folders = {PurePosixPath(member.path).parts[depth - 1] for member in inspection.survey.good if member.test}
        if len(folders) > 1:
            said.append(f"The folders {_names(sorted(folders))} are all for testing.")
    if untaught:
        said.append(
            f"{_classes(untaught)} images for testing alone, so that nothing is learned of {_them(untaught)}: "
            f"{_names(untaught)}. Put some of them into the folder for training."
        )
    if untested:
        what = "images for training alone" if official else "a single image, which is for training"
        said.append(f"{_classes(untested)} {what}, so that no test says how well {_it(untested)}: {_names(untested)}.")
    return tuple(said)


def differs(wanted: UserFile, brought: UserFile) -> str:
    """What to say of a file that is brought where an experiment asks for another; '' where it is that one."""
    if wanted.sha256 == brought.sha256:
        return ""
    same = "the same name" if wanted.name == brought.name else f"the name {brought.name!r}"
    return (
        f"This is another file than the experiment asked for: {wanted.name!r} has the SHA-256 sum "
        f"{wanted.sha256[:12]}…, and this file, of {same}, has {brought.sha256[:12]}…. "
        "The experiment now uses this one."
    )


def _classes(names: list[str]) -> str:
    return "1 class has" if len(names) == 1 else f"{len(names):,} classes have"


def _them(names: list[str]) -> str:
    return "it" if len(names) == 1 else "them"


def _it(names: list[str]) -> str:
    return "it is learned" if len(names) == 1 else "they are learned"


def _names(names: list[str]) -> str:
    return ", ".join(map(repr, names[:3])) + (", …" if len(names) > 3 else "")
