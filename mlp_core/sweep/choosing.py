"""Asks Optuna for the settings of each trial, and whether one should go on. Imports it when it is first used.

What is asked depends on the seed, the number of the trial and the results that it is told, and on nothing else: a
sweep gives the same trials whatever ends first, and goes on after a break as if there had been none.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Any

from mlp_core.errors import SpecError
from mlp_core.sweep.measuring import TrialResult
from mlp_core.sweep.space import Choices, Range
from mlp_core.sweep.spec import SweepSpec

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial, Trial

_NAME = "sweep"
_RUNG = "completed_rung_"
_STARTUP = 10
"""Trials of TPE that are drawn at random, at most."""
FEWEST, MOST = 4, 50
"""Trials in a generation of NSGA-II: a fifth of all, within these."""


def _optuna() -> Any:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


class Chooser:
    """Chooses trials of a sweep in order. Used by one thread at a time."""

    def __init__(self, spec: SweepSpec) -> None:
        optuna = _optuna()
        self._spec = spec
        self._distributions = {path: _distribution(each) for path, each in spec.space.dimensions.items()}
        self._directions = ["maximize" if spec.objective_entry.accuracy else "minimize"]
        self._directions += ["minimize"] * spec.objective_entry.counts_parameters
        self._study: Study = optuna.create_study(directions=self._directions, study_name=_NAME)
        self._asked: dict[int, Trial] = {}  # and not told yet
        self._told: list[FrozenTrial] = []
        self._grid = _grid(spec) if spec.sampler == "grid" else []
        self.asked = 0
        """Trials that were chosen."""

    def ask(self, again: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The settings of the next trial; `again` are those that it had before a break."""
        spec = self._spec
        number, self.asked = self.asked, self.asked + 1
        given = self._grid[number] if self._grid else again
        raw = None if given is None else self._raw(given)
        self._study.sampler = _sampler(spec, number)
        # What a sampler keeps with each trial that it chose is made by choosing it again.
        if raw is not None and not _remembers(spec):
            self._study.enqueue_trial(raw)
        self._asked[number] = trial = self._study.ask(self._distributions)
        values = {path: _value(spec.space.dimensions[path], trial.params[path]) for path in spec.space.dimensions}
        if given is not None and trial.params != raw:
            raise SpecError(
                f"Trial {number + 1} of this sweep was chosen by another version of Optuna, so {spec.sampler} cannot "
                "go on from it. Begin a new sweep."
            )
        return values

    def tell(self, result: TrialResult) -> None:
        """Take a result into account; in the order of the numbers."""
        state = _optuna().trial.TrialState
        several = len(self._directions) > 1
        prunes = bool(result.reports) and not several and result.state in ("pruned", "diverged")
        ended = state.COMPLETE if result.counts else state.PRUNED if prunes else state.FAIL
        trial = self._asked.pop(result.number)
        if not several:
            for epoch, value in result.reports[-1:]:  # that a sampler may know how far one came that was pruned
                trial.report(value, epoch)
        self._study.sampler = _sampler(self._spec, result.number)
        self._study.tell(trial, list(result.objectives) if ended == state.COMPLETE else None, ended)
        if self._spec.pruner != "none":
            self._told.append(self._frozen(
                ended, self._raw(result.values), values=list(result.objectives) if result.counts else None,
                intermediate_values=dict(result.reports), system_attrs=dict(result.rungs),
            ))  # fmt: skip

    def judge(self, number: int, known: int) -> Judge | None:
        """Says whether a trial goes on, by the first so many results; None where none is ended early."""
        if self._spec.pruner == "none":
            return None
        return Judge(self._spec, self._directions, self._told[:known], number)

    def _raw(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values as Optuna knows them: choices by their places."""
        return {path: _place(self._spec.space.dimensions[path], value) for path, value in values.items()}

    def _frozen(self, state: Any, raw: Mapping[str, Any], **more: Any) -> FrozenTrial:
        found: FrozenTrial = _optuna().trial.create_trial(
            state=state, params=dict(raw), distributions=self._distributions, **more
        )
        return found


class Judge:
    """Says whether one trial goes on. It knows the results that it is given and no later ones; it can be pickled before
    it is asked, and then says the same elsewhere."""

    def __init__(self, spec: SweepSpec, directions: list[str], told: Sequence[FrozenTrial], number: int) -> None:
        self._given = spec, directions, told, number

    def __reduce__(self) -> tuple[Any, ...]:
        spec, *given = self._given
        return _judge, (spec.to_json(), *given)

    @cached_property
    def _trial(self) -> Trial:
        optuna = _optuna()
        spec, directions, told, number = self._given
        study: Study = optuna.create_study(
            directions=directions, study_name=_NAME, pruner=_pruner(spec), sampler=optuna.samplers.RandomSampler(seed=0)
        )
        study.add_trials(told)
        running = optuna.trial.create_trial(state=optuna.trial.TrialState.RUNNING)
        study.add_trials([running] * (number + 1 - len(told)))  # those that train beside it, and itself
        found: Trial = optuna.trial.Trial(study, study.get_trials(deepcopy=False)[number]._trial_id)
        return found

    def goes_on(self, epoch: int, value: float) -> bool:
        """Whether the trial goes on after a report."""
        self._trial.report(value, epoch)
        return not self._trial.should_prune()

    @property
    def rungs(self) -> dict[str, float]:
        """What the pruner remembers of the trial."""
        kept = self._trial.study.get_trials(deepcopy=False)[self._trial.number].system_attrs
        return {key: float(value) for key, value in kept.items() if key.startswith(_RUNG)}


def _judge(spec: str, *given: Any) -> Judge:
    return Judge(SweepSpec.from_json(spec), *given)


def _remembers(spec: SweepSpec) -> bool:
    """Whether the sampler keeps something with each trial that it chose."""
    return spec.sampler in ("cmaes", "nsga2")


def _distribution(dimension: Range | Choices) -> BaseDistribution:
    kinds = _optuna().distributions
    found: BaseDistribution
    if isinstance(dimension, Choices):
        found = kinds.CategoricalDistribution(tuple(range(len(dimension.values))))
    elif dimension.whole:
        found = kinds.IntDistribution(int(dimension.low), _reached(dimension), dimension.log, int(dimension.step or 1))
    else:
        found = kinds.FloatDistribution(dimension.low, _reached(dimension), dimension.log, dimension.step)
    return found


def _reached(dimension: Range) -> Any:
    """The highest value that steps from the lowest one reach."""
    if dimension.step is None:
        return dimension.high
    return dimension.low + (dimension.count - 1) * dimension.step


def _value(dimension: Range | Choices, raw: Any) -> Any:
    return dimension.values[raw] if isinstance(dimension, Choices) else raw


def _place(dimension: Range | Choices, value: Any) -> Any:
    if not isinstance(dimension, Choices):
        return value
    plain = tuple(value) if isinstance(value, list) else value
    return next(at for at, each in enumerate(dimension.values) if each == plain and type(each) is type(plain))


def _grid(spec: SweepSpec) -> list[dict[str, Any]]:
    """The points of the grid that are tried, in their order; with fewer trials than points, some drawn from all."""
    axes = {path: dimension.grid() for path, dimension in spec.space.dimensions.items()}
    points = prod(map(len, axes.values()))
    chosen: Sequence[int] = range(points)
    if spec.trials < points:
        chosen = sorted(random.Random(spec.seed).sample(chosen, spec.trials))
    found = []
    for place in chosen:
        point, rest = {}, place
        for path, values in reversed(axes.items()):
            rest, at = divmod(rest, len(values))
            point[path] = values[at]
        found.append({path: point[path] for path in axes})
    return found


def _sampler(spec: SweepSpec, number: int) -> BaseSampler:
    """The sampler for one trial: what it draws depends on the seed and the trial's number alone."""
    samplers = _optuna().samplers
    seed = random.Random(f"{spec.seed} {number}").randrange(2**31)
    found: BaseSampler
    if spec.sampler == "tpe":
        found = samplers.TPESampler(seed=seed, n_startup_trials=min(_STARTUP, spec.trials // 2), constant_liar=True)
    elif spec.sampler == "cmaes":
        found = samplers.CmaEsSampler(
            seed=seed, warn_independent_sampling=False, independent_sampler=samplers.RandomSampler(seed=seed)
        )
    elif spec.sampler == "nsga2":
        found = samplers.NSGAIISampler(seed=seed, population_size=max(FEWEST, min(MOST, spec.trials // 5)))
    else:
        found = samplers.RandomSampler(seed=seed)
    return found


def _pruner(spec: SweepSpec) -> BasePruner:
    pruners = _optuna().pruners
    found: BasePruner
    if spec.pruner == "median":
        found = pruners.MedianPruner(n_startup_trials=min(5, max(1, spec.trials // 4)))
    elif spec.pruner == "halving":
        found = pruners.SuccessiveHalvingPruner(min_resource=max(1, spec.epochs // 16))
    else:
        found = pruners.HyperbandPruner(min_resource=max(1, spec.epochs // 27), max_resource=spec.epochs)
    return found


def load() -> None:
    """Import Optuna now, where somebody waits for nothing yet."""
    with suppress(ImportError):
        _optuna()
