"""The validation part: drawn from the training part, the same test part, nothing of it in what is fitted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.preprocessing import StandardScaler

from mlp_core.catalog import DATASETS
from mlp_core.catalog.training import VALIDATION_FRACTION
from mlp_core.data import Dataset, load
from mlp_core.data.split import Parts, split_parts, split_training
from mlp_core.data.tabular import load_table
from mlp_core.errors import DataError, SpecError
from mlp_core.link import decode, encode
from mlp_core.presets import preset
from mlp_core.problems import problems
from mlp_core.spec import DataSpec, Experiment, LossSpec

SHARES = st.floats(VALIDATION_FRACTION.low, VALIDATION_FRACTION.high)
FRACTIONS = st.floats(0.05, 0.95)
SEEDS = st.integers(0, 2**31 - 1)
SMALL = [name for name, entry in DATASETS.items() if entry.source not in ("downloaded", "uploaded")]


def spec(test: float, share: float | None, seed: int) -> DataSpec:
    return DataSpec(test_fraction=test, validation_fraction=share, seed=seed)


def assert_parts(found: Parts, samples: int, share: float) -> None:
    assert found.validation is not None
    assert sorted([*found.train, *found.validation, *found.test]) == list(range(samples))
    assert len(found.train) >= 1
    assert len(found.validation) >= 1


@given(st.integers(2, 400), FRACTIONS, SHARES, SEEDS)
def test_plain_parts(samples: int, test: float, share: float, seed: int) -> None:
    without = split_parts(spec(test, None, seed), samples)
    assert without.validation is None
    if len(without.train) < 2:
        with pytest.raises(DataError, match="at least 2 training samples, and there is 1"):
            split_parts(spec(test, share, seed), samples)
        return
    found = split_parts(spec(test, share, seed), samples)
    assert_parts(found, samples, share)
    assert np.array_equal(found.test, without.test)
    assert found.validation is not None
    wanted = len(without.train) * share
    assert abs(len(found.validation) - wanted) <= 0.5 or len(found.validation) == 1


@given(st.lists(st.integers(1, 50), min_size=1, max_size=6), FRACTIONS, SHARES, SEEDS)
def test_parts_of_classes(counts: list[int], test: float, share: float, seed: int) -> None:
    assume(sum(counts) >= 2)
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    without = split_parts(spec(test, None, seed), len(labels), labels)
    assume(len(without.train) >= 2)
    found = split_parts(spec(test, share, seed), len(labels), labels)
    assert_parts(found, len(labels), share)
    assert found.validation is not None
    assert np.array_equal(found.test, without.test)
    per_class = np.bincount(labels[without.train])
    if per_class.max() >= 2:
        assert set(labels[found.train]) == set(labels[without.train])
        assert {label for label, count in enumerate(per_class) if count >= 2} == set(labels[found.validation])
    again = split_parts(spec(test, share, seed), len(labels), labels)
    assert np.array_equal(found.train, again.train)
    assert np.array_equal(found.validation, again.validation)  # type: ignore[arg-type]


def test_too_few_samples_are_named() -> None:
    with pytest.raises(DataError, match="A test part needs at least 2 samples, and there is 1"):
        split_parts(spec(0.5, None, 0), 1)
    with pytest.raises(DataError, match="no validation part"):
        split_training(spec(0.5, 0.2, 0), 1)


def rows(*arrays: np.ndarray | None) -> list[bytes]:
    return sorted(row.tobytes() for array in arrays if array is not None for row in array)


@pytest.mark.parametrize("name", SMALL)
def test_every_set_has_the_part(name: str) -> None:
    params = {"points": 60} if DATASETS[name].source == "generated" else {}
    plain = load(DataSpec(dataset=name, params=params))
    found = load(DataSpec(dataset=name, params=params, validation_fraction=0.25))
    assert (plain.x_validation, plain.y_validation, plain.points_validation) == (None, None, None)
    assert plain.validation_size == 0
    assert found.x_validation is not None
    assert found.y_validation is not None
    assert found.validation_size == len(found.y_validation) == round(plain.train_size * 0.25)
    assert found.train_size + found.validation_size == plain.train_size
    assert found.x_validation.dtype == found.x_train.dtype
    assert found.y_validation.shape[1:] == found.y_train.shape[1:]
    for array in (found.x_train, found.x_validation, found.y_validation):
        assert array.flags.c_contiguous
        assert not array.flags.writeable
    if found.feature_mean is None:  # else the numbers depend on what they were standardised by
        assert np.array_equal(found.x_test, plain.x_test)
        assert rows(found.x_train, found.x_validation) == rows(plain.x_train)
    if found.facts.plane:
        assert found.points_validation is not None
        assert len(found.points_validation) == found.validation_size
        assert rows(found.points_train, found.points_validation) == rows(plain.points_train)
    if found.facts.classifies:
        assert set(found.y_validation) == set(plain.y_train)
        assert found.unvalidated_classes == ()


@pytest.mark.parametrize("name", ["wine", "diabetes"])
def test_what_is_fitted_sees_the_training_part_alone(name: str) -> None:
    given_spec = DataSpec(dataset=name, validation_fraction=0.3, seed=4)
    x, y, _ = load_table(name)
    found = load(given_spec)
    parts = split_parts(given_spec, len(x), y if found.facts.classifies else None)
    assert parts.validation is not None
    scaler = StandardScaler().fit(x[parts.train])
    assert np.allclose(found.feature_mean, scaler.mean_, rtol=1e-6)
    assert np.allclose(found.x_validation, scaler.transform(x[parts.validation]), atol=1e-5)
    assert np.allclose(found.x_test, scaler.transform(x[parts.test]), atol=1e-5)
    if found.target_mean is not None:
        targets = StandardScaler().fit(y[parts.train].reshape(-1, 1))
        assert np.allclose(found.y_validation, targets.transform(y[parts.validation].reshape(-1, 1)), atol=1e-5)


def test_images_with_an_official_split(mnist: object, tmp_path: Path) -> None:
    params = {"train_samples": 100, "test_samples": 10}
    plain = load(DataSpec(dataset="MNIST", params=params), tmp_path, download=True)
    given_spec = DataSpec(dataset="MNIST", params=params, validation_fraction=0.2)
    found = load(given_spec, tmp_path)
    assert (found.train_size, found.validation_size, found.test_size) == (80, 20, 10)
    assert rows(found.x_train, found.x_validation) == rows(plain.x_train)
    assert np.shares_memory(found.x_test, plain.x_test)
    assert found.notes == plain.notes
    assert load(given_spec, tmp_path) is found, "sessions share the copy"
    other = load(given_spec.updated(seed=1), tmp_path)
    assert not np.array_equal(other.y_train, found.y_train)
    whole = load(DataSpec(dataset="MNIST", validation_fraction=0.5), tmp_path)
    assert (whole.train_size, whole.validation_size) == (150, 150)


def sparse(share: float = 0.5) -> tuple[DataSpec, Dataset]:
    """Twenty points, of which two are for training."""
    data = DataSpec(dataset="xor", params={"points": 20}, test_fraction=0.9, validation_fraction=share)
    return data, load(data)


def test_a_class_without_validation_samples_is_named_with_a_fix() -> None:
    data, dataset = sparse()
    (missing,) = dataset.unvalidated_classes
    found = preset("spiral").experiment.updated(data=data)
    told = problems(found, dataset.train_size, dataset.unvalidated_classes)
    (problem,) = [problem for problem in told if "no sample" in problem.message]
    assert problem.severity == "hint"
    assert repr(missing) in problem.message
    assert problem.fixed is not None
    assert problem.fixed.data.validation_fraction is None


def test_one_training_sample_is_an_error_with_a_fix() -> None:
    data = DataSpec(dataset="plane", params={"points": 20}, test_fraction=0.95, validation_fraction=0.5)
    with pytest.raises(DataError, match="at least 2 training samples"):
        load(data)
    base = preset("spiral").experiment
    loss = LossSpec(type="MSELoss")
    found = base.updated(data=data, loss=loss, training=base.training.updated(batch_size=1))
    error = problems(found)[0]
    assert error.severity == "error"
    assert "of 20 samples 19 are for testing" in error.message
    assert error.fixed is not None
    assert not [p for p in problems(error.fixed) if p.severity == "error"]


def test_early_stopping_without_a_validation_part_is_warned_of_with_a_fix() -> None:
    base = preset("spiral").experiment
    found = base.updated(training=base.training.updated(patience=5))
    (hint,) = problems(found)
    assert hint.severity == "hint"
    assert "test loss" in hint.message
    assert hint.fixed is not None
    assert problems(hint.fixed) == []
    assert hint.fixed.data.validation_fraction == 0.2


def test_none_is_left_out_of_json_and_links_and_a_share_comes_back() -> None:
    base = preset("spiral").experiment
    for name in ("validation_fraction", "patience", "min_delta", "restore_best_weights"):
        assert name not in base.to_json()
    found = base.updated(
        data=base.data.updated(validation_fraction=0.3),
        training=base.training.updated(patience=7, min_delta=0.01, restore_best_weights=True),
    )
    assert Experiment.from_json(found.to_json()) == found
    assert decode(encode(found)) == found
    with pytest.raises(SpecError, match=r"'validation_fraction'.*\[0.05, 0.5\].*Got 0.9"):
        DataSpec(validation_fraction=0.9)
