"""The network's picture in the network area: what is drawn there, and what is done when it is pressed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from mlp_core.catalog.facts import DataFacts
from mlp_core.catalog.features import FEATURES
from mlp_core.data import features_of, sample_points
from mlp_core.data.dataset import Dataset
from mlp_core.diagram import Shown, columns, describe
from mlp_core.errors import SpecError
from mlp_core.figures import Theme
from mlp_core.figures.network import maps_of
from mlp_core.health.strip import LayerHealth
from mlp_core.plan import plan
from mlp_core.spec import Experiment, Path, layer_number
from mlp_core.training.snapshot import Snapshot
from mlp_core.views import VIEWS, Options
from mlp_core.views.health import HEALTH
from pages.components.network import network
from pages.components.part import Part
from pages.shared.numbers import loss_text

KEY = "network-picture"
FEATURE_SIDE = 12
"""Points per side of an input feature's map."""
LEVELS = ("good", "warning", "bad")
"""How a layer may be, from the best."""
VIEW = VIEWS["neurons"]


@dataclass(frozen=True, eq=False)
class NetworkSlot:
    """The place of the network's picture."""

    theme: Theme
    """The colours of the page."""
    shown: dict[int, tuple[int, ...]]
    """The neurons that a reader has chosen to see, by the places of their columns."""
    label: str = "The network"
    """Its name for people."""

    def views(self, facts: DataFacts) -> Iterable[str]:
        """What is computed of every neuron."""
        return VIEW.computed(self.options), HEALTH

    @property
    def options(self) -> Options:
        """How it is drawn now."""
        return Options(theme=self.theme, shown_neurons=tuple(self.shown.items()))

    def key(self, snapshot: Snapshot) -> str:
        """Always the same."""
        return KEY

    def part(self, snapshot: Snapshot) -> Part:
        """The neurons of the run as it is now."""
        values = None if snapshot.dataset is None else VIEW.figure(snapshot, self.options)
        experiment = snapshot.experiment
        described, identity = ([], "") if experiment is None else structure(experiment, snapshot.dataset, self.shown)
        health = _health(snapshot, described)
        return network(None if values is None else dict(values), identity, _loss(snapshot), health, key=KEY)

    def same(self, before: Snapshot, now: Snapshot) -> bool:
        """Whether the neurons were not computed anew. While they are, the loss and the health come along."""
        if not VIEW.same(before, now, self.options):
            return False
        return now.trains or (_loss(before) == _loss(now) and before.view(HEALTH) is now.view(HEALTH))


def _loss(snapshot: Snapshot) -> dict[str, str]:
    """The losses of the run as texts."""
    known = {"train": snapshot.train_loss, "test": snapshot.test_loss}
    return {part: loss_text(value) for part, value in known.items() if value is not None}


def _health(snapshot: Snapshot, described: list[dict[str, Any]]) -> list[dict[str, str] | None] | None:
    """How the layers of each column are: what is said of the worst."""
    found = snapshot.view(HEALTH)
    if not found:
        return None
    strip: Mapping[Path, LayerHealth] = found["strip"]
    return [_worst([strip[path] for path in map(tuple, column["paths"]) if path in strip]) for column in described]


def _worst(layers: list[LayerHealth]) -> dict[str, str] | None:
    if not layers:
        return None
    worst = max(layers, key=lambda layer: LEVELS.index(layer.level))
    number = layer_number(worst.path)
    return {"level": worst.level, "sentence": f"layer {number}: {worst.sentence}"}


def structure(experiment: Experiment, dataset: Dataset | None, shown: Shown) -> tuple[list[dict[str, Any]], str]:
    """The columns of an experiment's network, and a text that is the same for the same columns; none for a network that
    cannot be planned."""
    names: tuple[str, ...] = ()
    if dataset is not None and dataset.spec == experiment.data:
        names = tuple(map(str, dataset.feature_names))
    if experiment.data.facts.plane:
        names = tuple(FEATURES[name].label for name in experiment.data.params["features"])
    return _structure(experiment, names, tuple(shown.items()))


@lru_cache(maxsize=64)  # every answer of the stream asks for it
def _structure(
    experiment: Experiment, names: tuple[str, ...], shown: tuple[tuple[int, tuple[int, ...]], ...]
) -> tuple[list[dict[str, Any]], str]:
    facts = experiment.data.facts
    try:
        found = columns(plan(experiment))
    except SpecError:
        return [], ""
    outputs = facts.class_names if facts.classifies else facts.target_names
    picture = facts.picture_shape is not None
    described: list[Any] = describe(found, picture, names, tuple(map(str, outputs)), dict(shown))
    text = json.dumps([{key: value for key, value in column.items() if key != "names"} for column in described])
    return described, hashlib.sha256(text.encode()).hexdigest()[:12]


@cache
def _feature_maps() -> tuple[tuple[str, str, str], ...]:
    """Name, label and map of every input feature that can be chosen."""
    points = features_of(sample_points(FEATURE_SIDE), list(FEATURES))
    maps = maps_of(points.T.reshape(-1, FEATURE_SIDE, FEATURE_SIDE)[:, ::-1])
    return tuple((name, entry.label, found) for (name, entry), found in zip(FEATURES.items(), maps, strict=True))


def features(experiment: Experiment) -> dict[str, Any] | None:
    """The input features as the browser offers them, with those that are chosen; None for data that has none."""
    if not experiment.data.facts.plane:
        return None
    chosen = experiment.data.params["features"]
    offered = [{"name": name, "label": label, "map": found} for name, label, found in _feature_maps()]
    return {"side": FEATURE_SIDE, "offered": offered, "chosen": list(chosen)}


def path_of(sent: object) -> tuple[int, ...] | None:
    """The path of a layer as a browser sent it; None for anything else."""
    if not isinstance(sent, list) or not sent or not all(type(part) is int and part >= 0 for part in sent):
        return None
    return tuple(sent)
