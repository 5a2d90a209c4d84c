"""Generated sets of several classes, held against scikit-learn and against their formulas."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import datasets
from strategies import params

from mlp_core.catalog import DATASETS
from mlp_core.data import classes, load, synthetic
from mlp_core.errors import SpecError
from mlp_core.spec import DataSpec

SEVERAL = ["blobs", "rings", "arms"]


@pytest.mark.parametrize("name", SEVERAL)
@pytest.mark.parametrize("count", [2, 5, 6])
def test_as_many_classes_as_asked(name: str, count: int) -> None:
    spec = DataSpec(dataset=name, params={"classes": count, "points": 61, "noise": 0.0})
    dataset = load(spec)
    assert spec.facts.classes == count
    both = np.concatenate([dataset.y_train, dataset.y_test])
    assert np.ptp(np.bincount(both, minlength=count)) <= 1
    for labels in (dataset.y_train, dataset.y_test):
        assert set(labels) == set(range(count)), "every class is in both parts"


def test_clean_rings_and_arms_follow_their_formulas() -> None:
    place, labels = classes.rings(500, 4, 0.0, 0)
    assert np.allclose(np.hypot(*place.T), (labels + 1) / 4)
    place, labels = classes.arms(500, 3, 0.0, 0)
    t = np.hypot(*place.T)
    turned = np.arctan2(place[:, 1], place[:, 0]) - np.pi / 2 + 0.8 * 2 * np.pi * t - 2 * np.pi * labels / 3
    assert np.allclose(np.cos(turned), 1)


def test_blobs_and_swiss_roll_are_those_of_scikit_learn() -> None:
    place, labels = classes.blobs(300, 5, 0.0, 3)
    theirs, classes_of = datasets.make_blobs(300, centers=5, center_box=(-0.85, 0.85), cluster_std=0.05, random_state=3)
    assert np.array_equal(place, theirs)
    assert np.array_equal(labels, classes_of)
    place, values = classes.swiss_roll(300, 0.0, 3)
    sheet, along = datasets.make_swiss_roll(300, random_state=3)
    assert np.allclose(place * 4.5 * np.pi, sheet[:, [0, 2]])
    assert np.corrcoef(values[:, 0], along)[0, 1] == pytest.approx(1)
    assert -1 <= values.min() < -0.9
    assert 0.9 < values.max() <= 1


def test_classification_is_that_of_scikit_learn() -> None:
    given_params = DATASETS["classification"].fill({"n_classes": 4, "flip_y": 0.2})
    x, labels = synthetic.classification(**given_params, seed=5)
    del given_params["points"]
    theirs, classes_of = datasets.make_classification(500, **given_params, random_state=5)
    assert np.array_equal(x, theirs)
    assert np.array_equal(labels, classes_of)


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"n_features": 3}, r"'n_features' parameter .* at least n_informative \+ n_redundant, 6. Got 3 instead"),
        ({"n_classes": 9, "n_clusters_per_class": 2}, r"'n_informative' parameter .* at least 5, .* Got 4 instead"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(chosen: dict[str, int], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        DataSpec(dataset="classification", params=chosen)


@settings(max_examples=30)
@given(st.data())
def test_classification_makes_what_its_rules_allow(data: st.DataObject) -> None:
    entry = DATASETS["classification"]
    chosen = data.draw(params(entry, modest=True))
    spec = DataSpec(dataset="classification", params=chosen)
    dataset = load(spec)
    assert dataset.x_train.shape[1:] == spec.facts.sample_shape
    assert dataset.train_size + dataset.test_size == spec.params["points"]
    assert dataset.y_train.max() < spec.facts.classes
