"""A temporary folder inside the data folder, which goes away whatever happens to its owner."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

if sys.platform != "win32":
    import fcntl

_PREFIX = ".download-"
_LOCK = "lock"
_UNLOCKED_SECONDS = 60.0
"""How old a folder without a lock must be to count as left over: its owner may be about to lock it."""


@contextmanager
def work_folder(parent: Path, name: str) -> Iterator[Path]:
    """A new folder in `parent`, removed at the end; on the same disk, so that a rename out of it is atomic.

    Its owner holds a lock on a file in it, which the operating system lets go when the process dies.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{name}-", dir=parent))
    try:
        with (folder / _LOCK).open("w") as lock:
            _try_lock(lock)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_left_over(parent: Path) -> None:
    """Remove the folders of processes that were killed."""
    for folder in parent.glob(_PREFIX + "*"):
        if _left_over(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _left_over(folder: Path) -> bool:
    try:
        with (folder / _LOCK).open("r+") as lock:
            return _try_lock(lock)
    except FileNotFoundError:
        try:
            return time.time() - folder.stat().st_mtime > _UNLOCKED_SECONDS
        except OSError:
            return False  # gone meanwhile
    except OSError:
        return False


def _try_lock(lock: IO[str]) -> bool:
    if sys.platform == "win32":
        return True  # no lock is needed where a file that is open cannot be removed
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
