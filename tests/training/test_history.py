"""The memory of a run: bounded, with exact means, and no peak lost."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlp_core.training.events import Chunk, Evaluation
from mlp_core.training.history import BUCKETS, ROWS, History, PointSeries, StepSeries

FLOATS = st.floats(-1e6, 1e6, width=32)


def size(series: StepSeries | PointSeries) -> int:
    return sum(value.nbytes for value in vars(series).values() if isinstance(value, np.ndarray))


def check(series: StepSeries, values: np.ndarray, points: int | None = None) -> None:
    """The buckets cover all values in order, with the mean, lowest and highest of each."""
    found = series.buckets(points)
    assert len(found.steps) == len(found.mean) == len(found.low) == len(found.high)
    assert points is None or len(found.steps) <= points
    if not len(values):
        assert len(found.steps) == 0
        return
    ends = found.steps.astype(int)
    assert ends[-1] == len(values)
    starts = np.concatenate([[0], ends[:-1]])
    assert (starts < ends).all()
    single = values.astype(np.float32)
    for start, end, mean, low, high in zip(starts, ends, found.mean, found.low, found.high, strict=True):
        piece = single[start:end]
        assert mean == pytest.approx(piece.mean(dtype=np.float64), rel=1e-6, abs=1e-9)
        assert (low, high) == (piece.min(), piece.max())


@given(
    st.lists(st.lists(FLOATS, max_size=40), max_size=12),
    st.sampled_from([2, 4, 8, 64]),
    st.none() | st.integers(1, 70),
)
def test_any_values_in_any_pieces(pieces: list[list[float]], capacity: int, points: int | None) -> None:
    series = StepSeries(capacity)
    for piece in pieces:
        series.extend(np.array(piece, dtype=np.float32))
    values = np.array([value for piece in pieces for value in piece])
    check(series, values)
    check(series, values, points)


@given(st.integers(0, 3000), st.integers(1, 700))
def test_how_values_come_in_makes_no_difference(count: int, piece: int) -> None:
    values = np.random.default_rng(count).normal(size=count).astype(np.float32)
    whole, parts = StepSeries(64), StepSeries(64)
    whole.extend(values)
    for start in range(0, count, piece):
        parts.extend(values[start : start + piece])
    for ours, theirs in zip(vars(whole.buckets()).values(), vars(parts.buckets()).values(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_a_million_steps_take_the_memory_of_ten_thousand() -> None:
    values = np.random.default_rng(0).normal(size=1_000_000).astype(np.float32)
    values[765_432] = 99.0
    values[123_457] = -99.0
    series, sizes = StepSeries(), {}
    for start in range(0, len(values), 777):
        series.extend(values[start : start + 777])
        sizes[start] = size(series)
    early = max(taken for start, taken in sizes.items() if start < 10_000)
    assert max(sizes.values()) <= early + 4 * 1024  # and less than one bucket's values
    found = series.buckets()
    assert BUCKETS // 2 <= len(found.steps) <= BUCKETS + 1
    assert found.high.max() == 99.0
    assert found.low.min() == -99.0
    assert found.steps[-1] == 1_000_000
    sizes_of = np.diff(np.concatenate([[0.0], found.steps]))
    assert float((found.mean * sizes_of).sum()) == pytest.approx(float(values.sum(dtype=np.float64)), abs=0.5)
    thin = series.buckets(50)
    assert len(thin.steps) <= 50
    assert (thin.high.max(), thin.low.min()) == (99.0, -99.0)


def test_buckets_are_copies() -> None:
    series = StepSeries()
    series.extend(np.ones(10, dtype=np.float32))
    for array in vars(series.buckets()).values():
        array[:] = 7
    assert (series.buckets().mean == 1).all()
    assert (series.buckets().high == 1).all()


def test_what_was_passed_in_may_be_changed_afterwards() -> None:
    series = StepSeries(2)
    values = np.ones(5, dtype=np.float32)
    series.extend(values)
    values[:] = 9
    assert series.buckets().high.max() == 1


@given(st.integers(0, 400), st.sampled_from([2, 4, 16]), st.none() | st.integers(1, 40))
def test_rows_are_bounded_in_order_and_end_with_the_newest(count: int, capacity: int, points: int | None) -> None:
    series = PointSeries(2, capacity)
    for step in range(count):
        series.extend(np.array([[step * 3, step]]))
        rows = series.rows(points)
        assert tuple(rows[-1]) == (step * 3, step)
        assert tuple(rows[0]) == (0, 0)
        assert len(rows) <= capacity + 1
        assert points is None or len(rows) <= points + 1
        assert (np.diff(rows[:, 0]) > 0).all()
        assert (rows[:, 0] == 3 * rows[:, 1]).all()
    assert len(series.rows()) >= min(count, capacity // 2)


@given(st.lists(st.integers(0, 30), max_size=12), st.sampled_from([2, 4, 16]))
def test_many_rows_at_once_are_kept_as_one_by_one(sizes: list[int], capacity: int) -> None:
    """However the rows are handed over, the same are kept."""
    together, single = PointSeries(2, capacity), PointSeries(2, capacity)
    step = 0
    for count in sizes:
        rows = np.array([[step + i, i] for i in range(count)], dtype=np.float64).reshape(-1, 2)
        together.extend(rows)
        for row in rows:
            single.extend(row[None])
        step += count
        assert together.rows().tolist() == single.rows().tolist()


def test_points_stay_evenly_spread_and_bounded() -> None:
    series = PointSeries(3)
    before = size(series)
    for step in range(100_000):
        series.extend(np.array([[step, 0.0, 0.0]]))
    assert size(series) <= before + 24
    steps = np.diff(series.rows()[:-1, 0])
    assert (steps == steps[0]).all()
    assert ROWS // 2 <= len(series.rows()) <= ROWS + 1
    series.rows()[:] = 5
    assert series.rows()[-1, 0] == 99_999


def chunk(step: int, losses: list[float], *rates: tuple[float, float]) -> Chunk:
    changes = np.array(rates, dtype=np.float64).reshape(-1, 2)
    return Chunk(step, 0, np.array(losses, dtype=np.float32), 10 * len(losses), 0.1, 0.1, changes)


def evaluation(step: int, loss: float, accuracy: float | None = 0.5) -> Evaluation:
    return Evaluation(step, 0, 1.0, loss, accuracy, None)


def test_history_of_a_run() -> None:
    history = History()
    assert history.best is None
    assert len(history.curves().train_loss.steps) == 0
    assert history.curves().evaluations.shape == (0, 3)
    assert history.curves().learning_rates.shape == (0, 2)
    assert history.add_evaluation(evaluation(0, 3.0))
    history.add_chunk(chunk(2, [5, 4], (0, 0.1)))
    history.add_chunk(chunk(4, [3, 2]))
    history.add_chunk(chunk(5, [1], (4, 0.01)))
    assert history.add_evaluation(evaluation(5, 1.0))
    assert not history.add_evaluation(evaluation(5, 0.5)), "a second test pass of a step is the same"
    assert not history.add_evaluation(evaluation(6, 2.0, None))
    curves = history.curves()
    assert curves.train_loss.mean.tolist() == [5, 4, 3, 2, 1]
    assert curves.learning_rates.tolist() == [[0, 0.1], [4, 0.01]]
    rows = curves.evaluations
    assert rows[:, :2].tolist() == [[0, 3], [5, 1], [6, 2]]
    assert math.isnan(rows[2, 2])
    assert history.best is not None
    assert (history.best.test_loss, history.best.step) == (1.0, 5)


def test_a_test_loss_that_is_no_number_is_never_the_best() -> None:
    history = History()
    history.add_evaluation(evaluation(0, math.nan))
    assert history.best is None
    history.add_evaluation(evaluation(1, 9.0))
    history.add_evaluation(evaluation(2, math.nan))
    assert history.best is not None
    assert (history.best.test_loss, history.best.step) == (9.0, 1)


def test_two_histories_share_nothing() -> None:
    first, second = History(), History()
    first.add_chunk(chunk(1, [1]))
    first.add_evaluation(evaluation(1, 1.0))
    assert len(second.curves().train_loss.steps) == 0
    assert len(second.curves().evaluations) == 0
    assert second.best is None
