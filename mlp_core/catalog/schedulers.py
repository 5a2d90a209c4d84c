"""Schedules of the learning rate, with PyTorch's names and defaults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from math import inf
from typing import Any

from mlp_core.catalog.entry import ClassEntry, table
from mlp_core.catalog.parameters import Bool, Choice, Float, Int, Ints


@dataclass(frozen=True)
class Surroundings:
    """What a schedule may have to know of the run around it."""

    learning_rate: float
    """The learning rate that is set for the optimizer."""
    length: int
    """How many epochs or steps, as the schedule counts, the run lasts."""
    has_momentum: bool
    """Whether the optimizer has a momentum, or a beta in the place of one."""


def _own(params: Mapping[str, Any], around: Surroundings) -> dict[str, Any]:
    return dict(params)


Highest = Callable[[Mapping[str, Any], float, int], float]


def _as_set(params: Mapping[str, Any], rate: float, counts: int) -> float:
    return rate


def _powers(params: Mapping[str, Any], rate: float, times: int) -> float:
    """The larger of a rate, and of what it is after so many multiplications by gamma."""
    try:
        return max(rate, rate * float(params["gamma"]) ** max(0, times))
    except OverflowError:
        return inf if rate else 0.0


def _cosine(params: Mapping[str, Any], rate: float, counts: int) -> float:
    return max(rate, float(params["eta_min"])) if counts else rate


@dataclass(frozen=True, kw_only=True)
class SchedulerEntry(ClassEntry):
    """A schedule of the learning rate."""

    highest: Highest = _as_set
    """The highest rate that a run reaches: from the schedule's parameters, the rate as it is set, and how often the
    schedule counts in the run, which is 0 where the run has no end."""

    namespace = "torch.optim.lr_scheduler"

    counts: tuple[str, ...] = ("epoch", "step")
    """What it can count in, the usual one first."""
    looks_at_loss: bool = False
    """Whether it is told a loss after every epoch, and goes by it; others need no figure of the run but the time."""
    arguments: Callable[[Mapping[str, Any], Surroundings], dict[str, Any]] = _own
    """The keywords of the constructor: the entry's parameters, with what the run around it decides."""
    misfit: Callable[[Mapping[str, Any], Surroundings], str] = lambda params, around: ""
    """What is wrong with the parameters in such a run, in a sentence; '' where they fit."""

    @property
    def choice_controls(self) -> tuple[str, ...]:
        return ("scheduler",)


EVERY = Choice(
    name="every",
    label="Counts",
    help="What a schedule counts in: epochs, or mini-batches (steps).",
    default="epoch",
    choices=("epoch", "step"),
    controls=("scheduler",),
    advice="Choose 'epoch' to change the learning rate after every epoch, or 'step' after every mini-batch.",
)

_UNIT = "counted in epochs or steps, as the schedule is set"


def _count(name: str, label: str, default: int, help: str) -> Int:
    return Int(name=name, label=label, help=f"{help}, {_UNIT}.", default=default, low=1, high=1_000_000)


def _gamma(default: float) -> Float:
    return Float(
        name="gamma",
        label="Gamma",
        help="What the learning rate is multiplied by each time. Above 1 it grows, which shows the largest rate that "
        "still learns.",
        default=default,
        low=0.0,
        low_open=True,
        high=10.0,
        step=0.05,
        advice="Choose a value above 0, up to 10; 0.1 to 1 makes the rate smaller.",
    )


def _factor(name: str, label: str, default: float, help: str, low: float = 1e-6) -> Float:
    return Float(name=name, label=label, help=help, default=default, low=low, high=1.0, step=0.05)


_TOTAL = _count("total_iters", "Length", 5, "How long the change takes; after that the learning rate stays")

_CYCLE_MOMENTUM = Bool(
    name="cycle_momentum",
    label="Cycle momentum",
    help="Lets the momentum fall as the rate rises: SGD's and RMSprop's momentum, or the first beta of Adam and its "
    "kin. Other optimizers have none to cycle.",
    default=True,
)


def _momentum(name: str, label: str, default: float, help: str) -> Float:
    return Float(
        name=name,
        label=label,
        help=f"{help} Does nothing where momentum is not cycled.",
        default=default,
        low=0.0,
        low_open=True,
        high=1.0,
        high_open=True,
        step=0.05,
    )


def _with_momentum(params: Mapping[str, Any], around: Surroundings) -> dict[str, Any]:
    """The parameters, without the cycle of the momentum where the optimizer has none."""
    return {**params, "cycle_momentum": params["cycle_momentum"] and around.has_momentum}


def _one_cycle(params: Mapping[str, Any], around: Surroundings) -> dict[str, Any]:
    total = params["total_steps"] or around.length
    return {"max_lr": around.learning_rate, **_with_momentum(params, around), "total_steps": total}


def _one_cycle_misfit(params: Mapping[str, Any], around: Surroundings) -> str:
    """PyTorch divides by the length of each part, which must not be 0."""
    total, share = params["total_steps"] or around.length, params["pct_start"]
    ends = [0.0, share * total - 1, *([2 * share * total - 2] if params["three_phase"] else []), total - 1]
    if all(first != second for first, second in pairwise(ends)):
        return ""
    return (
        f"The 'pct_start' parameter of scheduler OneCycleLR must leave no part of the cycle without length. Got "
        f"{share:g} of {total:,} counts instead. Count in steps, or make it a little larger or smaller."
    )


def _cyclic(params: Mapping[str, Any], around: Surroundings) -> dict[str, Any]:
    return {"base_lr": around.learning_rate, **_with_momentum(params, around)}


_LOWEST = Float(
    name="eta_min",
    label="Lowest rate",
    help="The learning rate at the end of a cycle.",
    default=0.0,
    low=0.0,
    high=1e12,
    step=0.0001,
)

SCHEDULERS: dict[str, SchedulerEntry] = table(
    SchedulerEntry(
        name="StepLR",
        highest=lambda params, rate, counts: _powers(params, rate, (counts - 1) // params["step_size"]),
        label="Steps",
        summary="Multiplies the learning rate by gamma every so often.",
        formula=r"\eta_t = \eta_0\,\gamma^{\lfloor t / s \rfloor}",
        when="The classic: large steps first, small ones when the loss stands still.",
        parameters=(_count("step_size", "Every", 10, "After how long the learning rate is multiplied"), _gamma(0.1)),
    ),
    SchedulerEntry(
        name="MultiStepLR",
        highest=lambda params, rate, counts: _powers(params, rate, sum(at < counts for at in params["milestones"])),
        label="Milestones",
        summary="Multiplies the learning rate by gamma at each of some milestones.",
        formula=r"\eta_t = \eta_0\,\gamma^{\,|\{m \le t\}|}",
        when="Where one knows when the loss stands still: as published for many image networks.",
        parameters=(
            Ints(
                name="milestones",
                label="Milestones",
                help=f"When the learning rate is multiplied, such as 30, 80: {_UNIT}.",
                default=(30, 80),
                low=1,
                high=1_000_000,
                most=20,
                advice="Give whole numbers with commas between them, such as 30, 80.",
            ),
            _gamma(0.1),
        ),
    ),
    SchedulerEntry(
        name="ExponentialLR",
        highest=lambda params, rate, counts: _powers(params, rate, counts - 1),
        label="Exponential",
        summary="Multiplies the learning rate by gamma each time.",
        formula=r"\eta_t = \eta_0\,\gamma^t",
        when="A smooth decay without an end; with gamma above 1, a search for the largest rate that learns.",
        parameters=(_gamma(0.95),),
    ),
    SchedulerEntry(
        name="CosineAnnealingLR",
        highest=_cosine,
        label="Cosine",
        summary="Follows half a cosine from the learning rate down to the lowest, and back up after that.",
        formula=r"\eta_t = \eta_{min} + \tfrac12 (\eta_0 - \eta_{min})\left(1 + \cos\frac{\pi t}{T}\right)",
        when="A run whose length is known: set the length to that of the run.",
        parameters=(_count("T_max", "Length", 50, "How long the way down takes"), _LOWEST),
    ),
    SchedulerEntry(
        name="CosineAnnealingWarmRestarts",
        highest=_cosine,
        label="Cosine with restarts",
        summary="Falls along a cosine, jumps back to the full learning rate, and falls again.",
        formula=r"\eta_t = \eta_{min} + \tfrac12 (\eta_0 - \eta_{min})\left(1 + \cos\frac{\pi T_{cur}}{T_i}\right)",
        when="Runs that get stuck: every restart is a chance to leave a bad place.",
        parameters=(
            _count("T_0", "First length", 10, "How long it falls until the first restart"),
            Int(
                name="T_mult",
                label="Growth",
                help="How many times longer each fall is than the one before.",
                default=1,
                low=1,
                high=100,
            ),
            _LOWEST,
        ),
    ),
    SchedulerEntry(
        name="LinearLR",
        highest=lambda params, rate, counts: rate * max(params["start_factor"], params["end_factor"]),
        label="Linear",
        summary="Goes from one share of the learning rate to another along a straight line, then stays.",
        formula=r"\eta_t = \eta_0\left(a + (b - a)\,\frac{\min(t, T)}{T}\right)",
        when="Warming up: a small rate until the first averages of the optimizer are sound.",
        parameters=(
            _factor("start_factor", "First share", 1 / 3, "The share of the learning rate that it starts with."),
            _factor("end_factor", "Last share", 1.0, "The share of the learning rate that it ends with.", 0.0),
            _TOTAL,
        ),
    ),
    SchedulerEntry(
        name="ConstantLR",
        label="Constant share",
        summary="Takes a share of the learning rate at first, and the whole of it later.",
        formula=r"\eta_t = \eta_0 \cdot (f \text{ if } t < T \text{ else } 1)",
        when="The simplest way to warm up.",
        parameters=(_factor("factor", "Share", 1 / 3, "The share of the learning rate that it starts with."), _TOTAL),
    ),
    SchedulerEntry(
        name="PolynomialLR",
        label="Polynomial",
        summary="Falls to zero along a power of the time that is left, then stays at zero.",
        formula=r"\eta_t = \eta_0 \left(1 - \frac{\min(t, T)}{T}\right)^p",
        when="A run whose length is known and that should come to rest.",
        parameters=(
            _TOTAL,
            Float(
                name="power",
                label="Power",
                help="1 falls along a straight line; larger falls faster at first, smaller faster at the end.",
                default=1.0,
                low=0.0,
                high=100.0,
                step=0.5,
            ),
        ),
    ),
    SchedulerEntry(
        name="OneCycleLR",
        label="One cycle",
        counts=("step", "epoch"),
        arguments=_one_cycle,
        misfit=_one_cycle_misfit,
        summary="Rises from a small rate to the learning rate that is set, and falls far below it until the run ends; "
        "after its end the rate stays there.",
        formula=r"\eta_t:\ \tfrac{\eta}{d} \rightarrow \eta \rightarrow \tfrac{\eta}{d\,f}",
        when="Short runs of a known length with a large learning rate.",
        parameters=(
            Int(
                name="total_steps",
                label="Length",
                help=f"How long the cycle takes, {_UNIT}. Empty takes the run's epochs. After it, the rate stays.",
                default=None,
                low=1,
                high=1_000_000_000,
                optional=True,
                none_means="the whole run",
            ),
            Float(
                name="pct_start",
                label="Share of the rise",
                help="The share of the cycle in which the rate rises.",
                default=0.3,
                low=0.0,
                low_open=True,
                high=1.0,
                high_open=True,
                step=0.05,
            ),
            Choice(
                name="anneal_strategy",
                label="Way",
                help="Whether the rate rises and falls along a cosine or along a straight line.",
                default="cos",
                choices=("cos", "linear"),
            ),
            _CYCLE_MOMENTUM,
            _momentum("base_momentum", "Lowest momentum", 0.85, "The momentum while the rate is highest."),
            _momentum("max_momentum", "Highest momentum", 0.95, "The momentum at the start and at the end."),
            Float(
                name="div_factor",
                label="First divisor",
                help="What the learning rate is divided by at the start.",
                default=25.0,
                low=1.0,
                high=1e12,
                step=5.0,
            ),
            Float(
                name="final_div_factor",
                label="Last divisor",
                help="What the rate of the start is divided by at the end.",
                default=1e4,
                low=1.0,
                high=1e12,
                log=True,
            ),
            Bool(
                name="three_phase",
                label="Three parts",
                help="Falls back to the rate of the start as slowly as it rose, and only then far below it.",
                default=False,
            ),
        ),
    ),
    SchedulerEntry(
        name="CyclicLR",
        highest=lambda params, rate, counts: max(rate, params["max_lr"]),
        label="Cyclic",
        counts=("step", "epoch"),
        arguments=_cyclic,
        summary="Goes up and down between the learning rate that is set and a highest one, again and again.",
        formula=r"\eta_t = \eta + (\eta_{max} - \eta)\,\Lambda(t)\,s_t",
        when="Where no good rate is known: it passes through all of them.",
        parameters=(
            Float(
                name="max_lr",
                label="Highest rate",
                help="The learning rate at the top of a cycle. One below the learning rate makes it the lowest.",
                default=0.1,
                low=0.0,
                high=1e12,
                log=True,
            ),
            _count("step_size_up", "Up", 2000, "How long the rate rises"),
            replace(
                _count("step_size_down", "Down", 1, "How long it falls. Empty: as long as it rises"),
                default=None,
                optional=True,
                none_means="as long as it rises",
            ),
            Choice(
                name="mode",
                label="Mode",
                help="triangular: cycles stay the same; triangular2: each is half as high as the one before; "
                "exp_range: the height is multiplied by gamma all the time.",
                default="triangular",
                choices=("triangular", "triangular2", "exp_range"),
            ),
            replace(
                _gamma(1.0),
                help="What the height is multiplied by each time, in mode exp_range.",
                high=1.0,
                step=0.001,
                advice="Choose a value above 0, up to 1; 0.99 to 1 is usual.",
            ),
            _CYCLE_MOMENTUM,
            _momentum("base_momentum", "Lowest momentum", 0.8, "The momentum at the top of a cycle."),
            _momentum("max_momentum", "Highest momentum", 0.9, "The momentum between the cycles."),
        ),
    ),
    SchedulerEntry(
        name="ReduceLROnPlateau",
        label="On a plateau",
        counts=("epoch",),
        looks_at_loss=True,
        summary="Multiplies the learning rate by a factor when the loss has not fallen for some epochs. It looks at "
        "the validation loss where there is one, else at the test loss.",
        formula=r"\eta \leftarrow \max(f\,\eta,\ \eta_{min})",
        when="Where one does not know when the loss will stand still.",
        cost="One test pass after every epoch.",
        parameters=(
            Float(
                name="factor",
                label="Factor",
                help="What the learning rate is multiplied by.",
                default=0.1,
                low=0.0,
                high=1.0,
                high_open=True,
                step=0.1,
            ),
            Int(
                name="patience",
                label="Patience",
                help="How many epochs without a better loss are waited for; the next one reduces the rate.",
                default=10,
                low=0,
                high=1_000_000,
            ),
            Float(
                name="threshold",
                label="Threshold",
                help="By how much a loss must be lower than the best one to count as better.",
                default=1e-4,
                low=0.0,
                high=1e6,
                log=True,
            ),
            Choice(
                name="threshold_mode",
                label="Threshold is",
                help="rel: a share of the best loss; abs: a difference from it.",
                default="rel",
                choices=("rel", "abs"),
            ),
            Int(
                name="cooldown",
                label="Cooldown",
                help="How many epochs after a reduction are not counted.",
                default=0,
                low=0,
                high=1_000_000,
            ),
            Float(
                name="min_lr",
                label="Lowest rate",
                help="The learning rate below which it is never reduced.",
                default=0.0,
                low=0.0,
                high=1e12,
                log=True,
            ),
            Float(
                name="eps",
                label="Epsilon",
                help="A reduction by less than this is left out.",
                default=1e-8,
                low=0.0,
                high=1.0,
                log=True,
            ),
        ),
    ),
)
"""Without one, the learning rate stays as it is set. The time `t` of a schedule counts epochs or steps (`EVERY`).
PyTorch's `mode` of ReduceLROnPlateau is always 'min', for a loss."""
