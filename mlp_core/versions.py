"""Versions of an experiment's form, and how values of an older one become those of the newest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mlp_core.catalog.parameters import shorten
from mlp_core.errors import SpecError

VERSION = 1

Migration = Callable[[dict[str, Any]], dict[str, Any]]
MIGRATIONS: dict[int, Migration] = {}
"""What turns the values of a version into those of the next one, by the older version's number.

A new field with a default needs no new version. Anything else that would make an older file fail, or mean another
experiment (a renamed key, a changed default), needs `VERSION + 1` and an entry here.
"""


def upgraded(
    values: Mapping[str, Any], steps: Mapping[int, Migration] = MIGRATIONS, newest: int = VERSION
) -> dict[str, Any]:
    """The values of an experiment of any version so far, as one of the newest version holds them.

    Raises `SpecError` for a version that is newer, or that never was; without a version, it is the newest.
    """
    found = dict(values)
    version = found.get("version", newest)
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise SpecError(
            f"The 'version' of an experiment must be a whole number from 1 to {newest}. "
            f"Got {shorten(version)} instead. Choose the file that the playground wrote."
        )
    if version > newest:
        raise SpecError(
            f"This experiment has version {shorten(version)}, and this program reads up to {newest}. "
            "Open it with a newer MLP Playground."
        )
    for older in range(version, newest):
        found = {**steps[older](found), "version": older + 1}
    return found
