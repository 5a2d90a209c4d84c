"""Kept runs as one file, and back: a zip archive with a folder for each run.

A folder holds `run.json` (the record with its curves), `about.json` (name, note, tags, star, settings, confusion
matrix), and `best.safetensors`, `last.safetensors` and `state.safetensors` where there are such.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlp_core.errors import SpecError
from mlp_core.limits import MAX_NAME, MAX_UPLOAD_BYTES
from mlp_core.store.runs import MAX_NOTE, MAX_TAGS, Files, RunStore, Said, Which
from mlp_core.store.settings import settings_of
from mlp_core.strict_json import parse_json
from mlp_core.training.record import MAX_RECORD_CHARACTERS, RunRecord

FORMAT = 1
"""The version of the form."""
MOST_RUNS = 1000
"""Runs in one archive."""
SUFFIX = ".safetensors"
RECORD, ABOUT = "run.json", "about.json"
_FILES: tuple[tuple[str, Which], ...] = (("best", "best"), ("last", "last"), ("state", "state"), ("state", "given"))
"""Files by their names in an archive, and which they are in the store."""
_REMEDY = "Choose a file that the Runs page wrote."


@dataclass(frozen=True, eq=False)
class ArchivedRun:
    """A run as a file holds it."""

    record: RunRecord
    """Its record."""
    said: Said
    """What its owner says of it."""
    files: Files
    """Its weights, and its state, which is looked at when somebody goes on from it."""
    confusion: np.ndarray | None
    """int64 (classes, classes), of its newest test pass; None without."""
    settings: dict[str, Any]
    """Its settings as it was kept."""


def write_runs(store: RunStore, owner: str, runs: Sequence[str]) -> bytes:
    """An archive of these runs of an owner."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for stored in store.some(owner, list(dict.fromkeys(runs))[:MOST_RUNS]):
            record, confusion = store.answers(owner, stored.id)
            about = {
                "format": FORMAT, "name": stored.name, "note": stored.note, "tags": list(stored.tags),
                "starred": stored.starred, "confusion": None if confusion is None else confusion.tolist(),
            }  # fmt: skip
            for name, text in ((RECORD, record.to_json()), (ABOUT, json.dumps(about))):
                archive.writestr(f"{stored.id}/{name}", text, zipfile.ZIP_DEFLATED)
            for name, which in _FILES:
                if (data := store.file(owner, stored.id, which)) is not None:
                    archive.writestr(f"{stored.id}/{name}{SUFFIX}", data)
    return content.getvalue()


def read_runs(content: bytes) -> list[ArchivedRun]:
    """The runs in an archive. Raises `SpecError` naming what is wrong, before anything is kept."""
    if len(content) > MAX_UPLOAD_BYTES:
        raise SpecError(f"The file has {len(content) / 1e6:,.0f} MB, and may have {MAX_UPLOAD_BYTES / 1e6:,.0f}.")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = {entry.filename: entry for entry in archive.infolist()}
            if sum(entry.file_size for entry in entries.values()) > MAX_UPLOAD_BYTES:
                raise SpecError(f"The file holds more than {MAX_UPLOAD_BYTES / 1e6:,.0f} MB. {_REMEDY}")
            folders = [name.removesuffix("/" + RECORD) for name in entries if name.endswith("/" + RECORD)]
            if not folders or len(folders) > MOST_RUNS:
                raise SpecError(f"The file must hold 1 to {MOST_RUNS:,} runs. Got {len(folders)} instead. {_REMEDY}")

            def member(name: str) -> bytes:
                with archive.open(entries[name]) as file:
                    return file.read(min(entries[name].file_size, MAX_UPLOAD_BYTES))

            return [_read(folder, member, entries) for folder in folders]
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        raise SpecError(f"This is no whole file of runs: {str(error)[:100]}. {_REMEDY}") from None


def _read(folder: str, member: Any, entries: Any) -> ArchivedRun:
    from mlp_core.export.weights import load

    record = RunRecord.from_json(_text(member(f"{folder}/{RECORD}"), MAX_RECORD_CHARACTERS))
    about: Any = {}
    if f"{folder}/{ABOUT}" in entries:
        about = parse_json(_text(member(f"{folder}/{ABOUT}"), MAX_RECORD_CHARACTERS), "entry 'about'",
                           MAX_RECORD_CHARACTERS)  # fmt: skip
    if not isinstance(about, dict) or about.get("format", FORMAT) != FORMAT:
        raise SpecError(f"The entry 'about' of a run must be of format {FORMAT}. {_REMEDY}")
    files: dict[Which, tuple[int | None, bytes]] = {}
    experiment = record.experiment
    for which in ("best", "last"):
        if (name := f"{folder}/{which}{SUFFIX}") in entries:
            data = member(name)
            weights = load(data)
            files[which] = weights.step, data
            experiment = weights.experiment
    if (name := f"{folder}/state{SUFFIX}") in entries:
        files["given"] = record.step, member(name)
    return ArchivedRun(record, _said(about), files, _confusion(about.get("confusion")), settings_of(experiment))


def _text(content: bytes, most: int) -> str:
    try:
        return content[: 4 * most].decode("utf-8")
    except UnicodeDecodeError:
        raise SpecError(f"The record of a run is not UTF-8 text. {_REMEDY}") from None


def _said(about: dict[str, Any]) -> Said:
    tags = about.get("tags", [])
    texts = {name: about.get(name, "") for name in ("name", "note")}
    if not isinstance(tags, list) or not all(isinstance(text, str) for text in (*texts.values(), *tags)):
        raise SpecError(f"Name, note and tags of a run must be texts. {_REMEDY}")
    starred = about.get("starred") is True
    return Said(texts["name"][:MAX_NAME], texts["note"][:MAX_NOTE], tuple(tags[:MAX_TAGS]), starred)


def _confusion(given: Any) -> np.ndarray | None:
    if given is None:
        return None
    try:
        found = np.array(given, dtype=np.int64)
    except (ValueError, TypeError, OverflowError):
        found = np.zeros(0, dtype=np.int64)
    if found.ndim != 2 or found.shape[0] != found.shape[1] or (found < 0).any():
        raise SpecError(f"The confusion matrix of a run must be square, of counts. {_REMEDY}")
    return found


def keep(store: RunStore, owner: str, runs: Sequence[ArchivedRun]) -> list[str]:
    """Keep runs from a file; those that are kept already are replaced by these. Gives their identities."""
    for run in runs:
        store.save(owner, run.record, run.files, settings=run.settings, confusion=run.confusion, said=run.said)
    return [run.record.id for run in runs]
