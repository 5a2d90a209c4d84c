"""The table of a chunk's learning rates against PyTorch's own schedulers, called after every step."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch
from comparing import assert_same, experiment, layer, make
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import schedulers

from mlp_core.catalog import SCHEDULERS
from mlp_core.engines.choose import engine_for
from mlp_core.engines.eager import EagerEngine
from mlp_core.engines.schedules import MOMENTA, RULES, follow, planned
from mlp_core.run.build import Run
from mlp_core.spec import OptimizerSpec, SchedulerSpec
from mlp_core.timing import surroundings, updates_per_epoch


def scheduled(described: SchedulerSpec | None, **options: Any) -> Run:
    """A run with four batches in an epoch (or as set)."""
    return make(experiment([layer("Linear")], scheduler=described, **options))


def settings_of(run: Run) -> dict[str, Any]:
    """The settings of the optimizer."""
    return {name: value for name, value in run.optimizer.param_groups[0].items() if name != "params"}


def momentum(run: Run) -> float:
    """The momentum of the next step, or the first beta."""
    group = run.optimizer.param_groups[0]
    return float(group["betas"][0] if "betas" in group else group["momentum"])


def one_by_one(run: Run, steps: int) -> list[float]:
    """The rate before each step, from the scheduler itself."""
    rates = []
    for _ in range(steps):
        rates.append(run.learning_rate)
        run.optimizer.step()
        move(run, 1)
        run.follow_schedule()
    return rates


def move(run: Run, steps: int) -> None:
    """The position as an engine leaves it."""
    run.position.epoch, run.position.batch = divmod(
        run.position.epoch * run.batches.per_epoch + run.position.batch + steps, run.batches.per_epoch
    )


def test_every_schedule_of_the_catalog_has_a_table() -> None:
    assert {kind.__name__ for kind in RULES} == {name for name, entry in SCHEDULERS.items() if not entry.looks_at_loss}
    cycle = {name for name, entry in SCHEDULERS.items() if "cycle_momentum" in entry.fill({})}
    assert {kind.__name__ for kind in MOMENTA} == cycle


@settings(max_examples=150, deadline=None)
@given(
    schedulers(modest=True).filter(lambda drawn: not drawn.entry.looks_at_loss),
    st.sampled_from([8, 5, None]),
    st.lists(st.tuples(st.integers(1, 70), st.sampled_from([None, None, 0.0, 0.03, 2.0])), min_size=1, max_size=6),
)
def test_rates_are_the_schedulers_own(
    described: SchedulerSpec, batch_size: int | None, chunks: list[tuple[int, float | None]]
) -> None:
    found = experiment([layer("Linear")], scheduler=described, batch_size=batch_size)
    assume(not described.entry.misfit(described.params, surroundings(found, updates_per_epoch(found, 25))))
    expected, run = make(found), make(found)
    for steps, base in chunks:
        table = follow(run, steps).rates
        move(run, steps)
        assert table == one_by_one(expected, steps)
        assert run.learning_rate == expected.learning_rate
        assert run.scheduler is not None
        assert expected.scheduler is not None
        assert run.scheduler.state_dict() == expected.scheduler.state_dict()
        if base is not None:
            run.base_learning_rate = expected.base_learning_rate = base


@pytest.mark.parametrize("length", [3, 1000, 1_000_000])
def test_long_cosines_stay_the_same(length: int) -> None:
    described = SchedulerSpec(type="CosineAnnealingLR", params={"T_max": length, "eta_min": 1e-5}, every="step")
    expected, run = scheduled(described), scheduled(described)
    assert follow(run, 5000).rates == one_by_one(expected, 5000)


def test_no_schedule_has_no_table() -> None:
    assert follow(scheduled(None), 10).rates == []


def test_a_schedule_without_a_table_is_called_and_runs_on_every_engine() -> None:
    expected, run, fast = (scheduled(None) for _ in range(3))
    for made in (expected, run, fast):
        made.scheduler = torch.optim.lr_scheduler.MultiplicativeLR(made.optimizer, lambda count: 0.5 + 0.4 / count)
    for steps in (1, 3, 30):
        assert follow(run, steps).rates == one_by_one(expected, steps)
        move(run, steps)
        assert run.scheduler.state_dict() == expected.scheduler.state_dict()
    engine, _ = engine_for(fast)
    assert engine.name != "eager"
    plain = scheduled(None)
    plain.scheduler = torch.optim.lr_scheduler.MultiplicativeLR(plain.optimizer, lambda count: 0.5 + 0.4 / count)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert engine.run(fast, 21).losses.tolist() == EagerEngine().run(plain, 21).losses.tolist()


CYCLES = {
    "OneCycleLR": [{"total_steps": 30}, {"three_phase": True, "anneal_strategy": "linear", "final_div_factor": 3.0}],
    "CyclicLR": [
        {"step_size_up": 4}, {"step_size_up": 3, "step_size_down": 5, "mode": "triangular2", "max_lr": 0.01},
        {"step_size_up": 2, "mode": "exp_range", "gamma": 0.9},
    ],
}  # fmt: skip


@pytest.mark.parametrize("optimizer", ["SGD", "Adam", "RMSprop", "Adagrad"])
@pytest.mark.parametrize(("name", "chosen"), [(name, chosen) for name, many in CYCLES.items() for chosen in many])
def test_the_momentum_is_cycled_as_the_scheduler_does_where_there_is_one(
    name: str, chosen: dict[str, Any], optimizer: str
) -> None:
    described = SchedulerSpec(type=name, params=chosen, every="step")
    options = {"optimizer": OptimizerSpec(type=optimizer), "epochs": 10}
    expected, run = scheduled(described, **options), scheduled(described, **options)
    assert bool(run.cycled) == (optimizer != "Adagrad")
    for steps in (1, 7, 2, 40):
        truth = []
        for _ in range(steps):
            truth.append((expected.learning_rate, momentum(expected) if run.cycled else None))
            one_by_one(expected, 1)
        found = follow(run, steps)
        move(run, steps)
        assert list(zip(found.rates, found.momenta or [None] * steps, strict=True)) == truth
        assert settings_of(run) == settings_of(expected)


@pytest.mark.parametrize("optimizer", ["SGD", "Adam", "RMSprop"])
@pytest.mark.parametrize(("name", "chosen"), [(name, chosen) for name, many in CYCLES.items() for chosen in many])
def test_a_cycled_momentum_gives_the_same_bits_on_the_engine_of_a_session(
    name: str, chosen: dict[str, Any], optimizer: str
) -> None:
    described = SchedulerSpec(type=name, params=chosen, every="step")
    nesterov = {"nesterov": True, "momentum": 0.5} if optimizer == "SGD" else {}
    options = {"optimizer": OptimizerSpec(type=optimizer, params=nesterov), "epochs": 6}
    plain, fast = scheduled(described, **options), scheduled(described, **options)
    engine, why = engine_for(fast)
    assert engine.name != "eager", why
    for steps in (5, 1, 24):
        assert EagerEngine().run(plain, steps).losses.tolist() == engine.run(fast, steps).losses.tolist()
    assert_same(plain, fast)


def test_after_its_end_one_cycle_stays_where_it_is() -> None:
    run = scheduled(SchedulerSpec(type="OneCycleLR", params={"total_steps": 5}, every="step"))
    rates = follow(run, 20).rates
    assert rates[4] == pytest.approx(0.1 / 25 / 1e4)
    assert rates[4:] == [rates[4]] * 16
    assert max(rates) < 0.1


def test_a_length_that_follows_from_the_epochs_changes_with_them() -> None:
    described = SchedulerSpec(type="OneCycleLR", every="step")
    short, long = (scheduled(described, epochs=epochs) for epochs in (5, 20))
    for run in (short, long):
        follow(run, 7)
        move(run, 7)
    short.experiment = long.experiment
    short.base_learning_rate = 0.1
    assert short.learning_rate == long.learning_rate
    assert follow(short, 80) == follow(long, 80)


def test_halving_a_cycle_a_thousand_times_leaves_the_lowest_rate() -> None:
    chosen = {"step_size_up": 1, "mode": "triangular2"}
    described = SchedulerSpec(type="CyclicLR", params=chosen, every="step")
    expected, run = scheduled(described), scheduled(described)
    rates = follow(run, 3000).rates
    move(run, 3000)
    assert rates == one_by_one(expected, 3000)
    assert rates[-1] == 0.1
    assert settings_of(run) == settings_of(expected)


@pytest.mark.parametrize("every", ["epoch", "step"])
def test_the_plan_is_what_the_run_then_does(every: str) -> None:
    for name, entry in SCHEDULERS.items():
        run = scheduled(SchedulerSpec(type=name, every=every if every in entry.counts else "epoch"), epochs=20)
        plan = planned(run.experiment, run.updates_per_epoch, 20)
        if entry.looks_at_loss:
            assert plan == []
        elif every == "step":
            assert plan == follow(run, 20).rates
        else:
            assert plan == follow(run, 20 * run.batches.per_epoch).rates[:: run.batches.per_epoch]
