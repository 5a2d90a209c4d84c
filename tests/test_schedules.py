"""Schedules of the learning rate and clipped gradients: a run against the script that anybody would write."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from mlp_core import data
from mlp_core.catalog import SCHEDULERS
from mlp_core.engines import Engine
from mlp_core.engines.choose import engine_for
from mlp_core.engines.eager import EagerEngine
from mlp_core.engines.fast import FastEngine
from mlp_core.run.build import Run, build
from mlp_core.run.checkpoint import restore, save
from mlp_core.spec import DataSpec, Experiment, LayerSpec, LossSpec, OptimizerSpec, SchedulerSpec, TrainingSpec
from mlp_core.training import loop
from mlp_core.training.diagnosis import DivergenceGuard
from mlp_core.training.events import Chunk, Diverged
from mlp_core.training.loop import LoopState, train

EPOCHS = 7
QUICK: dict[str, dict[str, Any]] = {
    "StepLR": {"step_size": 2, "gamma": 0.5},
    "ExponentialLR": {"gamma": 0.9},
    "CosineAnnealingLR": {"T_max": 3, "eta_min": 0.01},
    "CosineAnnealingWarmRestarts": {"T_0": 2, "T_mult": 2, "eta_min": 0.01},
    "LinearLR": {"total_iters": 4},
    "ConstantLR": {"total_iters": 4},
    "PolynomialLR": {"total_iters": 5, "power": 2.0},
    "MultiStepLR": {"milestones": [2, 3], "gamma": 0.5},
    "OneCycleLR": {"total_steps": 6, "final_div_factor": 10.0},
    "CyclicLR": {"max_lr": 0.4, "step_size_up": 2, "step_size_down": 3, "mode": "triangular2"},
    "ReduceLROnPlateau": {"patience": 0, "threshold": 0.5, "factor": 0.5, "cooldown": 1},
}
"""Parameters with which each schedule does all that it can within a short run."""
GIVEN: dict[str, dict[str, Any]] = {"OneCycleLR": {"max_lr": 0.2}, "CyclicLR": {"base_lr": 0.2}}
"""What a script says besides: the learning rate."""
COUNTS = [(name, every) for name, entry in SCHEDULERS.items() for every in entry.counts]
"""Every schedule with everything that it counts in."""


def experiment(schedule: SchedulerSpec | None, lr: float = 0.2, **training: Any) -> Experiment:
    return Experiment(
        data=DataSpec(dataset="moons", params={"points": 60}, test_fraction=0.4),
        layers=(
            LayerSpec(type="Linear", params={"out_features": 6}),
            LayerSpec(type="Tanh"),
            LayerSpec(type="Linear"),
        ),
        loss=LossSpec(type="CrossEntropyLoss"),
        optimizer=OptimizerSpec(type="SGD", params={"lr": lr, "momentum": 0.9}),
        scheduler=schedule,
        training=TrainingSpec(**training),
    )


def make(described: Experiment) -> Run:
    return build(described, data.load(described.data))


def runner_of(name: str, run: Run) -> Engine:
    """The reference engine, the fast one, or the one that a session takes."""
    made = {"eager": EagerEngine, "fast": FastEngine, "a session's": lambda: engine_for(run)[0]}
    return made[name]()


def chosen(name: str, every: str) -> SchedulerSpec:
    return SchedulerSpec(type=name, params=QUICK[name], every=every)


def script(run: Run, name: str | None, every: str, max_norm: float | None) -> tuple[list[float], list[float], Any]:
    """Losses and learning rates of every step, and the final state, of a plain training script."""
    with torch.random.fork_rng():
        torch.manual_seed(42)
        model = nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 2))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
        made = {**QUICK.get(name or "", {}), **GIVEN.get(name or "", {})}
        schedule: Any = name and getattr(torch.optim.lr_scheduler, name)(optimizer, **made)

        def count() -> None:
            if name == "ReduceLROnPlateau":
                test_loss = nn.functional.cross_entropy(model(run.x_test), run.y_test).item()
                schedule.step(test_loss)
            elif name != "OneCycleLR" or schedule.last_epoch < schedule.total_steps - 1:
                schedule.step()

        loader = DataLoader(TensorDataset(torch.tensor(run.dataset.x_train), run.batches.y), 10, shuffle=True)
        losses, rates = [], []
        for _ in range(EPOCHS):
            for x, y in loader:
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(model(x), y)
                loss.backward()
                if max_norm is not None:
                    nn.utils.clip_grad_norm_(model.parameters(), max_norm)
                rates.append(optimizer.param_groups[0]["lr"])
                optimizer.step()
                if schedule and every == "step":
                    count()
                losses.append(loss.item())
            if schedule and every == "epoch":
                count()
            torch.empty((), dtype=torch.int64).random_()  # what a test loader's iterator draws
    return losses, rates, model.state_dict()


@pytest.mark.parametrize("max_norm", [None, 0.1])
@pytest.mark.parametrize(("name", "every"), [*COUNTS, (None, "epoch")])
@pytest.mark.parametrize("engine", ["eager", "fast", "a session's"])
def test_as_in_a_script(name: str | None, every: str, max_norm: float | None, engine: str) -> None:
    run = make(experiment(chosen(name, every) if name else None, max_grad_norm=max_norm))
    losses, rates, state = script(run, name, every, max_norm)
    if name:
        assert len(set(rates)) > 1
    runner = runner_of(engine, run)
    events = [e for e in train(run, runner, epochs=EPOCHS) if isinstance(e, Chunk)]
    assert [loss for event in events for loss in event.losses.tolist()] == losses
    assert [event.learning_rate for event in events] == [rates[event.step - 1] for event in events]
    for key, value in state.items():
        assert torch.equal(run.model.state_dict()[key], value)


def test_clipping_changes_a_run_only_where_gradients_are_longer() -> None:
    free, wide, tight = (make(experiment(None, max_grad_norm=norm)) for norm in (None, 1e12, 1e-3))
    losses = [EagerEngine().run(run, 20).losses.tolist() for run in (free, wide, tight)]
    assert losses[0] == losses[1] != losses[2]
    length = torch.linalg.vector_norm(torch.cat([p.grad.flatten() for p in tight.model.parameters()]))
    assert float(length) == pytest.approx(1e-3, rel=1e-3)


@pytest.mark.parametrize(("name", "every"), COUNTS)
def test_a_rate_changed_by_hand_is_where_the_schedule_would_be_had_it_started_from_it(name: str, every: str) -> None:
    changed, other = make(experiment(chosen(name, every))), make(experiment(chosen(name, every), lr=0.1))
    for done in range(12):
        changed.base_learning_rate = 0.1
        assert changed.base_learning_rate == other.base_learning_rate == 0.1
        assert changed.learning_rate == pytest.approx(other.learning_rate, rel=1e-9), f"after {done} steps"
        for run in (changed, other):
            EagerEngine().run(run, 3)
            assert run.scheduler is not None
            assert run.scheduler.get_last_lr() == [run.learning_rate]
        assert changed.learning_rate == pytest.approx(other.learning_rate, rel=1e-9)
        changed.base_learning_rate = 0.0


def test_a_rate_that_grows_without_limit_becomes_infinite() -> None:
    run = make(experiment(SchedulerSpec(type="ExponentialLR", params={"gamma": 10.0}, every="step"), lr=0.0))
    EagerEngine().run(run, 400)
    run.base_learning_rate = 0.1
    assert run.learning_rate == float("inf")


@pytest.mark.parametrize("engine", ["eager", "fast", "a session's"])
@pytest.mark.parametrize("name", [name for name, every in COUNTS if every == "step"])
def test_a_checkpoint_brings_the_schedule_back(name: str, engine: str) -> None:
    run = make(experiment(chosen(name, "step")))
    runner = runner_of(engine, run)
    runner.run(run, 5)
    kept = save(run)
    first = runner.run(run, 9)
    assert run.scheduler is not None
    after = dict(run.scheduler.state_dict())
    restore(run, kept)
    second = runner.run(run, 9)
    assert first.losses.tolist() == second.losses.tolist()
    assert first.learning_rates.tolist() == second.learning_rates.tolist()
    assert run.scheduler.state_dict() == after


@pytest.mark.parametrize("chunk", [1, 3, 8, 200])
@pytest.mark.parametrize("engine", ["eager", "fast", "a session's"])
def test_a_schedule_that_breaks_the_loss_is_named_with_the_rate_of_that_step(
    engine: str, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rate doubles until the loss breaks; the weights that are kept are those of a run stopped before."""
    monkeypatch.setattr(loop, "_pace", lambda *arguments: None)
    growing = SchedulerSpec(type="ExponentialLR", params={"gamma": 2.0}, every="step")
    run = make(experiment(growing))
    runner = runner_of(engine, run)
    events = list(train(run, runner, LoopState(DivergenceGuard(run), chunk_steps=chunk), epochs=60))
    diverged = next(event for event in events if isinstance(event, Diverged))
    assert f"The learning rate of {0.2 * 2.0 ** (run.position.step + 1):g} is far above" in diverged.message
    again = make(experiment(growing))
    EagerEngine().run(again, run.position.step)
    assert again.learning_rate == run.learning_rate == 0.2 * 2.0**run.position.step
    for key, value in again.model.state_dict().items():
        assert torch.equal(value, run.model.state_dict()[key])
