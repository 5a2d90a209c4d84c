"""A file of the user's as an experiment names it: what it is called, its sum, and how large it is.

The file itself is no part of an experiment. Its SHA-256 sum names it, so that a link that is opened elsewhere asks for
the very same file.
"""

from __future__ import annotations

from dataclasses import dataclass

from mlp_core.catalog.parameters import Int, Parameter
from mlp_core.catalog.structures import Text
from mlp_core.limits import MAX_NAME, MAX_UPLOAD_BYTES


@dataclass(frozen=True, kw_only=True)
class UserFile:
    """Which file."""

    name: str
    """Its name on the user's machine."""
    sha256: str
    """The SHA-256 sum of its bytes, as 64 hexadecimal digits."""
    size: int
    """Its bytes."""


def name_parameter(name: str, label: str, help: str) -> Text:
    """The rule for a name that a user gave: of a file, a column, a category or a class."""
    return Text(name=name, label=label, help=help, default="", least=1, most=MAX_NAME)


FILE_FIELDS: tuple[Parameter, ...] = (
    name_parameter("name", "Name", "The name of the file."),
    Text(name="sha256", label="Sum", help="The SHA-256 sum of the file.", default="", most=64, least=64,
         pattern="[0-9a-f]{64}", pattern_words="64 hexadecimal digits in small letters"),
    Int(name="size", label="Size", help="The bytes of the file.", default=1, low=1, high=MAX_UPLOAD_BYTES),
)  # fmt: skip
"""The rules for the fields of `UserFile`."""
