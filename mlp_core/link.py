"""A whole experiment as a short text for a URL, and what a teacher's link hides or fixes.

A token is the version of its form (one character), then base64url of a checksum and of compressed JSON. The JSON
holds only what differs from the defaults, by the names of the spec and the catalogs. A link sent round by mail
or chat may come back cut off or changed; the checksum tells.

Because a token leaves defaults out, a changed default would change what an old one means: that needs a new
version of the experiment (`mlp_core.spec.MIGRATIONS`) or of the token, and the tests that keep old tokens say so.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from pydantic import BaseModel

from mlp_core.catalog.controls import CONTROLS
from mlp_core.catalog.entry import look_up
from mlp_core.catalog.parameters import shorten
from mlp_core.errors import SpecError
from mlp_core.params import plain_values
from mlp_core.presets import preset
from mlp_core.spec import Experiment
from mlp_core.strict_json import MAX_JSON_CHARACTERS, parse_json

SPEC_VERSIONS = {"1": 1}
"""The forms of a token that are read, and which version of an experiment each holds."""
TOKEN_VERSION = "1"
MAX_TOKEN_CHARACTERS = 16_000
"""Longer than any experiment's token; browsers and servers take URLs of about this length."""
CHECKSUM_BYTES = 3
"""Three bytes are four characters of base64, and one wrong link in 16 million goes unnoticed."""
MAX_LIST_CHARACTERS = 1_000

EXPERIMENT, PRESET, HIDE, LOCK = "experiment", "preset", "hide", "lock"
"""The keys of a URL's query."""

_REMEDY = "Copy the whole link again."
_ALPHABET = re.compile(r"[A-Za-z0-9_-]*")


@dataclass(frozen=True)
class Link:
    """What a URL asks for."""

    experiment: Experiment | None = None
    """The experiment, if it names one."""
    hide: frozenset[str] = frozenset()
    """Names of `CONTROLS` to hide."""
    lock: frozenset[str] = frozenset()
    """Names of `CONTROLS` to fix."""
    notes: tuple[str, ...] = ()
    """Sentences about names that the link has and the playground has not."""


def encode(experiment: Experiment) -> str:
    """The experiment as a token of letters, digits, '-' and '_'; `decode` reads it back to an equal one."""
    compact = json.dumps(plain_values(_compact(experiment)), separators=(",", ":"), ensure_ascii=False)
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = deflate.compress(compact.encode("utf-8")) + deflate.flush()
    token = TOKEN_VERSION + base64.urlsafe_b64encode(_checksum(packed) + packed).decode("ascii").rstrip("=")
    if len(token) > MAX_TOKEN_CHARACTERS:
        raise SpecError(
            f"The link would have {len(token)} characters; the limit is {MAX_TOKEN_CHARACTERS}. "
            "Share the experiment as a JSON file instead."
        )
    return token


def decode(token: str) -> Experiment:
    """The experiment of a token; raises `SpecError` in one sentence for whatever is wrong with it."""
    if len(token) > MAX_TOKEN_CHARACTERS:
        raise SpecError(
            f"The experiment in a link has at most {MAX_TOKEN_CHARACTERS} characters. Got {len(token)}. {_REMEDY}"
        )
    if not token:
        raise SpecError(f"The link holds no experiment. {_REMEDY}")
    if token[0] not in SPEC_VERSIONS:
        raise SpecError(
            f"The experiment in this link is of version {shorten(token[0])}, and this program reads "
            f"{', '.join(SPEC_VERSIONS)}. Open it with a newer MLP Playground, or copy the whole link again."
        )
    values = _expanded(parse_json(_unpacked(token[1:]), "experiment in a link"))
    return Experiment.from_dict({"version": SPEC_VERSIONS[token[0]], **values} if isinstance(values, dict) else values)


def parse(query: Mapping[str, str]) -> Link:
    """What the query of a URL asks for.

    Other keys are not looked at. Raises `SpecError` for an experiment that cannot be read or a preset that there
    is not; unknown controls are left out and named in `notes`, so that a class can go on.
    """
    experiment = None
    if query.get(EXPERIMENT):
        experiment = decode(query[EXPERIMENT])
    elif query.get(PRESET):
        experiment = preset(query[PRESET]).experiment
    notes: list[str] = []
    hide, lock = (_known_controls(query.get(key, ""), key, notes) for key in (HIDE, LOCK))
    return Link(experiment, hide, lock, tuple(notes))


def query_of(experiment: Experiment, hide: Collection[str] = (), lock: Collection[str] = ()) -> dict[str, str]:
    """The query that `parse` reads; raises `SpecError` for a control that there is not."""
    query = {EXPERIMENT: encode(experiment)}
    for key, names in ((HIDE, hide), (LOCK, lock)):
        for name in names:
            look_up(CONTROLS, name, "control")
        if names:
            query[key] = ",".join(name for name in CONTROLS if name in names)
    return query


def url(base: str, experiment: Experiment, hide: Collection[str] = (), lock: Collection[str] = ()) -> str:
    """The whole link; `base` is the address of the playground."""
    join = "&" if "?" in base else "?"
    return f"{base}{join}{urlencode(query_of(experiment, hide, lock), safe=',')}"


def _known_controls(text: str, key: str, notes: list[str]) -> frozenset[str]:
    if len(text) > MAX_LIST_CHARACTERS:
        notes.append(f"The list {key!r} of this link is longer than {MAX_LIST_CHARACTERS} characters and was not read.")
        return frozenset()
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in dict.fromkeys(names):
        try:
            look_up(CONTROLS, name, "control")
        except SpecError as error:
            notes.append(f"In the list {key!r} of this link: {error}")
    return frozenset(names) & CONTROLS.keys()


def _checksum(packed: bytes) -> bytes:
    return zlib.crc32(packed).to_bytes(4, "big")[:CHECKSUM_BYTES]


def _unpacked(text: str) -> str:
    """The JSON in a token, at most `MAX_JSON_CHARACTERS` of it however little space it took."""
    broken = SpecError(f"The experiment in this link is broken: a part of it is missing or changed. {_REMEDY}")
    if not _ALPHABET.fullmatch(text):
        raise broken
    try:
        content = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise broken from None
    packed = content[CHECKSUM_BYTES:]
    if content[:CHECKSUM_BYTES] != _checksum(packed):
        raise broken
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        unpacked = inflate.decompress(packed, MAX_JSON_CHARACTERS)
        if inflate.unconsumed_tail:
            raise SpecError(
                f"The experiment in a link must be at most {MAX_JSON_CHARACTERS} characters of JSON; this one is "
                f"longer. {_REMEDY}"
            )
        if not inflate.eof or inflate.unused_data:
            raise broken
        return unpacked.decode("utf-8")
    except (zlib.error, UnicodeDecodeError):
        raise broken from None


def _compact(experiment: Experiment) -> dict[str, Any]:
    """What differs from the defaults, as plain values; each layer, loss and so on without a change as its name."""
    found = {"layers": [_differences(layer) for layer in experiment.layers]}
    for name, field in type(experiment).model_fields.items():
        part = getattr(experiment, name)
        if name in found or part == field.default:
            continue
        found[name] = _differences(part) if isinstance(part, BaseModel) else part
    return found


def _differences(part: Any) -> Any:
    changed = {
        name: getattr(part, name)
        for name, field in type(part).model_fields.items()
        if getattr(part, name) != field.default or field.is_required()
    }
    if "params" in changed:
        defaults = part.entry.fill({})
        changed["params"] = {name: part.params[name] for name in defaults if part.params[name] != defaults[name]}
        if not changed["params"]:
            del changed["params"]
    for name, value in changed.items():
        if isinstance(value, BaseModel):
            changed[name] = _differences(value)
    if changed.keys() == {"type"}:
        return changed["type"]
    if changed.keys() == {"type", "params"}:
        return [changed["type"], changed["params"]]
    if "inside" in changed:
        return [changed["type"], changed.get("params", {}), [_differences(layer) for layer in part.inside]]
    return changed


def _expanded(values: Any) -> Any:
    """The inverse of `_compact`, as far as the values have its form; what has not is refused by the spec."""
    if not isinstance(values, dict):
        return values
    found = {name: _chosen(value) if name != "layers" else value for name, value in values.items()}
    if isinstance(found.get("layers"), list):
        found["layers"] = [_chosen(layer) for layer in found["layers"]]
    return found


def _chosen(value: Any) -> Any:
    if isinstance(value, str):
        return {"type": value}
    if isinstance(value, list) and len(value) in (2, 3):
        found = dict(zip(("type", "params", "inside"), value, strict=False))
        if isinstance(found.get("inside"), list):
            found["inside"] = [_chosen(layer) for layer in found["inside"]]
        return found
    if isinstance(value, dict):
        return {name: _chosen(part) if name in ("init", "bias_init") else part for name, part in value.items()}
    return value
