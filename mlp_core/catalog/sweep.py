"""How a sweep searches: parameters of the page and of the command line."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mlp_core.catalog.entry import Entry, table
from mlp_core.catalog.parameters import Choice, Int
from mlp_core.catalog.training import SEED
from mlp_core.limits import ENDLESS_EPOCHS, MAX_SWEEP_TRIALS


@dataclass(frozen=True, kw_only=True)
class SamplerEntry(Entry):
    """How the settings of the next trial are chosen."""

    several: bool = True
    """Whether it can make two objectives small at once."""
    one: bool = True
    """Whether it can make a single one small."""
    learns: bool = True
    """Whether it looks at how earlier trials went."""
    continuous: int = 0
    """Settings with a range that it needs at least."""


SAMPLERS: dict[str, SamplerEntry] = table(
    SamplerEntry(
        name="tpe", label="TPE",
        summary="Tree-structured Parzen estimator: draws where good trials were denser than poor ones.",
    ),
    SamplerEntry(name="random", label="Random", summary="Draws every setting by itself.", learns=False),
    SamplerEntry(
        name="grid", label="Grid", learns=False,
        summary="Every combination. A range of numbers without a step gives five values, one of whole numbers each.",
    ),
    SamplerEntry(
        name="cmaes", label="CMA-ES", several=False, continuous=2,
        summary="Covariance matrix adaptation: moves a normal distribution over two or more ranges of numbers. "
        "Choices are drawn.",
    ),
    SamplerEntry(
        name="nsga2", label="NSGA-II", one=False,
        summary="Non-dominated sorting: crosses the settings of trials that no other beats in both objectives.",
    ),
)  # fmt: skip

PRUNERS: dict[str, Entry] = table(
    Entry(name="none", label="None", summary="Every trial trains to its end."),
    Entry(name="median", label="Median", summary="Ends a trial that is worse than the median of earlier ones then."),
    Entry(name="halving", label="Successive halving", summary="At each rung, a quarter of the trials goes on."),
    Entry(name="hyperband", label="Hyperband", summary="Successive halving that begins at several numbers of epochs."),
)


@dataclass(frozen=True, kw_only=True)
class ObjectiveEntry(Entry):
    """What makes one trial better than another."""

    accuracy: bool = False
    """Whether it is the share of right answers, of which more is better; else the loss."""
    best: bool = True
    """Whether the best of a trial's passes counts; else the last one."""
    counts_parameters: bool = False
    """Whether the number of parameters is to be small as well."""


OBJECTIVES: dict[str, ObjectiveEntry] = table(
    ObjectiveEntry(name="best_loss", label="Lowest loss", summary="The lowest loss of the trial's passes."),
    ObjectiveEntry(name="last_loss", label="Last loss", summary="The loss at the trial's end.", best=False),
    ObjectiveEntry(
        name="best_accuracy", label="Highest accuracy", summary="The highest accuracy of the passes.", accuracy=True
    ),
    ObjectiveEntry(
        name="last_accuracy", label="Last accuracy", summary="The accuracy at the end.", accuracy=True, best=False
    ),
    ObjectiveEntry(
        name="loss_and_parameters", label="Loss against parameters", counts_parameters=True,
        summary="The lowest loss and the number of parameters, both small.",
    ),
)  # fmt: skip

SWEEP = Entry(
    name="sweep",
    label="Sweep",
    summary="Many trials of an experiment with other settings.",
    parameters=(
        Choice(
            name="sampler", label="Sampler", default="tpe", choices=tuple(SAMPLERS),
            help="How the settings of the next trial are chosen.",
        ),
        Choice(
            name="pruner", label="Pruning", default="none", choices=tuple(PRUNERS),
            help="Which trials end early because others were better at the same epoch.",
        ),
        Choice(
            name="objective", label="Objective", default="best_loss", choices=tuple(OBJECTIVES),
            help="What makes a trial good: a figure of the validation part, or of the test part where there is none.",
        ),
        Int(
            name="trials", label="Trials", default=50, low=1, high=MAX_SWEEP_TRIALS, step=10,
            help="How many settings are tried.", advice=f"Choose a whole number from 1 to {MAX_SWEEP_TRIALS}.",
        ),
        Int(
            name="epochs", label="Epochs of a trial", default=ENDLESS_EPOCHS, low=1, high=1_000_000, step=10,
            help="After how many epochs a trial ends.", advice="Choose a whole number from 1 to 1000000.",
        ),
        replace(SEED, name="seed", label="Sweep seed", default=0, controls=(),
                help="What the sampler draws from: the same seed gives the same trials."),
        Int(
            name="at_once", label="Trials ahead", default=4, low=1, high=64,
            help="Trials that are chosen before the first of them has ended, so that they can train at the same time. "
            "With the same number, a seed gives the same trials on every machine.",
            advice="Choose a whole number from 1 to 64, at least the number of cores.",
        ),
    ),
)  # fmt: skip
"""Every field of `mlp_core.sweep.spec.SweepSpec` but the experiment and the space."""
