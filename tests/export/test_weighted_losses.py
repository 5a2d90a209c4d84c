"""Scripts of losses with weights, counts and variances print the playground's digits, and show where numbers come from.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest
from exported import printed, recorded

from mlp_core.catalog import STYLES
from mlp_core.export import script
from mlp_core.presets import mlp
from mlp_core.spec import DataSpec, Experiment, LossSpec, OptimizerSpec, TrainingSpec

RUNNABLE = [style for style in STYLES if find_spec("lightning") or style != "lightning-module"]


def experiment(dataset: str, loss: str, end: tuple[str, ...] = (), **params: Any) -> Experiment:
    return Experiment(
        data=DataSpec(dataset=dataset, validation_fraction=0.2),
        layers=mlp((4,), "Tanh", *end),
        loss=LossSpec(type=loss, params=params),
        optimizer=OptimizerSpec(type="Adam", params={"lr": 0.01}),
        training=TrainingSpec(batch_size=32),
    )


@pytest.mark.parametrize(
    ("dataset", "loss", "end", "params", "written"),
    [
        ("wine", "CrossEntropyLoss", (), {"weight": "balanced"}, "# balanced by the training part: n / (classes * "),
        ("wine", "NLLLoss", ("LogSoftmax",), {"weight": [1.0, 2.0, 3.3]}, "torch.tensor([1.0, 2.0, 3.3])"),
        ("wine", "MultiMarginLoss", (), {"weight": "balanced"}, "weight=torch.tensor(["),
        ("breast_cancer", "BCEWithLogitsLoss", (), {"pos_weight": "balanced"}, "targets of 0 / targets of 1"),
        ("diabetes", "PoissonNLLLoss", ("Softplus",), {"log_input": False, "full": True, "eps": 1e-4}, "counts stay"),
        ("formula", "GaussianNLLLoss", (), {"full": True, "eps": 1e-3}, "MeanVarianceLoss(full=True, eps=1e-3)"),
        ("wine", "BCEWithLogitsLoss", (), {"pos_weight": 2.5}, "pos_weight=torch.tensor([2.5, 2.5, 2.5])"),
    ],
)
def test_scripts_print_the_digits(
    dataset: str, loss: str, end: tuple[str, ...], params: dict[str, Any], written: str
) -> None:
    described = experiment(dataset, loss, end, **params)
    expected = recorded(described, 2)[0]
    for style in ("sequential", "bare-tensors", "lightning-module"):
        if style in RUNNABLE:
            text = script(described, style, epochs=2)
            assert written in text
            assert printed(text) == expected, style


def test_on_an_accelerator_the_weights_go_there_too() -> None:
    described = experiment("wine", "CrossEntropyLoss", weight="balanced")
    described = described.updated(training=described.training.updated(device="cuda"))
    text = script(described, "sequential", epochs=1)
    assert "loss_fn.to(device)" in text
    plain = described.updated(loss=LossSpec(type="CrossEntropyLoss"))
    assert "loss_fn.to(device)" not in script(plain, "sequential", epochs=1)
