"""Clipping, accumulation, penalties, L-BFGS and Muon: every engine against a plain script, and checkpoints."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from small_runs import make
from torch import nn

from mlp_core.engines.choose import engine_for
from mlp_core.engines.eager import EagerEngine
from mlp_core.presets import preset
from mlp_core.problems import problems
from mlp_core.run.build import Run
from mlp_core.run.checkpoint import restore, save
from mlp_core.spec import Experiment, OptimizerSpec, SchedulerSpec

STEPS = 45
"""Two epochs of twenty batches, and a part of a third."""


def spiral(optimizer: OptimizerSpec | None = None, scheduler: SchedulerSpec | None = None, **training: Any) -> Run:
    base = preset("spiral").experiment
    found: Experiment = base.updated(
        optimizer=optimizer or base.optimizer, scheduler=scheduler,
        training=base.training.updated(**{"batch_size": 10, **training}),
    )
    return make(found)


def script(run: Run, *, norm: float = 0.0, value: float = 0.0, every: int = 1, l1: float = 0.0, l2: float = 0.0,
           zero: bool = True) -> list[float]:  # fmt: skip
    """The losses of a plain script over the run's batches."""
    model, optimizer, losses = run.model, run.optimizer, []
    for _ in range(STEPS):
        x, y = run.batches.get(run.position)
        loss = nn.functional.cross_entropy(model(x), y)
        total = loss
        weights = [p for name, p in model.named_parameters() if "weight" in name]
        if l1:
            total = total + l1 * sum(p.abs().sum() for p in weights)
        if l2:
            total = total + l2 * sum((p**2).sum() for p in weights)
        (total / every).backward()
        run.batches.advance(run.position)
        if run.position.step % 20 % every == 0:
            if norm:
                nn.utils.clip_grad_norm_(model.parameters(), norm)
            if value:
                nn.utils.clip_grad_value_(model.parameters(), value)
            optimizer.step()
            if zero:
                optimizer.zero_grad()
            if run.scheduler and run.scheduled_by_step:
                run.scheduler.step()
        if run.scheduler and not run.scheduled_by_step and run.position.batch == 0:
            run.scheduler.step()
        losses.append(loss.item())
    return losses


CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "norm": ({"max_grad_norm": 0.1}, {"norm": 0.1}),
    "value": ({"max_grad_value": 0.01}, {"value": 0.01}),
    "accumulated": ({"accumulate_grad_batches": 3}, {"every": 3}),
    "accumulated over more than an epoch": ({"accumulate_grad_batches": 50}, {"every": 50}),
    "never zeroed": ({"accumulate_grad_batches": 2, "zero_grad": False}, {"every": 2, "zero": False}),
    "all": (
        {"accumulate_grad_batches": 4, "max_grad_norm": 0.2, "l2_penalty": 0.01},
        {"every": 4, "norm": 0.2, "l2": 0.01},
    ),
}


@pytest.mark.parametrize("scheduled", ["", "epoch", "step"])
@pytest.mark.parametrize("name", CASES)
def test_every_engine_does_what_a_script_does(name: str, scheduled: str) -> None:
    options, said = CASES[name]
    schedule = SchedulerSpec(type="StepLR", params={"step_size": 2}, every=scheduled) if scheduled else None
    truth = script(spiral(scheduler=schedule, **options), **said)
    fast, plain = spiral(scheduler=schedule, **options), spiral(scheduler=schedule, **options)
    engine, why = engine_for(fast)
    assert engine.name != "eager", why
    assert EagerEngine().run(plain, STEPS).losses.tolist() == pytest.approx(truth, rel=1e-5)
    for steps in (1, 20, STEPS - 21):
        engine.run(fast, steps)
    for one, other in zip(plain.model.parameters(), fast.model.parameters(), strict=True):
        assert torch.equal(one, other)
        assert one.grad is not None
        assert other.grad is not None
        assert torch.equal(one.grad, other.grad)


PENALTIES = [{"l1_penalty": 0.01}, {"l2_penalty": 0.02}, {"l1_penalty": 0.1, "l2_penalty": 0.1}]


@pytest.mark.parametrize("penalty", PENALTIES)
def test_penalties_are_those_of_the_formula_and_no_part_of_the_loss_that_is_shown(penalty: dict[str, float]) -> None:
    plain, fast, free = spiral(**penalty), spiral(**penalty), spiral()
    losses = EagerEngine().run(plain, STEPS).losses.tolist()
    engine, why = engine_for(fast)
    assert engine.name != "eager", why
    assert engine.run(fast, STEPS).losses.tolist() == losses
    truth = script(spiral(), l1=penalty.get("l1_penalty", 0.0), l2=penalty.get("l2_penalty", 0.0))
    assert losses[:12] == pytest.approx(truth[:12], rel=1e-4)
    without = EagerEngine().run(free, STEPS).losses.tolist()
    assert losses[0] == without[0]
    assert losses[1:] != without[1:]


@pytest.mark.parametrize("name", ["LBFGS", "Muon"])
def test_a_run_goes_on_from_a_checkpoint(name: str) -> None:
    run = spiral(OptimizerSpec(type=name, params={"lr": 0.1}))
    EagerEngine().run(run, 4)
    kept = save(run)
    first = EagerEngine().run(run, 6).losses.tolist()
    restore(run, kept)
    assert EagerEngine().run(run, 6).losses.tolist() == first
    assert engine_for(run)[0].name == "eager"


def test_lbfgs_is_told_the_learning_rate_and_what_it_cannot_do() -> None:
    run = spiral(OptimizerSpec(type="LBFGS", params={"line_search_fn": "strong_wolfe"}), batch_size=None)
    losses = EagerEngine().run(run, 15).losses
    assert losses[-1] < losses[0] / 2
    found = run.experiment.updated(training=run.experiment.training.updated(accumulate_grad_batches=2))
    (problem,) = [one for one in problems(found) if one.severity == "error"]
    assert "'accumulate_grad_batches' parameter of the training must be 1" in problem.message
    assert problem.fixed == run.experiment


def test_muon_updates_matrices_and_adamw_the_rest() -> None:
    run = spiral(OptimizerSpec(type="Muon", params={"lr": 0.02, "weight_decay": 0.05}))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = nn.Sequential(*[type(m)(m.in_features, m.out_features) if isinstance(m, nn.Linear) else nn.Tanh()
                                for m in run.model])  # fmt: skip
    model.load_state_dict(run.model.state_dict())
    two = [
        torch.optim.Muon([p for p in model.parameters() if p.ndim == 2], lr=0.02, weight_decay=0.05),
        torch.optim.AdamW([p for p in model.parameters() if p.ndim != 2], lr=0.02, weight_decay=0.05),
    ]
    other = spiral()
    for _ in range(10):
        x, y = other.batches.get(other.position)
        for optimizer in two:
            optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        for optimizer in two:
            optimizer.step()
        other.batches.advance(other.position)
    EagerEngine().run(run, 10)
    for ours, theirs in zip(run.model.parameters(), model.parameters(), strict=True):
        assert torch.equal(ours, theirs)
