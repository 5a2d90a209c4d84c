"""The space that a sweep searches: a range of numbers or a few choices for each of some settings."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mlp_core.catalog.parameters import Float, Int, shorten
from mlp_core.errors import SpecError
from mlp_core.limits import MAX_SWEEP_CHOICES, MAX_SWEEP_SETTINGS, MAX_SWEEP_TRIALS
from mlp_core.params import plain_values
from mlp_core.settings import INITIALIZER, Setting, applied, setting_at, settings_of
from mlp_core.spec import Experiment
from mlp_core.strict_json import parse_json

GRID_POINTS = 5
"""Values of a range without a step in a grid."""
IN_SPACE = " in the space"
FORMS = '{"low", "high", "log", "step"} or {"choices"}'


@dataclass(frozen=True)
class Range:
    """Numbers from the lowest to the highest, both included."""

    low: float
    """The lowest."""
    high: float
    """The highest."""
    log: bool = False
    """Whether equal ratios are equally likely, instead of equal distances."""
    step: float | None = None
    """The distance of its values; None for any number, or any whole number."""
    whole: bool = False
    """Whether they are whole numbers."""

    def grid(self) -> tuple[Any, ...]:
        """Its values in a grid: every step; without one, every whole number, or `GRID_POINTS` of any."""
        if self.step is not None or (self.whole and not self.log):
            step = self.step or 1
            values = [self.low + place * step for place in range(self.count)]
        else:
            shares = [place / (GRID_POINTS - 1) for place in range(GRID_POINTS)]
            low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
            placed = [low + share * (high - low) for share in shares]
            values = [min(self.high, max(self.low, math.exp(at) if self.log else at)) for at in placed]
        return tuple(dict.fromkeys(round(value) if self.whole else float(value) for value in values))

    @property
    def count(self) -> int:
        """How many values a grid of it has at most."""
        if self.step is None and not (self.whole and not self.log):
            return GRID_POINTS
        return math.floor((self.high - self.low) / (self.step or 1) + 1e-9) + 1

    def record(self) -> dict[str, Any]:
        """As JSON holds it."""
        found: dict[str, Any] = {"low": self.low, "high": self.high}
        return found | ({"log": True} if self.log else {}) | ({} if self.step is None else {"step": self.step})


@dataclass(frozen=True)
class Choices:
    """A few values."""

    values: tuple[Any, ...]
    """The values, each once."""

    def grid(self) -> tuple[Any, ...]:
        """Its values."""
        return self.values

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.values)

    def record(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {"choices": [plain_values(value) for value in self.values]}


@dataclass(frozen=True)
class Space:
    """Settings to search of one experiment, by their paths."""

    experiment: Experiment
    """What the settings are put into."""
    dimensions: Mapping[str, Range | Choices]
    """What each is searched in."""

    @cached_property
    def known(self) -> dict[str, Setting]:
        """The settings that the space may name."""
        return settings_of(self.experiment, _chosen(self.dimensions))

    def experiment_of(self, values: Mapping[str, Any]) -> Experiment:
        """The experiment with these values. Raises `SpecError` where they do not fit together."""
        return applied(self.experiment, values, self.known)

    @property
    def grid_points(self) -> int:
        """Combinations of a grid."""
        return math.prod(dimension.count for dimension in self.dimensions.values())

    def refuse_grid(self) -> None:
        """Raise `SpecError` where a grid has more points than a sweep may have trials."""
        if (points := self.grid_points) > MAX_SWEEP_TRIALS:
            raise SpecError(
                f"The grid of this space has {points:,} points, and a sweep has at most {MAX_SWEEP_TRIALS:,} trials. "
                "Give larger steps or fewer choices, or take another sampler."
            )

    def record(self) -> dict[str, Any]:
        """As JSON holds it; `space_of` reads it."""
        return {path: dimension.record() for path, dimension in self.dimensions.items()}

    def __hash__(self) -> int:
        return hash((self.experiment, tuple(self.dimensions)))


def read_space(text: str, experiment: Experiment) -> Space:
    """The space in the JSON text; raises `SpecError` naming the first fault."""
    return space_of(parse_json(text, "space"), experiment)


def space_of(given: Any, experiment: Experiment) -> Space:
    """The space in plain dicts and lists; raises `SpecError` naming the first fault."""
    if not isinstance(given, dict) or not given:
        raise SpecError(
            f"A space must be a JSON object of one or more settings, such as "
            f'{{"optimizer.lr": {{"low": 0.001, "high": 1, "log": true}}}}. Got {shorten(given)} instead.'
        )
    if len(given) > MAX_SWEEP_SETTINGS:
        raise SpecError(f"A space has at most {MAX_SWEEP_SETTINGS} settings. Got {len(given):,} instead. Remove some.")
    types = {path: _choices(path, form) for path, form in given.items() if path.endswith(".type")}
    known = settings_of(experiment, {path.removesuffix(".type"): values for path, values in types.items()})
    found = {path: setting_at(known, path) for path in given}
    _refuse_both(given)
    return Space(experiment, {path: _dimension(found[path], form) for path, form in given.items()})


def _refuse_both(paths: Mapping[str, Any]) -> None:
    for whole, part in (("hidden.", "layers."), (INITIALIZER, ".init.")):
        first = next((path for path in paths if path.startswith(whole)), None)
        layer = next((path for path in paths if part in path and path != first), None)
        if first and layer:
            raise SpecError(
                f"The space names both {first!r} and {layer!r}, which may be the same layer. Leave one out."
            )


def _chosen(dimensions: Mapping[str, Range | Choices]) -> dict[str, tuple[Any, ...]]:
    return {path.removesuffix(".type"): dimension.grid() for path, dimension in dimensions.items()
            if path.endswith(".type")}  # fmt: skip


def _dimension(setting: Setting, form: Any) -> Range | Choices:
    if isinstance(form, dict) and "choices" in form:
        values = [setting.check(value, IN_SPACE) for value in _choices(setting.path, form)]
        if len({json.dumps(plain_values(value)) for value in values}) < len(values):
            raise SpecError(f"The choices of {setting.path!r} hold a value twice. Remove one.")
        return Choices(tuple(values))
    return _range(setting, form)


def _choices(path: str, form: Any) -> list[Any]:
    values = form.get("choices") if isinstance(form, dict) else None
    if not isinstance(values, list) or not values or len(form) > 1:
        raise SpecError(f"The setting {shorten(path)} must be {FORMS} with one or more choices. "
                        f"Got {shorten(form)} instead.")  # fmt: skip
    if len(values) > MAX_SWEEP_CHOICES:
        raise SpecError(f"The setting {path!r} has at most {MAX_SWEEP_CHOICES} choices. Got {len(values):,} instead.")
    if any(isinstance(value, dict | list) for value in values) and path.endswith(".type"):
        raise SpecError(f"The choices of {path!r} must be names. Got {shorten(values)} instead.")
    return values


def _range(setting: Setting, form: Any) -> Range:
    path, rule = setting.path, setting.rule
    if not isinstance(form, dict) or not {"low", "high"} <= form.keys() <= {"low", "high", "log", "step"}:
        raise SpecError(f"The setting {path!r} must be {FORMS}. Got {shorten(form)} instead.")
    low, high, log, step = form["low"], form["high"], form.get("log", False), form.get("step")
    if not isinstance(rule, Float | Int):
        raise SpecError(f"The setting {path!r} has no range, since it must be {rule.rule()}. Give it choices instead.")
    whole = isinstance(rule, Int)
    low, high = (_end(setting, end) for end in (low, high))
    if low >= high:
        raise SpecError(f"The range of {path!r} is empty: 'low' must be below 'high'. "
                        f"Got {low:g} and {high:g}. Correct one, or give it choices.")  # fmt: skip
    if not isinstance(log, bool):
        raise SpecError(f"The 'log' of {path!r} must be true or false. Got {shorten(log)} instead.")
    if log and low <= 0:
        raise SpecError(f"The range of {path!r} on a log scale must begin above 0. Got {low:g}. "
                        "Raise 'low', or leave 'log' out.")  # fmt: skip
    if step is None:
        return Range(low, high, log, None, whole)
    number = isinstance(step, int | float) and not isinstance(step, bool) and math.isfinite(step)
    if not number or not 0 < step <= high - low or (whole and step != int(step)):
        kind = "a whole number" if whole else "a number"
        raise SpecError(f"The 'step' of {path!r} must be {kind} above 0 and at most {high - low:g}. "
                        f"Got {shorten(step)} instead.")  # fmt: skip
    if log:
        raise SpecError(f"The range of {path!r} must have either 'log' or 'step'. Leave one out.")
    return Range(low, high, False, int(step) if whole else float(step), whole)


def _end(setting: Setting, value: Any) -> Any:
    """One end of a range, as the rules take it."""
    if value is None or isinstance(value, bool):
        raise SpecError(f"The ends of the range of {setting.path!r} must be numbers. Got {shorten(value)} instead.")
    return setting.check(value, IN_SPACE)
