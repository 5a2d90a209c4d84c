"""Responses, costs and signals of activations against plain PyTorch; their figures."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import pytest
import torch
from torch import nn

from mlp_core import figures
from mlp_core.activations.cost import REFERENCE, measure
from mlp_core.activations.response import cut_at, elementwise, respond
from mlp_core.activations.signal import INITIALISATIONS, propagate
from mlp_core.catalog import ACTIVATIONS, LayerEntry
from mlp_core.processor import Processor
from mlp_core.spec import LayerSpec
from tests.toy_entries import SINE

SOFTMAX = LayerEntry(
    name="Softmax", label="Softmax", summary="Shares.", family="activation", inferred=lambda features: {"dim": -1}
)


def of(name: str, **params: float) -> LayerSpec:
    return LayerSpec(type=name, params=params)


def test_a_response_is_that_of_torch() -> None:
    found = respond(of("ELU", alpha=0.5), -3, 3, 7)
    x = torch.linspace(-3, 3, 7)
    assert found.elementwise
    np.testing.assert_allclose(found.values[:, 0], nn.functional.elu(x, 0.5), rtol=1e-6)
    np.testing.assert_allclose(found.slopes[:, 0], torch.where(x > 0, 1.0, 0.5 * x.exp()), rtol=1e-5)
    assert respond(of("ELU", alpha=0.5), -3, 3, 7) is found, "computed once"


def test_a_function_of_all_features_is_known_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ACTIVATIONS, "Softmax", SOFTMAX)
    monkeypatch.setitem(ACTIVATIONS, "Sine", SINE)
    assert elementwise(LayerSpec(type="Sine"))
    softmax = LayerSpec(type="Softmax")
    assert not elementwise(softmax)
    found = respond(softmax, -2, 2, 9)
    assert found.values.shape == found.slopes.shape == (9, 4)
    np.testing.assert_allclose(found.values.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(found.slopes.sum(axis=1), 0, atol=1e-6)
    signal = propagate(softmax, 8)
    assert signal.dead is None
    assert np.isfinite(signal.forward).all()


def test_a_line_is_cut_where_the_output_jumps() -> None:
    shrink = cut_at(respond(of("Hardshrink"), -2, 2, 41), (-0.5, 0.5))
    assert int(np.isnan(shrink.values).sum()) == 2
    assert (np.diff(shrink.x) >= 0).all()
    outside = cut_at(respond(of("Hardshrink"), -2, 2, 41), (-9.0, 9.0))
    assert not np.isnan(outside.values).any()


def test_costs_come_round_by_round_relative_to_relu() -> None:
    processor = Processor(2)
    try:
        rounds = list(measure([of("Mish"), of("ReLU"), of("Identity")], 2, processor=processor))
    finally:
        processor.close(30)
    assert len(rounds) == 2
    assert [cost.layer.type for cost in rounds[-1]] == ["ReLU", "Mish", "Identity"]
    assert rounds[-1][0].layer == REFERENCE
    assert rounds[-1][0].forward == 1.0
    assert processor.turns.held == processor.turns.waiting == 0


@pytest.mark.parametrize("start", INITIALISATIONS)
def test_a_signal_is_that_of_a_plain_network(start: str) -> None:
    signal = propagate(of("Tanh"), 16, start, layers=3)
    for numbers in (signal.forward, signal.mean, signal.backward, signal.dead, signal.saturated):
        assert numbers is not None
        assert numbers.shape == (3,)
        assert np.isfinite(numbers).all()
    assert propagate(of("Tanh"), 16, start, layers=3) is signal


def test_a_signal_through_layers_by_hand() -> None:
    torch.manual_seed(0)
    state = torch.random.get_rng_state()
    signal = propagate(of("ReLU"), 32, layers=2)
    assert torch.equal(state, torch.random.get_rng_state()), "the global generator is left as it was"
    torch.manual_seed(0)
    x, end = torch.randn(256, 32), torch.randn(256, 32)
    first, second = nn.Linear(32, 32), nn.Linear(32, 32)
    one = first(x).relu()
    two = second(one).relu()
    (gradient,) = torch.autograd.grad(two, one, end)
    np.testing.assert_allclose(signal.forward, [one.var().item(), two.var().item()], rtol=1e-4)
    np.testing.assert_allclose(signal.backward, [gradient.var().item(), end.var().item()], rtol=1e-4)


def test_what_the_page_says_of_signals_holds() -> None:
    selu = propagate(of("SELU"), 256, "LeCun normal")
    assert 0.5 < selu.forward[-1] < 2, "SELU keeps its variance with LeCun's weights"
    assert abs(selu.mean[-1]) < 0.2
    he = propagate(of("ReLU"), 256, "Kaiming normal")
    assert 0.05 < he.backward[0] / he.backward[-1] < 20, "He's weights keep ReLU's gradients"
    fading = propagate(of("Sigmoid"), 256)
    assert fading.backward[0] < 1e-6 * fading.backward[-1], "through sigmoids they vanish"
    dead = propagate(of("Threshold", threshold=1e5), 16)
    assert dead.dead is not None
    assert dead.dead[0] == 1


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_figures_are_valid_and_say_what_they_show(theme: figures.Theme) -> None:
    names = ["<b>ReLU</b>", "Hardshrink"]
    x = np.linspace(-2, 2, 21)
    y = [np.maximum(x, 0), np.where(abs(x) > 0.5, x, np.nan)]
    made = [
        figures.activation_curves(names, [x, x], y, title="output", theme=theme),
        figures.layer_signal(names, [np.array([1.0, 0.1, 0.0]), np.ones(3)], title="Variance", theme=theme),
        figures.layer_signal(names, [np.zeros(3), np.ones(3)], title="Dead units", log_y=False, theme=theme),
        figures.activation_costs(names, [1.0, 2.0], [1.0, 3.0], theme=theme),
        figures.activation_curves([], [], [], title="output", theme=theme),
        figures.layer_signal([], [], title="Variance", theme=theme),
        figures.activation_costs([], [], [], theme=theme),
    ]
    for figure in made:
        go.Figure(figure)
        assert "<b>" not in str([trace.get("name") for trace in figure["data"]])
    said = figures.activation_curves_alt(names, [x, x], y, title="output")
    assert "0 at −2" in said
    assert "2 at 2" in said
    assert "after layer 3" in figures.layer_signal_alt(names, [np.ones(3), np.ones(3)], title="Variance")
    assert "3 times backward" in figures.activation_costs_alt(names, [1.0, 2.0], [1.0, 3.0])
    for nothing in (
        figures.activation_curves_alt([], [], [], title="output"),
        figures.layer_signal_alt([], [], title="Variance"),
        figures.activation_costs_alt([], [], []),
    ):
        assert nothing.endswith(".")
    drawn = figures.sketch(y, theme=theme)
    assert drawn.startswith("<svg xmlns=")
    assert drawn.count("<path") == 3
