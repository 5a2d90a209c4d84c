"""Bringing a public set into the data folder, on request only: whole, or not at all.

What to fetch, from where, and the sums to check are those of torchvision and scikit-learn. The fetching is ours,
because theirs shows no progress, cannot be stopped, has no time limit, and leaves half files behind. A user's own copy
of the archives does as well: one with the published sum is taken as it is, another one after it was read, with a
remark.
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from urllib.parse import urlsplit

from mlp_core.catalog import DATASETS
from mlp_core.catalog.datasets import DatasetEntry
from mlp_core.catalog.parameters import shorten
from mlp_core.data.errors import DataCancelled
from mlp_core.data.fetch import FetchError, fetch, has_sum, name_of
from mlp_core.data.folder import has_files, remarks_file
from mlp_core.data.published import Archive, archives_of
from mlp_core.data.unpack import FAULTS, unpack
from mlp_core.data.vision import checked_part
from mlp_core.data.waiting import Cancelled, Progress, Report, SingleFlight, ignore, never
from mlp_core.data.workfolder import remove_left_over, work_folder
from mlp_core.errors import DataError, UserError

_downloads = SingleFlight()


def download(entry: DatasetEntry, folder: Path, progress: Report = ignore, cancelled: Cancelled = never) -> None:
    """Bring the files of a public set into the data folder; does nothing if they are there.

    An archive that lies in the folder with the published sum is not fetched; one with another sum is taken where
    nothing can be fetched. Sessions that ask for the same set while it comes wait for it. `cancelled` is asked at
    every block. Raises `DataCancelled`, or `DataError` naming what failed and what to do; the folder then holds what
    it held before.
    """

    def work(report: Report) -> None:
        if not has_files(entry, folder):
            _Bringing(entry, folder, archives_of(entry), report, cancelled).run()

    _downloads.run((entry.name, folder), work, progress, cancelled)


def install(entry: DatasetEntry, folder: Path, given: Mapping[str, BinaryIO]) -> None:
    """Bring a user's own copy of the official archives, by their names, into the data folder.

    What is not given may lie in the folder already. Raises `DataError` naming what is missing, is of another set, or
    cannot be read; the folder then holds what it held before.
    """

    def work(report: Report) -> None:
        found = archives_of(entry)
        names = [archive.name for archive in found]
        for name in given:
            if name not in names:
                raise DataError(
                    f"{shorten(name)} is no file of {entry.label}. Choose {_listed(names)}, as they were published."
                )
        _Bringing(entry, folder, found, ignore, never, given).run()

    _downloads.run((entry.name, folder, "own copy"), work)


@dataclass(frozen=True)
class _Bringing:
    """One set on its way into the data folder."""

    entry: DatasetEntry
    folder: Path
    archives: tuple[Archive, ...]
    report: Report
    cancelled: Cancelled
    given: Mapping[str, BinaryIO] | None = None
    """A user's own copies by name; None to fetch."""
    remarks: list[str] = field(default_factory=list)

    def run(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            remove_left_over(self.folder)
            self._require_space()
            with work_folder(self.folder, self.entry.name) as work:
                done = 0
                for archive in self.archives:
                    done += self._obtain(archive, work, done)
                self.report(Progress(f"Unpacking {self.entry.label}", done, done))
                self._unpack(work)
                self._stop_if_cancelled()
                self._move_into_place(work)
                self._keep_remarks()
        except OSError as error:
            raise self._cannot_save(error) from error

    def _obtain(self, archive: Archive, work: Path, before: int) -> int:
        """Put one archive into the work folder, and return its size in bytes.

        `before` is how many bytes were fetched for the set so far.
        """
        target, by_hand = work / archive.path, self.folder / archive.path
        target.parent.mkdir(parents=True, exist_ok=True)
        if self.given is not None and archive.name in self.given:
            with target.open("wb") as file:
                shutil.copyfileobj(self.given[archive.name], file)
            self._compare(archive, target)
        elif by_hand.is_file() and has_sum(by_hand, archive.checksum):
            shutil.copyfile(by_hand, target)
        elif self.given is None:
            self._fetch(archive, target, before)
        elif by_hand.is_file():
            self._take(archive, target)
        else:
            given = [name for name in (one.name for one in self.archives) if name not in self.given]
            raise DataError(
                f"{archive.name} of {self.entry.label} is missing. Choose {_listed(given)} as well, or put "
                f"{'it' if len(given) == 1 else 'them'} into the folder {by_hand.parent}."
            )
        return target.stat().st_size

    def _fetch(self, archive: Archive, target: Path, before: int) -> None:
        def on_block(done: int, total: int | None) -> None:
            self._stop_if_cancelled()
            # The catalog's figure covers all files; what this host promises counts where it is larger.
            whole = max(self.entry.download_bytes, before + (total or done))
            self.report(Progress(f"Downloading {self.entry.label}", before + done, whole))

        failures = []
        for url in archive.urls:
            try:
                return fetch(url, target, archive.checksum, 2 * self.entry.download_bytes, on_block)
            except FetchError as error:
                failures.append(f"{urlsplit(url).hostname} ({error})")
        by_hand = self.folder / archive.path
        if by_hand.is_file():
            return self._take(archive, target)
        raise DataError(
            f"{self.entry.label} could not be downloaded from {', nor from '.join(failures)}. Press Download "
            f"to try again, or put the file {archive.urls[0]} into the folder {by_hand.parent} by hand and "
            "press Download."
        )

    def _take(self, archive: Archive, target: Path) -> None:
        """Take the archive that lies in the data folder, although its sum is not the published one."""
        shutil.copyfile(self.folder / archive.path, target)
        self._compare(archive, target)

    def _compare(self, archive: Archive, file: Path) -> None:
        """Leave a remark where an archive is not the published one; raise `DataError` where it is another set's."""
        if has_sum(file, archive.checksum):
            return
        for entry in DATASETS.values():
            same_names = entry.name != self.entry.name and archive.name in {
                PurePosixPath(path).name for path in entry.archives
            }
            if same_names and any(
                other.name == archive.name and has_sum(file, other.checksum) for other in archives_of(entry)
            ):
                raise DataError(
                    f"This {archive.name} is the published file of {entry.label}, not of {self.entry.label}. Choose "
                    f"that of {self.entry.label}."
                )
        self.remarks.append(f"{archive.name} ({name_of(archive.checksum)} sum)")

    def _unpack(self, work: Path) -> None:
        """Unpack the archives, and verify the files by reading the test part."""
        try:
            unpack(self.entry, work, self._stop_if_cancelled)
            checked_part(self.entry, work, train=False)
        except (*FAULTS, OSError) as error:
            if isinstance(error, UserError) or (isinstance(error, OSError) and error.errno is not None):
                raise
            how, remedy = ("downloaded", "Press Download to try again.")
            if self.given is not None or self.remarks:
                how, remedy = "found", "Choose the published file, or copy it again."
            raise DataError(
                f"The archive of {self.entry.label} was {how} but could not be unpacked: {error}. {remedy}"
            ) from error

    def _move_into_place(self, work: Path) -> None:
        """Rename the set into the data folder: one atomic step, or one per file where a part was there."""
        for archive in self.archives:
            if archive.path not in self.entry.files:
                (work / archive.path).unlink()
        top = PurePosixPath(self.entry.files[0]).parts[0]
        try:
            if top in self.entry.files:
                raise OSError(errno.EEXIST, "files of the folder itself")
            (work / top).rename(self.folder / top)
        except OSError as error:
            taken = error.errno in {errno.ENOTEMPTY, errno.EEXIST, errno.EACCES}
            if not (taken and ((self.folder / top).is_dir() or top in self.entry.files)):
                raise
            for file in self.entry.files:
                (self.folder / file).parent.mkdir(parents=True, exist_ok=True)
                (work / file).replace(self.folder / file)

    def _keep_remarks(self) -> None:
        """Write down how the archives differ from the published ones, for everybody who reads the set later."""
        file = remarks_file(self.entry, self.folder)
        if self.remarks:
            file.write_text(f"Read from a copy that is not the published one: {', '.join(self.remarks)}.\n", "utf-8")
        else:
            file.unlink(missing_ok=True)

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


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
