"""What a sweep is: an experiment, a space, and how it is searched. It turns into JSON and back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from mlp_core.catalog.sweep import OBJECTIVES, SAMPLERS, SWEEP, ObjectiveEntry, SamplerEntry
from mlp_core.errors import SpecError
from mlp_core.plan import plan
from mlp_core.spec import Experiment
from mlp_core.strict_json import parse_json
from mlp_core.sweep.space import Choices, Space, space_of

FORMAT = 1
"""The version of the JSON form."""


def part_warning(experiment: Experiment, paths: Iterable[str]) -> str:
    """What speaks against what the settings at these paths are chosen by; '' for nothing."""
    if _part_of(experiment, paths) == "validation":
        return ""
    return (
        "There is no validation part, so settings are chosen by the test part: its figures then flatter them. "
        "Set a validation share to keep the test a test."
    )


def _part_of(experiment: Experiment, paths: Iterable[str]) -> str:
    searched = "data.validation_fraction" in paths
    return "test" if experiment.data.validation_fraction is None and not searched else "validation"


@dataclass(frozen=True, kw_only=True)
class SweepSpec:
    """All that the trials of a sweep depend on. Raises `SpecError` where the parts do not fit together."""

    space: Space
    """The experiment, and its settings that are searched."""
    sampler: str = "tpe"
    """How the settings of the next trial are chosen; a name of `SAMPLERS`."""
    pruner: str = "none"
    """Which trials end early; a name of `PRUNERS`."""
    objective: str = "best_loss"
    """What makes a trial good; a name of `OBJECTIVES`."""
    trials: int = 50
    """How many settings are tried, in a grid at most."""
    epochs: int = 100
    """After how many epochs a trial ends, where the space does not say."""
    seed: int = 0
    """What the sampler draws from."""
    at_once: int = 4
    """Trials that are chosen before the first of them has ended."""

    def __post_init__(self) -> None:
        SWEEP.fill(self.options, "the sweep")
        sampler, objective = self.sampler_entry, self.objective_entry
        if objective.counts_parameters and not sampler.several:
            raise _refusal("sampler", "one that takes two objectives", self.sampler, "tpe, nsga2 or random")
        if not objective.counts_parameters and not sampler.one:
            raise _refusal("sampler", "one that takes a single objective", self.sampler, "tpe")
        if objective.counts_parameters and self.pruner != "none":
            raise _refusal("pruner", "'none' where there are two objectives", self.pruner, "none")
        if objective.accuracy and not self.experiment.data.facts.classifies:
            raise _refusal("objective", "a loss, since the data have no classes", self.objective, "best_loss")
        ranges = sum(not isinstance(dimension, Choices) for dimension in self.space.dimensions.values())
        if ranges < sampler.continuous:
            need = f"of a space with {sampler.continuous} ranges of numbers or more"
            raise _refusal("sampler", need, self.sampler, "tpe")
        if self.sampler == "grid":
            self.space.refuse_grid()
        plan(self.experiment)  # raises where the experiment itself cannot be built

    @property
    def experiment(self) -> Experiment:
        """What the settings are put into."""
        return self.space.experiment

    @property
    def options(self) -> dict[str, Any]:
        """How it is searched, by the names of the catalog's `SWEEP`."""
        return {parameter.name: getattr(self, parameter.name) for parameter in SWEEP.parameters}

    @property
    def sampler_entry(self) -> SamplerEntry:
        """The sampler's catalog entry."""
        return SAMPLERS[self.sampler]

    @property
    def objective_entry(self) -> ObjectiveEntry:
        """The objective's catalog entry."""
        return OBJECTIVES[self.objective]

    @property
    def size(self) -> int:
        """How many trials there are."""
        return min(self.trials, self.space.grid_points) if self.sampler == "grid" else self.trials

    @property
    def part(self) -> str:
        """The part of the data that the objective is measured on: 'validation' or 'test'."""
        return _part_of(self.experiment, self.space.dimensions)

    @property
    def objectives(self) -> tuple[str, ...]:
        """What each number of a trial's values is, for people."""
        measure = "accuracy" if self.objective_entry.accuracy else "loss"
        which = "Best" if self.objective_entry.best else "Last"
        found = f"{which} {self.part} {measure}"
        return (found, "Parameters") if self.objective_entry.counts_parameters else (found,)

    @property
    def warning(self) -> str:
        """What speaks against the objective; '' for nothing."""
        return part_warning(self.experiment, self.space.dimensions)

    def epochs_of(self, experiment: Experiment) -> int:
        """After how many epochs a trial of this experiment ends."""
        own = experiment.training.epochs if "training.epochs" in self.space.dimensions else None
        return self.epochs if own is None else own

    def updated(self, **changes: Any) -> SweepSpec:
        """A checked copy with some fields replaced."""
        return replace(self, **changes)

    def to_json(self) -> str:
        """As JSON; `from_json` reads it."""
        experiment = json.loads(self.experiment.to_json())
        return json.dumps({"format": FORMAT, "experiment": experiment, "space": self.space.record(), **self.options})

    @classmethod
    def from_json(cls, text: str) -> SweepSpec:
        """Read a sweep. Raises `SpecError` naming what is wrong."""
        given = parse_json(text, "sweep")
        if not isinstance(given, dict) or given.get("format") != FORMAT:
            raise SpecError(f"This is no sweep of format {FORMAT}. Begin it again.")
        options: Mapping[str, Any] = {key: value for key, value in given.items()
                                      if key not in ("format", "experiment", "space")}  # fmt: skip
        filled = SWEEP.fill(options, "the sweep")
        experiment = Experiment.from_dict(given.get("experiment"))
        return cls(space=space_of(given.get("space"), experiment), **filled)


def _refusal(name: str, rule: str, value: str, remedy: str) -> SpecError:
    return SpecError(f"The {name!r} of the sweep must be {rule}. Got {value!r} instead. Choose {remedy}.")
