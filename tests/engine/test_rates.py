"""The table of a chunk's learning rates against PyTorch's own schedulers, called after every step."""

from __future__ import annotations

import warnings

import pytest
import torch
from comparing import experiment, layer, make
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import schedulers

from mlp_core.catalog import SCHEDULERS
from mlp_core.engines.choose import engine_for
from mlp_core.engines.eager import EagerEngine
from mlp_core.engines.schedules import RULES, follow
from mlp_core.run.build import Run
from mlp_core.spec import SchedulerSpec


def scheduled(described: SchedulerSpec | None, **options: int | None) -> Run:
    """A run with four batches in an epoch (or as set)."""
    return make(experiment([layer("Linear")], scheduler=described, **options))  # type: ignore[arg-type]


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
    assert {kind.__name__ for kind in RULES} == set(SCHEDULERS)


@settings(max_examples=150, deadline=None)
@given(
    schedulers(modest=True),
    st.sampled_from([8, 5, None]),
    st.lists(st.tuples(st.integers(1, 70), st.sampled_from([None, None, 0.0, 0.03, 2.0])), min_size=1, max_size=6),
)
def test_rates_are_the_schedulers_own(
    described: SchedulerSpec, batch_size: int | None, chunks: list[tuple[int, float | None]]
) -> None:
    expected, run = (scheduled(described, batch_size=batch_size) for _ in range(2))
    for steps, base in chunks:
        table = follow(run, steps)
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
    assert follow(run, 5000) == one_by_one(expected, 5000)


def test_no_schedule_has_no_table() -> None:
    assert follow(scheduled(None), 10) == []


def test_a_schedule_without_a_table_is_called_and_runs_on_every_engine() -> None:
    expected, run, fast = (scheduled(None) for _ in range(3))
    for made in (expected, run, fast):
        made.scheduler = torch.optim.lr_scheduler.MultiplicativeLR(made.optimizer, lambda count: 0.5 + 0.4 / count)
    for steps in (1, 3, 30):
        assert follow(run, steps) == one_by_one(expected, steps)
        move(run, steps)
        assert run.scheduler.state_dict() == expected.scheduler.state_dict()
    engine, _ = engine_for(fast)
    assert engine.name != "eager"
    plain = scheduled(None)
    plain.scheduler = torch.optim.lr_scheduler.MultiplicativeLR(plain.optimizer, lambda count: 0.5 + 0.4 / count)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert engine.run(fast, 21).losses.tolist() == EagerEngine().run(plain, 21).losses.tolist()
