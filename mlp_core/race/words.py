"""Who is ahead in a race, by how much, and what that is measured by: in figures and in a sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mlp_core.figures import readable
from mlp_core.spec import Experiment
from mlp_core.training.events import Evaluation

Unit = Literal["epochs", "samples", "seconds"]
"""What a race is in step by."""
Kind = Literal["accuracy", "loss", "error"]
Part = Literal["validation", "test", "training"]


@dataclass(frozen=True)
class Measure:
    """What decides a race."""

    kind: Kind
    """The share of right answers, the loss, or the root mean squared error where losses differ in what they say."""
    part: Part
    """The part of the data that it is of."""

    @property
    def label(self) -> str:
        """Its name for people: 'test accuracy'."""
        return f"{self.part} {self.kind}"

    @property
    def higher(self) -> bool:
        """Whether more is better."""
        return self.kind == "accuracy"

    @property
    def reason(self) -> str:
        """Why it is this one, in a sentence."""
        found = f"Measured by {self.label}"
        if self.part == "test":
            found += ", since there is no validation part"
        elif self.part == "training":
            found += ", since no other figures are shown here"
        if self.kind == "error":
            found += "; the error is the root mean squared one, as the losses are not comparable"
        return f"{found}."

    def of(self, evaluation: Evaluation, error: float | None = None) -> float:
        """Its value in a pass; NaN where there is none. `error` is the root mean squared error."""
        if self.kind == "error":
            return math.nan if error is None else error
        if self.part == "training":
            return evaluation.train_loss
        value = getattr(evaluation, f"{self.part}_{self.kind}")
        return math.nan if value is None else float(value)

    def text(self, value: float) -> str:
        """A value for people: '97.5 %', '0.0412'."""
        return readable(100 * value) + " %" if self.kind == "accuracy" else readable(value, 4)


def measure_of(experiments: Sequence[Experiment], *, test: bool = True) -> Measure:
    """What decides between these; without `test`, no figure of the test part."""
    validated = all(one.data.validation_fraction is not None for one in experiments)
    part: Part = "validation" if validated else "test" if test else "training"
    if part != "training" and all(one.data.facts.classifies for one in experiments):
        return Measure("accuracy", part)
    if part == "training" or len({one.loss for one in experiments}) == 1:
        return Measure("loss", part)
    return Measure("error", part)


@dataclass(frozen=True)
class Standing:
    """Where a variant stands."""

    name: str
    """What it is called."""
    value: float
    """Its value of the measure; NaN where there is none."""
    out: str = ""
    """Why it is not in the race any more; '' while it is."""


def ranked(standings: Sequence[Standing], measure: Measure) -> list[Standing]:
    """Those that are in the race and have a value, the best first; equal ones in the order that is given."""
    found = [one for one in standings if not one.out and math.isfinite(one.value)]
    return sorted(found, key=lambda one: -one.value if measure.higher else one.value)


def verdict(standings: Sequence[Standing], measure: Measure, after: str, *, over: bool) -> str:
    """Who leads, or has won when it is `over`, and by how much; '' before there are figures.

    Those whose values read the same are level. `after` says how far they are: '40 epochs'.
    """
    order = ranked(standings, measure)
    out = [one for one in standings if one.out]
    if not order:
        return "No variant came to the end, so there is no winner." if out and len(out) == len(standings) else ""
    best = measure.text(order[0].value)
    level = [one.name for one in order if measure.text(one.value) == best]
    behind = next((one for one in order if measure.text(one.value) != best), None)
    if len(level) > 1:
        everybody = f"All {len(level)} variants" if len(level) == len(standings) > 2 else _listed(level)
        tie = "end in a tie" if over else "are level"
        return f"{everybody} {tie}: {measure.label} {best}{_margin(order[0], behind, measure)}, after {after}."
    alone = len(order) == 1
    verb = "is the only one left" if alone and out else "wins" if over else "leads"
    return f"{level[0]} {verb}: {measure.label} {best}{_margin(order[0], behind, measure)}, after {after}."


def _margin(first: Standing, second: Standing | None, measure: Measure) -> str:
    if second is None:
        return ""
    if measure.kind == "accuracy":
        points = readable(100 * abs(first.value - second.value), 2)
        return f", {points} point{'s' * (points != '1')} before {second.name}"
    if second.value > 0 and first.value >= 0:
        share = readable(100 * (1 - first.value / second.value), 2)
        return f", {share} % below that of {second.name}"
    return f", {readable(second.value - first.value, 2)} below that of {second.name}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def progress_text(amount: float, unit: Unit) -> str:
    """How far a race is, for people: '40 epochs', '1 epoch', '2.5 seconds of training each'."""
    if unit == "seconds":
        return f"{readable(amount)} second{'s' * (readable(amount) != '1')} of training each"
    whole = round(amount)
    text = f"{whole:,}" if abs(amount - whole) < 1e-6 or amount >= 100 else readable(amount)
    return f"{text} {unit[:-1] if text == '1' else unit}"
