"""ONNX graphs: ONNX Runtime computes what PyTorch computes, for every layer and on real samples."""

from __future__ import annotations

import sys
import threading
from typing import Any

import numpy as np
import pytest
import torch
from blocks import NETWORKS
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import params, width_mended
from torch import nn

from mlp_core import data
from mlp_core.catalog import ALL_LAYERS, LOSSES
from mlp_core.errors import SpecError, UserError
from mlp_core.export import onnx as exporter
from mlp_core.export.onnx_layers import prepared
from mlp_core.export.state import state_of
from mlp_core.presets import PRESETS, mlp, preset
from mlp_core.run import metrics
from mlp_core.run.answers import PROBABILITIES
from mlp_core.run.build import Run, build
from mlp_core.spec import DataSpec, Experiment, LayerSpec, LossSpec, OptimizerSpec, TrainingSpec

runtime: Any = pytest.importorskip("onnxruntime")
TOLERANCE = 1e-5


def ran(content: bytes, x: np.ndarray, *names: str) -> list[np.ndarray]:
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return list(session.run(list(names) or None, {exporter.INPUT: x}))


def predictions(run: Run, x: torch.Tensor) -> torch.Tensor:
    """PyTorch's own outputs in evaluation."""
    with torch.no_grad():
        found: torch.Tensor = run.model.eval()(run.scaled(x))
    return found


def outputs_of(graph: nn.Module, features: int, x: torch.Tensor) -> np.ndarray:
    """ONNX Runtime's outputs for a module, recorded as the exporter records networks."""
    import io
    import warnings

    content = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            graph, (torch.zeros(2, features),), content, dynamo=False, input_names=["input"], output_names=["logits"],
            dynamic_axes={"input": {0: "batch"}, "logits": {0: "batch"}}, opset_version=exporter.OPSET,
        )  # fmt: skip
    return ran(content.getvalue(), x.numpy())[0]


def experiment_of(layers: tuple[LayerSpec, ...]) -> Experiment:
    """These layers between two Linears, for iris."""
    linear = LayerSpec(type="Linear", params={"out_features": 6})
    return Experiment(
        data=DataSpec(dataset="iris"),
        layers=(linear, *layers, LayerSpec(type="Linear")),
        loss=LossSpec(type="CrossEntropyLoss"),
        optimizer=OptimizerSpec(type="SGD"),
        training=TrainingSpec(batch_size=16),
    )


@pytest.mark.parametrize("name", [name for name in ALL_LAYERS if name != "Linear"])
def test_every_layer_of_the_catalog(name: str) -> None:
    @settings(max_examples=5)
    @given(params(ALL_LAYERS[name], modest=True), st.sampled_from([1.0, 10.0]))
    def check(chosen: dict[str, Any], spread: float) -> None:
        experiment = width_mended(experiment_of((LayerSpec(type=name, params=chosen),)))
        run = build(experiment, data.load(experiment.data))
        run.model(run.batches.x)  # running statistics move away from their start
        kept = state_of(run)
        content = exporter.export_onnx(experiment, kept)
        x = run.x_test * spread
        with torch.no_grad():
            expected = run.model.eval()(x)
        # A Softplus whose threshold lies beyond 88 has infinite values in PyTorch, and so has the network.
        assume(bool(torch.isfinite(expected).all()))
        scale = max(1.0, float(expected.abs().max()))
        assert exporter.largest_difference(content, experiment, kept, x) <= TOLERANCE * scale
        for rows in (1, 7):
            if not run.experiment.layers[1].entry.mixes_batch:
                np.testing.assert_allclose(ran(content, x[:rows].numpy())[0], expected[:rows], atol=TOLERANCE * scale)

    check()


@pytest.mark.parametrize("name", NETWORKS)
def test_layers_inside_others(name: str) -> None:
    experiment = experiment_of(()).updated(layers=NETWORKS[name])
    run = build(experiment, data.load(experiment.data))
    run.model(run.batches.x)  # running statistics move away from their start
    kept = state_of(run)
    x = run.x_test
    found = ran(exporter.export_onnx(experiment, kept), x.numpy())[0]
    np.testing.assert_allclose(found, predictions(run, x), atol=TOLERANCE)
    assert all(torch.equal(tensor, kept[name]) for name, tensor in run.model.state_dict().items()), "nothing is changed"


HARD = [
    nn.Softplus(2.0, 3.0), nn.LogSigmoid(), nn.Threshold(0.2, -3.0), nn.RReLU(), nn.RMSNorm(16), nn.CELU(0.7),
    nn.RMSNorm(16, eps=1e-3, elementwise_affine=False), nn.BatchNorm1d(16, track_running_stats=False), nn.GLU(1),
    nn.BatchNorm1d(16, track_running_stats=False, affine=False), nn.PReLU(16), nn.Hardshrink(0.3), nn.Softshrink(0.3),
    nn.Softmin(1), nn.LogSoftmax(1), nn.Hardsigmoid(), nn.Hardswish(), nn.Tanhshrink(), nn.Softsign(), nn.Mish(),
    nn.LayerNorm(16), nn.AlphaDropout(), nn.SELU(), nn.ELU(0.5), nn.Hardtanh(-0.5, 0.7), nn.ReLU6(), nn.SiLU(),
]  # fmt: skip


@pytest.mark.parametrize("layer", HARD, ids=str)
def test_layers_whose_recording_is_known_to_be_hard(layer: nn.Module) -> None:
    x = torch.randn(50, 16, generator=torch.Generator().manual_seed(0)) * 4
    network = nn.Sequential(layer).eval().requires_grad_(False)
    expected = network(x).numpy()
    np.testing.assert_allclose(outputs_of(prepared(network, None), 16, x), expected, atol=TOLERANCE, rtol=TOLERANCE)


def test_a_thousand_real_samples() -> None:
    experiment = Experiment(
        data=DataSpec(dataset="digits", test_fraction=0.6),
        layers=mlp((64, 32), "GELU"),
        loss=LossSpec(type="CrossEntropyLoss"),
        optimizer=OptimizerSpec(type="Adam", params={"lr": 0.01}),
    )
    run = build(experiment, data.load(experiment.data))
    for start in range(0, 600, 20):
        run.optimizer.zero_grad()
        run.loss(run.model(run.batches.x[start : start + 20]), run.batches.y[start : start + 20]).backward()
        run.optimizer.step()
    kept = state_of(run)
    content = exporter.export_onnx(experiment, kept, probabilities=True)
    x = run.x_test[:1000]
    assert len(x) == 1000
    outputs, chances = ran(content, x.numpy(), exporter.OUTPUT, exporter.PROBABILITIES)
    expected = predictions(run, x)
    np.testing.assert_allclose(outputs, expected, atol=TOLERANCE)
    np.testing.assert_allclose(chances, metrics.probabilities(expected, experiment.loss.entry), atol=TOLERANCE)
    assert (outputs.argmax(axis=1) == expected.argmax(dim=1).numpy()).all()
    assert exporter.largest_difference(content, experiment, kept, x) <= TOLERANCE


@pytest.mark.parametrize("name", [name for name, found in PRESETS.items() if found.experiment.data.entry.source
                                  != "downloaded"])  # fmt: skip
def test_presets_with_and_without_probabilities(name: str) -> None:
    experiment = preset(name).experiment
    run = build(experiment, data.load(experiment.data))
    expected = predictions(run, run.x_test)
    found = ran(exporter.export_onnx(experiment, state_of(run), probabilities=True), run.x_test.numpy())
    np.testing.assert_allclose(found[0], expected, atol=TOLERANCE)
    assert len(found) == (1 if run.dataset.facts.task == "regression" else 2)
    if len(found) == 2:
        wanted = metrics.probabilities(expected, experiment.loss.entry)
        np.testing.assert_allclose(found[1], wanted, atol=TOLERANCE)


def test_images_keep_their_shape() -> None:
    import onnx

    experiment = preset("fashion-mnist-quickstart").experiment
    small = experiment.updated(layers=mlp((8,), "ReLU"))
    from mlp_core.plan import plan
    from mlp_core.run.build import build_model

    model = build_model(plan(small)).eval()
    content = exporter.export_onnx(small, model.state_dict())
    (given_input,) = onnx.load_from_string(content).graph.input
    sizes = [dim.dim_param or dim.dim_value for dim in given_input.type.tensor_type.shape.dim]
    assert sizes == ["batch", 1, 28, 28]
    x = torch.rand(5, 1, 28, 28)
    with torch.no_grad():
        np.testing.assert_allclose(ran(content, x.numpy())[0], model(x), atol=TOLERANCE)


@pytest.mark.parametrize("outputs", [1, 2, 4])
@pytest.mark.parametrize("name", LOSSES)
def test_probabilities_are_those_of_the_metrics(name: str, outputs: int) -> None:
    entry = LOSSES[name]
    x = torch.randn(40, outputs, generator=torch.Generator().manual_seed(1)) * 2
    x[0] = -5.0  # no chance for any class
    torch.testing.assert_close(PROBABILITIES[entry.link](x), metrics.probabilities(x, entry))


def test_exports_and_training_in_other_threads_do_not_disturb_one_another() -> None:
    experiment = preset("moons").experiment
    runs = [build(experiment, data.load(experiment.data)) for _ in range(3)]
    expected = predictions(runs[0], runs[0].x_test)
    done = threading.Event()
    faults: list[object] = []

    def predict() -> None:
        while not done.is_set():
            if not torch.equal(predictions(runs[0], runs[0].x_test), expected):
                faults.append("another prediction")

    def export(run: Any) -> None:
        try:
            for _ in range(8):
                content = exporter.export_onnx(experiment, state_of(run))
                np.testing.assert_allclose(ran(content, run.x_test.numpy())[0], expected, atol=TOLERANCE)
        except Exception as error:
            faults.append(error)

    predicting = threading.Thread(target=predict)
    exporting = [threading.Thread(target=export, args=(run,)) for run in runs[1:]]
    for thread in (predicting, *exporting):
        thread.start()
    for thread in exporting:
        thread.join(60)
    done.set()
    predicting.join(60)
    assert not faults
    assert not predicting.is_alive()


def test_faults_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    run = build(preset("plane").experiment, data.load(preset("plane").experiment.data))
    kept = state_of(run)
    with pytest.raises(SpecError, match="tensor"):
        exporter.export_onnx(preset("moons").experiment, kept)

    def fail(*arguments: Any, **keywords: Any) -> None:
        raise RuntimeError("no such operator\nand more")

    with monkeypatch.context() as patch:
        patch.setattr(torch.onnx, "export", fail)
        with pytest.raises(UserError, match=r"cannot be written as ONNX: no such operator\. Export its code"):
            exporter.export_onnx(run.experiment, kept)
    content = exporter.export_onnx(run.experiment, kept)
    monkeypatch.setitem(sys.modules, "onnx", None)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(UserError, match="pip install onnx"):
        exporter.export_onnx(run.experiment, kept)
    with pytest.raises(UserError, match="pip install onnxruntime"):
        exporter.largest_difference(content, run.experiment, kept, run.x_test)
