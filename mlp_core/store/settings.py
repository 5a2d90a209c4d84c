"""Settings of an experiment by their paths, and the figures of a run by their names: what runs are filtered by."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from mlp_core.catalog import LAYERS, LOSSES, OPTIMIZERS, SCHEDULERS, TRAINING
from mlp_core.catalog.parameters import in_sentence
from mlp_core.changes import describe_layers
from mlp_core.presets import PRESETS
from mlp_core.spec import Experiment
from mlp_core.training.record import RunRecord

Scalar = str | int | float | bool | None

PRESET, NETWORK = "preset", "network"
"""Paths of what is said of an experiment as a whole: the preset that it is, and its network in short."""
LONGEST = 200
"""Characters of a setting; longer ones, as the columns of a table, are cut."""


def settings_of(experiment: Experiment) -> dict[str, Scalar]:
    """Every setting by its path, such as 'optimizer.lr' or 'layers.0.out_features'.

    A part's own kind is at '<part>.type', its parameters beside it, without the word 'params' between.
    """
    named = next((name for name, preset in PRESETS.items() if preset.experiment == experiment), None)
    whole: dict[str, Scalar] = {PRESET: named, NETWORK: describe_layers(experiment.layers)}
    given = json.loads(experiment.to_json())
    given.pop("version", None)
    return whole | dict(_flat("", given))


def _flat(path: str, value: Any) -> Iterator[tuple[str, Scalar]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _flat(path if name == "params" else f"{path}.{name}".lstrip("."), inner)
    elif isinstance(value, list) and any(isinstance(inner, dict) for inner in value):
        for index, inner in enumerate(value):
            yield from _flat(f"{path}.{index}", inner)
    elif isinstance(value, list):
        yield path, ", ".join(map(str, value))[:LONGEST]
    else:
        yield path, value[:LONGEST] if isinstance(value, str) else value


SETTINGS: Mapping[str, str] = {
    PRESET: "Preset",
    NETWORK: "Network",
    "data.dataset": "Data set",
    "optimizer.type": "Optimizer",
    "optimizer.lr": "Learning rate",
    "scheduler.type": "Schedule",
    "loss.type": "Loss function",
    "training.batch_size": "Batch size",
    "training.epochs": "Number of epochs",
    "training.seed": "Seed",
    "data.seed": "Data seed",
    "data.test_fraction": "Test share",
    "data.validation_fraction": "Validation share",
}
"""Settings that have a label of their own."""


_KINDS: Mapping[str, Mapping[str, Any]] = {
    "optimizer": OPTIMIZERS, "loss": LOSSES, "scheduler": SCHEDULERS, "training": {"training": TRAINING},
}
"""Catalogs of the parts of an experiment, whose entries have labels for their parameters."""


@cache
def label_of(field: str) -> str:
    """What people call a setting or a figure; the path itself where it has no other name."""
    if known := FIGURES.get(field) or SETTINGS.get(field):
        return known
    part, _, name = field.partition(".")
    if part == "layers":
        place, _, inner = name.partition(".")
        return f"Layer {int(place) + 1}: {_in_layer(inner)}" if place.isdigit() and inner else field
    return _label_in(_KINDS.get(part, {}), name) or field


def _in_layer(name: str) -> str:
    """A setting of a layer within a sentence; names of parts inside it stay as they are."""
    found = _label_in(LAYERS, name)
    return in_sentence(found) if found else name


def _label_in(kind: Mapping[str, Any], name: str) -> str:
    """What the entries of a catalog call a parameter; '' where none has it."""
    labels = (each.label for entry in kind.values() for each in entry.parameters if each.name == name)
    return str(next(labels, ""))


FIGURES: Mapping[str, str] = {
    "best_test_accuracy": "Best test accuracy",
    "best_test_loss": "Best test loss",
    "best_validation_accuracy": "Best validation accuracy",
    "best_validation_loss": "Best validation loss",
    "best_step": "Step of the best",
    "test_accuracy": "Test accuracy",
    "test_loss": "Test loss",
    "validation_accuracy": "Validation accuracy",
    "validation_loss": "Validation loss",
    "train_loss": "Training loss",
    "step": "Steps",
    "epoch": "Epochs",
    "seconds": "Seconds",
    "samples": "Samples",
}
"""The figures of a run and their labels."""


def figures_of(record: RunRecord) -> dict[str, float | None]:
    """The figures of a run by name: of its newest pass, of its best one, and how far and how long it went."""
    scores = {"": record.last, "best_": record.best}
    found: dict[str, float | None] = {
        "step": record.step,
        "epoch": record.epoch,
        "seconds": record.seconds,
        "samples": record.samples,
        "train_loss": None if record.last is None else record.last.train_loss,
        "best_step": None if record.best is None else record.best.step,
    }
    for prefix, score in scores.items():
        for name in ("test_loss", "test_accuracy", "validation_loss", "validation_accuracy"):
            found[prefix + name] = None if score is None else getattr(score, name)
    return found
