"""Downloading an image set, on request only: whole and verified, or not at all.

What to fetch, from where, and the sums to check are the attributes of torchvision's own classes. The fetching
is ours, because theirs shows no progress, cannot be stopped, has no time limit, and leaves half files behind.
"""

from __future__ import annotations

import errno
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from mlp_core.catalog.datasets import DatasetEntry
from mlp_core.data.errors import DataCancelled
from mlp_core.data.fetch import FetchError, fetch, md5_of
from mlp_core.data.folder import has_files
from mlp_core.data.vision import image_class
from mlp_core.data.waiting import Cancelled, Progress, Report, SingleFlight, ignore, never
from mlp_core.data.workfolder import remove_left_over, work_folder
from mlp_core.errors import DataError

_downloads = SingleFlight()


def download(entry: DatasetEntry, folder: Path, progress: Report = ignore, cancelled: Cancelled = never) -> None:
    """Bring the files of an image set into the data folder; does nothing if they are there.

    Sessions that ask for the same set while it comes wait for it. `cancelled` is asked at every block. Raises
    `DataCancelled`, or `DataError` naming what failed and what to do; the folder then holds what it held
    before.
    """

    def work(report: Report) -> None:
        if not has_files(entry, folder):
            _Download(entry, folder, image_class(entry.name), report, cancelled).run()

    _downloads.run((entry.name, folder), work, progress, cancelled)


@dataclass(frozen=True)
class Archive:
    """One file to fetch."""

    path: str
    """Where it lies in the data folder."""
    md5: str
    """Its MD5 sum, in hexadecimal digits."""
    urls: tuple[str, ...]
    """Where it can be had; the first that answers is taken."""


def archives(images: Any) -> tuple[Archive, ...]:
    """What torchvision's class `images` would download."""
    if hasattr(images, "resources"):  # MNIST and its kin: four files at any of several mirrors
        return tuple(
            Archive(f"{images.__name__}/raw/{file}", md5, tuple(mirror + file for mirror in images.mirrors))
            for file, md5 in images.resources
        )
    return (Archive(images.filename, images.tgz_md5, (images.url,)),)


@dataclass(frozen=True)
class _Download:
    """One download under way; `images` is torchvision's class of the set."""

    entry: DatasetEntry
    folder: Path
    images: Any
    report: Report
    cancelled: Cancelled

    def run(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            remove_left_over(self.folder)
            self._require_space()
            with work_folder(self.folder, self.entry.name) as work:
                done = 0
                for archive in archives(self.images):
                    done += self._obtain(archive, work, done)
                self.report(Progress(f"Unpacking {self.entry.label}", done, done))
                self._unpack(work)
                self._stop_if_cancelled()
                self._move_into_place(work)
        except OSError as error:
            raise self._cannot_save(error) from error

    def _obtain(self, archive: Archive, work: Path, before: int) -> int:
        """Put one archive into the work folder, and return its size in bytes.

        One that the user has put into the data folder by hand is taken from there. `before` is how many bytes
        were fetched for the set so far.
        """
        target, by_hand = work / archive.path, self.folder / archive.path
        target.parent.mkdir(parents=True, exist_ok=True)
        if by_hand.is_file() and md5_of(by_hand) == archive.md5:
            shutil.copyfile(by_hand, target)
            return target.stat().st_size

        def on_block(done: int, total: int | None) -> None:
            self._stop_if_cancelled()
            # The catalog's figure covers all files; what this host promises counts where it is larger.
            whole = max(self.entry.download_bytes, before + (total or done))
            self.report(Progress(f"Downloading {self.entry.label}", before + done, whole))

        failures = []
        for url in archive.urls:
            try:
                fetch(url, target, archive.md5, 2 * self.entry.download_bytes, on_block)
                return target.stat().st_size
            except FetchError as error:
                failures.append(f"{urlsplit(url).hostname} ({error})")
        raise DataError(
            f"{self.entry.label} could not be downloaded from {', nor from '.join(failures)}. Press Download "
            f"to try again, or put the file {archive.urls[0]} into the folder {by_hand.parent} by hand and "
            "press Download."
        )

    def _unpack(self, work: Path) -> None:
        """Unpack the archives; torchvision's class then verifies the files by reading them."""
        try:
            if hasattr(self.images, "resources"):
                self.images(work, train=False, download=True)  # finds the archives, checks and unpacks them
            else:
                self._extract(work)
                self.images(work, train=False, download=False)
        except (RuntimeError, ValueError, EOFError, tarfile.TarError) as error:
            raise DataError(
                f"The archive of {self.entry.label} was downloaded but could not be unpacked: {error}. "
                "Press Download to try again."
            ) from error

    def _extract(self, work: Path) -> None:
        """Write the set's own files from a tar archive.

        Only regular members of exactly those names are read, and written to paths made here: what else an
        archive may hold (absolute paths, '..', links, devices) is never looked at. torchvision would extract
        it unfiltered.
        """
        with tarfile.open(work / self.images.filename, "r:*") as tar:
            for member in tar:
                self._stop_if_cancelled()
                if member.isreg() and member.name in self.entry.files:
                    source = tar.extractfile(member)
                    assert source is not None, "a regular member has content"
                    target = work / member.name
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with source, target.open("wb") as file:
                        shutil.copyfileobj(source, file)

    def _move_into_place(self, work: Path) -> None:
        """Rename the set into the data folder: one atomic step, or one per file where a part was there."""
        for archive in archives(self.images):
            (work / archive.path).unlink()
        top = PurePosixPath(self.entry.files[0]).parts[0]
        try:
            (work / top).rename(self.folder / top)
        except OSError as error:
            taken = error.errno in {errno.ENOTEMPTY, errno.EEXIST, errno.EACCES}
            if not (taken and (self.folder / top).is_dir()):
                raise
            for file in self.entry.files:
                (self.folder / file).parent.mkdir(parents=True, exist_ok=True)
                (work / file).replace(self.folder / file)

    def _require_space(self) -> None:
        facts = self.entry.facts(self.entry.fill({}))
        images = (facts.train_size or 0) + (facts.test_size or 0)
        needed = self.entry.download_bytes + images * facts.features
        free = shutil.disk_usage(self.folder).free
        if free < needed:
            raise OSError(errno.ENOSPC, f"{needed / 1e6:.0f} MB are needed and {free / 1e6:.0f} MB are free")

    def _stop_if_cancelled(self) -> None:
        if self.cancelled():
            label = self.entry.label
            raise DataCancelled(f"The download of {label} was stopped. Press Download to start it again.")

    def _cannot_save(self, error: OSError) -> DataError:
        reason = error.strerror or str(error)
        return DataError(
            f"{self.entry.label} could not be saved in the folder {self.folder}: {reason[:1].lower()}"
            f"{reason[1:]}. Make room or allow writing there, or set MLP_DATA_DIR to another folder, and "
            "press Download again."
        )
