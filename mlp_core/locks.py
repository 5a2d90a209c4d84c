"""What a teacher's link locks: the settings of an experiment under each control, and whether a change touches them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mlp_core.catalog import CONTROLS, TRAINING
from mlp_core.catalog.entry import Entry
from mlp_core.catalog.parameters import Parameter
from mlp_core.catalog.schedulers import EVERY
from mlp_core.catalog.training import DATA_SEED, TEST_FRACTION, VALIDATION_FRACTION
from mlp_core.errors import SpecError
from mlp_core.spec import Experiment


@dataclass(frozen=True)
class Setting:
    """One value of an experiment that a user can set."""

    name: str
    """What is set: the name of a parameter, or the kind of thing that is chosen."""
    value: Any
    """Its value."""
    controls: tuple[str, ...]
    """The names in `CONTROLS` that lock it."""


def settings(experiment: Experiment) -> Iterator[Setting]:
    """Every setting of the experiment, in a fixed order."""
    data, scheduler, training = experiment.data, experiment.scheduler, experiment.training
    yield Setting("dataset", data.dataset, data.entry.choice_controls)
    yield from _of(data.entry, data.params)
    yield _setting(TEST_FRACTION, data.test_fraction)
    yield _setting(VALIDATION_FRACTION, data.validation_fraction)
    yield _setting(DATA_SEED, data.seed)
    yield Setting("layers", experiment.layers, ("network",))
    for _, layer in experiment.walk():
        yield Setting("layer", layer.type, layer.entry.choice_controls)
        yield from _of(layer.entry, layer.params)
        for name, init in (("init", layer.init), ("bias_init", layer.bias_init)):
            yield Setting(name, init, ("network",))
    for chosen in (experiment.loss, experiment.optimizer):
        yield Setting(chosen.kind, chosen.type, chosen.entry.choice_controls)
        yield from _of(chosen.entry, chosen.params)
    yield Setting("scheduler", scheduler and scheduler.type, ("scheduler",))
    if scheduler is not None:
        yield _setting(EVERY, scheduler.every)
        yield from _of(scheduler.entry, scheduler.params)
    yield from _of(TRAINING, {parameter.name: getattr(training, parameter.name) for parameter in TRAINING.parameters})


def refuse_locked(old: Experiment, new: Experiment, locked: Collection[str]) -> None:
    """Raise `SpecError` if a setting under one of the locked controls differs between the experiments."""
    for control in CONTROLS:
        if control in locked and _under(control, old) != _under(control, new):
            raise SpecError(
                f"The link that opened this page locks '{CONTROLS[control].label}'. "
                "Open the playground without the link to change it."
            )


def _of(entry: Entry, params: Mapping[str, Any]) -> Iterator[Setting]:
    return (_setting(parameter, params[parameter.name]) for parameter in entry.parameters)


def _setting(parameter: Parameter, value: Any) -> Setting:
    return Setting(parameter.name, value, parameter.controls)


def _under(control: str, experiment: Experiment) -> list[tuple[str, Any]]:
    """Name and value of every setting that the control locks."""
    return [(found.name, found.value) for found in settings(experiment) if control in found.controls]
