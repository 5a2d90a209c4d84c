"""The figures of the Evaluate page against scikit-learn's on random predictions, and what is said of undefined ones."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics
from sklearn.calibration import calibration_curve

from mlp_core.evaluation import CLASS_FIGURES, class_figures, classification_report, intervals, regression_report
from mlp_core.evaluation.classes import shares_of
from mlp_core.evaluation.intervals import MATRIX_RESAMPLES, percentiles, resampled_matrices, wilson
from mlp_core.evaluation.ranking import CURVE_POINTS, ranking_areas, ranking_curves, score_ranks

SEEDS = st.integers(0, 2**32 - 1)


@st.composite
def answers(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]:
    """True and predicted classes and probabilities of a few samples; classes may have none, scores may be equal."""
    classes, samples = draw(st.integers(2, 5)), draw(st.integers(1, 40))
    random = np.random.default_rng(draw(SEEDS))
    chances = random.dirichlet(np.full(classes, 0.7), samples)
    if draw(st.booleans()):
        chances = np.round(chances * 4) + 0.25
        chances /= chances.sum(axis=1, keepdims=True)
    probabilities = chances.astype(np.float32)
    true = random.integers(0, draw(st.integers(1, classes)), samples)
    return true, probabilities.argmax(axis=1), probabilities, [f"class {index}" for index in range(classes)]


@settings(max_examples=60, deadline=None)
@given(answers())
def test_figures_equal_those_of_scikit_learn(given: tuple[Any, ...]) -> None:
    true, predicted, probabilities, names = given
    report = classification_report(true, predicted, probabilities, names)
    labels = range(len(names))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = metrics.precision_recall_fscore_support(true, predicted, labels=labels, zero_division=0)
        weighted = metrics.precision_recall_fscore_support(
            true, predicted, labels=labels, average="weighted", zero_division=0
        )
        balanced = metrics.balanced_accuracy_score(true, predicted)
    for name, of in zip(("precision", "recall", "f1"), expected, strict=False):
        np.testing.assert_allclose(getattr(report.classes, name), of, atol=1e-12)
    np.testing.assert_array_equal(report.classes.support, expected[3])
    for name, value in zip(("precision", "recall", "f1"), weighted, strict=False):
        assert report.classes.weighted()[name] == pytest.approx(value)
    assert report.accuracy == pytest.approx(metrics.accuracy_score(true, predicted))
    assert report.balanced_accuracy == pytest.approx(balanced)
    np.testing.assert_array_equal(report.confusion, metrics.confusion_matrix(true, predicted, labels=labels))
    scores = probabilities.astype(np.float64)
    scores /= scores.sum(axis=1, keepdims=True)
    assert report.log_loss == pytest.approx(metrics.log_loss(true, scores, labels=labels))
    assert set(report.top) == {count for count in (2, 3, 5) if count < len(names)}
    for count, share in report.top.items():
        assert share == pytest.approx(metrics.top_k_accuracy_score(true, scores, k=count, labels=labels))
    for label in labels:
        positive = true == label
        if positive.all() or not positive.any():
            assert report.roc_auc[label] is report.average_precision[label] is None
        else:
            assert report.roc_auc[label] == pytest.approx(metrics.roc_auc_score(positive, scores[:, label]))
            area = metrics.average_precision_score(positive, scores[:, label])
            assert report.average_precision[label] == pytest.approx(area)
    of_bins = report.calibration
    assert of_bins is not None
    confidence = scores[np.arange(len(true)), predicted]
    share, mean = calibration_curve(true == predicted, confidence, n_bins=10)
    np.testing.assert_allclose(of_bins.accuracy[of_bins.counts > 0], share)
    np.testing.assert_allclose(of_bins.confidence[of_bins.counts > 0], mean)


@settings(max_examples=60, deadline=None)
@given(answers())
def test_rates_add_up_and_the_vectorised_ones_are_the_same(given: tuple[Any, ...]) -> None:
    true, predicted, probabilities, names = given
    report = classification_report(true, predicted, probabilities, names)
    found = shares_of(report.confusion)
    for name in CLASS_FIGURES:
        np.testing.assert_allclose(getattr(report.classes, name), found[name], atol=1e-12)
    undefined = {(one.figure, one.class_name) for one in report.undefined}
    for index, name in enumerate(names):
        for one, other in (("recall", "false_negative_rate"), ("specificity", "false_positive_rate")):
            total = getattr(report.classes, one)[index] + getattr(report.classes, other)[index]
            assert total == pytest.approx(0.0 if (one, name) in undefined else 1.0)


@settings(max_examples=30, deadline=None)
@given(answers())
def test_a_report_is_strict_json_and_intervals_hold_what_they_are_of(given: tuple[Any, ...]) -> None:
    found = classification_report(*given).as_dict()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    low, high = found["intervals"]["accuracy"]
    assert 0 <= low <= found["accuracy"] <= high <= 1


def test_what_is_undefined_is_named() -> None:
    true, predicted = np.array([0, 0, 1]), np.array([0, 0, 0])
    probabilities = np.array([[0.9, 0.1, 0.0]] * 3, dtype=np.float32)
    report = classification_report(true, predicted, probabilities, ["a", "b", "c"])
    named = {(one.figure, one.class_name) for one in report.undefined}
    assert named == {
        ("precision", "b"), ("precision", "c"), ("recall", "c"), ("f1", "c"), ("false_negative_rate", "c"),
        ("roc_auc", "c"), ("average_precision", "c"),
    }  # fmt: skip
    assert report.classes.precision.tolist() == [pytest.approx(2 / 3), 0, 0]


def test_fewer_samples_in_a_resample_give_the_same_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    true = random.integers(0, 2, 3000)
    chance = 1 / (1 + np.exp(-random.normal(2 * true - 1, 1.5)))
    given = true, (chance > 0.5).astype(np.int64), np.stack([1 - chance, chance], 1), ["a", "b"]
    whole = classification_report(*given)
    monkeypatch.setattr(intervals, "RESAMPLED", 0)
    monkeypatch.setattr(intervals, "LEAST_RESAMPLED", 500)
    part = classification_report(*given)
    for name in ("roc_auc", "average_precision", "log_loss"):
        (low, high), (low_too, high_too) = whole.intervals[name] or (0, 0), part.intervals[name] or (0, 0)
        assert low < (whole.figures()[name] or 0) < high
        assert low_too == pytest.approx(low, abs=0.2 * (high - low))
        assert high_too == pytest.approx(high, abs=0.2 * (high - low))


def test_outputs_that_are_no_numbers_leave_the_rest_of_the_report() -> None:
    true = np.array([0, 1, 1])
    report = classification_report(true, true, np.full((3, 2), np.nan, dtype=np.float32), ["a", "b"])
    found = report.as_dict()
    json.dumps(found, allow_nan=False)
    assert found["accuracy"] == 1.0
    assert found["log_loss"] is found["roc_auc"] is found["ece"] is None
    assert {"log_loss", "ece", "roc_auc"} <= {one["figure"] for one in found["undefined"]}


def test_the_calibration_error_is_the_mean_gap() -> None:
    probabilities = np.array([[0.95, 0.05]] * 4 + [[0.35, 0.65]] * 4, dtype=np.float32)
    true = np.array([0, 0, 0, 1, 1, 1, 0, 0])
    report = classification_report(true, probabilities.argmax(axis=1), probabilities, ["a", "b"])
    assert report.ece == pytest.approx((abs(0.75 - 0.95) + abs(0.5 - 0.65)) / 2, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.integers(2, 40))
def test_areas_of_a_resample_equal_those_of_scikit_learn(seed: int, samples: int) -> None:
    random = np.random.default_rng(seed)
    positive = random.random((4, samples)) < 0.4
    scores = np.round(random.random((4, samples)), 1)
    found = ranking_areas(np.stack([score_ranks(one) for one in scores]), positive)
    for of, score, area, precision in zip(positive, scores, *found, strict=True):
        if of.all() or not of.any():
            assert np.isnan(area)
            assert np.isnan(precision)
        else:
            assert area == pytest.approx(metrics.roc_auc_score(of, score))
            assert precision == pytest.approx(metrics.average_precision_score(of, score))


def test_curves_are_thinned_and_keep_their_ends() -> None:
    random = np.random.default_rng(0)
    positive = random.random(5000) < 0.3
    curves = ranking_curves(positive, random.random(5000) + positive)
    assert len(curves.false_positive_rate) <= CURVE_POINTS + 2
    assert (curves.false_positive_rate[0], curves.false_positive_rate[-1]) == (0, 1)
    assert (curves.recall[0], curves.recall[-1]) == (1, 0)


def test_intervals() -> None:
    assert wilson(0, 0) is None
    low, high = wilson(8, 10) or (0, 0)
    assert (low, high) == (pytest.approx(0.4902, abs=1e-4), pytest.approx(0.9433, abs=1e-4))  # Wilson's own formula
    matrix = np.array([[40, 10], [5, 45]])
    drawn = resampled_matrices(matrix)
    assert drawn.shape == (MATRIX_RESAMPLES, 2, 2)
    assert (drawn.sum(axis=(1, 2)) == 100).all()
    found = percentiles(shares_of(drawn)["accuracy"])
    assert found is not None
    assert found[0] == pytest.approx(0.78, abs=0.03)
    assert found[1] == pytest.approx(0.91, abs=0.03)
    assert percentiles(np.array([np.nan])) is None


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.integers(1, 30), st.integers(1, 3), st.booleans())
def test_a_regression_report_equals_scikit_learn(seed: int, samples: int, targets: int, constant: bool) -> None:
    random = np.random.default_rng(seed)
    actual = random.normal(5, 2, (samples, targets))
    if constant:
        actual[:, 0] = 3.0
    predicted = actual + random.normal(0, 1, actual.shape)
    report = regression_report(actual, predicted, [f"t{i}" for i in range(targets)], "m")
    found = report.as_dict()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    for index, target in enumerate(report.targets):
        one, other = actual[:, index], predicted[:, index]
        assert target.mae == pytest.approx(metrics.mean_absolute_error(one, other))
        assert target.rmse == pytest.approx(metrics.root_mean_squared_error(one, other))
        if samples < 2 or np.ptp(one) == 0:
            assert target.r2 is None
            assert ("r2", target.name) in {(undefined.figure, undefined.class_name) for undefined in report.undefined}
        else:
            assert target.r2 == pytest.approx(metrics.r2_score(one, other))


def test_a_regression_of_no_numbers_says_so() -> None:
    report = regression_report(np.ones((3, 1)), np.full((3, 1), np.nan), ["t"])
    assert report.mean.mae is None
    assert {one.figure for one in report.undefined} == {"r2", "mae", "rmse"}


def test_a_large_matrix_is_the_matrix_of_its_samples() -> None:
    random = np.random.default_rng(1)
    true, predicted = random.integers(0, 30, (2, 20_000))
    confusion = metrics.confusion_matrix(true, predicted)
    found = class_figures(confusion, [str(i) for i in range(30)])
    np.testing.assert_allclose(found.precision, metrics.precision_score(true, predicted, average=None))
