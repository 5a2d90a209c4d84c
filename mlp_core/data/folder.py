"""Where downloaded sets lie, and whether they are there; nothing here imports PyTorch."""

from __future__ import annotations

import os
from pathlib import Path

from mlp_core.catalog.datasets import DatasetEntry
from mlp_core.data.errors import DataMissing


def data_folder() -> Path:
    """The folder of downloaded sets: the environment variable MLP_DATA_DIR, or `data` in the current
    folder."""
    return Path(os.environ.get("MLP_DATA_DIR") or "data").expanduser().resolve()


def has_files(entry: DatasetEntry, folder: Path) -> bool:
    """Whether every file of the set is in the folder."""
    return all((folder / file).is_file() for file in entry.files)


MAX_REMARKS = 1000
"""Characters of what is said about a user's own copy."""


def remarks_file(entry: DatasetEntry, folder: Path) -> Path:
    """Where it is kept how a user's own archives differed from the published ones."""
    return folder / f"{entry.name}-differs.txt"


def remarks(entry: DatasetEntry, folder: Path) -> tuple[str, ...]:
    """How a user's own archives differed from the published ones, in a sentence; empty where they did not."""
    try:
        said = remarks_file(entry, folder).read_text(encoding="utf-8")[:MAX_REMARKS].strip()
    except (OSError, UnicodeDecodeError):
        return ()
    return (said,) if said else ()


def missing(entry: DatasetEntry, folder: Path) -> DataMissing:
    """The error that says how to get the set."""
    return DataMissing(
        f"{entry.label} is not in the folder {folder} yet. Press Download ({entry.download_bytes / 1e6:.1f} "
        "MB), or give `python -m mlp_core train` the option --download, or set MLP_DATA_DIR to a folder that "
        "has it."
    )
