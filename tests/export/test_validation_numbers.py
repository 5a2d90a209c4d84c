"""Exported code with a validation part and early stopping prints the digits that a run records."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from exported import expressible, figures, printed, recorded, run

from mlp_core.catalog import DATASETS, STYLES
from mlp_core.data import load
from mlp_core.engines.eager import EagerEngine
from mlp_core.export import notebook, script
from mlp_core.export.weights import save
from mlp_core.run.build import build
from mlp_core.run.metrics import evaluate
from mlp_core.spec import DataSpec, Experiment, LayerSpec, LossSpec, OptimizerSpec, SchedulerSpec, TrainingSpec
from mlp_core.training.events import EarlyStop
from mlp_core.training.loop import train

RUNNABLE = [style for style in STYLES if find_spec("lightning") or style != "lightning-module"]
THREE = [style for style in ("sequential", "bare-tensors", "lightning-module") if style in RUNNABLE]


def layer(name: str, **params: Any) -> LayerSpec:
    return LayerSpec(type=name, params=params)


def small(share: float | None = 0.25, dataset: str = "xor", seed: int = 3, **training: Any) -> Experiment:
    """A wide network on sixty noisy points, which it soon knows by heart, so that the validation loss rises."""
    params = {"points": 60, "noise": 0.5} if dataset == "xor" else {}
    data = DataSpec(dataset=dataset, params=params, validation_fraction=share, seed=seed)
    return Experiment(
        data=data,
        layers=(layer("Linear", out_features=24), layer("ReLU"), layer("Dropout", p=0.2), layer("Linear")),
        loss=LossSpec(type="CrossEntropyLoss" if data.facts.classifies else "MSELoss"),
        optimizer=OptimizerSpec(type="Adam", params={"lr": 0.05}),
        training=TrainingSpec(**{"batch_size": 6, **training}),
    )


def assert_same(experiment: Experiment, styles: list[str], epochs: int = 3) -> list[str]:
    wanted, diverged = recorded(experiment, epochs)
    assert not diverged
    for style in styles:
        assert printed(script(experiment, style, epochs=epochs)) == wanted, style
    return wanted


def stopped(experiment: Experiment, epochs: int = 60) -> EarlyStop:
    events = train(build(experiment, load(experiment.data)), EagerEngine(), epochs=epochs)
    return next(event for event in events if isinstance(event, EarlyStop))


def test_every_style_with_both() -> None:
    found = small(patience=3, min_delta=0.01, restore_best_weights=True, report_every=4)
    stop = stopped(found)
    assert 0 < stop.best_epoch == stop.epoch - 3 < 57
    assert_same(found, [style for style in expressible(found) if style in RUNNABLE], epochs=60)


@pytest.mark.parametrize("training", [
    {"patience": 2}, {"patience": 4, "restore_best_weights": True}, {"patience": 1, "min_delta": 0.5},
    {"patience": 3, "restore_best_weights": True, "seed": 9, "batch_size": None},
])  # fmt: skip
@pytest.mark.parametrize("share", [None, 0.3])
def test_early_stopping_on_either_part(training: dict[str, Any], share: float | None) -> None:
    found = small(share, **training)
    stop = stopped(found)
    assert stop.monitored == ("test loss" if share is None else "validation loss")
    assert_same(found, THREE, epochs=60)
    assert f"best was epoch {stop.best_epoch}," in run(script(found, "sequential", epochs=60))


def test_batchnorms_running_figures_are_restored() -> None:
    layers = (layer("Linear", out_features=24), layer("BatchNorm1d"), layer("ReLU"), layer("Linear"))
    found = small(patience=2, restore_best_weights=True).updated(layers=layers)
    assert_same(found, THREE, epochs=60)
    made = build(found, load(found.data))
    list(train(made, EagerEngine(), epochs=60))
    for style, names in (("sequential", "model.state_dict().values()"), ("bare-tensors", "tensors")):
        text = script(found, style, epochs=60)
        kept = run(text, f"print(*(f'{{t.double().sum().item():.6f}}' for t in {names} if t.dtype == torch.float32))")
        ours = [f"{value.double().sum().item():.6f}" for value in made.model.state_dict().values()
                if value.is_floating_point()]  # fmt: skip
        assert sorted(figures(kept)[-len(ours) :]) == sorted(ours), style


HERE = [name for name, entry in DATASETS.items() if entry.source not in ("downloaded", "uploaded")]


@pytest.mark.parametrize("name", HERE)
def test_every_set(name: str) -> None:
    for seed, share in ((0, 0.2), (7, 0.37)):
        data = DataSpec(dataset=name, seed=seed, validation_fraction=share)
        if data.entry.source == "generated":
            data = data.updated(params={**data.params, "points": 50})
        loss = "CrossEntropyLoss" if data.facts.classifies else "MSELoss"
        found = small().updated(data=data, loss=LossSpec(type=loss))
        assert_same(found, ["sequential"], epochs=1)


@pytest.mark.parametrize("name", [name for name, entry in DATASETS.items() if entry.source == "downloaded"])
def test_every_downloaded_set(name: str, images: Path) -> None:
    few = {"train_samples": 30, "test_samples": 15}
    for params in ({}, few if DataSpec(dataset=name).facts.official_split else {}):
        data = DataSpec(dataset=name, params=params, validation_fraction=0.2)
        loss = LossSpec(type="CrossEntropyLoss" if data.facts.classifies else "MSELoss")
        found = small().updated(data=data, loss=loss, training=TrainingSpec(batch_size=None, patience=1))
        assert_same(found, ["named-sequential", "bare-tensors"], epochs=2)


def test_a_training_part_of_one_sample_a_class() -> None:
    data = DataSpec(dataset="xor", params={"points": 20}, test_fraction=0.9, validation_fraction=0.5)
    assert sorted(load(data).y_train.tolist() + load(data).y_validation.tolist()) == [0, 1]  # type: ignore[union-attr]
    assert_same(small().updated(data=data, training=TrainingSpec(batch_size=1)), ["sequential"])


@pytest.mark.parametrize("loss", ["BCEWithLogitsLoss", "MSELoss"])
@pytest.mark.parametrize("every", ["epoch", "step"])
def test_with_a_schedule_and_other_targets(loss: str, every: str) -> None:
    found = small(patience=2).updated(
        loss=LossSpec(type=loss), scheduler=SchedulerSpec(type="StepLR", params={"step_size": 2}, every=every)
    )
    assert_same(found, THREE, epochs=12)


def test_a_notebook_gives_the_same() -> None:
    import json

    found = small(patience=2, restore_best_weights=True)
    cells = [cell["source"] for cell in json.loads(notebook(found, "sequential", epochs=60))["cells"]
             if cell["cell_type"] == "code"]  # fmt: skip
    assert figures(run(*("".join(lines) for lines in cells))) == recorded(found, 60)[0]


@pytest.mark.parametrize("style", THREE)
def test_restored_weights_in_a_file_give_the_figures_that_were_shown(
    style: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = small(dataset="wine", patience=2, restore_best_weights=True)
    made = build(found, load(found.data))
    last = list(train(made, EagerEngine(), epochs=60))[-1]
    result = evaluate(made)
    assert result.loss == last.test_loss  # type: ignore[attr-defined]
    (tmp_path / "w.safetensors").write_bytes(save(found, made.model.state_dict()))
    monkeypatch.chdir(tmp_path)
    text = script(found, style, weights="w.safetensors", test_loss=result.loss, accuracy=result.accuracy)
    assert printed(text) == [f"{result.loss:.6f}", f"{result.accuracy:.6f}"]
    assert not re.search("validation_loader|best_loss", text)
