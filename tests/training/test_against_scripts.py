"""The training loop against plain PyTorch scripts, to the last digit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from small_runs import HIDDEN, events_of, experiment, layer, losses_in, make, of_kind
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from mlp_core.catalog import OPTIMIZERS, load_object
from mlp_core.presets import preset
from mlp_core.run.build import Run
from mlp_core.spec import Experiment, OptimizerSpec
from mlp_core.training.events import Evaluation

EPOCHS = 2


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

                def closure(x: torch.Tensor = x, y: torch.Tensor = y) -> torch.Tensor:
                    if zero_grad:
                        steps.zero_grad()
                    value = loss(net(x), y)
                    value.backward()
                    return value

                train_losses.append(steps.step(closure).item())
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
    compare(drawn, small(), nn.CrossEntropyLoss(), lambda p: load_object(OPTIMIZERS[name].target)(p, **params))


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
