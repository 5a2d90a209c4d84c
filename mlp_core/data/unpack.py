"""Official archives to files, as far as they are the set's own and of a size that can be.

Only members of exactly the right names are read, and written to paths made here: what else an archive may hold
(absolute paths, '..', links, devices, gigabytes) is never looked at.
"""

from __future__ import annotations

import gzip
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import IO

from mlp_core.catalog.datasets import DatasetEntry

BLOCK_BYTES = 1 << 20
FAULTS = (ValueError, EOFError, RuntimeError, tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error,
          NotImplementedError)  # fmt: skip
"""What a damaged archive is met with, beside `OSError`."""


def unpack(entry: DatasetEntry, work: Path, stop: Callable[[], None]) -> None:
    """Make the set's files of the archives in the folder `work`; `stop` is called at every block and may raise.

    Raises one of `FAULTS` with the reason for an archive that is damaged or lacks a file.
    """
    for archive in entry.archives:
        if archive not in entry.files:
            _KINDS[_kind(archive)](entry, work, archive, stop)
    for file in entry.files:
        if not (work / file).is_file():
            raise ValueError(f"it lacks the file {PurePosixPath(file).name}")


def most_bytes(entry: DatasetEntry) -> int:
    """More than any file of the set has."""
    facts = entry.facts(entry.fill({}))
    samples = max(facts.train_size or 0, facts.test_size or 0, facts.samples or 0)
    return 2 * samples * max(facts.features, 32) * (1 if facts.holds_images else 16) + BLOCK_BYTES


def _kind(archive: str) -> str:
    return next(kind for kind in _KINDS if archive.endswith(kind))


def _from_tar(entry: DatasetEntry, work: Path, archive: str, stop: Callable[[], None]) -> None:
    with tarfile.open(work / archive, "r:*") as tar:
        for member in tar:
            stop()
            if member.isreg() and member.name in entry.files:
                source = tar.extractfile(member)
                assert source is not None, "a regular member has content"
                _write(source, work / member.name, entry, stop)


def _from_zip(entry: DatasetEntry, work: Path, archive: str, stop: Callable[[], None]) -> None:
    """EMNIST's archive: files packed one by one, in a zip."""
    by_name = {f"{PurePosixPath(file).name}.gz": file for file in entry.files}
    with zipfile.ZipFile(work / archive) as opened:
        for member in opened.infolist():
            file = by_name.get(PurePosixPath(member.filename).name)
            if file is not None:
                with opened.open(member) as packed, gzip.open(packed) as source:
                    _write(source, work / file, entry, stop)


def _from_gzip(entry: DatasetEntry, work: Path, archive: str, stop: Callable[[], None]) -> None:
    with gzip.open(work / archive) as source:
        _write(source, work / archive.removesuffix(".gz"), entry, stop)


def _write(source: IO[bytes] | gzip.GzipFile, target: Path, entry: DatasetEntry, stop: Callable[[], None]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    done, most = 0, most_bytes(entry)
    with source, target.open("wb") as file:
        while block := source.read(BLOCK_BYTES):
            stop()
            done += len(block)
            if done > most:
                raise ValueError(f"{target.name} unpacks to more than the expected {most} bytes")
            file.write(block)


_KINDS = {".tar.gz": _from_tar, ".tgz": _from_tar, ".zip": _from_zip, ".gz": _from_gzip}
