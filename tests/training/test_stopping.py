"""Validation and early stopping in the loop: against plain scripts, the rule as Keras has it, in every engine."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_runs import events_of, experiment, layer, losses_in, make, of_kind
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from mlp_core.catalog import TRAINING
from mlp_core.engines import Engine
from mlp_core.engines.eager import EagerEngine
from mlp_core.engines.fast import FastEngine
from mlp_core.engines.native.engine import NativeEngine
from mlp_core.run.build import Run
from mlp_core.run.metrics import evaluate
from mlp_core.spec import Experiment, OptimizerSpec
from mlp_core.training.diagnosis import DivergenceGuard
from mlp_core.training.events import EarlyStop, Evaluation, Finished
from mlp_core.training.history import Curves, History
from mlp_core.training.loop import LoopState, train
from mlp_core.training.record import RunRecord, Score
from mlp_core.training.stopping import EarlyStopping

WIDE = (layer("Linear", out_features=24), layer("Tanh"), layer("Dropout", p=0.2), layer("Linear"))


def validated(*layers: Any, share: float = 0.25, **options: Any) -> Experiment:
    """A network that soon knows its few samples by heart."""
    found = experiment(*(layers or WIDE), optimizer=OptimizerSpec(type="Adam", params={"lr": 0.05}), **options)
    noise = {"noise": 0.6} if "noise" in found.data.params else {}
    data = found.data.updated(params={**found.data.params, **noise}, validation_fraction=share)
    return found.updated(data=data)


def script(run: Run, epochs: int, patience: int | None = None) -> tuple[list[float], list[float], list[float], Any]:
    """A plain script with three DataLoaders: losses per step, validation and test losses per epoch, the best state."""
    dataset, training = run.dataset, run.experiment.training
    with torch.random.fork_rng():
        torch.manual_seed(training.seed)
        net = nn.Sequential(nn.Linear(2, 24), nn.Tanh(), nn.Dropout(0.2), nn.Linear(24, 2))
        optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
        criterion = nn.CrossEntropyLoss()
        parts = [TensorDataset(torch.tensor(x), torch.tensor(y)) for x, y in
                 ((dataset.x_train, dataset.y_train), (dataset.x_validation, dataset.y_validation),
                  (dataset.x_test, dataset.y_test))]  # fmt: skip
        training_loader = DataLoader(parts[0], batch_size=training.batch_size, shuffle=True)
        loaders = [DataLoader(part, batch_size=1000) for part in parts[1:]]
        losses, figures = [], []
        best, waited, state = math.inf, 0, net.state_dict()
        for _ in range(epochs):
            net.train()
            for x, y in training_loader:
                optimizer.zero_grad()
                loss = criterion(net(x), y)
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
            net.eval()
            with torch.no_grad():
                figures.append([sum(criterion(net(x), y).item() * len(y) for x, y in loader) / len(loader.dataset)  # type: ignore[arg-type]
                                for loader in loaders])  # fmt: skip
            if figures[-1][0] < best:
                best, waited, state = figures[-1][0], 0, {k: v.clone() for k, v in net.state_dict().items()}
            elif patience is not None:
                waited += 1
                if waited == patience:
                    break
    return losses, [found[0] for found in figures], [found[1] for found in figures], state


def test_a_validation_part_as_in_a_script() -> None:
    run = make(validated(batch_size=7))
    losses, validations, tests, _ = script(run, 4)
    events = events_of(run, epochs=4)
    assert losses_in(events).tolist() == losses
    assert [event.validation_loss for event in of_kind(events, Evaluation)] == validations
    assert [event.test_loss for event in of_kind(events, Evaluation)] == tests


@pytest.mark.parametrize("engine", [EagerEngine, FastEngine, NativeEngine])
@pytest.mark.parametrize("evaluates", [True, False], ids=["each epoch", "as it suits"])
def test_early_stopping_as_in_a_script(engine: type[Engine], evaluates: bool) -> None:
    run = make(validated(batch_size=7, patience=3, restore_best_weights=True))
    losses, validations, _, best = script(run, 80, 3)
    assert len(validations) < 80
    events = list(train(run, engine(), epochs=80, evaluate_epochs=evaluates))
    assert losses_in(events).tolist() == losses
    assert [event.validation_loss for event in of_kind(events, Evaluation)] == validations
    (stop,), end = of_kind(events, EarlyStop), events[-1]
    assert isinstance(end, Finished)
    assert (stop.epoch, stop.best_epoch) == (len(validations), len(validations) - 3)
    assert (end.reason, end.validation_loss) == ("early stopping", min(validations))
    assert stop.best_loss == min(validations)
    for name, value in run.model.state_dict().items():
        assert torch.equal(value, best[name])
    assert evaluate(run, "validation").loss == min(validations)
    assert stop.message == (
        f"Stopped early at epoch {stop.epoch}: no improvement of the validation loss for 3 epochs; best was epoch "
        f"{stop.best_epoch}, whose weights are restored."
    )


def figures(event: Any) -> tuple[Any, ...]:
    return event.epoch, event.step, event.train_loss, event.test_loss, event.validation_loss


@pytest.mark.parametrize("restore", [True, False])
def test_it_may_be_left_after_any_event(restore: bool) -> None:
    drawn = validated(batch_size=9, patience=2, restore_best_weights=restore)
    whole = events_of(make(drawn), epochs=60)
    for leave_after in (1, 2, 3):
        run = make(drawn)
        state, seen = LoopState(DivergenceGuard(run)), []
        while not (seen and isinstance(seen[-1], Finished)) and len(seen) < 5000:
            events = train(run, EagerEngine(), state, epochs=60, evaluate_epochs=False)
            for _ in range(leave_after):
                if (event := next(events, None)) is None:
                    break
                seen.append(event)
            if any(isinstance(event, EarlyStop) for event in seen[-leave_after:]):
                seen += events
        assert figures(seen[-1]) == figures(whole[-1])
        evaluations = {event.epoch: figures(event) for event in of_kind(seen, Evaluation)}
        assert [*evaluations.values()] == [figures(event) for event in of_kind(whole, Evaluation)]


def test_single_steps_stop_where_a_run_does() -> None:
    drawn = validated(batch_size=9, patience=2)
    whole, run = events_of(make(drawn), epochs=60), make(drawn)
    state = LoopState(DivergenceGuard(run))
    for step in range(1, 1000):
        events = events_of(run, state, steps=step, evaluate_epochs=False)
        if of_kind(events, EarlyStop):
            break
    assert figures(events[-1]) == figures(whole[-1])


def test_a_run_that_goes_on_gets_as_many_epochs_again() -> None:
    run = make(validated(batch_size=9, patience=3, min_delta=0.5))
    state = LoopState(DivergenceGuard(run))
    first = of_kind(events_of(run, state, epochs=60), EarlyStop)[0]
    second = of_kind(events_of(run, state, epochs=60), EarlyStop)[0]
    assert second.epoch == first.epoch + 3
    assert second.best_epoch == first.best_epoch


def test_a_fault_after_weights_were_restored_does_not_bring_the_old_ones_back() -> None:
    run = make(validated(batch_size=9, patience=2, restore_best_weights=True))
    state = LoopState(DivergenceGuard(run))
    events_of(run, state, epochs=60)
    best = {name: value.clone() for name, value in run.model.state_dict().items()}
    run.learning_rate = 1e30
    events = events_of(run, state, steps=run.position.step + 5)
    assert events[-1].reason == "diverged"
    assert run.position.step >= events[0].step - 1
    if run.position.batch == 0:
        assert all(torch.equal(best[name], value) for name, value in run.model.state_dict().items())


LOSSES = st.lists(st.floats(-10, 10) | st.just(math.nan) | st.just(math.inf), min_size=1, max_size=30)


@settings(max_examples=60)
@given(losses=LOSSES, patience=st.integers(1, 6), delta=st.floats(0, 3), restore=st.booleans())
def test_the_rule_is_that_of_keras(losses: list[float], patience: int, delta: float, restore: bool) -> None:
    drawn = validated(patience=patience, min_delta=delta, restore_best_weights=restore)
    run, stopping = RUNS.setdefault("run", make(drawn)), EarlyStopping()
    run.experiment = drawn
    best, waited, best_epoch, weight = math.inf, 0, 0, run.model[0].weight
    for epoch, loss in enumerate(losses, start=1):
        with torch.no_grad():
            weight.fill_(epoch)
        stopping.look(run, Evaluation(epoch, epoch, 0.0, 0.0, None, None, loss))
        stop = stopping.stop(run)
        waited += 1
        if loss + delta < best or (math.isinf(best) and loss < best):
            best, waited, best_epoch = loss, 0, epoch
        if waited < patience:
            assert stop is None
            continue
        assert stop is not None
        assert (stop.best_epoch, stop.best_loss, stop.monitored) == (best_epoch, best, "validation loss")
        assert stop.restored == (restore and best_epoch > 0)
        assert weight[0, 0].item() == (best_epoch if stop.restored else epoch)
        return


RUNS: dict[str, Run] = {}


def test_parameters_name_what_they_need() -> None:
    needing = {parameter.name: parameter.needs for parameter in TRAINING.parameters if parameter.needs}
    assert needing == {"min_delta": "patience", "restore_best_weights": "patience"}
    assert TRAINING.parameter("patience").accepts(None)


@pytest.mark.parametrize("dataset", ["moons", "plane"])
def test_records_have_the_figures_of_a_validation_part_only_where_there_is_one(dataset: str) -> None:
    loss = "MSELoss" if dataset == "plane" else "CrossEntropyLoss"
    found = validated(dataset=dataset, loss=loss, patience=1, min_delta=100.0)
    records = [json.loads(json.dumps(event.as_record(), allow_nan=False)) for event in events_of(make(found), epochs=5)]
    kinds = {record["event"]: record for record in records}
    for kind in ("evaluation", "finished"):
        assert kinds[kind]["validation_loss"] > 0
        assert (kinds[kind]["validation_accuracy"] is None) == (dataset == "plane")
    assert kinds["early_stop"] == {
        "event": "early_stop", "step": records[-1]["step"], "epoch": 2, "monitored": "validation loss",
        "best_epoch": 1, "best_loss": kinds["early_stop"]["best_loss"], "restored": False,
        "message": "Stopped early at epoch 2: no improvement of the validation loss for 1 epoch; best was epoch 1.",
    }  # fmt: skip
    plain = events_of(make(experiment(dataset=dataset, loss=loss)), epochs=1)
    assert not any("validation" in key for event in plain for key in event.as_record())


def evaluation(step: int, test: float, validation: float | None) -> Evaluation:
    return Evaluation(step, 0, 1.0, test, 0.5, None, validation, 0.25)


def test_the_best_is_that_of_the_validation_part() -> None:
    history = History()
    for step, test, validation in ((1, 0.5, 0.9), (2, 0.9, 0.4), (3, 0.1, 0.6), (4, 0.1, math.nan)):
        assert history.add_evaluation(evaluation(step, test, validation)) == (step < 3)
    assert history.best is not None
    assert (history.best.step, history.best.test_loss) == (2, 0.9)
    rows = history.curves().validations
    np.testing.assert_array_equal(rows, [[1, 0.9, 0.25], [2, 0.4, 0.25], [3, 0.6, 0.25], [4, math.nan, 0.25]])
    assert history.curves(2).validations[-1][0] == 4


def test_a_record_keeps_the_validation_figures() -> None:
    history = History()
    history.add_evaluation(evaluation(3, 0.5, 0.75))
    best = Score.of(evaluation(3, 0.5, 0.75))
    record = RunRecord(experiment=validated(patience=2), curves=history.curves(), best=best, end="early stopping")
    found = RunRecord.from_json(record.to_json())
    assert (found.best, found.end) == (record.best, "early stopping")
    assert found.best is not None
    assert (found.best.validation_loss, found.best.validation_accuracy) == (0.75, 0.25)
    assert isinstance(found.curves, Curves)
    np.testing.assert_array_equal(found.curves.validations, [[3, 0.75, 0.25]])
    plain = RunRecord(experiment=experiment(), curves=History().curves())
    assert "validations" not in json.loads(plain.to_json())["curves"]
