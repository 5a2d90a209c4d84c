"""What the catalog says of each activation, against the function that PyTorch computes."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from strategies import fitting

from mlp_core.catalog import ACTIVATIONS, LAYERS, LayerEntry, load_object
from mlp_core.catalog.activation_facts import ActivationFacts
from mlp_core.catalog.parameters import Choice, Float

each = pytest.mark.parametrize("entry", ACTIVATIONS.values(), ids=ACTIVATIONS)
ELEMENTWISE = [
    entry for entry in ACTIVATIONS.values() if entry.facts is not None and entry.facts(entry.fill({})).elementwise
]
each_elementwise = pytest.mark.parametrize("entry", ELEMENTWISE, ids=lambda entry: entry.name)
NEAR = 1e-6
"""How far from a special input its two sides are looked at."""


def facts_of(entry: LayerEntry, params: dict[str, Any] | None = None) -> ActivationFacts:
    assert entry.facts is not None
    return entry.facts(entry.fill(params or {}))


def compute(entry: LayerEntry, x: Any, params: dict[str, Any] | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Values and slopes at x, in float64; a layer that draws or learns is looked at as it is made, in a test."""
    with torch.random.fork_rng():
        module = load_object(entry.target)(**entry.arguments(entry.fill(params or {}), 1)).double().eval()
    given = torch.tensor(np.asarray(x, dtype=np.float64), requires_grad=True)
    out = module(given.reshape(-1, 1)).reshape(-1)
    (slope,) = torch.autograd.grad(out.sum(), given)
    return out.detach().numpy(), slope.reshape(-1).numpy()


@st.composite
def chosen(draw: st.DrawFn) -> tuple[LayerEntry, dict[str, Any]]:
    """An activation with parameters of an ordinary size."""
    entry = draw(st.sampled_from(ELEMENTWISE))
    params: dict[str, Any] = {}
    for parameter in entry.parameters:
        if isinstance(parameter, Float):
            low, high = max(parameter.low, -4.0), min(parameter.high, 4.0)
            tenths = st.integers(int(np.ceil(max(low, 0.0 if low < 0.1 and low > 0 else low) * 10)), int(high * 10))
            value = draw(tenths.map(lambda number: number / 10))
            params[parameter.name] = value if parameter.accepts(value) else parameter.default
        elif isinstance(parameter, Choice):
            params[parameter.name] = draw(st.sampled_from(parameter.choices))
    return entry, fitting(entry, params)


@each
def test_every_activation_has_facts_and_advice(entry: LayerEntry) -> None:
    facts = facts_of(entry)
    assert facts.differentiability
    assert facts.range[0] in "[("
    assert entry.advantages
    assert entry.disadvantages
    sentences = (*entry.advantages, *entry.disadvantages)
    assert all(sentence[0].isupper() and sentence.endswith(".") for sentence in sentences)
    assert len(set(sentences)) == len(sentences)


def test_no_other_layer_has_such_facts() -> None:
    assert [entry.name for entry in LAYERS.values() if entry.facts] == []


@given(chosen())
def test_outputs_stay_in_the_range_and_come_near_its_ends(drawn: tuple[LayerEntry, dict[str, Any]]) -> None:
    entry, params = drawn
    facts = facts_of(entry, params)
    near = np.linspace(-60, 60, 24_001)
    far = np.concatenate((-np.logspace(7, 2, 40), near, np.logspace(2, 7, 40), facts.jumps, facts.kinks))
    values = compute(entry, far, params)[0]
    for end, found, reached in (
        (facts.low, values.min(), facts.reaches_low),
        (-facts.high, -values.max(), facts.reaches_high),
    ):
        if end == -inf:
            assert found < -1e4, "it goes on without end"
        else:
            assert found >= end - 1e-5
            assert found <= end + (1e-5 if reached else 2e-2)


@given(chosen())
def test_it_is_as_monotonic_as_the_catalog_says(drawn: tuple[LayerEntry, dict[str, Any]]) -> None:
    entry, params = drawn
    facts = facts_of(entry, params)
    # A small jump down would be made up for within a step of the grid, so each is looked at from both sides.
    sides = [jump + side for jump in facts.jumps for side in (-NEAR, NEAR)]
    steps = np.diff(compute(entry, np.sort([*np.linspace(-60, 60, 24_001), *sides]), params)[0])
    assert facts.monotonic == bool((steps >= -1e-6).all())


@given(chosen())
def test_it_saturates_where_the_catalog_says(drawn: tuple[LayerEntry, dict[str, Any]]) -> None:
    entry, params = drawn
    below, above = np.abs(compute(entry, [-1e4, 1e4], params)[1]) < 1e-3
    named = {(False, False): "nowhere", (True, False): "below", (False, True): "above", (True, True): "at both ends"}
    assert facts_of(entry, params).saturates == named[bool(below), bool(above)]


@given(chosen())
def test_zero_gives_what_the_catalog_says(drawn: tuple[LayerEntry, dict[str, Any]]) -> None:
    entry, params = drawn
    assert compute(entry, [0.0], params)[0][0] == pytest.approx(facts_of(entry, params).at_zero, abs=1e-9)


@given(chosen())
def test_it_jumps_and_bends_where_the_catalog_says_and_nowhere_else(drawn: tuple[LayerEntry, dict[str, Any]]) -> None:
    entry, params = drawn
    facts = facts_of(entry, params)
    special = (*facts.jumps, *facts.kinks, *facts.bends)
    assert len(set(special)) == len(special)
    for point in special:
        (left, right), slopes = compute(entry, [point - NEAR, point + NEAR], params)
        if point in facts.jumps:
            assert abs(left - right) > 100 * NEAR
            continue
        assert left == pytest.approx(right, abs=1e-4), "no jump"
        if point in facts.kinks:
            assert abs(slopes[0] - slopes[1]) > 1e-4, "one-sided slopes differ"
        else:
            assert slopes[0] == pytest.approx(slopes[1], abs=1e-4), "there is a derivative"
            second = np.diff(compute(entry, [point - 2e-4, point - 1e-4, point + 1e-4, point + 2e-4], params)[1])
            assert abs(second[0] - second[2]) > 1e-2 * abs(second).max(), "one-sided second derivatives differ"
    # Between them the slope changes little from one of many close inputs to the next.
    x = np.linspace(-10.00031, 10, 20_011)  # not 0 itself, where Hardshrink with lambda 0 has no slope
    values, slopes = compute(entry, x, params)
    apart = np.ones(len(x) - 1, dtype=bool)
    for point in special:
        apart &= (x[1:] < point - NEAR) | (x[:-1] > point + NEAR)
    steepest = max(1.0, float(np.abs(slopes).max()))
    curvature = 2.5 * max(params.get("beta", 1.0), 1 / max(params.get("alpha", 1.0), 0.05), 1.0) * steepest
    assert (np.abs(np.diff(slopes))[apart] < curvature * 1e-3).all(), "no kink is left out"
    assert (np.abs(np.diff(values) - slopes[:-1] * np.diff(x))[apart] < 1e-3 * steepest).all(), "nor a jump"
    if facts.piecewise_linear:
        assert (np.abs(np.diff(slopes))[apart] == 0).all()


def _normal() -> tuple[np.ndarray, np.ndarray]:
    """Inputs, and how likely each is where they are standard normal."""
    z = np.linspace(-12, 12, 96_001)
    density = np.exp(-(z**2) / 2)
    return z, density / density.sum()


@each_elementwise
def test_it_is_zero_centred_if_the_catalog_says_so(entry: LayerEntry) -> None:
    z, weights = _normal()
    mean = float(np.sum(compute(entry, z)[0] * weights))
    assert facts_of(entry).zero_centred == (abs(mean) < 1e-4)


@each_elementwise
def test_it_normalises_itself_if_the_catalog_says_so(entry: LayerEntry) -> None:
    """Klambauer and others (2017): after layers with weights of mean 0 and variance 1 / width, sums are normal."""
    z, weights = _normal()
    ends = []
    for start in (0.6, 1.6):
        mean, variance = 0.0, start
        for _ in range(30):
            out = compute(entry, z * np.sqrt(variance))[0]
            mean = float(np.sum(out * weights))
            variance = float(np.sum((out - mean) ** 2 * weights))
        ends.append(abs(mean) < 0.02 and abs(variance - 1) < 0.02)
    assert facts_of(entry).self_normalising == all(ends)


def test_two_errors_that_circulate_are_not_repeated() -> None:
    assert facts_of(ACTIVATIONS["LeakyReLU"]).kinks == (0.0,)
    assert facts_of(ACTIVATIONS["LeakyReLU"]).differentiability == "no derivative at 0, where it has a kink"
    assert facts_of(ACTIVATIONS["Softshrink"]).kinks == (-0.5, 0.5)
    assert "smooth" not in facts_of(ACTIVATIONS["Softshrink"]).differentiability
    assert not any("smooth" in sentence for sentence in ACTIVATIONS["Softshrink"].advantages)


def test_facts_follow_the_parameters() -> None:
    hardtanh = ACTIVATIONS["Hardtanh"]
    assert facts_of(hardtanh, {"min_val": 0.5, "max_val": 2.0}).range == "[0.5, 2]"
    assert facts_of(ACTIVATIONS["ELU"], {"alpha": 2.0}).kinks == (0.0,)
    assert facts_of(ACTIVATIONS["ELU"]).bends == (0.0,)
    assert facts_of(ACTIVATIONS["LeakyReLU"], {"negative_slope": -0.5}).monotonic is False
    assert facts_of(ACTIVATIONS["ReLU"]).range == "[0, ∞)"
    assert facts_of(ACTIVATIONS["Identity"]).range == "(−∞, ∞)"
