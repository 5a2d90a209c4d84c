"""The training loop against plain PyTorch scripts, and its numbers against scikit-learn, numpy and calculus."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from itertools import count
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from mlp_core import data
from mlp_core.build import Run, build
from mlp_core.catalog import LOSSES, OPTIMIZERS
from mlp_core.limits import SHOWN_SAMPLES
from mlp_core.metrics import PlainPasses, confusion_matrix, evaluate, histogram, predicted_class, probabilities
from mlp_core.presets import preset
from mlp_core.spec import DataSpec, Experiment, LayerSpec, LossSpec, OptimizerSpec, TrainingSpec
from mlp_core.statistics import BINS, GRID, SCATTER, VIEWS
from mlp_core.training import loop
from mlp_core.training.checkpoint import restore, save
from mlp_core.training.diagnosis import Watch
from mlp_core.training.engine import ChunkResult
from mlp_core.training.engine.eager import EagerEngine
from mlp_core.training.events import Chunk, Evaluation, Event, Finished, Report
from mlp_core.training.loop import Progress, train

EPOCHS = 2


def layer(name: str, **params: object) -> LayerSpec:
    return LayerSpec(type=name, params=params)


HIDDEN = (layer("Linear", out_features=6), layer("Tanh"))


def experiment(
    *layers: LayerSpec,
    dataset: str = "moons",
    points: int = 60,
    loss: str = "CrossEntropyLoss",
    optimizer: OptimizerSpec | None = None,
    **training: Any,
) -> Experiment:
    params = {"points": points} if dataset in ("moons", "plane", "ones", "blobs16", "circle") else {}
    return Experiment(
        data=DataSpec(dataset=dataset, params=params, test_fraction=0.4),
        layers=layers or (*HIDDEN, layer("Linear")),
        loss=LossSpec(type=loss),
        optimizer=optimizer or OptimizerSpec(type="SGD", params={"lr": 0.1}),
        training=TrainingSpec(**training),
    )


def make(drawn: Experiment) -> Run:
    return build(drawn, data.load(drawn.data))


def events_of(run: Run, progress: Progress | None = None, **limits: Any) -> list[Event]:
    return list(train(run, EagerEngine(), progress, **limits))


def losses_in(events: list[Event]) -> np.ndarray:
    found = [event.losses for event in events if isinstance(event, Chunk)]
    return np.concatenate(found) if found else np.zeros(0, dtype=np.float32)


def of_kind(events: list[Event], kind: type[Any]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


# Against a script that anybody would write


def script(
    model: Any, loss: nn.Module, optimizer: Any, run: Run, *, batch: int | None, zero_grad: bool = True, seed: int = 42
) -> tuple[list[float], list[float], dict[str, torch.Tensor]]:
    """A plain training script: train losses per step, test loss per epoch, final state.

    `model` and `optimizer` are functions, because both must come after the seed.
    """
    inputs, targets = torch.tensor(run.dataset.x_train), run.batches.y.clone()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = model()
        steps = optimizer(net.parameters())
        trainer = DataLoader(TensorDataset(inputs, targets), batch_size=batch or len(inputs), shuffle=True)
        tester = DataLoader(TensorDataset(torch.tensor(run.dataset.x_test), run.y_test), batch_size=1000)
        train_losses, test_losses = [], []
        for _ in range(EPOCHS):
            net.train()
            for x, y in trainer:
                if zero_grad:
                    steps.zero_grad()
                value = loss(net(x), y)
                value.backward()
                steps.step()
                train_losses.append(value.item())
            net.eval()
            with torch.no_grad():
                test_losses.append(sum(loss(net(x), y).item() * len(y) for x, y in tester) / len(run.x_test))
    return train_losses, test_losses, net.state_dict()


def compare(drawn: Experiment, model: Any, loss: nn.Module, optimizer: Any) -> None:
    """Our run and the script's, to the last digit."""
    run = make(drawn)
    training = drawn.training
    expected, tests, state = script(
        model, loss, optimizer, run, batch=training.batch_size, zero_grad=training.zero_grad
    )
    events = events_of(run, epochs=EPOCHS)
    assert losses_in(events).tolist() == expected
    assert [event.test_loss for event in of_kind(events, Evaluation)] == tests
    ours = run.model.state_dict()
    assert list(ours) == list(state)
    for name, value in state.items():
        assert torch.equal(ours[name], value), name


def small(outputs: int = 2, features: int = 2) -> Any:
    return lambda: nn.Sequential(nn.Linear(features, 6), nn.Tanh(), nn.Linear(6, outputs))


OPTIMIZERS_TRIED = [
    *((name, {}) for name in OPTIMIZERS),
    ("SGD", {"lr": 0.05, "momentum": 0.9}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    ("Adam", {"lr": 0.01, "betas": (0.8, 0.9), "eps": 1e-6, "weight_decay": 0.1, "amsgrad": True}),
    ("AdamW", {"lr": 0.01, "weight_decay": 0.2}),
    ("RMSprop", {"lr": 0.001, "alpha": 0.9, "momentum": 0.5, "centered": True, "weight_decay": 0.01}),
]


@pytest.mark.parametrize(("name", "params"), OPTIMIZERS_TRIED, ids=[f"{n}-{len(p)}" for n, p in OPTIMIZERS_TRIED])
def test_every_optimizer_as_in_a_script(name: str, params: dict[str, Any]) -> None:
    # The script gets only what is set: the rest is torch's own default.
    drawn = experiment(optimizer=OptimizerSpec(type=name, params=params))
    compare(drawn, small(), nn.CrossEntropyLoss(), lambda p: getattr(torch.optim, name)(p, **params))


def sgd(parameters: Any) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, lr=0.1)


@pytest.mark.parametrize("batch", [1, 7, 36, None], ids=str)
def test_any_batch_size_as_in_a_script(batch: int | None) -> None:
    compare(experiment(batch_size=batch), small(), nn.CrossEntropyLoss(), sgd)


def test_batchnorm_as_in_a_script() -> None:
    drawn = experiment(layer("Linear", out_features=6), layer("BatchNorm1d"), layer("GELU"), layer("Linear"))
    compare(
        drawn,
        lambda: nn.Sequential(nn.Linear(2, 6), nn.BatchNorm1d(6), nn.GELU(), nn.Linear(6, 2)),
        nn.CrossEntropyLoss(),
        sgd,
    )


def test_dropout_as_in_a_script() -> None:
    drawn = experiment(*HIDDEN, layer("Dropout", p=0.25), layer("LeakyReLU", negative_slope=0.2), layer("Linear"))
    compare(
        drawn,
        lambda: nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Dropout(0.25), nn.LeakyReLU(0.2), nn.Linear(6, 2)),
        nn.CrossEntropyLoss(),
        sgd,
    )


def test_bce_as_in_a_script() -> None:
    drawn = experiment(*HIDDEN, layer("Linear"), layer("Sigmoid"), dataset="blobs16", loss="BCELoss", batch_size=16)
    compare(
        drawn,
        lambda: nn.Sequential(nn.Linear(16, 6), nn.Tanh(), nn.Linear(6, 1), nn.Sigmoid()),
        nn.BCELoss(),
        sgd,
    )


@pytest.mark.parametrize(("loss", "theirs"), [("BCEWithLogitsLoss", nn.BCEWithLogitsLoss()), ("MSELoss", nn.MSELoss())])
def test_one_output_for_two_classes_as_in_a_script(loss: str, theirs: nn.Module) -> None:
    compare(experiment(loss=loss), small(1), theirs, sgd)


def test_one_hot_targets_are_those_of_torch() -> None:
    drawn = experiment(dataset="iris", loss="MSELoss", batch_size=20)
    run = make(drawn)
    classes = torch.tensor(run.dataset.y_train)
    assert torch.equal(run.batches.y, nn.functional.one_hot(classes, 3).float())
    compare(drawn, small(3, 4), nn.MSELoss(), sgd)


@pytest.mark.parametrize(("loss", "theirs"), [("MSELoss", nn.MSELoss()), ("L1Loss", nn.L1Loss())])
@pytest.mark.parametrize(("dataset", "features", "outputs"), [("plane", 2, 1), ("ones", 5, 2), ("diabetes", 10, 1)])
def test_regression_as_in_a_script(loss: str, theirs: nn.Module, dataset: str, features: int, outputs: int) -> None:
    compare(experiment(dataset=dataset, loss=loss, batch_size=30), small(outputs, features), theirs, sgd)


def test_gradients_never_zeroed_as_in_a_script() -> None:
    drawn = preset("batchnorm-block").experiment
    compare(
        drawn,
        lambda: nn.Sequential(nn.Linear(5, 2), nn.ReLU(), nn.BatchNorm1d(2)),
        nn.L1Loss(),
        lambda p: torch.optim.Adam(p, lr=0.1),
    )
    zeroed = drawn.updated(training=drawn.training.updated(zero_grad=True))
    same = losses_in(events_of(make(drawn), epochs=3))
    assert not np.array_equal(same, losses_in(events_of(make(zeroed), epochs=3)))


def test_the_seed_decides() -> None:
    first = losses_in(events_of(make(experiment(seed=1)), epochs=1))
    assert np.array_equal(first, losses_in(events_of(make(experiment(seed=1)), epochs=1)))
    assert not np.array_equal(first, losses_in(events_of(make(experiment(seed=2)), epochs=1)))


# The loop as a generator


@pytest.mark.parametrize("chunk", [1, 3, 1000])
def test_chunks_make_no_difference(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = losses_in(events_of(make(experiment()), epochs=4))
    monkeypatch.setattr(loop, "_pace", lambda *arguments: None)
    run = make(experiment())
    events = events_of(run, Progress(Watch(run), chunk_steps=chunk), epochs=4, evaluate_epochs=False)
    assert np.array_equal(losses_in(events), expected)
    assert len(of_kind(events, Chunk)) == -(-16 // chunk)


@pytest.mark.parametrize("leave_after", range(1, 12))
def test_may_be_left_after_any_event_and_resumed(leave_after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_pace", lambda *arguments: None)
    drawn = experiment(*HIDDEN, layer("Dropout"), layer("Linear"), report_every=2)

    def run_left_after(count: int) -> list[Event]:
        run = make(drawn)
        progress = Progress(Watch(run), chunk_steps=3)
        first: list[Event] = []
        for event in train(run, EagerEngine(), progress, epochs=3):
            first.append(event)
            if len(first) == count:
                break
        rest = events_of(run, progress, epochs=3) if not isinstance(first[-1], Finished) else []
        return [*first, *rest]

    whole, pieces = run_left_after(10**6), run_left_after(leave_after)
    assert np.array_equal(losses_in(pieces), losses_in(whole))
    ends = (whole[-1], pieces[-1])
    assert all(isinstance(end, Finished) for end in ends)
    for name in ("reason", "epochs", "steps", "train_loss", "test_loss", "test_accuracy"):
        assert getattr(ends[0], name) == getattr(ends[1], name), name
    # Reports and evaluations come at their steps; one that was due when the loop was left is the only one lost.
    for kind in (Report, Evaluation):
        expected, found = ({e.step: e for e in of_kind(events, kind)} for events in (whole, pieces))
        assert set(found) <= set(expected)
        assert len(found) >= len(expected) - 1


@pytest.mark.parametrize("known", [True, False])
def test_a_chunks_length_follows_the_time_that_its_steps_took(known: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not the time for which it waited to be told of; without that the wall clock has to do."""

    class Slow(EagerEngine):
        def run(self, run: Run, steps: int) -> ChunkResult:
            return replace(super().run(run, steps), seconds=0.001 * steps if known else None)

    clock = count(step=0.02)  # every chunk lasts 0.02 s on the wall clock
    monkeypatch.setattr(loop, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    run = make(experiment())
    progress = Progress(Watch(run), chunk_seconds=0.0105)
    list(train(run, Slow(), progress, steps=10))
    assert progress.chunk_steps == (10 if known else 1)


def test_limits_count_from_the_start_of_the_run() -> None:
    run = make(experiment())
    progress = Progress(Watch(run))
    first = events_of(run, progress, steps=3)
    assert (run.position.step, run.position.epoch, run.position.batch) == (3, 0, 3)
    assert of_kind(first, Finished)[0].reason == "epochs"
    assert of_kind(events_of(run, progress, steps=3), Chunk) == [], "nothing is left to do"
    events_of(run, progress, epochs=1)
    assert (run.position.step, run.position.epoch, run.position.batch) == (4, 1, 0)
    events_of(run, progress, steps=100, epochs=2)
    assert run.position.step == 8


def test_no_limit_goes_on() -> None:
    run = make(experiment())
    for event in train(run, EagerEngine()):
        assert not isinstance(event, Finished)
        if event.step > 300:
            break


def test_a_step_of_the_learning_rate_is_in_the_next_chunk() -> None:
    run = make(experiment())
    progress = Progress(Watch(run))
    events_of(run, progress, steps=2)
    before = [p.clone() for p in run.model.parameters()]
    run.learning_rate = 0.0
    (chunk,) = of_kind(events_of(run, progress, steps=3), Chunk)
    assert chunk.learning_rate == run.learning_rate == 0.0
    assert all(torch.equal(a, b) for a, b in zip(before, run.model.parameters(), strict=True))


@pytest.mark.parametrize(("every", "batch"), [(1, 7), (2, 7), (3, 7), (6, 6), (100, 7)])
@pytest.mark.parametrize("chunk", [1, 4, 1000])
def test_reports_are_means_of_the_last_batches(
    every: int, batch: int, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "_pace", lambda *arguments: None)
    run = make(experiment(report_every=every, batch_size=batch))
    events = events_of(run, Progress(Watch(run), chunk_steps=chunk), epochs=3)
    losses = losses_in(events).astype(np.float64).reshape(3, -1)
    expected = [
        (epoch, end, losses[epoch, end - every : end].mean())
        for epoch in range(3)
        for end in range(every, losses.shape[1] + 1, every)
    ]
    reports = of_kind(events, Report)
    assert [report.batch for report in reports] == [end for _, end, _ in expected]
    assert [report.loss for report in reports] == pytest.approx([mean for _, _, mean in expected], rel=1e-12)


def test_train_loss_is_the_mean_of_the_epochs_batches_and_samples_are_counted() -> None:
    run = make(experiment(batch_size=7))
    progress = Progress(Watch(run))
    events = events_of(run, progress, epochs=3)
    losses = losses_in(events).astype(np.float64).reshape(3, -1)
    assert [e.train_loss for e in of_kind(events, Evaluation)] == pytest.approx(losses.mean(axis=1).tolist())
    assert sum(chunk.samples for chunk in of_kind(events, Chunk)) == 3 * 36 == progress.samples
    partial = events_of(run, progress, steps=len(losses.ravel()) + 2)
    assert progress.train_loss == pytest.approx(losses_in(partial).mean(dtype=np.float64))


@pytest.mark.parametrize("dataset", ["moons", "plane"])
def test_finished_has_the_listed_fields_as_json(dataset: str) -> None:
    loss = "MSELoss" if dataset == "plane" else "CrossEntropyLoss"
    events = events_of(make(experiment(dataset=dataset, loss=loss)), epochs=2)
    records = [json.loads(json.dumps(event.as_record(), allow_nan=False)) for event in events]
    assert all(record["event"] == event.name for record, event in zip(records, events, strict=True))
    last = records[-1]
    wanted = {"reason", "epochs", "steps", "train_loss", "test_loss", "test_accuracy", "train_seconds"}
    wanted |= {"samples_per_second"}
    assert wanted <= set(last)
    assert set(last) - wanted == {"event", "step", "epoch"}
    assert (last["event"], last["reason"], last["epochs"], last["steps"]) == ("finished", "epochs", 2, 8)
    assert (last["epoch"], last["step"]) == (2, 8)
    assert last["train_seconds"] > 0
    assert last["samples_per_second"] == pytest.approx(72 / last["train_seconds"])
    final = of_kind(events, Evaluation)[-1]
    assert (last["test_loss"], last["test_accuracy"], last["train_loss"]) == (
        final.test_loss,
        final.test_accuracy,
        final.train_loss,
    )
    assert (last["test_accuracy"] is None) == (dataset == "plane")


def test_numbers_that_json_does_not_have_are_null() -> None:
    event = Evaluation(1, 0, float("nan"), float("inf"), None, np.eye(2, dtype=np.int64))
    assert event.as_record() == {
        "event": "evaluation", "step": 1, "epoch": 0, "train_loss": None, "test_loss": None,
        "test_accuracy": None, "confusion": [[1, 0], [0, 1]],
    }  # fmt: skip


def test_events_hold_no_live_tensors() -> None:
    for event in events_of(make(experiment(report_every=1)), epochs=1):
        for field in fields(event):
            value = getattr(event, field.name)
            assert isinstance(value, int | float | str | np.ndarray | None), field.name


# Metrics


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
    monkeypatch.setattr("mlp_core.metrics.EVALUATION_BATCH", 7)
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
    if entry.target == "index" and outputs == 1:
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


# Views


def bins_of(values: torch.Tensor, bins: int = BINS) -> tuple[Any, Any]:
    counts, low, high = histogram(values, bins)
    return counts.numpy(), np.linspace(low, high, bins + 1)


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=80), st.sampled_from([1, 4, 10, 40]))
def test_histogram_equals_numpys(whole: list[int], bins: int) -> None:
    values = torch.tensor(whole, dtype=torch.float32)
    counts, edges = bins_of(values, bins)
    low, high = min(whole), max(whole)
    if low == high:
        low, high = low - 0.5, high + 0.5
    theirs, their_edges = np.histogram(values.numpy().astype(np.float64), bins, (low, high))
    np.testing.assert_allclose(edges, their_edges, rtol=1e-6, atol=1e-6)
    assert counts.sum() == len(whole)
    # A value on an edge may fall to either side of it, by rounding.
    assert np.abs(np.cumsum(counts) - np.cumsum(theirs)).max() <= max(whole.count(v) for v in whole)


def test_histogram_of_many_values_equals_numpys() -> None:
    values = torch.tensor(np.random.default_rng(0).normal(size=(50, 40)).astype(np.float32))
    counts, edges = bins_of(values)
    theirs, _ = np.histogram(values.numpy().astype(np.float64), BINS)
    assert np.array_equal(counts, theirs)
    assert (counts.shape, edges.shape) == ((BINS,), (BINS + 1,))


@given(st.lists(st.floats(width=32), max_size=20))
def test_histogram_of_anything_counts_what_is_finite(values: list[float]) -> None:
    counts, edges = bins_of(torch.tensor(values, dtype=torch.float32))
    assert counts.sum() == sum(np.isfinite(values))
    assert np.isfinite(edges).all()
    assert (np.diff(edges) >= 0).all()


def test_gradient_view_shows_the_numeric_gradient() -> None:
    run = make(experiment(layer("Linear", out_features=3), layer("Tanh"), layer("Linear"), batch_size=None))
    assert VIEWS["gradients"](run) == {"names": [], "counts": [], "edges": []}, "before the first step there is none"
    model = make(run.experiment).model.double()
    x, y = run.batches.x.double(), run.batches.y
    with torch.no_grad():
        numeric = {}
        for name, weight in model.named_parameters():
            numeric[name] = torch.zeros_like(weight)
            for place in range(weight.numel()):
                kept = weight.view(-1)[place].item()
                sides = []
                for nudge in (1e-6, -1e-6):
                    weight.view(-1)[place] = kept + nudge
                    sides.append(run.loss(model(x), y).item())
                weight.view(-1)[place] = kept
                numeric[name].view(-1)[place] = (sides[0] - sides[1]) / 2e-6
    events_of(run, steps=1)
    for name, weight in run.model.named_parameters():
        torch.testing.assert_close(weight.grad.double(), numeric[name], rtol=1e-3, atol=1e-6)
    view = VIEWS["gradients"](run)
    assert view["names"] == ["0 Linear", "2 Linear"]
    for name, counts, edges in zip(("0.weight", "2.weight"), view["counts"], view["edges"], strict=True):
        assert counts.sum() == numeric[name].numel()
        assert edges[0] == pytest.approx(numeric[name].min().item(), rel=1e-3)
        assert edges[-1] == pytest.approx(numeric[name].max().item(), rel=1e-3)


def test_weight_view_has_every_layer_with_weights() -> None:
    run = make(experiment(*HIDDEN, layer("BatchNorm1d"), layer("BatchNorm1d", affine=False), layer("Linear")))
    view = VIEWS["weights"](run)
    assert view["names"] == ["0 Linear", "2 BatchNorm1d", "4 Linear"]
    assert [int(counts.sum()) for counts in view["counts"]] == [12, 6, 12]
    first = run.model[0].weight.detach().numpy()
    assert (view["edges"][0][0], view["edges"][0][-1]) == (first.min(), first.max())


def test_boundary_view_is_the_network_over_the_plane() -> None:
    axis = np.linspace(-1.25, 1.25, GRID, dtype=np.float32)
    x1, x2 = np.meshgrid(axis, axis)
    points = torch.tensor(np.stack([x1.ravel(), x2.ravel()], axis=1))
    run = make(experiment(*HIDDEN, layer("Dropout"), layer("Linear")))
    events_of(run, epochs=1)
    run.model.eval()
    expected = run.model(points).softmax(dim=1)[:, 1].detach().numpy().reshape(GRID, GRID)
    run.model.train()
    np.testing.assert_array_equal(VIEWS["boundary"](run)["grid"], expected)
    plane = make(experiment(dataset="plane", loss="MSELoss"))
    expected = plane.model(points)[:, 0].detach().numpy().reshape(GRID, GRID)
    np.testing.assert_array_equal(VIEWS["boundary"](plane)["grid"], expected)


def test_sample_view() -> None:
    run = make(experiment(dataset="iris"))
    view = VIEWS["samples"](run)
    outputs = run.model(run.x_test[:SHOWN_SAMPLES])
    assert view["predicted"].tolist() == outputs.argmax(dim=1).tolist()
    assert view["true"].tolist() == run.dataset.y_test[:SHOWN_SAMPLES].tolist()
    np.testing.assert_allclose(view["probability"], outputs.softmax(dim=1).max(dim=1).values.detach(), rtol=1e-6)


def test_regression_view_is_in_the_data_s_own_unit() -> None:
    run = make(experiment(dataset="diabetes", loss="MSELoss"))
    view = VIEWS["regression"](run)
    actual, predicted = view["test"]
    from sklearn.datasets import load_diabetes

    assert set(np.round(actual)) <= set(load_diabetes().target)
    assert len(actual) == min(SCATTER, run.dataset.test_size)
    scaled = run.model(run.x_test[:SCATTER])[:, 0].detach().numpy()
    np.testing.assert_allclose(predicted, scaled * run.dataset.target_std[0] + run.dataset.target_mean[0], rtol=1e-5)
    assert len(view["train"][0]) == min(SCATTER, run.dataset.train_size)


def test_views_are_copies() -> None:
    run = make(experiment(dataset="iris"))
    shown = [VIEWS[name](run) for name in ("weights", "samples")]
    before = [np.copy(array) for view in shown for array in (view.get("edges") or [view["probability"]])]
    events_of(run, epochs=3)
    after = [array for view in shown for array in (view.get("edges") or [view["probability"]])]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


# Checkpoints


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("steps", [0, 3, 4, 7])
def test_a_checkpoint_gives_the_same_continuation(optimizer: str, steps: int) -> None:
    params = {"momentum": 0.9} if optimizer in ("SGD", "RMSprop") else {}
    drawn = experiment(
        *HIDDEN, layer("BatchNorm1d"), layer("Dropout"), layer("Linear"), zero_grad=False,
        optimizer=OptimizerSpec(type=optimizer, params={"lr": 0.01, **params}),
    )  # fmt: skip
    run, engine = make(drawn), EagerEngine()
    if steps:
        engine.run(run, steps)
    kept = save(run)
    position = (run.position.step, run.position.epoch, run.position.batch)
    first = engine.run(run, 9).losses
    weights = {name: value.clone() for name, value in run.model.state_dict().items()}
    for _ in range(2):  # it can be used again
        restore(run, kept)
        assert (run.position.step, run.position.epoch, run.position.batch) == position
        assert np.array_equal(engine.run(run, 9).losses, first)
        assert all(torch.equal(weights[name], value) for name, value in run.model.state_dict().items())


def test_a_checkpoint_holds_copies() -> None:
    run, engine = make(experiment()), EagerEngine()
    engine.run(run, 2)
    before = {name: value.clone() for name, value in run.model.state_dict().items()}
    kept = save(run)
    engine.run(run, 5)
    run.learning_rate = 9.0
    restore(run, kept)
    assert all(torch.equal(before[name], value) for name, value in run.model.state_dict().items())
    assert run.learning_rate == 0.1
