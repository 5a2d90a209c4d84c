"""What an experiment is raced against: other values of a setting, the most sensible first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlp_core.catalog.parameters import Bool, Choice, Float, Floats, Formula, Int, Ints, Subset
from mlp_core.settings import DEPTH, INITIALIZER, NONE, Setting, settable
from mlp_core.spec import Experiment

_NOT_RACED = ("data.seed",)
"""Settings with which figures would not be those of the same problem."""


def raced(experiment: Experiment) -> dict[str, Setting]:
    """The settings that variants may have otherwise, by their paths."""
    return {path: setting for path, setting in settable(experiment).items() if path not in _NOT_RACED}


def others(setting: Setting, experiment: Experiment) -> Iterator[Any]:
    """Values that differ from that of the experiment; all follow the rule of the setting."""
    now = setting.get(experiment)
    return (value for value in _others(setting, now) if value != now and setting.rule.accepts(value))


_RIVALS = {"ReLU": "Tanh", "SGD": "Adam", "Adam": "SGD", "CrossEntropyLoss": "MultiMarginLoss", "MSELoss": "L1Loss",
           INITIALIZER: "kaiming_uniform_", "scheduler.type": "CosineAnnealingLR"}
"""What is raced first against a choice that many begin with; by the path of its setting where nothing is chosen."""


def _others(setting: Setting, value: Any) -> Iterator[Any]:
    parameter = setting.rule
    match parameter:
        case Choice():
            if (rival := _RIVALS.get(setting.path if value == NONE else value)) is not None:
                yield rival
            yield from parameter.choices
            yield None
        case Subset():
            yield tuple(parameter.choices)
            yield from ((name,) for name in parameter.choices)
        case Bool():
            yield not value
        case Floats():
            for place, _ in enumerate(value):
                for other in (value[place] / 2, value[place] + 0.1, value[place] + 1):
                    yield (*value[:place], other, *value[place + 1 :])
        case Float():
            yield from _other_numbers(parameter, value)
        case Int():
            small = setting.path == DEPTH or "seed" in parameter.name
            yield from (value + 1, value - 1) if small and value is not None else ()
            yield from () if value is None else (2 * value, value // 2, value + parameter.step, value - parameter.step)
            yield from (parameter.default, 32, parameter.low, parameter.high)
        case Ints():
            yield tuple(2 * item for item in value)
            yield tuple(item + 1 for item in value)
        case Formula():
            yield from ("sin(x)", "x^2")


def _other_numbers(parameter: Float, value: float | None) -> Iterator[float]:
    if value:
        yield from (value * 10, value / 10) if parameter.log else (value * 2, value / 2)
    yield parameter.default
    if parameter.usual is not None:
        yield from parameter.usual
    base = parameter.low if value is None and parameter.low > -1e6 else value or 0.0
    if parameter.log:
        yield from (1e-3, 1e-2)
    yield from (base + parameter.step, base + 2 * parameter.step, 1.0)
