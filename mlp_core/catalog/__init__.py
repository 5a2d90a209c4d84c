"""What can be chosen: one table per kind. Everything else in the project is derived from these tables."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping

from mlp_core.catalog.activations import ACTIVATIONS
from mlp_core.catalog.controls import CONTROLS
from mlp_core.catalog.datasets import DATASETS, DatasetEntry
from mlp_core.catalog.entry import ClassEntry, Entry, load_object, look_up
from mlp_core.catalog.features import FEATURES, FeatureEntry
from mlp_core.catalog.initializers import INITIALIZERS, InitializerEntry
from mlp_core.catalog.layers import LAYERS, LayerEntry
from mlp_core.catalog.losses import LOSSES, LossEntry
from mlp_core.catalog.optimizers import OPTIMIZERS, OptimizerEntry
from mlp_core.catalog.schedulers import SCHEDULERS, SchedulerEntry
from mlp_core.catalog.styles import STYLES
from mlp_core.catalog.training import DEVICES, TRAINING

ALL_LAYERS: Mapping[str, LayerEntry] = ChainMap(ACTIVATIONS, LAYERS)  # the last one's entries come first
"""Everything that may stand in a network's list of layers: a look into both tables, and no copy."""

KINDS: dict[str, Mapping[str, Entry]] = {
    "layers": LAYERS,
    "activations": ACTIVATIONS,
    "initializers": INITIALIZERS,
    "losses": LOSSES,
    "optimizers": OPTIMIZERS,
    "schedulers": SCHEDULERS,
    "datasets": DATASETS,
    "features": FEATURES,
    "devices": DEVICES,
    "controls": CONTROLS,
    "styles": STYLES,
}
"""The tables by the name that the command line knows them by."""

__all__ = [
    "ACTIVATIONS",
    "ALL_LAYERS",
    "CONTROLS",
    "DATASETS",
    "DEVICES",
    "FEATURES",
    "INITIALIZERS",
    "KINDS",
    "LAYERS",
    "LOSSES",
    "OPTIMIZERS",
    "SCHEDULERS",
    "STYLES",
    "TRAINING",
    "ClassEntry",
    "DatasetEntry",
    "Entry",
    "FeatureEntry",
    "InitializerEntry",
    "LayerEntry",
    "LossEntry",
    "OptimizerEntry",
    "SchedulerEntry",
    "load_object",
    "look_up",
]
