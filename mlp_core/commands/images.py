"""A user's own images on the command line: put into the data folder, described, and said what was found."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Any

from mlp_core.catalog.images import CHANNELS
from mlp_core.errors import DataError, UserError
from mlp_core.problems import with_data
from mlp_core.spec import DataSpec, Experiment

SHOWN = 5
"""Files that are left out of which the reason is printed."""


def add_options(train: Any) -> None:
    """Register the options of a command that trains."""
    train.add_argument("--image-size", metavar="HEIGHTxWIDTH", help="resize them to so many pixels, such as 28x28")
    train.add_argument("--colours", choices=tuple(CHANNELS), help="default: as the images look")


def on_images(experiment: Experiment, options: argparse.Namespace) -> Experiment:
    """The experiment on the archive of images that the options name, if they name one; raises `UserError`."""
    if options.images is None:
        if options.image_size is not None or options.colours is not None:
            raise UserError("The options --image-size and --colours belong to images. Name their zip with --images.")
        return experiment
    given_size = _size(options.image_size)
    from mlp_core.data import data_folder
    from mlp_core.data.image_inspection import add_archive, propose, warnings

    path: Path = options.images
    folder = options.data_dir.expanduser().resolve() if options.data_dir else data_folder()
    try:
        with path.open("rb") as file:
            inspection, removed = add_archive(file, path.name, folder)
    except OSError as error:
        raise DataError(
            f"The archive {str(path)!r} cannot be read: {error.strerror}. Name a zip of PNG or JPEG images."
        ) from None
    params = {**propose(inspection), **given_size, **({"colours": options.colours} if options.colours else {})}
    left_out = inspection.left_out
    for sentence in (*removed, *warnings(inspection)):
        print(sentence, file=sys.stderr)
    for file_out in left_out[:SHOWN]:
        print(f"Left out: {file_out.path!r}: {file_out.reason}.", file=sys.stderr)
    if len(left_out) > SHOWN:
        print(f"Left out: {len(left_out) - SHOWN:,} more files.", file=sys.stderr)
    before = experiment.data
    data = DataSpec(dataset="images", params=params, test_fraction=before.test_fraction,
                    validation_fraction=before.validation_fraction, seed=before.seed)  # fmt: skip
    if not options.jsonl:
        archive = inspection.archive
        tests = f", {archive.test_images:,} of them for testing by its folders" if archive.official_split else ""
        size = f"{params['height']}×{params['width']} pixels"
        print(f"{archive.file.name}: {archive.images:,} images of {len(archive.classes):,} classes{tests}; as "
              f"{params['colours']} images of {size}.", file=sys.stderr)  # fmt: skip
    return with_data(experiment, data)


def _size(text: str | None) -> dict[str, int]:
    """The parameters that an option such as 28x32 gives."""
    if text is None:
        return {}
    found = re.fullmatch(r"([0-9]{1,6})[x×]([0-9]{1,6})", text)
    if found is None:
        raise UserError(f"The option --image-size must be HEIGHTxWIDTH in pixels, such as 28x28. Got {text[:60]!r}.")
    return {"height": int(found[1]), "width": int(found[2])}
