"""Two texts of code side by side, with what differs marked."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher

CONTEXT = 2
"""Equal lines shown before and after a difference; longer runs of equal lines are folded."""


@dataclass(frozen=True)
class Row:
    """A line of each text. A row of two Nones stands for equal lines left out."""

    left: tuple[int, str] | None
    """The number of the line, from 1, and its text; None where the first text has no such line."""
    right: tuple[int, str] | None
    """The same of the second text."""
    differs: bool
    """Whether the lines are not equal."""
    folded: int = 0
    """How many equal lines are left out here."""


def compare(left: str, right: str, context: int = CONTEXT) -> list[Row]:
    """The rows of a side-by-side view. Without its folded rows' lines nothing is left out: every line is in a row."""
    old, new = left.splitlines(), right.splitlines()
    rows: list[Row] = []
    blocks = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    for number, (kind, a, b, c, d) in enumerate(blocks):
        if kind == "equal":
            before = context if number > 0 else 0
            after = context if number < len(blocks) - 1 else 0
            hidden = (b - a) - before - after
            equal = [Row((i + 1, old[i]), (c + i - a + 1, new[c + i - a]), False) for i in range(a, b)]
            if hidden > 1:  # a single line takes no more room than the sign for it
                equal[before : before + hidden] = [Row(None, None, False, hidden)]
            rows += equal
            continue
        for step in range(max(b - a, d - c)):
            i, j = a + step, c + step
            rows.append(Row((i + 1, old[i]) if i < b else None, (j + 1, new[j]) if j < d else None, True))
    return rows
