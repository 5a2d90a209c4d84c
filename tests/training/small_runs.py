"""Small runs trained by the loop, and what is in their events."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlp_core import data
from mlp_core.engines.eager import EagerEngine
from mlp_core.run.build import Run, build
from mlp_core.spec import DataSpec, Experiment, LayerSpec, LossSpec, OptimizerSpec, TrainingSpec
from mlp_core.training.events import Chunk, Event
from mlp_core.training.loop import LoopState, train


def layer(name: str, **params: object) -> LayerSpec:
    return LayerSpec(type=name, params=params)


HIDDEN = (layer("Linear", out_features=6), layer("Tanh"))


def experiment(
    *layers: LayerSpec,
    dataset: str = "moons",
    points: int = 60,
    loss: str = "CrossEntropyLoss",
    optimizer: OptimizerSpec | None = None,
    **training: Any,
) -> Experiment:
    params = {"points": points} if dataset in ("moons", "plane", "ones", "blobs16", "circle") else {}
    return Experiment(
        data=DataSpec(dataset=dataset, params=params, test_fraction=0.4),
        layers=layers or (*HIDDEN, layer("Linear")),
        loss=LossSpec(type=loss),
        optimizer=optimizer or OptimizerSpec(type="SGD", params={"lr": 0.1}),
        training=TrainingSpec(**training),
    )


def make(drawn: Experiment) -> Run:
    return build(drawn, data.load(drawn.data))


def events_of(run: Run, state: LoopState | None = None, **limits: Any) -> list[Event]:
    return list(train(run, EagerEngine(), state, **limits))


def losses_in(events: list[Event]) -> np.ndarray:
    found = [event.losses for event in events if isinstance(event, Chunk)]
    return np.concatenate(found) if found else np.zeros(0, dtype=np.float32)


def of_kind(events: list[Event], kind: type[Any]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]
