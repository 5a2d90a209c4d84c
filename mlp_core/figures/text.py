"""Text in figures: names from data shown as plain text, numbers that people can read."""

from __future__ import annotations

import functools
import math
import unicodedata
from collections.abc import Sequence

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
# Characters that change the direction of the text after them, so that a name could rewrite its neighbours.
_DIRECTION = {
    *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C,
}  # fmt: skip
# Plotly reads < > & as HTML, %{ as a template field, and $…$ as TeX where MathJax is loaded.
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "{": "&#123;", "$": "&#36;"})


def plain(value: object, limit: int = 24) -> str:
    """`value` as one line without control or direction characters; beyond `limit` it ends in an ellipsis."""
    return _plain(str(value), limit)


@functools.lru_cache(maxsize=4096)  # the same names come with every tick
def _plain(text: str, limit: int) -> str:
    kept = []
    for character in text:
        if ord(character) in _DIRECTION or unicodedata.category(character) == "Cs":
            continue
        spaces = unicodedata.category(character) in {"Cc", "Zl", "Zp"}
        kept.append(" " if spaces else character)
    line = " ".join("".join(kept).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def escape_label(value: object, limit: int = 24) -> str:
    """`plain` text that Plotly shows letter by letter: no tag, entity or template in it takes effect."""
    return plain(value, limit).translate(_ENTITIES)


def unique_labels(names: Sequence[object], limit: int = 24) -> list[str]:
    """Escaped names; those that look equal get a number, for Plotly would draw equal categories as one."""
    labels: list[str] = []
    for name in names:
        label = escape_label(name, limit)
        number = 2
        candidate = label
        while candidate in labels:
            candidate = f"{label} ({number})"
            number += 1
        labels.append(candidate)
    return labels


def readable(value: float, digits: int = 3) -> str:
    """A number with `digits` significant digits: 0.0412, 12,500, 2.4×10⁻⁷, −0.5; words if not finite."""
    value = float(value)
    if math.isnan(value):
        return "not a number"
    if math.isinf(value):
        return "infinite" if value > 0 else "minus infinite"
    if value == 0:
        return "0"
    sign = "−" if value < 0 else ""
    size = abs(value)
    if not 1e-4 <= size < 1e7:
        mantissa, power = f"{size:.{digits - 1}e}".split("e")
        return f"{sign}{_trim(mantissa)}×10{str(int(power)).translate(_SUPERSCRIPT)}"
    decimals = max(0, digits - 1 - math.floor(math.log10(size)))
    return sign + _trim(f"{size:,.{decimals}f}")


def percent(share: float, digits: int = 3) -> str:
    """0.986 as "98.6 %"."""
    return "unknown" if math.isnan(share) else f"{readable(100 * share, digits)} %"


def _trim(number: str) -> str:
    return number.rstrip("0").rstrip(".") if "." in number else number
