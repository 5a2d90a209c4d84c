"""How much of its time a run gives to those who look at it."""

from __future__ import annotations

import contextlib
import time

import numpy as np
import pytest

from mlp_core import data
from mlp_core.presets import preset
from mlp_core.processor.turns import SLOTS, cores
from mlp_core.training.bench import CONTENDED_SECONDS, EVALUATION, LOOKING_SHARE, SHARED_CHUNK_SECONDS, Bench


@pytest.mark.parametrize("costs", [(0.25, 0.0025, 0.01), (0.01, 0.01, 0.01), (1e-5, 2.0, 1e-3)])
def test_all_views_together_cost_their_share_and_the_dear_ones_come_more_seldom(costs: tuple[float, ...]) -> None:
    experiment = preset("spiral").experiment
    bench = Bench(experiment, data.load(experiment.data), 0)
    names = [EVALUATION, "weights", "boundary"]
    bench.run.position.batch = 1  # at an epoch's end a test pass comes sooner
    bench._cost = dict(zip(names, costs, strict=True))
    bench._last_look = dict.fromkeys(names, (time.monotonic() - 3600.0, 0.0))

    def period(name: str) -> float:
        """Seconds of work after which the view is due, by bisection."""
        low, high = 0.0, 1e4
        for _ in range(60):
            bench.progress.seconds = middle = (low + high) / 2
            low, high = (low, middle) if bench._is_due(name, names) else (middle, high)
        return high

    periods = np.array([period(name) for name in names])
    assert np.sum(np.array(costs) / periods) == pytest.approx(LOOKING_SHARE)
    assert periods**2 / periods[0] ** 2 == pytest.approx(np.array(costs) / costs[0])


def test_a_view_that_was_never_computed_is_due() -> None:
    experiment = preset("spiral").experiment
    bench = Bench(experiment, data.load(experiment.data), 0)
    assert bench._is_due("weights", [EVALUATION, "weights"])


def test_a_run_in_slow_motion_is_looked_at_for_the_time_that_it_rests() -> None:
    experiment = preset("spiral").experiment
    bench = Bench(experiment, data.load(experiment.data), 0)
    bench.run.position.batch = 1
    bench._cost, bench._last_look = {"weights": 0.01}, {"weights": (time.monotonic() - 3600.0, bench._worked)}
    assert not bench._is_due("weights", ["weights"])
    bench.rested(1.01 * 0.01 / LOOKING_SHARE)
    assert bench._is_due("weights", ["weights"])


def test_a_class_in_slow_motion_shares_what_there_is_to_look_with() -> None:
    experiment = preset("spiral").experiment
    bench = Bench(experiment, data.load(experiment.data), 0)
    with contextlib.ExitStack() as class_room:
        for _ in range(4 * cores()):
            class_room.enter_context(SLOTS.member())
        bench.rested(1.0)
    assert bench._worked == pytest.approx(0.25)


def test_chunks_are_longer_where_the_interpreter_lock_is_dear() -> None:
    experiment = preset("spiral").experiment
    bench = Bench(experiment, data.load(experiment.data), 0)
    usual = bench._chunk_seconds()
    bench._between.extend([2 * CONTENDED_SECONDS, 0.0, 2 * CONTENDED_SECONDS])
    assert bench._chunk_seconds() == usual, "once in a while is nothing"
    bench._between.extend([2 * CONTENDED_SECONDS] * 3)
    assert usual < bench._chunk_seconds() <= SHARED_CHUNK_SECONDS[1]


def test_time_for_looking_is_not_taken_for_a_busy_lock() -> None:
    experiment = preset("spiral").experiment
    bench = Bench(experiment, data.load(experiment.data), 0)
    bench._do_chunk(lambda: None)
    bench._looked_seconds += 1000.0
    bench._do_chunk(lambda: None)
    assert bench._between[-1] < 0.0
    bench._ended = (time.monotonic() - 1000.0, bench._looked_seconds)
    bench.rested(1000.0)
    bench._do_chunk(lambda: None)
    assert bench._between[-1] < 0.0, "nor is a rest"
