"""Uploaded files: kept in the data folder by their SHA-256 sum, whole or not at all.

A file is reached by its sum alone, which stands in an experiment or a link; nothing here lists what others uploaded.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, TypeVar

from mlp_core.data.errors import DataCancelled, DataMissing
from mlp_core.data.waiting import Cancelled, Progress, Report, ignore, never
from mlp_core.data.workfolder import remove_left_over, work_folder
from mlp_core.errors import DataError
from mlp_core.limits import MAX_UPLOAD_BYTES, MAX_UPLOADS_BYTES

FOLDER = "uploads"
IN_USE_SECONDS = 8 * 3600.0
"""How long a file that was used makes no room for others: a day at school."""
BLOCK_BYTES = 1 << 20
_SUM = re.compile(r"[0-9a-f]{64}")

FoundT = TypeVar("FoundT")


def path_of(sha256: str, data_dir: Path) -> Path:
    """Where the file of that sum lies, if it is there."""
    assert _SUM.fullmatch(sha256), "a sum that was not checked"
    return data_dir / FOLDER / sha256


def find(sha256: str, name: str, data_dir: Path, option: str = "--table") -> Path:
    """The file of that sum, which counts as used now; raises `DataMissing` where it is not there.

    `option` is the one of the command line that brings it.
    """
    path = path_of(sha256, data_dir)
    if not path.is_file():
        raise DataMissing(
            f"The file {name!r} is not on this server. Upload it again on the Data page, "
            f"or give `python -m mlp_core train` the option {option}."
        )
    with suppress(OSError):  # a folder that is read-only: then nothing is removed from it either
        os.utime(path)
    return path


def add(
    source: IO[bytes],
    name: str,
    data_dir: Path,
    check: Callable[[Path, str], FoundT],
    progress: Report = ignore,
    cancelled: Cancelled = never,
    copied: Callable[[], None] = lambda: None,
) -> tuple[FoundT, tuple[str, ...]]:
    """Put a file into the data folder, once `check` has taken it; returns what `check` found, and what was removed.

    `check` gets the file's place and sum, and raises for a file that is refused: then nothing of it remains. `copied`
    is called when `source` is needed no more, before `check`. Raises `DataError` too where the file is too large or
    cannot be saved, and `DataCancelled`.
    """
    folder = data_dir / FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_left_over(folder)
        with work_folder(folder, "upload") as work:
            path = work / "file"
            sha256, size = _copy(source, path, name, progress, cancelled)
            copied()
            _in_the_way(folder, size, sha256)  # refused before it is looked through
            try:
                found = check(path, sha256)
            except OSError as error:
                raise DataError(f"The file {name!r} cannot be read: {error.strerror}. Upload it again.") from error
            removed = _remove(_in_the_way(folder, size, sha256))
            path.replace(path_of(sha256, data_dir))
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(
            f"The file {name!r} could not be saved on the server: {reason[:1].lower()}{reason[1:]}. Make room or allow "
            f"writing in the folder {folder}, and upload it again."
        ) from error
    return found, removed


def _copy(source: IO[bytes], path: Path, name: str, progress: Report, cancelled: Cancelled) -> tuple[str, int]:
    """Write the file; its sum and its bytes."""
    total = _size(source)
    if total is not None and total > MAX_UPLOAD_BYTES:
        raise _too_large(name, total)
    digest, done = hashlib.sha256(), 0
    with path.open("wb") as file:
        while block := source.read(BLOCK_BYTES):
            done += len(block)
            if done > MAX_UPLOAD_BYTES:
                raise _too_large(name, done)
            if cancelled():
                raise DataCancelled("The upload was stopped. Nothing of it was kept.")
            digest.update(block)
            file.write(block)
            progress(Progress(f"Saving {name}", done, total))
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest(), done


def _size(source: IO[bytes]) -> int | None:
    try:
        end = source.seek(0, os.SEEK_END)
        source.seek(0)
    except (OSError, ValueError):
        return None
    return end


def _too_large(name: str, size: int) -> DataError:
    return DataError(
        f"The file {name!r} has at least {size / 1e6:,.1f} MB; the limit is {MAX_UPLOAD_BYTES / 1e6:,.0f} MB. "
        "Choose a part of it."
    )


def _in_the_way(folder: Path, size: int, sha256: str) -> list[Path]:
    """The files longest unused that must go for a new one to fit the limit on all.

    Raises `DataError` where that would take one that was used a short while ago: somebody may be at work on it.
    """
    kept = []
    for path in folder.iterdir():
        if _SUM.fullmatch(path.name) and path.name != sha256:
            status = path.stat()
            kept.append((status.st_mtime, status.st_size, path))
    over = size + sum(bytes_ for _, bytes_, _ in kept) - MAX_UPLOADS_BYTES
    found = []
    for used, bytes_, path in sorted(kept):
        if over <= 0:
            break
        if used > time.time() - IN_USE_SECONDS:
            raise DataError(
                f"The server has no room for this file: uploads may take {MAX_UPLOADS_BYTES / 1e6:,.0f} MB in all, "
                f"and those of the last {IN_USE_SECONDS / 3600:.0f} hours are kept. Choose a smaller file, or have "
                "whoever runs the server raise MLP_MAX_UPLOADS_MB."
            )
        found.append(path)
        over -= bytes_
    return found


def _remove(paths: Sequence[Path]) -> tuple[str, ...]:
    """Remove files to make room; sentences that say so."""
    for path in paths:
        path.unlink(missing_ok=True)
    if not paths:
        return ()
    files = "one file" if len(paths) == 1 else f"{len(paths)} files"
    return (
        f"Uploads may take {MAX_UPLOADS_BYTES / 1e6:,.0f} MB in all on this server, so {files} longest unused "
        "made room for this one.",
    )
