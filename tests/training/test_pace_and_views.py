"""How much of its time a run gives to those who look at it, and how long its chunks last."""

from __future__ import annotations

import contextlib
import time
from collections import deque

import numpy as np
import pytest
from small_runs import make

from mlp_core.presets import preset
from mlp_core.processor import Priority, Processor
from mlp_core.processor.policy import BUSY_GIL_SECONDS, CHUNK_SECONDS, LONG_CHUNK_SECONDS, SHORT_CHUNK_SECONDS
from mlp_core.training.pace import ALONE, Pace
from mlp_core.training.views import EVALUATION, FIRST_COST, FIRST_MOST, VIEW_SHARE, ViewSchedule
from mlp_core.views import VIEWS
from mlp_core.views.health import HEALTH

LONG_AGO = -3600.0


def schedule() -> ViewSchedule:
    run = make(preset("spiral").experiment)
    run.position.batch = 1  # at an epoch's end a test pass comes sooner
    return ViewSchedule(run, lambda: None, lambda: None)


@pytest.mark.parametrize("costs", [(0.25, 0.0025, 0.01), (0.01, 0.01, 0.01), (1e-5, 2.0, 1e-3)])
def test_all_views_together_cost_their_share_and_the_dear_ones_come_more_seldom(costs: tuple[float, ...]) -> None:
    views, names = schedule(), [EVALUATION, "weights", "boundary"]
    views._costs.update({name: deque([cost]) for name, cost in zip(names, costs, strict=True)})
    views._last = dict.fromkeys(names, (time.monotonic() + LONG_AGO, 0.0))

    def period(name: str) -> float:
        """Seconds of work after which the view is due, by bisection."""
        low, high = 0.0, 1e4
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (low, middle) if views._is_due(name, names, middle) else (middle, high)
        return high

    periods = np.array([period(name) for name in names])
    assert np.sum(np.array(costs) / periods) == pytest.approx(VIEW_SHARE)
    assert periods**2 / periods[0] ** 2 == pytest.approx(np.array(costs) / costs[0])


def test_a_view_that_was_never_computed_is_due() -> None:
    assert schedule()._is_due("weights", [EVALUATION, "weights"], 0.0)


def test_what_a_view_imports_is_no_part_of_its_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    views, clock = schedule(), [0.0]
    monkeypatch.setattr("mlp_core.training.views.time.perf_counter", lambda: clock.append(clock[-1] + 2) or clock[-1])
    for cost in (FIRST_MOST, 2.0):
        views.compute(["weights"], 0.0, all_stale=True)
        assert views._costs["weights"][-1] == pytest.approx(cost)
        views.forget()


def test_patient_views_come_later_and_more_seldom() -> None:
    views, names = schedule(), [EVALUATION, HEALTH]
    patience = VIEWS[HEALTH].patience
    first = FIRST_COST / VIEW_SHARE
    assert not views._is_due(HEALTH, names, 0.99 * first), "the run's first steps come before it"
    assert views._is_due(HEALTH, names, 1.01 * first)
    views._costs.update({name: deque([0.01]) for name in names})
    views._last = dict.fromkeys(names, (time.monotonic() + LONG_AGO, 0.0))
    period = 0.01 * (1 + 1 / patience) / VIEW_SHARE
    for name, wanted in ((EVALUATION, period), (HEALTH, patience * period)):
        assert not views._is_due(name, names, 0.99 * wanted)
        assert views._is_due(name, names, 1.01 * wanted)


def test_one_computation_that_was_held_up_does_not_put_a_view_off() -> None:
    views, names = schedule(), ["weights"]
    views._last = {"weights": (time.monotonic() + LONG_AGO, 0.0)}
    views._costs["weights"].extend([0.01, 0.01, 5.0])
    assert views._is_due("weights", names, 1.01 * 0.01 / VIEW_SHARE)
    views._costs["weights"].extend([5.0, 5.0])
    assert not views._is_due("weights", names, 0.99 * 5.0 / VIEW_SHARE), "what is always slow is dear"


def test_a_view_that_does_not_apply_is_never_computed() -> None:
    views = schedule()
    views.compute(["regression", "weights", "no such view"], 0.0, all_stale=True)
    assert list(views.results) == ["weights"]
    assert views.results["weights"].step == 0


def test_views_may_take_their_share_of_a_rest() -> None:
    views, pace = schedule(), Pace(Processor(1))
    views._costs["weights"].append(0.01)
    views._last = {"weights": (time.monotonic() + LONG_AGO, 0.0)}
    assert not views._is_due("weights", ["weights"], pace.spare)
    pace.rest(1.01 * 0.01 / VIEW_SHARE / ALONE)
    assert views._is_due("weights", ["weights"], pace.spare)
    assert pace.rested == pytest.approx(1.01 * 0.01 / VIEW_SHARE / ALONE)


def test_a_class_in_slow_motion_shares_the_time_for_views() -> None:
    processor = Processor(2)
    pace = Pace(processor)
    with contextlib.ExitStack() as members:
        for _ in range(8):
            assert not pace.crowded or processor.turns.members > 2
            members.enter_context(processor.turns.member())
        assert pace.crowded
        pace.rest(1.0)
    assert pace.rested == pace.spare == pytest.approx(0.25)


def test_chunks_are_longer_where_the_gil_is_busy() -> None:
    pace = Pace(Processor(1))
    assert pace.chunk_seconds() == CHUNK_SECONDS
    pace._gaps.extend([2 * BUSY_GIL_SECONDS, 0.0, 2 * BUSY_GIL_SECONDS])
    assert pace.chunk_seconds() == CHUNK_SECONDS, "once in a while is nothing"
    pace._gaps.extend([2 * BUSY_GIL_SECONDS] * 3)
    assert pace.chunk_seconds() == LONG_CHUNK_SECONDS


def test_time_for_views_and_rests_is_not_taken_for_a_busy_gil(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr("mlp_core.training.pace.time.monotonic", lambda: clock[0])
    pace = Pace(Processor(1))
    for spent in (lambda: pace.exclude(50.0), lambda: pace.rest(50.0)):
        pace.begin_chunk()
        pace.end_chunk()
        clock[0] += 50.0
        spent()
        before = len([gap for gap in pace._gaps if gap > BUSY_GIL_SECONDS])
        pace.begin_chunk()
        assert len([gap for gap in pace._gaps if gap > BUSY_GIL_SECONDS]) == before == 0
        pace.end_chunk()
    clock[0] += 50.0
    pace.begin_chunk()
    assert pace._gaps[-1] == 50.0


def test_chunks_are_short_where_others_wait_and_the_background_gives_way() -> None:
    processor = Processor(1)
    pace, background = Pace(processor), Pace(processor, background=True)
    assert background.chunk_seconds() == CHUNK_SECONDS
    with contextlib.ExitStack() as members:
        for _ in range(100):
            members.enter_context(processor.turns.member())
        assert background.chunk_seconds() == SHORT_CHUNK_SECONDS
        processor.turns.ask()
        waiting = processor.turns.ask(Priority.BACKGROUND)
        assert pace.chunk_seconds() == CHUNK_SECONDS, "nobody has to wait behind the background"
        processor.turns.ask()
        assert pace.chunk_seconds() == SHORT_CHUNK_SECONDS
        assert not waiting.held


def test_slow_motion_shows_twelve_chunks_a_second_and_fewer_to_a_class() -> None:
    processor = Processor(2)
    pace = Pace(processor)
    assert [pace.slow_chunk(speed) for speed in (0.5, 1.0, 10.0, 1000.0)] == [1, 1, 1, 83]
    with contextlib.ExitStack() as members:
        for _ in range(24):
            members.enter_context(processor.turns.member())
        assert [pace.slow_chunk(speed) for speed in (1.0, 10.0, 1000.0)] == [1, 3, 300]


def test_views_that_are_left_when_somebody_wants_something_else_come_another_time() -> None:
    views, asked = schedule(), iter([True, True, False])
    assert views.compute(["weights", "boundary"], 0.0, all_stale=True, goes_on=lambda: next(asked))
    assert list(views.results) == ["weights"]
    assert views.compute(["weights", "boundary"], 0.0, all_stale=True)
    assert list(views.results) == ["weights", "boundary"]
