"""The glossary: every word that labels use, with its sentence, out of all tables of the catalog."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count

from mlp_core.catalog.activations import ACTIVATIONS
from mlp_core.catalog.entry import Entry
from mlp_core.catalog.features import FEATURES
from mlp_core.catalog.initializers import INITIALIZERS
from mlp_core.catalog.layers import LAYERS
from mlp_core.catalog.losses import LOSSES
from mlp_core.catalog.optimizers import OPTIMIZERS
from mlp_core.catalog.parameters import Parameter
from mlp_core.catalog.schedulers import SCHEDULERS
from mlp_core.catalog.styles import STYLES
from mlp_core.catalog.terms import TERMS
from mlp_core.catalog.training import DATA_SEED, DEVICES, TEST_FRACTION, TRAINING, VALIDATION_FRACTION

KINDS: dict[str, Mapping[str, Entry]] = {
    "Words": TERMS,
    "Layers": LAYERS,
    "Activations": ACTIVATIONS,
    "Losses": LOSSES,
    "Optimizers": OPTIMIZERS,
    "Learning rate schedules": SCHEDULERS,
    "Initialisers": INITIALIZERS,
    "Input features": FEATURES,
    "Devices": DEVICES,
    "Styles of code": STYLES,
}
"""The tables whose entries are explained, by their headings. Data sets have a page of their own."""
SETTINGS = "Settings"
"""The heading of all parameters of these entries."""


@dataclass(frozen=True)
class Word:
    """A word with its explanation."""

    anchor: str
    """Its address on the page; no two words have the same."""
    label: str
    """The word as pages write it."""
    text: str
    """What it means, as plain text."""


def glossary(*more: tuple[str, Iterable[tuple[str, str]]]) -> dict[str, tuple[Word, ...]]:
    """The words by heading: those of the catalog, then `more` headings, each with labels and texts."""
    taken: set[str] = set()
    found = {heading: tuple(_words(heading, _entries(entries), taken)) for heading, entries in KINDS.items()}
    for heading, pairs in (*more, (SETTINGS, _settings())):
        found[heading] = tuple(_words(heading, pairs, taken))
    return found


def _entries(entries: Mapping[str, Entry]) -> Iterator[tuple[str, str]]:
    for entry in entries.values():
        yield entry.label, " ".join(filter(None, (entry.summary, entry.when)))


def _settings() -> Iterator[tuple[str, str]]:
    """Every parameter that a page may show, once for each name that people see, with those that have it."""
    owners: dict[tuple[str, str], list[str]] = {}
    for parameter in (TEST_FRACTION, VALIDATION_FRACTION, DATA_SEED, *TRAINING.parameters):
        owners[_of(parameter)] = []
    for entries in KINDS.values():
        for entry in entries.values():
            for parameter in entry.parameters:
                owners.setdefault(_of(parameter), []).append(entry.label)
    for label, text in sorted(owners, key=lambda one: one[0].casefold()):
        having = owners[label, text]
        yield label, f"{text} (In {', '.join(having)}.)" if having else text


def _of(parameter: Parameter) -> tuple[str, str]:
    return parameter.label, parameter.help


def _words(heading: str, pairs: Iterable[tuple[str, str]], taken: set[str]) -> Iterator[Word]:
    for label, text in pairs:
        anchor = next(choice for choice in _anchors(_slug(label), _slug(heading)) if choice not in taken)
        taken.add(anchor)
        yield Word(anchor, label, text)


def _anchors(word: str, heading: str) -> Iterator[str]:
    """Addresses for a word, the best first."""
    yield word
    yield f"{word}-{heading}"
    yield from (f"{word}-{heading}-{number}" for number in count(2))


def _slug(text: str) -> str:
    """The text as a part of an address: letters and digits, with hyphens between words."""
    letters = unicodedata.normalize("NFKD", text).casefold()
    return re.sub(r"[^\w]+", "-", letters).strip("-_") or "word"
