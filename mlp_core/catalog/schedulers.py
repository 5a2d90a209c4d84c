"""Schedules of the learning rate, with PyTorch's names and defaults."""

from __future__ import annotations

from dataclasses import dataclass

from mlp_core.catalog.entry import ClassEntry, table
from mlp_core.catalog.parameters import Choice, Float, Int


@dataclass(frozen=True, kw_only=True)
class SchedulerEntry(ClassEntry):
    """A schedule of the learning rate, which needs no figure of the run but the time."""

    namespace = "torch.optim.lr_scheduler"

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
        label="Steps",
        summary="Multiplies the learning rate by gamma every so often.",
        formula=r"\eta_t = \eta_0\,\gamma^{\lfloor t / s \rfloor}",
        when="The classic: large steps first, small ones when the loss stands still.",
        parameters=(_count("step_size", "Every", 10, "After how long the learning rate is multiplied"), _gamma(0.1)),
    ),
    SchedulerEntry(
        name="ExponentialLR",
        label="Exponential",
        summary="Multiplies the learning rate by gamma each time.",
        formula=r"\eta_t = \eta_0\,\gamma^t",
        when="A smooth decay without an end; with gamma above 1, a search for the largest rate that learns.",
        parameters=(_gamma(0.95),),
    ),
    SchedulerEntry(
        name="CosineAnnealingLR",
        label="Cosine",
        summary="Follows half a cosine from the learning rate down to the lowest, and back up after that.",
        formula=r"\eta_t = \eta_{min} + \tfrac12 (\eta_0 - \eta_{min})\left(1 + \cos\frac{\pi t}{T}\right)",
        when="A run whose length is known: set the length to that of the run.",
        parameters=(_count("T_max", "Length", 50, "How long the way down takes"), _LOWEST),
    ),
    SchedulerEntry(
        name="CosineAnnealingWarmRestarts",
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
)
"""Without one, the learning rate stays as it is set. The time `t` of a schedule counts epochs or steps (`EVERY`)."""
