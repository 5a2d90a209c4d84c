"""Everything that is wrong or unwise in an experiment, kind after kind."""

from __future__ import annotations

from collections.abc import Sequence

from mlp_core.errors import SpecError
from mlp_core.plan import plan
from mlp_core.problems.batches import batch_problems
from mlp_core.problems.counts import count_problems
from mlp_core.problems.freezing import freezing_problems
from mlp_core.problems.habits import habit_problems
from mlp_core.problems.losses import loss_problems
from mlp_core.problems.problem import Problem
from mlp_core.problems.ranges import range_problems
from mlp_core.problems.rates import rate_problems
from mlp_core.problems.schedules import schedule_problems, update_problems
from mlp_core.problems.selu import selu_problems
from mlp_core.problems.validation import split_problems, stopping_hints, validation_hints
from mlp_core.problems.weighting import weighting_problems
from mlp_core.problems.widths import weight_problems, width_problems
from mlp_core.spec import Experiment


def problems(
    experiment: Experiment,
    train_size: int | None = None,
    unvalidated: Sequence[str] = (),
    targets: tuple[float, float] | None = None,
    class_counts: Sequence[int] = (),
) -> list[Problem]:
    """Everything that is wrong or unwise, errors first.

    Once the data is known: `train_size` are its training samples, `unvalidated` the classes with such samples and none
    in the validation part, `targets` the lowest and the highest target of a regression among the training samples, as
    the loss sees them, and `class_counts` the training samples of each class.
    """
    try:
        found = plan(experiment)
    except SpecError as error:
        return [Problem("error", str(error))]
    listed = [
        *width_problems(experiment, found),
        *freezing_problems(experiment, found),
        *loss_problems(experiment, found),
        *batch_problems(experiment, train_size),
        *split_problems(experiment),
        *validation_hints(experiment, unvalidated),
        *stopping_hints(experiment),
        *update_problems(experiment),
        *schedule_problems(experiment, train_size),
        *habit_problems(experiment, found),
        *rate_problems(experiment, train_size),
        *selu_problems(experiment, found),
        *(range_problems(experiment, targets) if targets is not None else ()),
        *count_problems(experiment, targets),
        *weighting_problems(experiment, class_counts),
    ]
    if not any(problem.severity == "error" for problem in listed):
        listed += weight_problems(experiment, found)
    return sorted(listed, key=lambda problem: problem.severity != "error")


def refuse(experiment: Experiment, train_size: int | None = None) -> None:
    """Raise `SpecError` with the first error of `problems`."""
    for problem in problems(experiment, train_size):
        if problem.severity == "error":
            raise SpecError(problem.message)
