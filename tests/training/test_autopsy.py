"""Where the first bad number of a broken run came up: the layer, the step, and in what."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from blocks import layer

from mlp_core import data
from mlp_core.engines import ChunkResult
from mlp_core.engines.eager import EagerEngine
from mlp_core.health.autopsy import Autopsy
from mlp_core.presets import preset
from mlp_core.run.build import Run, build
from mlp_core.spec import Experiment, InitSpec, LossSpec
from mlp_core.training.diagnosis import DivergenceGuard
from mlp_core.training.events import Diverged
from mlp_core.training.loop import LoopState, train


class Faulty(EagerEngine):
    """Does something to the run around its step of this number, counted from 1, whenever that comes by."""

    def __init__(self, step: int, before: Callable[[Run], Any] = id, after: Callable[[Run], Any] = id) -> None:
        self.step, self.before, self.after = step, before, after

    def run(self, run: Run, steps: int) -> ChunkResult:
        results = []
        for _ in range(steps):
            at_fault = run.position.step == self.step - 1
            handle = self.before(run) if at_fault else None
            results.append(super().run(run, 1))
            if at_fault:
                self.after(run)
                if isinstance(handle, torch.utils.hooks.RemovableHandle):
                    handle.remove()
        losses, rates = (np.concatenate([getattr(r, name) for r in results]) for name in ("losses", "learning_rates"))
        return ChunkResult(losses, sum(r.samples for r in results), rates)


def broken(experiment: Experiment, engine: EagerEngine, epochs: int = 30) -> tuple[Autopsy, Diverged, Run]:
    run = build(experiment, data.load(experiment.data))
    events = list(train(run, engine, LoopState(DivergenceGuard(run), chunk_steps=8), epochs=epochs))
    diverged = next(event for event in events if isinstance(event, Diverged))
    assert diverged.autopsy is not None
    assert f"first seen in {diverged.autopsy.title}." in diverged.message
    assert [one.path for one in diverged.autopsy.layers] == [one.path for one in run.plan.walk()]
    json.dumps(diverged.as_record(), allow_nan=False)
    assert all(torch.isfinite(weight).all() for weight in run.model.parameters()), "the run has sound weights again"
    return diverged.autopsy, diverged, run


@pytest.mark.parametrize("step", [1, 7, 8, 9, 21, 24])
def test_a_gradient_that_is_not_a_number(step: int) -> None:
    def spoil(run: Run) -> Any:
        return run.model.get_submodule("4").weight.register_hook(lambda gradient: gradient * math.nan)

    found, diverged, _ = broken(preset("spiral").experiment, Faulty(step, before=spoil))
    assert (found.place, found.path, found.step) == ("gradient", (4,), step)
    assert f"in the gradient of layer 5 (Linear) in step {step}" in found.sentence
    assert diverged.step == step - 1
    sizes = {one.path: one for one in found.layers}
    assert all(math.isfinite(one.weight) for one in found.layers if one.weight is not None)
    assert math.isfinite(sizes[(2,)].gradient or math.nan), "the other layers had sound gradients"


def test_weights_that_an_update_has_broken() -> None:
    def spoil(run: Run) -> None:
        with torch.no_grad():
            run.model.get_submodule("2").weight[1, 3] = math.inf

    found, _, _ = broken(preset("spiral").experiment, Faulty(11, after=spoil))
    assert (found.place, found.path, found.step) == ("weights", (2,), 11)
    assert "in the weights of layer 3 (Linear): the update of step 11 made it" in found.sentence


def test_a_learning_rate_that_overflows() -> None:
    linear = layer("Linear", out_features=4)
    experiment = preset("moons").experiment.updated(layers=(linear, linear, linear, layer("Linear")))
    huge = experiment.optimizer.updated(params={**experiment.optimizer.params, "lr": 1e12})
    found, _, run = broken(experiment.updated(optimizer=huge), EagerEngine())
    # Weights of 1e12 are sound, and so is what three layers of them put out, about 1e37; the fourth one overflows.
    assert (found.place, found.path, found.step) == ("output", (3,), 2)
    first = found.layers[0]
    assert first.weight is not None
    assert first.weight < 10
    assert first.weight_after == pytest.approx(1e12 * math.sqrt(12), rel=0.01), "Adam's first step is the rate itself"
    assert "in what layer 4 (Linear) put out in step 2" in found.sentence
    assert run.position.step == 0


def test_a_loss_without_a_value() -> None:
    below = InitSpec(type="constant_", params={"val": -1.0})
    experiment = preset("plane").experiment.updated(
        layers=(layer("Linear").updated(bias_init=below, init=InitSpec(type="zeros_")),),
        loss=LossSpec(type="PoissonNLLLoss", params={"log_input": False}),
    )
    found, _, _ = broken(experiment, EagerEngine())
    assert (found.place, found.step) == ("loss", 1)
    assert "as a logarithm has none below 0" in found.sentence


def test_a_loss_that_grew_without_end() -> None:
    experiment = preset("plane").experiment
    huge = experiment.optimizer.updated(params={**experiment.optimizer.params, "lr": 1e9})
    found, _, _ = broken(experiment.updated(optimizer=huge), EagerEngine())
    assert (found.place, found.path) == ("output", (0,))
    assert "No number was NaN or infinite" in found.sentence
    assert "the update of step" in found.sentence
