"""A zip from outside: what it declares is checked before anything is unpacked, and nothing is written to the disk."""

from __future__ import annotations

import io
import re
import stat
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from mlp_core.errors import DataError
from mlp_core.limits import (
    MAX_ARCHIVE_FILES,
    MAX_ARCHIVE_RATIO,
    MAX_MEMBER_BYTES,
    MAX_TEXT,
    MAX_UNPACKED_BYTES,
)

Source = Path | IO[bytes]
"""Where the bytes of an archive come from."""

_SMALL = 1_000_000
"""Bytes that may be compressed as far as they like: a white page is a good picture."""
_NESTED = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")


@dataclass(frozen=True)
class SkippedFile:
    """One file of an archive that is not used."""

    path: str
    """Its name in the archive."""
    reason: str
    """Why, in a few words."""


def open_archive(archive: Source, name: str) -> zipfile.ZipFile:
    """The archive, once its directory is known to be short enough to be read."""
    try:
        if isinstance(archive, Path):
            with archive.open("rb") as file:
                count = _member_count(file)
        else:
            count = _member_count(archive)
        if count is not None and count > MAX_ARCHIVE_FILES:
            raise DataError(
                f"The archive {name!r} must hold at most {MAX_ARCHIVE_FILES:,} files. Got {count:,}. "
                "Leave out what is no image, or take a part of the images."
            )
        return zipfile.ZipFile(archive)
    except (zipfile.BadZipFile, OSError, ValueError, struct.error, NotImplementedError, IndexError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"The file {name!r} is no zip archive that can be read ({error}). "
            "Pack the files into a .zip and choose that."
        ) from None


def _member_count(file: IO[bytes]) -> int | None:
    """How many members the end of a zip says that it has; None where it has no such end.

    See "End of central directory record" and its 64-bit form in PKWARE's APPNOTE.TXT. Python reads the whole
    directory, of whatever length, before it tells.
    """
    file.seek(0, io.SEEK_END)
    size = file.tell()
    tail_size = min(size, 22 + 65_535 + 20)
    file.seek(size - tail_size)
    tail = file.read(tail_size)
    file.seek(0)
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or len(tail) < end + 22:
        return None
    (count,) = struct.unpack_from("<H", tail, end + 10)
    locator = end - 20
    if count == 0xFFFF and locator >= 0 and tail[locator : locator + 4] == b"PK\x06\x07":
        (place,) = struct.unpack_from("<Q", tail, locator + 8)
        if place + 56 > size:
            return None
        file.seek(place)
        record = file.read(56)
        file.seek(0)
        if record[:4] == b"PK\x06\x06":
            (count,) = struct.unpack_from("<Q", record, 32)
    return int(count)


def usable_members(
    opened: zipfile.ZipFile, name: str, suffixes: tuple[str, ...]
) -> tuple[list[zipfile.ZipInfo], list[SkippedFile]]:
    """Members with these suffixes that may be read, in the order of their names, and those that are left out.

    Raises `DataError` for an archive that is protected by a password, or asks for more than a limit allows.
    """
    usable: dict[str, zipfile.ZipInfo] = {}
    skipped: list[SkippedFile] = []
    infos = opened.infolist()
    if len(infos) > MAX_ARCHIVE_FILES:  # the count at the end of the file may lie
        raise DataError(
            f"The archive {name!r} must hold at most {MAX_ARCHIVE_FILES:,} files. Got {len(infos):,}. "
            "Leave out what is no image, or take a part of the images."
        )
    unpacked = sum(info.file_size for info in infos)
    packed = sum(info.compress_size for info in infos)
    if unpacked > MAX_UNPACKED_BYTES:
        raise DataError(
            f"The archive {name!r} must unpack to at most {MAX_UNPACKED_BYTES / 1e6:,.0f} MB. Got "
            f"{unpacked / 1e6:,.0f} MB. Make the images smaller, or take a part of them."
        )
    if unpacked > _SMALL and unpacked > MAX_ARCHIVE_RATIO * max(1, packed):
        raise DataError(
            f"The archive {name!r} must be at most {MAX_ARCHIVE_RATIO} times as large when it is unpacked. Got "
            f"{unpacked / max(1, packed):,.0f} times: images cannot be packed that small. Check where it comes from."
        )
    for info in sorted(infos, key=lambda info: info.filename):
        if info.is_dir() or _is_clutter(info.filename):
            continue
        if info.flag_bits & 0x1:
            raise DataError(
                f"The archive {name!r} is protected by a password ({info.filename[:MAX_TEXT]!r}). Pack it without one."
            )
        if reason := _refusal(info, suffixes):
            skipped.append(SkippedFile(info.filename, reason))
        elif info.filename in usable:
            skipped.append(SkippedFile(info.filename, "the archive holds it twice"))
        else:
            usable[info.filename] = info
    return [*usable.values()], skipped


def read_member(opened: zipfile.ZipFile, path: str) -> bytes:
    """The bytes of a member; b'' where it cannot be unpacked, or holds more than the archive declares."""
    try:
        with opened.open(path) as file:
            content = file.read(MAX_MEMBER_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError, KeyError):
        return b""
    return content if len(content) <= MAX_MEMBER_BYTES else b""


# Exported scripts contain these functions as they stand here, so their code keeps to 88 columns.
# fmt: off


def _is_clutter(path: str) -> bool:
    """Whether it is what operating systems leave in archives."""
    parts = PurePosixPath(path).parts
    if any(part.startswith(".") and part not in (".", "..") for part in parts):
        return True
    return "__MACOSX" in parts or path.lower().endswith(("thumbs.db", "desktop.ini"))


def _refusal(info: zipfile.ZipInfo, suffixes: tuple[str, ...]) -> str:
    """Why a member is not read; '' where it is."""
    path = info.filename
    outside = path.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", path)
    if outside or re.match(r"[A-Za-z]:", path):
        return "its path leads out of the archive"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "it is a link to another file"
    if path.lower().endswith(_NESTED):
        return "archives inside of an archive are not read"
    if not path.lower().endswith(suffixes):
        return f"its name ends in none of {', '.join(suffixes)}"
    if info.file_size > MAX_MEMBER_BYTES:
        return f"it has more than {MAX_MEMBER_BYTES / 1e6:.0f} MB"
    return ""
