"""Two runs of one experiment, one per engine, and whether they are in the same state to the last bit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

from mlp_core import data
from mlp_core.catalog import OPTIMIZERS
from mlp_core.run.build import Run, build
from mlp_core.spec import DataSpec, Experiment, LayerSpec, LossSpec, OptimizerSpec, SchedulerSpec, TrainingSpec

FAST_OPTIMIZERS = {name: entry for name, entry in OPTIMIZERS.items() if entry.by_hand is not None}
"""Those that have a form for other engines than the plain one."""
SMALL = 50
"""Points of a generated set: half of them train, so that an epoch is three batches of eight and one of one."""


def layer(name: str, **params: Any) -> LayerSpec:
    return LayerSpec(type=name, params=params)


def experiment(
    layers: Iterable[LayerSpec],
    *,
    loss: str = "CrossEntropyLoss",
    optimizer: OptimizerSpec | None = None,
    scheduler: SchedulerSpec | None = None,
    dataset: str = "xor",
    points: int = SMALL,
    **training: Any,
) -> Experiment:
    """A small experiment on a generated set."""
    return Experiment(
        data=DataSpec(dataset=dataset, params={"points": points}),
        layers=tuple(layers),
        loss=LossSpec(type=loss),
        optimizer=optimizer or OptimizerSpec(type="SGD", params={"lr": 0.1}),
        scheduler=scheduler,
        training=TrainingSpec(**{"batch_size": 8, **training}),
    )


def make(described: Experiment) -> Run:
    """A fresh run."""
    return build(described, data.load(described.data))


def state(run: Run) -> dict[str, Any]:
    """Everything that an engine leaves behind, by name."""
    found: dict[str, Any] = dict(run.model.state_dict())
    for position, parameter in enumerate(run.model.parameters()):
        found[f"gradient {position}"] = parameter.grad
    optimizer = run.optimizer.state_dict()
    for position, kept in optimizer["state"].items():
        found.update({f"optimizer {position} {name}": value for name, value in kept.items()})
    found["settings"] = optimizer["param_groups"]
    found["schedule"] = run.scheduler and run.scheduler.state_dict()
    found["stream"] = run.stream.state()[0]
    found["order"] = run.batches.state()
    found["position"] = run.position
    return found


def assert_same(first: Run, second: Run) -> None:
    """Both runs are in the same state, bit for bit."""
    one, other = state(first), state(second)
    assert one.keys() == other.keys()
    for name, value in one.items():
        if isinstance(value, torch.Tensor):
            same = torch.equal(value, other[name]) or torch.allclose(value, other[name], 0.0, 0.0, equal_nan=True)
            assert same, name
            assert value.stride() == other[name].stride(), name
        else:
            assert value == other[name], name


def assert_same_losses(first: np.ndarray, second: np.ndarray) -> None:
    """Losses are equal bit for bit."""
    assert first.dtype == second.dtype == np.float32
    np.testing.assert_array_equal(first, second)
