"""Sets by formulas and drawn points: samples follow them, and what cannot be learned is named."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import params

from mlp_core.catalog import DATASETS
from mlp_core.data import load
from mlp_core.errors import DataError, SpecError
from mlp_core.limits import MAX_DRAWN_POINTS
from mlp_core.link import decode, encode
from mlp_core.presets import DEFAULT, PRESETS
from mlp_core.spec import DataSpec, Experiment

SETS = ["formula", "formula_classes", "drawn", "drawn_values"]


def test_a_formulas_samples_lie_on_its_curve() -> None:
    chosen = {"formula": "x^2 - 1", "interval": (0.0, 4.0), "noise": 0.0, "points": 100}
    dataset = load(DataSpec(dataset="formula", params=chosen))
    assert dataset.feature_mean is not None
    assert dataset.feature_std is not None
    assert dataset.target_mean is not None
    assert dataset.target_std is not None
    x = dataset.x_train * dataset.feature_std + dataset.feature_mean
    y = dataset.y_train * dataset.target_std + dataset.target_mean
    assert 0 <= x.min() < 0.2
    assert 3.8 < x.max() <= 4.0001
    assert np.allclose(y, x**2 - 1, atol=1e-4)
    assert dataset.x_train.mean() == pytest.approx(0, abs=1e-6)
    assert dataset.y_train.std() == pytest.approx(1, abs=1e-5)


def test_noise_is_a_share_of_the_formulas_range() -> None:
    def values(noise: float) -> np.ndarray:
        params = {"formula": "10x", "interval": (-1.0, 1.0), "noise": noise, "points": 4000}
        dataset = load(DataSpec(dataset="formula", params=params))
        assert dataset.target_std is not None
        return np.array(dataset.y_train * dataset.target_std + dataset.target_mean)

    assert (values(0.4) - values(0.0)).std() == pytest.approx(10 * 0.4 / 2, rel=0.05)


def test_classes_lie_above_and_below_the_formula() -> None:
    dataset = load(DataSpec(dataset="formula_classes", params={"formula": "where(x < 0, 0.5, -0.5)", "noise": 0.0}))
    assert dataset.points_train is not None
    x, y = dataset.points_train.T
    assert np.array_equal(dataset.y_train == 1, y > np.where(x < 0, 0.5, -0.5))
    assert dataset.facts.class_names == ("below f", "above f")


@pytest.mark.parametrize(
    ("name", "formula", "said"),
    [
        ("formula", "log(x)", r"The formula 'log\(x\)' gives no number at x = −.* Change it, or choose another range"),
        ("formula", "10^35 x", "gives −.*×10.*, which is too large, at x"),
        ("formula_classes", "sqrt(x)", "gives no number at x"),
        ("formula_classes", "x + 9", r"every class needs two points .*'above f' has 0. Change the formula"),
    ],
)
def test_a_formula_that_cannot_be_learned_is_named(name: str, formula: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        load(DataSpec(dataset=name, params={"formula": formula}))


def test_an_interval_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(SpecError, match=r"'interval' parameter .* must begin below its end. Got from 2 to 1 instead"):
        DataSpec(dataset="formula", params={"interval": (2.0, 1.0)})


def test_drawn_points_are_where_they_were_placed() -> None:
    samples = [(10 * k - 50, 7 * k, k % 3) for k in range(12)]
    dataset = load(DataSpec(dataset="drawn", params={"samples": samples, "classes": 3}, test_fraction=0.5))
    assert dataset.points_train is not None
    assert dataset.points_test is not None
    places = np.concatenate([dataset.points_train, dataset.points_test])
    labels = np.concatenate([dataset.y_train, dataset.y_test])
    found = {(round(100 * x), round(100 * y), int(k)) for (x, y), k in zip(places.tolist(), labels, strict=True)}
    assert found == set(samples)
    values = load(DataSpec(dataset="drawn_values", params={"samples": [(0, 0, 50), (100, -120, -100)]}))
    both = np.concatenate([values.y_train, values.y_test]).ravel()
    assert sorted(both.tolist()) == [-1.0, 0.5]


@pytest.mark.parametrize(
    ("name", "samples", "said"),
    [
        ("drawn", [], "Drawn points: every class needs two points .*'class 0' has 0 and 'class 1' has 0. Place more"),
        ("drawn", [(0, 0, 0), (1, 1, 0), (5, 5, 1)], "'class 1' has 1. Place more"),
        ("drawn_values", [(0, 0, 0)], "at least two points are needed. Got 1"),
    ],
)
def test_too_few_points_are_named(name: str, samples: list[tuple[int, int, int]], said: str) -> None:
    with pytest.raises(DataError, match=said):
        load(DataSpec(dataset=name, params={"samples": samples}))


def test_fewer_classes_than_were_drawn_are_refused() -> None:
    with pytest.raises(SpecError, match=r"'classes' parameter .* must be at least 4, for 2 of the points are of later"):
        DataSpec(dataset="drawn", params={"samples": [(0, 0, 3), (1, 1, 2), (1, 2, 0)], "classes": 2})


def test_a_full_drawing_travels_in_a_link() -> None:
    random = np.random.default_rng(0)
    samples = np.c_[random.integers(-120, 121, (MAX_DRAWN_POINTS, 2)), random.integers(0, 8, MAX_DRAWN_POINTS)]
    data = DataSpec(dataset="drawn", params={"samples": samples.tolist(), "classes": 8})
    experiment = PRESETS[DEFAULT].experiment.updated(data=data)
    assert decode(encode(experiment)) == experiment


@settings(max_examples=40)
@given(st.sampled_from(SETS), st.data())
def test_any_settings_load_or_are_named(name: str, data: st.DataObject) -> None:
    spec = DataSpec(dataset=name, params=data.draw(params(DATASETS[name], modest=True)))
    assert Experiment.from_json(PRESETS[DEFAULT].experiment.updated(data=spec).to_json()).data == spec
    try:
        dataset = load(spec)
    except DataError as error:
        said = str(error)
    else:
        said = ""
        assert np.isfinite(dataset.x_train).all()
        assert np.isfinite(dataset.y_train).all()
        assert dataset.x_train.shape[1:] == spec.facts.sample_shape
    assert "\n" not in said
