"""Variants of an experiment: the same but for a few settings, with a name that says which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from mlp_core.errors import SpecError
from mlp_core.problems import mended, problems, refuse
from mlp_core.race.rivals import others
from mlp_core.settings import setting_at, settings_of
from mlp_core.spec import Experiment

AS_IT_IS = "as it is"
"""What the experiment itself is called where the others differ from it in more than one setting."""
MOST_TRIED = 12
"""Values of a setting that are tried, to find one that the experiment can be trained with."""


@dataclass(frozen=True)
class Variant:
    """What differs from the experiment."""

    choices: tuple[tuple[str, Any], ...] = ()
    """Settings by their paths, each with its value, in the order in which they are made."""

    def of(self, experiment: Experiment) -> Experiment:
        """The experiment with these choices, and with what they need besides: a loss on log-probabilities gets a
        network that gives such.

        Raises `SpecError` where the experiment has no such setting, or cannot be trained with the value.
        """
        made = experiment
        for path, value in self.choices:
            found = setting_at(settings_of(made), path)
            made = found.put(made, found.check(value))
        if self.choices:
            made = mended(made)
        if any(path == "loss.type" for path, _ in self.choices):
            made = _fitted(made, experiment)
        refuse(made)
        return made

    def with_choice(self, path: str, value: Any) -> Variant:
        """A copy in which a setting has this value."""
        if path in dict(self.choices):
            return replace(self, choices=tuple((one, value if one == path else old) for one, old in self.choices))
        return replace(self, choices=(*self.choices, (path, value)))


def _fitted(made: Experiment, before: Experiment) -> Experiment:
    """The experiment with the layers that its loss asks for, where the one before was sound."""
    known = {problem.message for problem in problems(before)}
    for problem in problems(made):
        fixed = problem.fixed
        if fixed is not None and problem.message not in known and fixed.updated(layers=made.layers) == made:
            return fixed
    return made


def rival(experiment: Experiment, path: str, taken: Sequence[Variant] = ()) -> Variant:
    """A variant with a sensible other value of a setting, which no other variant has.

    Raises `SpecError` where there is no such setting, or no other value that the experiment can be trained with.
    """
    setting = setting_at(settings_of(experiment), path)
    tried = 0
    for value in others(setting, experiment):
        made = Variant(((path, value),))
        if made in taken:
            continue
        try:
            if made.of(experiment) != experiment:
                return made
        except SpecError:
            tried += 1
            if tried == MOST_TRIED:
                break
    raise SpecError(f"{setting.label} has no other value to race against.")


def names_of(experiment: Experiment, variants: Sequence[Variant]) -> list[str]:
    """A name for each: its values, and for the experiment itself the value that the others differ in."""
    settings = settings_of(experiment)
    paths = list(dict.fromkeys(path for variant in variants for path, _ in variant.choices))
    found = []
    for variant in variants:
        parts = [settings[path].phrase(value) if path in settings else path for path, value in variant.choices]
        if not parts and len(paths) == 1 and paths[0] in settings:
            parts = [settings[paths[0]].phrase(settings[paths[0]].get(experiment))]
        found.append(", ".join(parts) or AS_IT_IS)
    return [name if found.count(name) == 1 else f"{name} ({place + 1})" for place, name in enumerate(found)]
