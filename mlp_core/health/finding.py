"""What was found wrong in a run, and what it is found from. Pure functions: nothing here needs PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mlp_core.health.statistics import LayerStatistics
from mlp_core.spec import Experiment, Path, layer_number

Level = Literal["good", "warning", "bad"]
Change = Callable[[Experiment], Experiment | None]
"""A change of an experiment; None where it cannot be made."""
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What is known of a run at one moment."""

    experiment: Experiment
    """What is run."""
    step: int
    """Mini-batches done."""
    epochs: float = 0.0
    """Epochs done, the parts of one included."""
    layers: tuple[LayerStatistics, ...] = ()
    """The figures of every layer, in the order of the network; none where they were not measured."""
    losses: Floats = field(default_factory=lambda: np.zeros(0))
    """The training loss of the whole run in equal parts of neighbouring steps, (n,)."""
    loss_steps: Floats = field(default_factory=lambda: np.zeros(0))
    """The last step of each part, (n,)."""
    tests: Floats = field(default_factory=lambda: np.zeros((0, 2)))
    """Rows of step and loss of the passes over the validation part, or where there is none, the test part."""
    tested: str = "test"
    """Which of the two."""

    @cached_property
    def weighted(self) -> tuple[LayerStatistics, ...]:
        """The layers with a matrix of weights that gets a gradient, in the order of the network."""
        return tuple(layer for layer in self.layers if layer.copies is not None and layer.signal_norm is not None)

    @cached_property
    def hidden(self) -> tuple[LayerStatistics, ...]:
        """All layers but the last of the network: what that puts out is the answer itself."""
        last = max((layer.path[0] for layer in self.layers), default=0)
        return tuple(layer for layer in self.layers if layer.path != (last,))

    def followed_by_activation(self, layer: LayerStatistics) -> bool:
        """Whether an activation takes what the layer puts out, element by element."""
        *outer, position = layer.path
        after = (*outer, position + 1)
        known = next((other for other in self.layers if other.path == after), None)
        if known is None:
            return False
        facts = self.experiment.layer_at(after).entry.facts
        return facts is not None and facts(self.experiment.layer_at(after).params).elementwise


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that was found wrong."""

    name: str
    """What: a key of `FINDINGS`."""
    level: Level
    """'warning', or 'bad' where the run cannot be expected to learn."""
    path: Path | None
    """The layer where it lies; None for the run as a whole."""
    sentence: str
    """What was found, with the numbers behind it."""
    why: str
    """Why it happens."""
    remedy: str
    """What to try."""
    fix_label: str = ""
    """What a button says that tries it; '' where there is no such button."""
    change: Change | None = None
    """What the button does to the experiment."""

    @property
    def layer(self) -> str:
        """The layer as people count it, such as '3.2'; '' for the run as a whole."""
        return "" if self.path is None else layer_number(self.path)

    def as_record(self) -> dict[str, str]:
        """The finding as plain values for JSON."""
        return {"name": self.name, "layer": self.layer, "sentence": self.sentence, "remedy": self.remedy}


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a check says of a run: where, how bad, and in which words; the rest of a `Finding` is the check's own."""

    sentence: str
    """What was found, with the numbers behind it."""
    level: Level = "warning"
    """How bad it is."""
    path: Path | None = None
    """The layer where it lies."""
    fixes: Sequence[tuple[str, Change]] = ()
    """Buttons in the order of preference, each with what it does; the first is taken that gives a sound experiment."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that can be wrong. An entry of `FINDINGS` is all that it needs to be looked for and shown."""

    name: str
    """Its key."""
    label: str
    """Its name for people."""
    fine: str
    """What is said while nothing is wrong."""
    why: str
    """Why it happens."""
    remedy: str
    """What to try."""
    look: Callable[[Evidence], Iterator[Seen]]
    """What is found; the first is shown."""
