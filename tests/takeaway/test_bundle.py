"""A network as a zip: unpacked elsewhere, it answers what the playground answers."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import os
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from blocks import NETWORKS
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mlp_core import data
from mlp_core.catalog import FEATURES, LOSSES
from mlp_core.export.bundle import bundle, model_source
from mlp_core.export.preprocessing import Preprocessing, preprocessing_of
from mlp_core.export.state import state_of
from mlp_core.export.weights import Weights, load
from mlp_core.plan import plan
from mlp_core.predict import predict, read_files
from mlp_core.presets import mlp, preset
from mlp_core.run.build import build, build_model
from mlp_core.spec import DataSpec, Experiment, LayerSpec, LossSpec, OptimizerSpec, TrainingSpec


def weights_for(dataset: str, loss: str = "CrossEntropyLoss", end: tuple[str, ...] = (), **params: Any) -> Weights:
    experiment = Experiment(
        data=DataSpec(dataset=dataset, params=params),
        layers=(LayerSpec(type="Linear", params={"out_features": 5}), LayerSpec(type="BatchNorm1d"),
                *mlp((4,), "GELU", *end)),
        loss=LossSpec(type=loss),
        optimizer=OptimizerSpec(type="SGD"),
        training=TrainingSpec(batch_size=None),
    )  # fmt: skip
    run = build(experiment, data.load(experiment.data))
    run.model(run.scaled(run.batches.x))  # running statistics move away from their start
    return Weights(
        experiment, state_of(run), step=3, test_loss=0.5, preprocessing=preprocessing_of(experiment, run.dataset)
    )


def images() -> Weights:
    experiment = preset("fashion-mnist-quickstart").experiment.updated(layers=mlp((4,), "ReLU"))
    kept = Preprocessing(image_shape=(1, 28, 28), divisor=255.0, class_names=experiment.data.facts.class_names)
    return Weights(experiment, build_model(plan(experiment)).state_dict(), preprocessing=kept)


def blocks() -> Weights:
    found = weights_for("spiral")
    experiment = found.experiment.updated(layers=NETWORKS["nested"])
    run = build(experiment, data.load(experiment.data))
    run.model(run.scaled(run.batches.x))
    return replace(found, experiment=experiment, tensors=state_of(run))


CASES: dict[str, Any] = {
    "points": lambda: weights_for("spiral", features=list(FEATURES)),
    "one output": lambda: weights_for("circle", "BCEWithLogitsLoss"),
    "probability": lambda: weights_for("blobs16", "BCELoss", ("Sigmoid",)),
    "numbers for classes": lambda: weights_for("iris", "MSELoss"),
    "rows": lambda: weights_for("wine"),
    "values": lambda: weights_for("diabetes", "L1Loss"),
    "two values": lambda: weights_for("ones", "MSELoss"),
    "images": images,
    "residual blocks": blocks,
}


def unpacked(found: Weights, folder: Path) -> Path:
    assert found.preprocessing is not None
    content = bundle(found.experiment, found.tensors, found.preprocessing, step=found.step, test_loss=found.test_loss)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist() == ["model.py", "weights.safetensors", "spec.json", "README.txt"]
        archive.extractall(folder)
    return folder


def files_for(found: Weights, folder: Path) -> list[Path]:
    """Some rows or images that the network can take."""
    generator = np.random.default_rng(0)
    kept = found.preprocessing
    assert kept is not None
    if kept.image_shape:
        paths = [folder / "a b.png", folder / "=c.jpg"]
        for path in paths:
            Image.fromarray(generator.integers(0, 256, (40, 30, 3), dtype=np.uint8)).save(path)
        return paths
    rows = generator.normal(size=(20, len(kept.columns)))
    if kept.mean:
        rows = rows * kept.std + kept.mean
    path = folder / "rows.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([[*kept.columns, "other"], *([*row, "x"] for row in rows.tolist())])
    return [path]


def module_of(folder: Path) -> ModuleType:
    """model.py as a module of its own."""
    spec = importlib.util.spec_from_file_location("bundled_model", folder / "model.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def printed(folder: Path, paths: list[Path], capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> str:
    module = module_of(folder)
    patch.setattr(sys, "argv", ["model.py", "predict", *map(str, paths)])
    module.main()
    return capsys.readouterr().out


def assert_same_table(first: str, second: str) -> None:
    """The same cells, numbers within the last digit that is printed."""
    a, b = (list(csv.reader(io.StringIO(text))) for text in (first, second))
    assert a[0] == b[0]
    assert [row[0] for row in a] == [row[0] for row in b]
    for left, right in zip(a[1:], b[1:], strict=True):
        for x, y in zip(left[1:], right[1:], strict=True):
            if x != y:
                assert float(x) == pytest.approx(float(y), rel=2e-5, abs=2e-6)


@pytest.mark.parametrize("name", CASES)
def test_it_answers_as_the_playground_does(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = CASES[name]()
    folder = unpacked(found, tmp_path)
    paths = files_for(found, tmp_path)
    samples, names = read_files(paths, found.preprocessing)
    expected = predict(found, samples, found.preprocessing, names)
    assert_same_table(printed(folder, paths, capsys, monkeypatch), expected.as_csv())
    if found.preprocessing.class_names:
        assert len(expected.as_csv().splitlines()) == len(samples) + 1


def test_it_runs_on_its_own(tmp_path: Path) -> None:
    found = CASES["rows"]()
    folder = unpacked(found, tmp_path)
    (path,) = files_for(found, tmp_path)
    samples, names = read_files([path], found.preprocessing)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}

    def ran(*arguments: str) -> subprocess.CompletedProcess[str]:
        # Isolated (-I): neither this repository nor the working folder is on the path.
        blocked = "import sys; sys.modules['mlp_core'] = None; sys.argv = sys.argv[1:]; import runpy; "
        command = [sys.executable, "-I", "-c", blocked + "runpy.run_path('model.py', run_name='__main__')"]
        return subprocess.run(
            [*command, "model.py", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )

    good = ran("predict", path.name)
    assert (good.returncode, good.stderr) == (0, "")
    assert_same_table(good.stdout, predict(found, samples, found.preprocessing, names).as_csv())
    bad = ran("predict", "spec.json")
    assert bad.returncode == 1
    assert bad.stdout == ""
    assert "lacks the column" in bad.stderr
    assert "Traceback" not in bad.stderr


@pytest.mark.parametrize("name", CASES)
def test_the_code_is_as_ruff_wants_it(name: str, tmp_path: Path) -> None:
    pytest.importorskip("ruff")
    found = CASES[name]()
    (tmp_path / "model.py").write_text(model_source(found.experiment, found.preprocessing), encoding="utf-8")
    for command in (["check"], ["format", "--check", "--diff"]):
        arguments = [sys.executable, "-m", "ruff", *command, "--isolated", "--no-cache", "model.py"]
        done = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_what_is_in_it(tmp_path: Path) -> None:
    found = CASES["rows"]()
    folder = unpacked(found, tmp_path)
    assert Experiment.from_json((folder / "spec.json").read_text(encoding="utf-8")) == found.experiment
    saved = load(folder / "weights.safetensors")
    assert (saved.step, saved.test_loss, saved.preprocessing) == (3, 0.5, found.preprocessing)
    readme = (folder / "README.txt").read_text(encoding="utf-8")
    assert all(name in readme for name in found.preprocessing.columns)
    assert "Training steps: 3" in readme
    assert bundle(found.experiment, found.tensors, found.preprocessing) == bundle(
        found.experiment, found.tensors, found.preprocessing
    )


@settings(max_examples=8)
@given(st.lists(st.text(max_size=20), min_size=10, max_size=10))
def test_names_of_classes_are_data(names: list[str]) -> None:
    found = images()
    source = model_source(found.experiment, replace(found.preprocessing, class_names=tuple(names)))
    space: dict[str, Any] = {"__name__": "model"}
    exec(compile(source, "model.py", "exec"), space)
    assert list(space["CLASS_NAMES"]) == names


@pytest.mark.parametrize("features", [[name] for name in FEATURES] + [list(FEATURES)])
def test_every_feature_is_computed_as_in_training(features: list[str], tmp_path: Path) -> None:
    experiment = preset("spiral").experiment
    experiment = experiment.updated(data=DataSpec(dataset="spiral", params={"features": features}))
    dataset = data.load(experiment.data)
    space: dict[str, Any] = {"__name__": "model"}
    exec(model_source(experiment, preprocessing_of(experiment, dataset)), space)
    inputs = space["to_inputs"](dataset.points_test)
    assert inputs.dtype == torch.float32
    np.testing.assert_array_equal(inputs.numpy(), dataset.x_test)


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_can_be_packed(loss: str) -> None:
    for dataset in ("iris", "circle", "diabetes"):
        facts = DataSpec(dataset=dataset).facts
        if facts.task not in LOSSES[loss].tasks:
            continue
        end = ("Sigmoid",) if LOSSES[loss].bounded_outputs else ()
        found = weights_for(dataset, loss, end)
        space: dict[str, Any] = {"__name__": "model"}
        exec(model_source(found.experiment, found.preprocessing), space)
        model = space["make_model"]()
        model.load_state_dict(found.tensors)
        samples = np.random.default_rng(0).normal(size=(9, len(found.preprocessing.columns)))
        with torch.no_grad():
            table = space["table"](range(1, 10), model.eval()(space["to_inputs"](samples)))
        assert_same_table(table, predict(found, samples, found.preprocessing).as_csv())


def test_json_in_it_is_readable(tmp_path: Path) -> None:
    folder = unpacked(CASES["two values"](), tmp_path)
    assert len((folder / "spec.json").read_text(encoding="utf-8").splitlines()) > 20
    assert json.loads((folder / "spec.json").read_text(encoding="utf-8"))["version"] == 1
