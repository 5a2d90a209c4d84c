"""Settings of an experiment by their paths, and the figures of a run by their names: what runs are filtered by."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from mlp_core.spec import Experiment
from mlp_core.training.record import RunRecord

Scalar = str | int | float | bool | None


def settings_of(experiment: Experiment) -> dict[str, Scalar]:
    """Every setting by its path, such as 'optimizer.lr' or 'layers.0.out_features'.

    A part's own kind is at '<part>.type', its parameters beside it, without the word 'params' between.
    """
    return dict(_flat("", json.loads(experiment.to_json())))


def _flat(path: str, value: Any) -> Iterator[tuple[str, Scalar]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _flat(path if name == "params" else f"{path}.{name}".lstrip("."), inner)
    elif isinstance(value, list) and any(isinstance(inner, dict) for inner in value):
        for index, inner in enumerate(value):
            yield from _flat(f"{path}.{index}", inner)
    elif isinstance(value, list):
        yield path, ", ".join(map(str, value))
    else:
        yield path, value


def figures_of(record: RunRecord) -> dict[str, float | None]:
    """The figures of a run by name: of its newest pass, of its best one, and how far and how long it went."""
    last, best = record.last, record.best
    return {
        "step": record.step,
        "epoch": record.epoch,
        "seconds": record.seconds,
        "samples": record.samples,
        "train_loss": last and last.train_loss,
        "test_loss": last and last.test_loss,
        "test_accuracy": last and last.test_accuracy,
        "validation_loss": last and last.validation_loss,
        "validation_accuracy": last and last.validation_accuracy,
        "best_step": best and best.step,
        "best_test_loss": best and best.test_loss,
        "best_test_accuracy": best and best.test_accuracy,
        "best_validation_loss": best and best.validation_loss,
        "best_validation_accuracy": best and best.validation_accuracy,
    }
