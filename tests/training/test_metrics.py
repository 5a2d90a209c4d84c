"""Test passes, predictions and probabilities against scikit-learn and by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics
from small_runs import events_of, experiment, make

from mlp_core.catalog import LOSSES
from mlp_core.run.answers import predicted_class, probabilities
from mlp_core.run.metrics import PlainPasses, confusion_matrix, evaluate
from mlp_core.spec import LayerSpec, OptimizerSpec


@given(st.integers(2, 8), st.data())
def test_confusion_matrix_equals_scikit_learns(classes: int, drawn: st.DataObject) -> None:
    label = st.integers(0, classes - 1)
    pairs = drawn.draw(st.lists(st.tuples(label, label), min_size=1, max_size=60))
    true, predicted = np.array(pairs).T
    found = confusion_matrix(true, predicted, classes)
    expected = sklearn_metrics.confusion_matrix(true, predicted, labels=list(range(classes)))
    assert np.array_equal(found, expected)
    assert found.dtype == np.int64
    assert np.trace(found) / len(true) == pytest.approx(sklearn_metrics.accuracy_score(true, predicted))


@pytest.mark.parametrize(("dataset", "loss"), [("iris", "CrossEntropyLoss"), ("iris", "BCEWithLogitsLoss"),
                                               ("moons", "MSELoss"), ("digits", "CrossEntropyLoss")])  # fmt: skip
def test_a_test_pass_equals_scikit_learns(dataset: str, loss: str) -> None:
    run = make(experiment(dataset=dataset, loss=loss, optimizer=OptimizerSpec(type="Adam")))
    events_of(run, epochs=1)
    result = evaluate(run)
    guesses = predicted_class(PlainPasses(run).outputs(run.x_test), run.experiment.loss.entry).numpy()
    true = run.dataset.y_test
    assert result.accuracy == pytest.approx(sklearn_metrics.accuracy_score(true, guesses))
    assert np.array_equal(result.confusion, sklearn_metrics.confusion_matrix(true, guesses))
    whole = run.loss(PlainPasses(run).outputs(run.x_test), run.y_test).item()
    assert result.loss == pytest.approx(whole, rel=1e-5)


def test_a_test_pass_in_batches_is_the_mean_over_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    run = make(experiment())
    expected = evaluate(run)
    monkeypatch.setattr("mlp_core.run.metrics.EVALUATION_BATCH", 7)
    found = evaluate(run)
    assert found.loss == pytest.approx(expected.loss, rel=1e-6)
    assert found.accuracy == expected.accuracy
    assert np.array_equal(found.confusion, expected.confusion)


def test_a_regression_has_no_accuracy() -> None:
    result = evaluate(make(experiment(dataset="plane", loss="MSELoss")))
    assert result.accuracy is None
    assert result.confusion is None
    assert result.loss > 0


CLASS_LOSSES = [name for name, entry in LOSSES.items() if "classification" in entry.tasks]


@given(st.sampled_from(CLASS_LOSSES), st.integers(1, 5), st.data())
def test_probabilities_sum_to_one_and_agree_with_the_prediction(name: str, outputs: int, drawn: st.DataObject) -> None:
    entry = LOSSES[name]
    if entry.target_form == "index" and outputs == 1:
        outputs = 2
    low = 0.0 if entry.bounded_outputs else -9.0
    high = 1.0 if entry.bounded_outputs else 9.0
    rows = drawn.draw(st.lists(st.lists(st.floats(low, high, width=32), min_size=outputs, max_size=outputs),
                               min_size=1, max_size=6))  # fmt: skip
    values = torch.tensor(rows)
    chances, guesses = probabilities(values, entry), predicted_class(values, entry)
    assert chances.shape == (len(rows), max(2, outputs))
    assert ((chances >= 0) & (chances <= 1)).all()
    torch.testing.assert_close(chances.sum(dim=1), torch.ones(len(rows)))
    chosen = chances.gather(1, guesses[:, None])[:, 0]
    assert (chosen >= chances.max(dim=1).values - 1e-6).all()
    assert guesses.dtype == torch.int64


@pytest.mark.parametrize(
    ("loss", "outputs", "classes", "chances"),
    [
        ("CrossEntropyLoss", [[0.0, 0.0, np.log(2.0)]], [2], [[0.25, 0.25, 0.5]]),
        ("BCEWithLogitsLoss", [[0.1], [-0.1], [np.log(3.0)]], [1, 0, 1],
         [[0.475021, 0.524979], [0.524979, 0.475021], [0.25, 0.75]]),
        ("BCELoss", [[0.6], [0.4]], [1, 0], [[0.4, 0.6], [0.6, 0.4]]),
        ("MSELoss", [[1.7], [-0.3]], [1, 0], [[0, 1], [1, 0]]),
        ("MSELoss", [[0.2, 0.6], [-1.0, -2.0]], [1, 0], [[0.25, 0.75], [0.5, 0.5]]),
    ],
)  # fmt: skip
def test_predictions_by_hand(loss: str, outputs: Any, classes: list[int], chances: Any) -> None:
    values = torch.tensor(outputs, dtype=torch.float32)
    assert predicted_class(values, LOSSES[loss]).tolist() == classes
    np.testing.assert_allclose(probabilities(values, LOSSES[loss]).numpy(), chances, atol=1e-5)


def test_many_samples_of_a_wide_network_are_answered_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    run = make(experiment(LayerSpec(type="Linear", params={"out_features": 64}), LayerSpec(type="Linear")))
    x = run.x_test
    whole, seen = PlainPasses(run).outputs(x), []
    monkeypatch.setattr("mlp_core.run.metrics.MAX_PASS_NUMBERS", 1000)
    run.model.register_forward_pre_hook(lambda module, given: seen.append(len(given[0])))
    torch.testing.assert_close(PlainPasses(run).outputs(x), whole)
    assert sum(seen) == len(x)
    assert max(seen) * sum(layer.out_features for layer in run.plan.walk()) <= 1000
