"""JSON from strangers: limits before it is parsed, no key twice, no numbers that JSON does not have."""

from __future__ import annotations

import json
import re
from typing import Any

from mlp_core.catalog.parameters import shorten
from mlp_core.errors import SpecError

MAX_JSON_CHARACTERS = 200_000
MAX_JSON_DEPTH = 20

_JSON_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)


def parse_json(text: str, what: str = "experiment", limit: int = MAX_JSON_CHARACTERS) -> Any:
    """Parsed JSON, refused with a `SpecError` sentence about `what` if it is long, deep, repeats a key or is broken."""
    if len(text) > limit:
        raise SpecError(
            f"An {what} must be at most {limit} characters of JSON. Got {len(text)} instead. "
            "Choose the file that the playground wrote."
        )
    depth = deepest = 0
    for character in _JSON_STRING.sub("", text):  # a bracket in a string is only a letter
        depth += (character in "[{") - (character in "]}")
        deepest = max(deepest, depth)
    if deepest > MAX_JSON_DEPTH:
        raise SpecError(f"An {what} must be nested at most {MAX_JSON_DEPTH} deep. Got {deepest} instead.")
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise SpecError(
            f"The {what} is not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}. "
            "Choose the file that the playground wrote."
        ) from None
    except ValueError as error:
        if isinstance(error, SpecError):
            raise
        raise SpecError(f"The {what} is not valid JSON: {error}.") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise SpecError(f"The experiment has the key {shorten(key)} twice. Remove one.")
        found[key] = value
    return found


def _no_constant(name: str) -> Any:
    raise SpecError(f"The experiment holds {name}, which is not a number. Replace it with a finite one.")
