"""The edits of an experiment in their order, and where among them it stands: undo, redo, and back to any of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from mlp_core.changes import changes
from mlp_core.presets import PRESETS
from mlp_core.spec import Experiment

MOST = 100
"""Edits that are remembered; the oldest are forgotten first."""
MERGE_SECONDS = 1.5
"""Between two changes of the same numbers, as a slider makes while it is dragged, for them to be one edit."""
MOST_NAMED = 2
"""Changes that the words of an edit name."""


@dataclass(frozen=True)
class Edit:
    """What was made of the experiment by one edit."""

    after: Experiment
    """The experiment after it."""
    at: float
    """When it was made, in seconds of a clock that only runs forward."""


@dataclass(frozen=True)
class Edits:
    """A bounded list of edits, of which the first is what there was to begin with. Methods give new ones."""

    entries: tuple[Edit, ...] = ()
    """In the order in which they were made."""
    place: int = -1
    """Which of them the experiment is; -1 where nothing was noted yet."""
    grows: bool = False
    """Whether the one at `place` was the last thing done, so that a change right after it may become a part of it."""
    version: int = 0
    """Counts up with every change of this list."""

    @property
    def can_undo(self) -> bool:
        """Whether there is an edit to take back."""
        return self.place > 0

    @property
    def can_redo(self) -> bool:
        """Whether an edit was taken back, and none made since."""
        return self.place + 1 < len(self.entries)

    @property
    def current(self) -> Experiment | None:
        """The experiment as it stands; None where nothing was noted yet."""
        return self.entries[self.place].after if self.entries else None

    def noted(self, new: Experiment, now: float, most: int = MOST) -> Edits:
        """With an edit that has made this of the experiment; those that were taken back are given up."""
        if new == self.current:
            return self
        kept = self.entries[: self.place + 1]
        if self._continues(new, now):
            kept = kept[:-1]
            if kept[-1].after == new:  # dragged back to where it was
                return Edits(kept, len(kept) - 1, version=self.version + 1)
        entries = (*kept, Edit(new, now))[-most:]
        return Edits(entries, len(entries) - 1, True, self.version + 1)

    def moved(self, place: int) -> Edits:
        """At another place; the entries stay."""
        assert 0 <= place < len(self.entries)
        return replace(self, place=place, grows=False, version=self.version + 1)

    def before(self, wanted: Experiment) -> int | None:
        """The newest place before the present one where the experiment was this; None where it was not."""
        found = (place for place in range(self.place - 1, -1, -1) if self.entries[place].after == wanted)
        return next(found, None)

    def words(self, place: int) -> str:
        """What the edit at a place has changed, as 'Learning rate 0.03 → 0.1'."""
        if place == 0:
            return "Before these edits"
        before, after = self.entries[place - 1].after, self.entries[place].after
        found = changes(before, after) or ["settings changed"]
        preset = next((one.label for one in PRESETS.values() if one.experiment == after), "")
        if preset and len(found) > MOST_NAMED:
            return f"Preset {preset}"
        more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
        text = ", ".join(found[:MOST_NAMED]) + more
        return text[:1].upper() + text[1:]

    def _continues(self, new: Experiment, now: float) -> bool:
        """Whether a change is one more of those that the last edit is made of."""
        if not self.grows or self.place < 1 or now - self.entries[self.place].at > MERGE_SECONDS:
            return False
        before, last = (self.entries[place].after for place in (self.place - 1, self.place))
        old, step = _numbers(before, last), _numbers(last, new)
        return bool(old and step) and (old <= step or step <= old)


def _numbers(one: Experiment, other: Experiment) -> set[tuple[Any, ...]]:
    """The paths of the numbers in which two experiments differ; none where anything else differs too. A seed is drawn,
    not dragged, so it counts as something else."""
    found = list(_differing(one.model_dump(), other.model_dump(), ()))
    numbers = all(_number(a) and _number(b) and path[-1] != "seed" for path, a, b in found)
    return {path for path, _, _ in found} if numbers else set()


def _differing(one: Any, other: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any, Any]]:
    if isinstance(one, Mapping) and isinstance(other, Mapping) and one.keys() == other.keys():
        for key in one:
            yield from _differing(one[key], other[key], (*path, key))
    elif isinstance(one, list | tuple) and isinstance(other, list | tuple) and len(one) == len(other):
        for place, (a, b) in enumerate(zip(one, other, strict=True)):
            yield from _differing(a, b, (*path, place))
    elif one != other:
        yield path, one, other


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
