"""Generated sets: shape, balance, geometry and the promise that noise moves the same points."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlp_core.catalog import DATASETS, FEATURES, load_object
from mlp_core.data import EXTENT, features_of, load, sample_points, toy
from mlp_core.spec import DataSpec

GENERATED = [
    name for name, entry in DATASETS.items() if entry.source == "generated" and "formula" not in entry.fill({})
]
PLANE_SETS = [name for name in GENERATED if DataSpec(dataset=name).facts.plane]
CLASSES = [name for name in PLANE_SETS if DataSpec(dataset=name).facts.classifies]


def make(name: str, points: int, noise: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The pattern of that name, with as many classes as it has by default."""
    params = {"points": points, "noise": noise}
    chosen = {key: value for key, value in DATASETS[name].fill(params).items() if key != "features"}
    made: tuple[np.ndarray, np.ndarray] = load_object(DATASETS[name].loader)(**chosen, seed=seed)
    return made


@given(
    name=st.sampled_from(PLANE_SETS),
    points=st.integers(20, 500),
    noise=st.floats(0, 1),
    seed=st.integers(0, 2**31 - 1),
)
def test_every_set_keeps_its_promises(name: str, points: int, noise: float, seed: int) -> None:
    place, values = make(name, points, noise, seed)
    assert place.shape == (points, 2)
    assert np.isfinite(place).all()
    assert np.abs(place).max() <= toy.WALL < EXTENT[1] == -EXTENT[0]
    if name in CLASSES:
        assert values.shape == (points,)
        assert values.dtype == np.int64
        counts = np.bincount(values, minlength=DataSpec(dataset=name).facts.classes)
        assert len(counts) == DataSpec(dataset=name).facts.classes
        assert np.ptp(counts) <= 1
    else:
        assert values.shape == (points, 1)
        assert np.isfinite(values).all()
    again, values_again = make(name, points, noise, seed)
    assert np.array_equal(place, again)
    assert np.array_equal(values, values_again)


@pytest.mark.parametrize("name", PLANE_SETS)
def test_noise_moves_the_same_points_a_little(name: str) -> None:
    (calm, first), (moved, second) = make(name, 200, 0.10, 7), make(name, 200, 0.11, 7)
    assert np.abs(calm - moved).max() < 0.05
    assert np.abs(first - second).max() < 0.05
    assert not np.array_equal(np.c_[calm, first], np.c_[moved, second])


@pytest.mark.parametrize("name", PLANE_SETS)
def test_seeds_make_different_sets(name: str) -> None:
    assert not np.array_equal(make(name, 100, 0, 1)[0], make(name, 100, 0, 2)[0])


def test_clean_patterns_follow_their_formulas() -> None:
    place, labels = toy.circle(1000, 0, 0)
    radius = np.hypot(*place.T)
    assert radius[labels == 1].max() <= 0.5
    assert 0.7 <= radius[labels == 0].min() <= radius[labels == 0].max() <= 1

    place, labels = toy.xor(1000, 0, 0)
    assert np.array_equal(labels == 1, place[:, 0] * place[:, 1] > 0)
    assert 0.06 <= np.abs(place).min() <= np.abs(place).max() <= 1
    assert all(240 <= ((place[:, 0] > 0) == a)[(place[:, 1] > 0) == b].sum() <= 260 for a in (0, 1) for b in (0, 1))

    place, labels = toy.spiral(1000, 0, 0)
    t = np.hypot(*place.T)
    angle = np.arctan2(place[:, 0], place[:, 1]) - 1.25 * 2 * np.pi * t + np.pi * labels
    assert np.allclose(np.cos(angle), 1)

    place, labels = toy.moons(1000, 0, 0)
    upper = np.where(labels[:, None] == 1, -place, place)
    assert np.allclose(np.hypot(upper[:, 0] + 1 / 3, upper[:, 1] + 1 / 6), 2 / 3)
    assert upper[:, 1].min() >= -1 / 6

    place, values = toy.plane(1000, 0, 0)
    assert np.allclose(values[:, 0], place.mean(axis=1))

    place, values = toy.bumps(5000, 0, 0)
    assert values.max() == pytest.approx(1, abs=0.05)
    assert values.min() == pytest.approx(-1, abs=0.05)
    at_hill = np.argmin(np.hypot(place[:, 0] - 0.65, place[:, 1]))
    assert values[at_hill, 0] > 0.9


@pytest.mark.parametrize("name", ["circle", "xor", "spiral", "moons"])
def test_noise_is_a_share_of_the_patterns_radius(name: str) -> None:
    clean, moved = getattr(toy, name)(2000, 0, 3)[0], getattr(toy, name)(2000, 0.2, 3)[0]
    strayed = np.hypot(*(moved - clean).T)
    assert 0.19 < strayed.max() <= 0.2 + 1e-12
    assert strayed.mean() == pytest.approx(0.2 * 2 / 3, rel=0.05)  # a disc's mean radius


def test_regression_noise_is_on_the_value() -> None:
    clean, noisy = toy.plane(4000, 0, 0), toy.plane(4000, 0.4, 0)
    assert np.array_equal(clean[0], noisy[0])
    assert (noisy[1] - clean[1]).std() == pytest.approx(0.2, rel=0.05)


def test_features_are_those_of_the_catalog() -> None:
    points = np.array([[0.5, -0.25], [1, 0]], dtype=np.float32)
    made = features_of(points, tuple(FEATURES))
    assert made.dtype == np.float32
    expected = [0.5, -0.25, 0.25, 0.0625, -0.125, np.hypot(0.5, 0.25), np.sin(2.5), np.sin(-1.25)]
    assert made[0] == pytest.approx(expected)
    assert np.array_equal(features_of(points, ("x2", "x1")), points[:, ::-1])


def test_grid_covers_the_extent_row_by_row() -> None:
    grid = sample_points(5)
    assert grid.shape == (25, 2)
    assert grid.dtype == np.float32
    assert grid[0].tolist() == [EXTENT[0], EXTENT[0]]
    assert grid[4].tolist() == [EXTENT[1], EXTENT[0]]
    assert grid[-1].tolist() == [EXTENT[1], EXTENT[1]]
    assert np.ptp(grid[:, 1].reshape(5, 5), axis=1).max() == 0


@pytest.mark.parametrize("name", PLANE_SETS)
def test_loading_splits_and_keeps_the_points(name: str) -> None:
    spec = DataSpec(dataset=name, params={"points": 200, "features": ["x1^2", "x2"]}, test_fraction=0.25)
    dataset = load(spec)
    assert (dataset.train_size, dataset.test_size, dataset.x_train.shape[1:]) == (150, 50, (2,))
    assert dataset.feature_names == ("x2", "x1^2")
    assert dataset.divisor == 1
    assert dataset.points_train is not None
    assert dataset.points_test is not None
    for x, points in ((dataset.x_train, dataset.points_train), (dataset.x_test, dataset.points_test)):
        assert np.array_equal(x, features_of(points, dataset.feature_names))
    if spec.facts.classifies:
        assert np.ptp(np.bincount(dataset.y_train)) <= 1
        assert dataset.y_train.dtype == np.int64
    else:
        assert dataset.y_test.shape == (50, 1)
        assert dataset.y_test.dtype == np.float32


def test_noise_leaves_each_point_in_its_part() -> None:
    calm, noisy = (load(DataSpec(dataset="spiral", params={"noise": noise})) for noise in (0.05, 0.06))
    assert np.array_equal(calm.y_train, noisy.y_train)
    assert calm.points_train is not None
    assert np.abs(calm.points_train - noisy.points_train).max() < 0.02


@pytest.mark.parametrize("name", [name for name in GENERATED if name not in PLANE_SETS])
def test_generated_tables(name: str) -> None:
    spec = DataSpec(dataset=name)
    dataset = load(spec)
    assert dataset.x_train.shape[1:] == spec.facts.sample_shape
    assert dataset.points_train is None
    assert len(dataset.feature_names) == dataset.facts.sample_shape[0]
    assert dataset.x_train.dtype == np.float32
    assert dataset.train_size + dataset.test_size == spec.params["points"]


def test_every_pattern_says_its_formula() -> None:
    assert all(inspect.getdoc(load_object(DATASETS[name].loader)) for name in PLANE_SETS)
