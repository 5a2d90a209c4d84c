"""The network in numbers against PyTorch's own counts."""

from __future__ import annotations

import strategies
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from mlp_core.plan import plan
from mlp_core.presets import PRESETS
from mlp_core.run.build import build_model
from mlp_core.spec import Experiment
from mlp_core.summary import summary


@settings(max_examples=15)
@given(strategies.experiments(modest=True).map(strategies.width_mended), st.integers(2, 5))
def test_operations_are_those_that_pytorch_counts(experiment: Experiment, samples: int) -> None:
    found = plan(experiment)
    with torch.device("meta"):
        model = build_model(found)
        x = torch.empty(samples, *found.sample_shape)
    with FlopCounterMode(display=False, depth=9) as counter:
        model(x)
    counted = {name.removeprefix("Sequential."): sum(of.values()) for name, of in counter.get_flop_counts().items()}
    numbers = summary(experiment)
    assert numbers.flops * samples == counter.get_total_flops()
    for layer in numbers.layers:
        assert layer.flops * samples == counted.get(layer.name, 0), layer
        own = sum(parameter.numel() for parameter in model.get_submodule(layer.name).parameters())
        assert layer.parameters == own
    assert sum(layer.training_bytes for layer in numbers.layers if layer.path and len(layer.path) == 1) == (
        numbers.training_bytes
    )


def test_images_are_flattened_first() -> None:
    first, second, *_ = summary(PRESETS["fashion-mnist-quickstart"].experiment).layers
    assert (first.type, first.input_shape, first.output_shape, first.path) == ("Flatten", (1, 28, 28), (784,), None)
    assert (second.name, second.flops, second.parameters) == ("1", 2 * 784 * 512, 785 * 512)
