"""Bundled tables, held against scikit-learn's own scaler and the catalog."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn import datasets
from sklearn.preprocessing import StandardScaler

from mlp_core.catalog.datasets import DATASETS
from mlp_core.data import load
from mlp_core.data.split import split, stratified_split
from mlp_core.data.tabular import _standardised, load_table, standardisation
from mlp_core.spec import DataSpec

TABLES = [name for name, entry in DATASETS.items() if entry.source == "bundled"]


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_what_the_catalog_says(name: str) -> None:
    entry, dataset = DATASETS[name], load(DataSpec(dataset=name))
    bunch = getattr(datasets, f"load_{name}")()
    names = tuple(map(str, bunch.target_names)) if "target_names" in bunch else ()
    assert dataset.facts.class_names == names
    assert dataset.facts.classifies == bool(names)
    assert dataset.x_train.shape[1:] == dataset.facts.sample_shape == (len(dataset.feature_names),)
    assert dataset.train_size + dataset.test_size == dataset.facts.samples
    assert dataset.x_train.dtype == np.float32
    assert f"{dataset.train_size + dataset.test_size:,} " in entry.summary
    assert dataset.divisor == 1


@pytest.mark.parametrize("name", TABLES)
def test_standardised_by_the_training_part_only(name: str) -> None:
    dataset = load(DataSpec(dataset=name, test_fraction=0.3, seed=5))
    x, y, _ = load_table(name)
    if dataset.facts.task == "classification":
        train, test = stratified_split(y, 0.3, 5)
        assert np.array_equal(dataset.y_test, y[test])
    else:
        train, test = split(len(x), 0.3, 5)
    scaler = StandardScaler().fit(x[train])
    assert np.allclose(dataset.x_train, scaler.transform(x[train]), atol=1e-5)
    assert np.allclose(dataset.x_test, scaler.transform(x[test]), atol=1e-5)
    assert dataset.feature_std is not None
    assert np.allclose(dataset.feature_std, scaler.scale_)
    assert any("standardised" in note for note in dataset.notes)


def test_regression_target_can_be_turned_back() -> None:
    dataset = load(DataSpec(dataset="diabetes"))
    assert dataset.y_train.shape == (221, 1)
    assert dataset.y_train.mean() == pytest.approx(0, abs=1e-6)
    assert dataset.y_train.std() == pytest.approx(1, abs=1e-6)
    assert dataset.target_mean is not None
    assert dataset.target_std is not None
    original = np.concatenate([dataset.y_train, dataset.y_test]) * dataset.target_std + dataset.target_mean
    _, y, _ = load_table("diabetes")
    assert np.allclose(np.sort(original[:, 0]), np.sort(y), atol=1e-3)


def test_constant_columns_stay_at_zero_and_are_named() -> None:
    dataset = load(DataSpec(dataset="digits"))
    assert np.isfinite(dataset.x_train).all()
    assert np.isfinite(dataset.x_test).all()
    assert not dataset.x_train[:, 0].any()
    assert any("without information" in note and "pixel_0_0" in note for note in dataset.notes)


@given(
    arrays.arrays(
        np.float64,
        st.tuples(st.integers(2, 12), st.integers(1, 4)),
        elements=st.sampled_from([0.0, 1.0, 0.1, -3.5, 1e6, 123456.789]),
    )
)
def test_same_scale_as_scikit_learn(table: np.ndarray) -> None:
    mean, std = standardisation(table)
    scaler = StandardScaler().fit(table)
    assert np.allclose(mean, scaler.mean_)
    assert np.allclose(std, scaler.scale_)
    constant = np.ptp(table, axis=0) == 0
    assert np.abs(_standardised(table, mean, std)[:, constant]).max(initial=0) < 1e-6
