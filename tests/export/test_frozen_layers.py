"""Frozen layers in exported code: the same digits in every style. Operations on a run are told."""

from __future__ import annotations

from typing import Any

import pytest
from exported import expressible, printed, recorded

from mlp_core.export import notebook, script
from mlp_core.spec import DataSpec, Experiment, LayerSpec, LossSpec, OptimizerSpec, TrainingSpec

TOLD = ("Step 500: Split neuron 3 of layer 1: test loss 0.213 → 0.213, train loss 0.180 → 0.180.",)


def layer(name: str, *inside: LayerSpec, frozen: bool = False, **params: Any) -> LayerSpec:
    more = {"inside": inside} if inside else {}
    return LayerSpec(type=name, params=params, frozen=frozen, **more)


def experiment(**training: Any) -> Experiment:
    block = layer("Residual", layer("Linear", out_features=3, frozen=True), layer("ReLU"), layer("Linear"))
    return Experiment(
        data=DataSpec(dataset="xor", params={"points": 40}),
        layers=(layer("Linear", out_features=5, frozen=True), layer("BatchNorm1d", frozen=True), layer("ReLU"), block,
                layer("Linear")),
        loss=LossSpec(type="CrossEntropyLoss"),
        optimizer=OptimizerSpec(type="SGD", params={"lr": 0.1, "momentum": 0.9, "weight_decay": 0.05}),
        training=TrainingSpec(batch_size=6, **training),
    )  # fmt: skip


@pytest.mark.parametrize("training", [{}, {"max_grad_norm": 0.5, "l2_penalty": 0.01}])
def test_every_style_prints_the_same_digits(training: dict[str, Any]) -> None:
    found = experiment(**training)
    wanted, _ = recorded(found, 2)
    styles = [style for style in expressible(found) if style != "lightning-module"]
    assert len(styles) > 4
    for style in styles:
        text = script(found, style, epochs=2)
        assert ("requires_grad_(False)  # frozen" in text) != (style == "bare-tensors"), style
        assert printed(text) == wanted, style


def test_what_was_done_to_the_network_is_told() -> None:
    found = experiment()
    assert TOLD[0].split(":")[1] in " ".join(script(found, "sequential", operations=TOLD).split())
    assert "Split neuron 3" in notebook(found, "sequential", operations=TOLD)
    assert "digit for digit" not in script(found, "sequential", operations=TOLD)
    assert "digit for digit" in script(found, "sequential")
