"""The learning-rate finder: the numbers of a plain loop, a run that is not disturbed, and what its curve speaks for."""

from __future__ import annotations

import json
import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from mlp_core import data
from mlp_core.__main__ import main
from mlp_core.engines.choose import engine_for
from mlp_core.engines.eager import EagerEngine
from mlp_core.presets import preset
from mlp_core.processor import BackgroundWork, Processor
from mlp_core.run.build import build
from mlp_core.run.checkpoint import save
from mlp_core.spec import Experiment
from mlp_core.training.loop import train
from mlp_core.tuning.rate_ramp import RampCurve, copy_of, ramp, ramp_on, rates_of, rounded, suggest

STEPS = 25
RATES = rates_of({"low": 1e-4, "high": 0.5, "steps": STEPS})


@pytest.fixture(scope="module")
def experiment() -> Experiment:
    return preset("spiral").experiment


def by_hand(experiment: Experiment, together: int) -> list[float]:
    """The mean loss of each update in the plain loop, `together` mini-batches an update."""
    dataset = data.load(experiment.data)
    torch.manual_seed(experiment.training.seed)
    sizes = [dataset.x_train.shape[1], 8, 8, 8]
    hidden = [each for i, o in pairwise(sizes) for each in (nn.Linear(i, o), nn.Tanh())]
    model = nn.Sequential(*hidden, nn.Linear(8, 2))
    optimizer = torch.optim.SGD(model.parameters(), **experiment.optimizer.params)
    train_set = TensorDataset(torch.tensor(dataset.x_train), torch.tensor(dataset.y_train))
    test_set = TensorDataset(torch.tensor(dataset.x_test), torch.tensor(dataset.y_test))
    loader = DataLoader(train_set, batch_size=experiment.training.batch_size, shuffle=True)
    test_loader = DataLoader(test_set, batch_size=64)
    found: list[float] = []
    rates = iter(RATES.tolist())
    while True:
        held: list[float] = []
        for place, (x, y) in enumerate(loader, start=1):
            if not held:
                rate = next(rates, None)
                if rate is None:
                    return found
                optimizer.param_groups[0]["lr"] = rate
                optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            (loss / together).backward()
            held.append(loss.item())
            if len(held) == together or place == len(loader):
                optimizer.step()
                found.append(float(np.mean(held)))
                held = []
        iter(test_loader)  # a script evaluates here


@pytest.mark.parametrize("together", [1, 3])
def test_the_losses_are_those_of_a_plain_loop(experiment: Experiment, together: int) -> None:
    asked = experiment.updated(
        training=experiment.training.updated(accumulate_grad_batches=together),
        scheduler={"type": "StepLR", "every": "epoch"},  # the ramp sets the rates
    )
    curve, run = RampCurve(), copy_of(asked, data.load(asked.data))
    with run.tuned():
        list(ramp(run, engine_for(run)[0], RATES, curve))
    assert curve.rates == RATES.tolist()
    assert curve.losses == pytest.approx(by_hand(experiment, together), rel=1e-5)


def test_a_copy_goes_on_where_the_run_is_and_the_run_is_not_disturbed(experiment: Experiment) -> None:
    dataset = data.load(experiment.data)
    alone, watched = build(experiment, dataset), build(experiment, dataset)
    with alone.tuned():
        for run in (alone, watched):
            for _ in train(run, EagerEngine(), steps=13):
                pass
        begun = save(watched)
        curve, processor = RampCurve(), Processor(2)
        rate = experiment.optimizer.params["lr"]
        same = np.geomspace(rate, rate * (1 + 1e-12), 20)  # rates must differ to be told apart
        work = BackgroundWork(
            processor, lambda: ramp_on(processor, lambda: copy_of(experiment, dataset, begun), same, curve),
            attended=True,
        )  # fmt: skip
        assert work.wait(60)
        assert work.error is None
        left = [EagerEngine().run(run, 20).losses for run in (alone, watched)]
        assert curve.losses == left[0].tolist(), "its weights, optimizer and next batches"
        assert curve.losses == left[1].tolist()
    after = [save(run) for run in (alone, watched)]
    assert all(map(torch.equal, after[0].tensors, after[1].tensors))
    assert torch.equal(after[0].stream[0], after[1].stream[0])


def curve_of(losses: list[float], low: float = 1e-4, high: float = 1.0) -> RampCurve:
    curve = RampCurve()
    for rate, loss in zip(np.geomspace(low, high, len(losses)), losses, strict=True):
        curve.add(float(rate), loss)
        if curve.exploded:
            break
    return curve


def test_the_smaller_of_steepest_and_a_tenth_of_the_lowest_is_suggested() -> None:
    places = np.linspace(-4, 0, 401)
    early = suggest(curve_of((1 - 0.5 / (1 + np.exp(-12 * (places + 2.5))) + 2 * (places > -0.5)).tolist()))
    assert early.value == pytest.approx(0.004, abs=0.001)  # the smoothed curve is about ten updates late
    assert "where it falls fastest, the smaller" in early.reason
    late = suggest(curve_of((1 - 0.5 / (1 + np.exp(-60 * (places + 1.0))) + 2 * (places > -0.9)).tolist()))
    assert late.value == pytest.approx(0.0125, abs=0.003)
    assert "a tenth of the rate where it is lowest" in late.reason


@pytest.mark.parametrize("losses", [[1.0] * 40, [1.0, *[50.0] * 30], [float("nan")], list(np.linspace(1, 2, 50))])
def test_where_the_loss_does_not_fall_nothing_is_suggested(losses: list[float]) -> None:
    found = suggest(curve_of(losses))
    assert found.value is None
    assert found.reason.endswith(".")


def test_it_stops_when_the_loss_explodes(experiment: Experiment) -> None:
    curve, run = RampCurve(), copy_of(experiment, data.load(experiment.data))
    list(ramp(run, EagerEngine(), np.geomspace(0.1, 1e9, 200), curve))
    assert curve.exploded
    assert len(curve) < 100
    negative = curve_of([-5.0] * 20 + [-4.0] * 5)
    assert not negative.exploded, "a loss below zero may rise a little"


@pytest.mark.parametrize(
    ("value", "shown"), [(0.0431, 0.04), (0.0139, 0.015), (0.96, 1.0), (0.997, 1.0), (2.4e-4, 2.5e-4), (7e3, 7e3)]
)
def test_a_suggestion_is_a_number_that_people_would_type(value: float, shown: float) -> None:
    assert rounded(value) == shown
    assert math.isclose(rounded(value), value, rel_tol=0.15)


def test_the_command_prints_a_record_for_each_update_and_what_to_take(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["find-lr", "xor", "--steps", "200", "--low", "0.001", "--high", "1", "--jsonl"]) == 0
    *steps, last = map(json.loads, capsys.readouterr().out.splitlines())
    assert len(steps) == last["steps"] == 200
    assert steps[0]["event"] == "step"
    assert [steps[0]["lr"], steps[-1]["lr"]] == pytest.approx([0.001, 1.0])
    assert steps[0]["smoothed"] == pytest.approx(steps[0]["loss"])
    assert last["event"] == "finished"
    assert 0.001 <= last["suggestion"] <= 1
    assert last["reason"]
    assert main(["find-lr", "xor", "--low", "1", "--high", "0.1"]) == 2
    assert "'high' parameter of the learning-rate finder must be larger" in capsys.readouterr().err
