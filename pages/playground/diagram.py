"""The network's picture in the network area: what is drawn there, and what is done when it is pressed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from mlp_core.catalog.facts import DataFacts
from mlp_core.catalog.features import FEATURES
from mlp_core.data.dataset import Dataset
from mlp_core.diagram import Shown, columns, describe
from mlp_core.errors import SpecError
from mlp_core.figures import Theme
from mlp_core.plan import plan
from mlp_core.spec import Experiment
from mlp_core.training.snapshot import Snapshot
from mlp_core.views import VIEWS, Options
from pages.components.network import network
from pages.components.part import Part
from pages.shared.numbers import loss_text

KEY = "network-picture"
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
        return (VIEW.computed(self.options),)

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
        identity = "" if experiment is None else structure(experiment, snapshot.dataset, self.shown)[1]
        return network(None if values is None else dict(values), identity, _loss(snapshot), key=KEY)

    def same(self, before: Snapshot, now: Snapshot) -> bool:
        """Whether the neurons were not computed anew."""
        return VIEW.same(before, now, self.options)


def _loss(snapshot: Snapshot) -> dict[str, str]:
    """The losses of the run as texts."""
    known = {"train": snapshot.train_loss, "test": snapshot.test_loss}
    return {part: loss_text(value) for part, value in known.items() if value is not None}


def structure(
    experiment: Experiment, dataset: Dataset | None, shown: Shown
) -> tuple[list[dict[str, Any]], str]:
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
    described: list[Any] = describe(found, facts.holds_images, names, tuple(map(str, outputs)), dict(shown))
    text = json.dumps([{key: value for key, value in column.items() if key != "names"} for column in described])
    return described, hashlib.sha256(text.encode()).hexdigest()[:12]


def path_of(sent: object) -> tuple[int, ...] | None:
    """The path of a layer as a browser sent it; None for anything else."""
    if not isinstance(sent, list) or not sent or not all(type(part) is int and part >= 0 for part in sent):
        return None
    return tuple(sent)
