"""What the network's picture shows of every neuron, against PyTorch's own answers."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from blocks import NETWORKS, layer
from official import grey, idx

from mlp_core import data, figures
from mlp_core.catalog import ALL_LAYERS
from mlp_core.diagram import columns, row_of_neurons, write_shown
from mlp_core.engines.eager import EagerEngine
from mlp_core.engines.passes import CompiledPasses
from mlp_core.presets import PRESETS, mlp
from mlp_core.run.build import Run, build
from mlp_core.run.nogil import picked
from mlp_core.spec import DataSpec, Experiment, LayerSpec, LossSpec
from mlp_core.views.neurons import neurons

SPIRAL = PRESETS["spiral"].experiment


def trained(experiment: Experiment, steps: int = 3) -> Run:
    run = build(experiment, data.load(experiment.data))
    EagerEngine().run(run, steps)
    return run


def assert_weights(run: Run, found: list[dict[str, Any]]) -> None:
    """Weights, gradients and biases are those of the modules, of the shown neurons."""
    drawn = columns(run.plan)
    for place, column in enumerate(drawn):
        values = found[place]
        if column.weighted is None:
            assert values["weights"] is None
            continue
        module = run.model.get_submodule(column.weighted.name)
        rows, inputs = values["shown"], found[place - 1]["shown"]
        np.testing.assert_array_equal(values["weights"], module.weight.detach().numpy()[np.ix_(rows, inputs)])
        np.testing.assert_array_equal(values["gradients"], module.weight.grad.numpy()[np.ix_(rows, inputs)])
        if module.bias is None:
            assert values["biases"] is None
        else:
            np.testing.assert_array_equal(values["biases"], module.bias.detach().numpy()[rows])


def test_a_neuron_answers_over_the_plane() -> None:
    run = trained(SPIRAL)
    found = neurons(run)["columns"]
    assert_weights(run, found)
    side = found[1]["maps"].shape[1]
    axis = torch.linspace(-1.25, 1.25, side)
    x2, x1 = torch.meshgrid(axis, axis, indexing="ij")
    grid = torch.stack([x1.reshape(-1), x2.reshape(-1)], dim=1)
    with torch.no_grad():
        first = run.model[1](run.model[0](grid))
        last = run.model(grid)
    np.testing.assert_allclose(found[0]["maps"].reshape(2, -1), grid.T.numpy(), atol=1e-6)
    np.testing.assert_allclose(found[1]["maps"].reshape(8, -1), first.T.numpy(), atol=1e-5)
    np.testing.assert_allclose(found[-1]["maps"].reshape(2, -1), last.T.numpy(), atol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_blocks(name: str) -> None:
    run = trained(SPIRAL.updated(layers=NETWORKS[name]))
    assert_weights(run, neurons(run)["columns"])


@pytest.mark.parametrize("name", ALL_LAYERS)
def test_compiled_answers_are_the_plain_ones(name: str) -> None:
    params = {"out_features": 4} if name == "Linear" else {}
    run = trained(SPIRAL.updated(layers=(*mlp((6,), "Tanh")[:2], LayerSpec(type=name, params=params), layer("Linear"))))
    plain = neurons(run)["columns"]
    run.passes = CompiledPasses(run)
    names = [column.layers[-1].name for column in columns(run.plan)[1:]]
    run.passes.neurons(run.x_test[:4], names)
    assert run.passes._inner[tuple(names)] is not None, "it was compiled"
    for one, other in zip(plain, neurons(run)["columns"], strict=True):
        np.testing.assert_array_equal(one["maps"], other["maps"])


def test_a_table_shows_mean_answers_to_each_class() -> None:
    run = trained(PRESETS["two-hidden-relu"].experiment)
    found = neurons(run)["columns"]
    x, y = run.dataset.x_train[:500], run.dataset.y_train[:500]
    with torch.no_grad():
        outputs = run.model.eval()(torch.from_numpy(x)).numpy()
    means = np.stack([outputs[y == label].mean(axis=0) for label in range(3)], axis=1)
    np.testing.assert_allclose(found[-1]["maps"][:, 0], means, rtol=1e-4, atol=1e-5)
    assert found[0]["maps"].shape == (4, 1, 3)


def test_a_regression_shows_answers_to_ten_groups_of_the_target() -> None:
    experiment = SPIRAL.updated(
        data=DataSpec(dataset="diabetes"), layers=mlp((20,), "ReLU"), loss=LossSpec(type="MSELoss")
    )
    run = trained(experiment)
    found = neurons(run)["columns"]
    assert found[1]["maps"].shape == (12, 1, 10)
    targets = np.sort(run.dataset.y_train[:500, 0])
    assert len(targets) >= 10


def test_wide_columns_show_the_neurons_that_were_asked_for() -> None:
    run = trained(SPIRAL.updated(layers=mlp((40,), "ReLU")))
    found = neurons(run, write_shown({1: row_of_neurons(40, 24)}))["columns"]
    assert list(found[1]["shown"]) == list(range(24, 36))
    assert_weights(run, found)


def test_the_first_neurons_behind_an_image_show_their_weights(tmp_path: Path) -> None:
    raw = tmp_path / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for part, train in (("train", True), ("t10k", False)):
        images, labels = grey(train, 10)
        (raw / f"{part}-images-idx3-ubyte").write_bytes(idx(images))
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(idx(labels.astype(np.uint8)))
    experiment = SPIRAL.updated(data=DataSpec(dataset="FashionMNIST"), layers=mlp((5, 3), "ReLU"))
    run = build(experiment, data.load(experiment.data, tmp_path))
    EagerEngine().run(run, 2)
    found = neurons(run)["columns"]
    first = run.dataset.x_train[0].reshape(1, 28, 28).astype(np.float32)
    np.testing.assert_allclose(found[0]["maps"] * first.max(), first * found[0]["maps"].max(), rtol=1e-5)
    np.testing.assert_array_equal(found[1]["maps"].reshape(5, -1), run.model[1].weight.detach().numpy())
    assert found[1]["weights"] is None, "784 weights are no lines"
    assert found[2]["maps"].shape == (3, 1, 10)


def test_picked_takes_rows_and_columns_of_several_tensors() -> None:
    matrix, vector = torch.arange(12.0).reshape(3, 4), torch.arange(5.0)
    found = picked([(matrix, [2, 0], [1, 3]), (vector, [4], [])])
    np.testing.assert_array_equal(found, [9, 11, 1, 3, 4])
    assert picked([]).size == 0


def test_an_update_is_what_the_last_steps_have_changed() -> None:
    run = trained(SPIRAL)
    assert neurons(run)["update_steps"] == 0
    before = run.model[2].weight.detach().clone()
    EagerEngine().run(run, 1)
    for _ in range(2):  # a second look at the same step changes nothing
        found = neurons(run)
        assert found["update_steps"] == 1
        np.testing.assert_array_equal(found["columns"][2]["updates"], (run.model[2].weight - before).detach().numpy())
    EagerEngine().run(run, 5)
    found = neurons(run)
    assert found["update_steps"] == 5
    assert found["columns"][1]["bias_updates"].shape == (8,)
    assert neurons(run, "1:3")["update_steps"] == 5, "all of a narrow column is shown in any case"


def unpacked(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype=kind)


def read(packed: dict[str, Any], counts: list[int]) -> list[np.ndarray]:
    """Numbers of every column as the browser reads them."""
    if "halves" in packed:
        shares = unpacked(packed["halves"], "<f2").astype(np.float64)
    else:
        levels = unpacked(packed["decades"], "i1").astype(np.float64)
        shares = np.where(levels == 0, 0, np.sign(levels) * 10 ** ((np.abs(levels) - 127) * 5 / 126))
    return np.split(shares * np.repeat(packed["peaks"], counts), np.cumsum(counts)[:-1])


def test_the_packed_numbers_are_the_computed_ones() -> None:
    run = trained(SPIRAL)
    neurons(run)
    EagerEngine().run(run, 1)
    found = neurons(run)["columns"]
    packed = figures.network(found, "light", flipped=True, steps=1)
    for name, numbers in packed["numbers"].items():
        exact = name in ("weights", "biases")
        assert numbers["places"] == [1, 2, 3, 4]
        for place, values in zip(numbers["places"], read(numbers, numbers["counts"]), strict=True):
            wanted = found[place][name].reshape(-1)
            near = (1e-3 if exact else 2e-5) * np.abs(wanted).max()
            np.testing.assert_allclose(values, wanted, rtol=0 if exact else 0.05, atol=near)
    (maps,) = packed["maps"]
    levels = unpacked(maps["levels"], "i1").reshape(-1, maps["height"], maps["width"])
    wanted = np.concatenate([column["maps"] for column in found])
    assert np.all(np.sign(levels) * np.sign(wanted) >= 0)
    assert maps["counts"] == [len(column["maps"]) for column in found]
    for high, column in zip(read(maps["high"], maps["counts"]), found, strict=True):
        peaks = column["maps"].max(axis=(1, 2))
        np.testing.assert_allclose(high, peaks, rtol=0, atol=1e-3 * np.abs(peaks).max())


def test_a_large_picture_is_small_for_the_browser() -> None:
    run = trained(SPIRAL.updated(layers=mlp((16,) * 8, "Tanh")))
    neurons(run)
    EagerEngine().run(run, 1)
    found = neurons(run)
    packed = figures.network(found["columns"], "light", flipped=True, steps=1)
    assert len(json.dumps(packed, separators=(",", ":"))) <= 30_000


def test_numbers_that_are_none_do_not_stop_the_picture() -> None:
    broken = {
        "shown": np.arange(2), "maps": np.array([[[np.nan, 1.0]], [[np.inf, 0.0]]], dtype=np.float32),
        "weights": np.full((2, 1), np.nan, dtype=np.float32), "gradients": None,
        "biases": np.zeros(2, dtype=np.float32), "bias_gradients": None,
    }  # fmt: skip
    packed = figures.network([broken], "dark", flipped=False)
    assert np.isfinite(read(packed["maps"][0]["low"], [2])[0]).all()
    assert read(packed["numbers"]["weights"], [2])[0].tolist() == [0, 0]
    assert packed["numbers"]["gradients"] is None
