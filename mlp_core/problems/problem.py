"""One thing that is wrong or unwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mlp_core.limits import MAX_LAYERS
from mlp_core.spec import Experiment, LayerSpec, Path


@dataclass(frozen=True)
class Problem:
    """Something to tell the user."""

    severity: Literal["error", "hint"]
    """An 'error' keeps the run from starting, a 'hint' does not."""
    message: str
    """What is wrong, why, and what to do."""
    fix_label: str = ""
    """What a button says that puts it right; '' where there is no such button."""
    fixed: Experiment | None = None
    """The repaired experiment."""


def inserted(experiment: Experiment, path: Path, layer: LayerSpec) -> Experiment | None:
    """The experiment with one more layer, if so many are allowed."""
    full = sum(1 for _ in experiment.walk()) >= MAX_LAYERS
    return None if full else experiment.insert_layers(path, layer)
