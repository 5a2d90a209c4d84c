"""Weights of classes, counts and variances: the losses that are reported are those of PyTorch and scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight
from torch import nn

from mlp_core import figures
from mlp_core.catalog.weighting import BALANCED
from mlp_core.data import load
from mlp_core.engines.choose import engine_for
from mlp_core.engines.eager import EagerEngine
from mlp_core.evaluation.slices import finish
from mlp_core.export.preprocessing import preprocessing_of
from mlp_core.export.state import state_of
from mlp_core.export.weights import load as load_weights
from mlp_core.export.weights import save
from mlp_core.link import decode, encode
from mlp_core.plan import plan
from mlp_core.predict import predict
from mlp_core.presets import mlp
from mlp_core.problems import problems
from mlp_core.run import metrics
from mlp_core.run.build import Run, build
from mlp_core.run.criterion import class_weights, positive_weights
from mlp_core.run.metrics import evaluate
from mlp_core.run.modules import MeanVarianceLoss
from mlp_core.run.values import values_of
from mlp_core.spec import DataSpec, Experiment, LayerSpec, LossSpec, OptimizerSpec, TrainingSpec
from mlp_core.views import VIEWS
from mlp_core.views.answers import answers


def experiment(dataset: str, loss: str, end: tuple[str, ...] = (), **params: Any) -> Experiment:
    return Experiment(
        data=DataSpec(dataset=dataset),
        layers=mlp((4,), "Tanh", *end),
        loss=LossSpec(type=loss, params=params),
        optimizer=OptimizerSpec(type="Adam", params={"lr": 0.01}),
        training=TrainingSpec(batch_size=10),
    )


def made(described: Experiment) -> Run:
    return build(described, load(described.data))


def outputs_of(run: Run, x: torch.Tensor) -> torch.Tensor:
    return metrics.PlainPasses(run).outputs(x)


WEIGHTED: list[tuple[str, str, tuple[str, ...], dict[str, Any]]] = [
    ("wine", "CrossEntropyLoss", (), {"weight": BALANCED}),
    ("wine", "CrossEntropyLoss", (), {"weight": [1.0, 0.5, 3.3], "label_smoothing": 0.1}),
    ("wine", "NLLLoss", ("LogSoftmax",), {"weight": BALANCED}),
    ("wine", "MultiMarginLoss", (), {"weight": BALANCED}),
    ("breast_cancer", "BCEWithLogitsLoss", (), {"pos_weight": BALANCED}),
    ("wine", "BCEWithLogitsLoss", (), {"pos_weight": 2.5}),
]
each_weighted = pytest.mark.parametrize(("dataset", "loss", "end", "params"), WEIGHTED)


def torch_loss(run: Run) -> nn.Module:
    """The loss as a script would make it, its balanced weights by scikit-learn and by counting."""
    chosen, data = run.experiment.loss, run.dataset
    given = dict(chosen.params)
    present = np.arange(data.facts.classes)
    if given.get("weight") is not None:
        found = given["weight"]
        if found == BALANCED:
            found = compute_class_weight("balanced", classes=present, y=data.y_train)
        given["weight"] = torch.tensor(found, dtype=torch.float32)
    if given.get("pos_weight") is not None:
        found = given["pos_weight"]
        if found == BALANCED:
            found = (data.y_train == 0).sum() / (data.y_train == 1).sum()
        given["pos_weight"] = torch.tensor([float(found)])
    module: nn.Module = getattr(nn, chosen.type)(**given)
    return module


@each_weighted
def test_the_loss_of_a_test_pass_is_that_of_one_large_batch(
    dataset: str, loss: str, end: tuple[str, ...], params: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = made(experiment(dataset, loss, end, **params))
    EagerEngine().run(run, 20)
    expected = torch_loss(run)(outputs_of(run, run.x_test), run.y_test).item()
    monkeypatch.setattr(metrics, "EVALUATION_BATCH", 7)
    assert evaluate(run).loss == pytest.approx(expected, rel=1e-5)


@each_weighted
def test_training_makes_small_what_a_script_with_the_same_weights_makes_small(
    dataset: str, loss: str, end: tuple[str, ...], params: dict[str, Any]
) -> None:
    run, fast = (made(experiment(dataset, loss, end, **params)) for _ in range(2))
    engine, why = engine_for(fast)
    assert engine.name == "fast", why
    module, expected = torch_loss(run), []
    for _ in range(25):
        x, y = run.batches.get(run.position)
        run.optimizer.zero_grad()
        value = module(run.model(run.scaled(x)), y)
        value.backward()
        run.optimizer.step()
        expected.append(value.item())
        run.batches.advance(run.position)
    assert engine.run(fast, 25).losses.tolist() == expected


def test_runs_with_other_weights_share_no_compiled_code() -> None:
    first, second, third = (
        made(experiment("wine", "CrossEntropyLoss", weight=weight))
        for weight in (BALANCED, [1.0, 2.0, 3.0], [1.0, 2.0, 3.0])
    )
    assert first.structure != second.structure == third.structure
    plain = made(experiment("wine", "CrossEntropyLoss"))
    assert engine_for(plain)[0].name == "native"


@given(st.lists(st.integers(0, 4), min_size=1, max_size=40), st.integers(5, 7))
def test_balanced_weights_are_those_of_scikit_learn(labels: list[int], classes: int) -> None:
    found = class_weights(torch.tensor(labels), classes)
    present = np.unique(labels)
    expected = compute_class_weight("balanced", classes=present, y=np.array(labels))
    np.testing.assert_allclose(found[present], expected)
    assert (np.delete(found, present) == 1).all(), "a class without samples"


def test_positives_are_weighed_by_how_rare_they_are() -> None:
    targets = torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0], [0.0, 1.0, 1.0], [0.0, 0.0, 1.0]])
    assert positive_weights(targets).tolist() == [3.0, 3.0, 1.0]


@given(st.integers(0, 9999), st.booleans(), st.sampled_from([1e-6, 1e-3]))
@settings(max_examples=25)
def test_means_and_variances_give_the_bits_of_gaussian_nll(seed: int, full: bool, eps: float) -> None:
    draw = torch.Generator().manual_seed(seed)
    outputs, targets = torch.randn(9, 4, generator=draw) * 4, torch.randn(9, 2, generator=draw)
    ours, theirs = (outputs.clone().requires_grad_() for _ in range(2))
    value = MeanVarianceLoss(full=full, eps=eps)(ours, targets)
    mean, raw = theirs[:, :2], theirs[:, 2:]
    expected = nn.GaussianNLLLoss(full=full, eps=eps)(mean, targets, nn.functional.softplus(raw) + eps)
    value.backward()
    expected.backward()
    assert value.item() == expected.item()
    assert ours.grad is not None
    assert theirs.grad is not None
    assert torch.equal(ours.grad, theirs.grad)


@pytest.fixture(scope="module")
def gaussian() -> Run:
    """A run on a formula whose targets are standardised."""
    run = made(experiment("formula", "GaussianNLLLoss"))
    engine_for(run)[0].run(run, 600)
    return run


def test_a_variance_head_has_two_outputs_for_a_target(gaussian: Run) -> None:
    assert plan(gaussian.experiment).outputs == 2
    narrow = gaussian.experiment.updated(layers=(LayerSpec(type="Linear", params={"out_features": 1}),))
    (problem,) = problems(narrow)
    assert "needs 2" in problem.message
    assert problem.fixed is not None
    assert plan(problem.fixed).outputs == 2


def test_its_predictions_are_means_in_the_unit_of_the_data(gaussian: Run) -> None:
    data = gaussian.dataset
    assert data.target_mean is not None
    assert data.target_std is not None
    raw = outputs_of(gaussian, gaussian.x_test).numpy()
    mean = raw[:, :1] * data.target_std + data.target_mean
    deviation = np.sqrt(np.log1p(np.exp(raw[:, 1:])) + 1e-6) * data.target_std
    found = values_of(gaussian, torch.from_numpy(raw))
    assert found.deviation is not None
    np.testing.assert_allclose(found.predicted, mean, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.deviation, deviation, rtol=1e-4)
    arrays = finish(answers(gaussian))
    report = arrays["report"]
    np.testing.assert_allclose(arrays["predicted"], mean, rtol=1e-5, atol=1e-6)
    inside = np.abs(arrays["actual"] - mean) <= 2 * deviation
    assert report.targets[0].coverage == pytest.approx(inside.mean(), abs=0.01)
    assert report.targets[0].deviation == pytest.approx(deviation.mean(), rel=1e-4)
    assert set(report.targets[0].as_dict()) > {"coverage", "deviation"}
    assert 0.5 < report.targets[0].coverage <= 1
    saved = load_weights(save(gaussian.experiment, state_of(gaussian),
                              preprocessing=preprocessing_of(gaussian.experiment, data)))  # fmt: skip
    assert data.feature_mean is not None
    assert data.feature_std is not None
    x = data.x_test[:4].astype(np.float64) * data.feature_std + data.feature_mean
    told = predict(saved, x)
    assert told.values is not None
    assert told.deviations is not None
    np.testing.assert_allclose(told.values, mean[:4], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(told.deviations, deviation[:4], rtol=1e-3)
    assert told.as_csv().splitlines()[0] == "row,y,y std"


def test_its_curve_has_a_band_of_two_standard_deviations(gaussian: Run) -> None:
    arrays = VIEWS["fit"].arrays(gaussian)
    parts = {"train": (np.zeros(1), np.zeros(1)), "test": (np.zeros(1), np.zeros(1))}
    drawn = figures.fitted_curve(arrays["x"], arrays["predicted"], deviation=arrays["deviation"], **parts)
    traces = {trace["uid"]: trace for trace in drawn["data"]}
    assert traces["band"]["fill"] == "tonexty"
    assert [trace["uid"] for trace in drawn["data"]][:2] == ["below", "band"], "behind the curve"
    said = figures.fitted_curve_alt(arrays["x"], arrays["predicted"], deviation=arrays["deviation"], **parts)
    assert "standard deviation that it gives its values" in said
    plain = figures.fitted_curve(arrays["x"], arrays["predicted"], **parts)
    assert "band" not in {trace["uid"] for trace in plain["data"]}


@pytest.mark.parametrize("log_input", [True, False])
def test_counts_stay_in_their_unit_and_predictions_too(log_input: bool) -> None:
    end = () if log_input else ("Softplus",)
    run = made(experiment("diabetes", "PoissonNLLLoss", end, log_input=log_input))
    assert run.batches.y.min() == 25, "the lowest of the training part, as it is in the file"
    assert run.dataset.unscaled_range == (25.0, float(run.batches.y.max()))
    EagerEngine().run(run, 300)
    outputs = outputs_of(run, run.x_test)
    expected = nn.PoissonNLLLoss(log_input=log_input)(outputs, run.y_test).item()
    assert evaluate(run).loss == pytest.approx(expected, rel=1e-5)
    values = outputs.exp() if log_input else outputs
    arrays = finish(answers(run))
    np.testing.assert_allclose(arrays["predicted"], values.numpy(), rtol=1e-6)
    np.testing.assert_allclose(arrays["actual"], run.y_test.numpy(), rtol=1e-5)
    assert arrays["deviation"] is None
    made_by = preprocessing_of(run.experiment, run.dataset)
    assert made_by.target_mean == ()


@each_weighted
def test_links_hold_weights(dataset: str, loss: str, end: tuple[str, ...], params: dict[str, Any]) -> None:
    described = experiment(dataset, loss, end, **params)
    assert decode(encode(described)) == Experiment.from_json(described.to_json()) == described
