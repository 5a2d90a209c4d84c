"""How settings are tried out: parameters of the learning-rate finder, of scans and of repetitions with other seeds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mlp_core.catalog.entry import Entry
from mlp_core.catalog.parameters import Float, Int
from mlp_core.catalog.training import TRAINING
from mlp_core.errors import SpecError
from mlp_core.limits import ENDLESS_EPOCHS


def _ordered(params: Mapping[str, Any], owner: str) -> str:
    if params["low"] < params["high"]:
        return ""
    return (
        f"The 'high' parameter of {owner} must be larger than 'low', which is {params['low']:g}. "
        f"Got {params['high']:g} instead. Raise it, or lower the other."
    )


def filled(entry: Entry, params: Mapping[str, Any], owner: str) -> dict[str, Any]:
    """Every parameter of one of these entries, checked by itself and with the others; raises `SpecError`."""
    found = entry.fill(params, owner)
    if conflict := entry.conflict(found, owner):
        raise SpecError(conflict)
    return found


def _trial_epochs() -> Int:
    """How long a trial trains, within the limits of any run."""
    whole = TRAINING.parameter("epochs")
    assert isinstance(whole, Int)
    return replace(
        whole, default=ENDLESS_EPOCHS, optional=False, live=False, controls=(),
        advice="Choose a whole number; 5 to 100 is usual.",
        help="How long each run trains: passes over the training samples.",
    )  # fmt: skip


_EPOCHS = _trial_epochs()


def _scan(name: str, label: str, what: str, low: int, high: int) -> Entry:
    return Entry(
        name=name,
        label=label,
        summary=f"A short run for each of a few values of the {what}.",
        conflict=_ordered,
        parameters=(
            Int(name="low", label="From", help=f"The smallest {what}.", default=low, low=1, high=1_000_000),
            Int(name="high", label="To", help=f"The largest {what}.", default=high, low=2, high=1_000_000),
            Int(
                name="count", label="Values", default=8, low=2, high=20,
                help="How many values, at equal ratios from the smallest to the largest.",
            ),
            _EPOCHS,
        ),
    )  # fmt: skip


RATE_RAMP = Entry(
    name="find_lr",
    label="Learning-rate finder",
    summary="The learning rate grows with every update, and the loss shows at which rates the run learns.",
    conflict=_ordered,
    parameters=(
        Float(
            name="low", label="From", help="The first learning rate.", default=1e-5, low=0.0, low_open=True, high=1e6,
            log=True,
        ),
        Float(
            name="high", label="To", default=10.0, low=0.0, low_open=True, high=1e6, log=True,
            help="The last learning rate, unless the loss explodes before.",
        ),
        Int(
            name="steps", label="Updates", default=300, low=10, high=10_000, step=50,
            help="How many updates of the weights it takes from the first rate to the last, at equal ratios.",
        ),
    ),
)  # fmt: skip
"""The settings of the learning-rate finder."""

BATCH_SCAN = _scan("batch_scan", "Batch size", "batch size", 4, 512)
"""The settings of a scan of the batch size."""

WIDTH_SCAN = _scan("width_scan", "Width", "width of the layers", 2, 256)
"""The settings of a scan of the width of layers."""

SEEDS = Entry(
    name="seeds",
    label="Seeds",
    summary="The same run with other seeds.",
    parameters=(
        Int(
            name="count", label="Seeds", default=8, low=2, high=100,
            help="How many runs of each setting: the first has the run's own seed, the others those that follow.",
        ),
        _EPOCHS,
    ),
)  # fmt: skip
"""The settings of a repetition with other seeds."""
