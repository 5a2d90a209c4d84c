"""What is wrong or unwise in an experiment, each with a repaired experiment where there is one.

A module for each kind. What can only be found by a measurement on a run is in `mlp_core.training.arrival`.
"""

from __future__ import annotations

from mlp_core.problems.batches import with_fitting_batches
from mlp_core.problems.every import problems, refuse
from mlp_core.problems.mending import mended, with_data
from mlp_core.problems.problem import Problem
from mlp_core.problems.validation import stopping_hints
from mlp_core.problems.widths import width_problems

__all__ = ["Problem", "mended", "problems", "refuse", "stopping_hints", "width_problems", "with_data",
           "with_fitting_batches"]  # fmt: skip
