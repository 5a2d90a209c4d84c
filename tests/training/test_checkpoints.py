"""A checkpoint gives the same continuation, and holds copies."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from small_runs import HIDDEN, experiment, layer, make

from mlp_core.catalog import OPTIMIZERS
from mlp_core.engines.eager import EagerEngine
from mlp_core.run.checkpoint import restore, save
from mlp_core.spec import OptimizerSpec


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("steps", [0, 3, 4, 7])
def test_a_checkpoint_gives_the_same_continuation(optimizer: str, steps: int) -> None:
    params = {"momentum": 0.9} if optimizer in ("SGD", "RMSprop") else {}
    drawn = experiment(
        *HIDDEN, layer("BatchNorm1d"), layer("Dropout"), layer("Linear"), zero_grad=False,
        optimizer=OptimizerSpec(type=optimizer, params={"lr": 0.01, **params}),
    )  # fmt: skip
    run, engine = make(drawn), EagerEngine()
    if steps:
        engine.run(run, steps)
    kept = save(run)
    position = (run.position.step, run.position.epoch, run.position.batch)
    first = engine.run(run, 9).losses
    weights = {name: value.clone() for name, value in run.model.state_dict().items()}
    for _ in range(2):  # it can be used again
        restore(run, kept)
        assert (run.position.step, run.position.epoch, run.position.batch) == position
        assert np.array_equal(engine.run(run, 9).losses, first)
        assert all(torch.equal(weights[name], value) for name, value in run.model.state_dict().items())


def test_a_checkpoint_holds_copies() -> None:
    run, engine = make(experiment()), EagerEngine()
    engine.run(run, 2)
    before = {name: value.clone() for name, value in run.model.state_dict().items()}
    kept = save(run)
    engine.run(run, 5)
    run.learning_rate = 9.0
    restore(run, kept)
    assert all(torch.equal(before[name], value) for name, value in run.model.state_dict().items())
    assert run.learning_rate == 0.1
