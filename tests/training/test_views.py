"""Views against numpy, calculus and the network itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from blocks import NETWORKS
from hypothesis import given
from hypothesis import strategies as st
from small_runs import HIDDEN, events_of, experiment, layer, make

from mlp_core.limits import SHOWN_SAMPLES
from mlp_core.run.metrics import histogram
from mlp_core.views import VIEWS
from mlp_core.views.arrays import BINS, GRID, SCATTER


def bins_of(values: torch.Tensor, bins: int = BINS) -> tuple[Any, Any]:
    counts, low, high = histogram(values, bins)
    return counts.numpy(), np.linspace(low, high, bins + 1)


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=80), st.sampled_from([1, 4, 10, 40]))
def test_histogram_equals_numpys(whole: list[int], bins: int) -> None:
    values = torch.tensor(whole, dtype=torch.float32)
    counts, edges = bins_of(values, bins)
    low, high = min(whole), max(whole)
    if low == high:
        low, high = low - 0.5, high + 0.5
    theirs, their_edges = np.histogram(values.numpy().astype(np.float64), bins, (low, high))
    np.testing.assert_allclose(edges, their_edges, rtol=1e-6, atol=1e-6)
    assert counts.sum() == len(whole)
    # A value on an edge may fall to either side of it, by rounding.
    assert np.abs(np.cumsum(counts) - np.cumsum(theirs)).max() <= max(whole.count(v) for v in whole)


def test_histogram_of_many_values_equals_numpys() -> None:
    values = torch.tensor(np.random.default_rng(0).normal(size=(50, 40)).astype(np.float32))
    counts, edges = bins_of(values)
    theirs, _ = np.histogram(values.numpy().astype(np.float64), BINS)
    assert np.array_equal(counts, theirs)
    assert (counts.shape, edges.shape) == ((BINS,), (BINS + 1,))


@given(st.lists(st.floats(width=32), max_size=20))
def test_histogram_of_anything_counts_what_is_finite(values: list[float]) -> None:
    counts, edges = bins_of(torch.tensor(values, dtype=torch.float32))
    assert counts.sum() == sum(np.isfinite(values))
    assert np.isfinite(edges).all()
    assert (np.diff(edges) >= 0).all()


def test_gradient_view_shows_the_numeric_gradient() -> None:
    run = make(experiment(layer("Linear", out_features=3), layer("Tanh"), layer("Linear"), batch_size=None))
    assert VIEWS["gradients"].arrays(run) == {"names": [], "counts": [], "edges": []}, (
        "before the first step there is none"
    )
    model = make(run.experiment).model.double()
    x, y = run.batches.x.double(), run.batches.y
    with torch.no_grad():
        numeric = {}
        for name, weight in model.named_parameters():
            numeric[name] = torch.zeros_like(weight)
            for place in range(weight.numel()):
                kept = weight.view(-1)[place].item()
                sides = []
                for nudge in (1e-6, -1e-6):
                    weight.view(-1)[place] = kept + nudge
                    sides.append(run.loss(model(x), y).item())
                weight.view(-1)[place] = kept
                numeric[name].view(-1)[place] = (sides[0] - sides[1]) / 2e-6
    events_of(run, steps=1)
    for name, weight in run.model.named_parameters():
        torch.testing.assert_close(weight.grad.double(), numeric[name], rtol=1e-3, atol=1e-6)
    view = VIEWS["gradients"].arrays(run)
    assert view["names"] == ["1 Linear", "3 Linear"]
    for name, counts, edges in zip(("0.weight", "2.weight"), view["counts"], view["edges"], strict=True):
        assert counts.sum() == numeric[name].numel()
        assert edges[0] == pytest.approx(numeric[name].min().item(), rel=1e-3)
        assert edges[-1] == pytest.approx(numeric[name].max().item(), rel=1e-3)


def test_weight_view_has_every_layer_with_weights() -> None:
    run = make(experiment(*HIDDEN, layer("BatchNorm1d"), layer("BatchNorm1d", affine=False), layer("Linear")))
    view = VIEWS["weights"].arrays(run)
    assert view["names"] == ["1 Linear", "3 BatchNorm1d", "5 Linear"]
    assert [int(counts.sum()) for counts in view["counts"]] == [12, 6, 12]
    first = run.model[0].weight.detach().numpy()
    assert (view["edges"][0][0], view["edges"][0][-1]) == (first.min(), first.max())


def test_weight_view_names_layers_inside_others() -> None:
    run = make(experiment(*NETWORKS["nested"]))
    view = VIEWS["weights"].arrays(run)
    assert view["names"] == ["1 Linear", "2.1 BatchNorm1d", "2.3.1 Linear", "2.3.3 Linear", "4 Linear"]
    assert [int(counts.sum()) for counts in view["counts"]] == [10, 5, 35, 35, 10]
    events_of(run, steps=1)
    assert VIEWS["gradients"].arrays(run)["names"] == view["names"]


def test_boundary_view_is_the_network_over_the_plane() -> None:
    axis = np.linspace(-1.25, 1.25, GRID, dtype=np.float32)
    x1, x2 = np.meshgrid(axis, axis)
    points = torch.tensor(np.stack([x1.ravel(), x2.ravel()], axis=1))
    run = make(experiment(*HIDDEN, layer("Dropout"), layer("Linear")))
    events_of(run, epochs=1)
    run.model.eval()
    expected = run.model(points).softmax(dim=1)[:, 1].detach().numpy().reshape(GRID, GRID)
    run.model.train()
    np.testing.assert_array_equal(VIEWS["boundary"].arrays(run)["grid"], expected)
    plane = make(experiment(dataset="plane", loss="MSELoss"))
    expected = plane.model(points)[:, 0].detach().numpy().reshape(GRID, GRID)
    np.testing.assert_array_equal(VIEWS["boundary"].arrays(plane)["grid"], expected)


def test_sample_view() -> None:
    run = make(experiment(dataset="iris"))
    view = VIEWS["samples"].arrays(run)
    outputs = run.model(run.x_test[:SHOWN_SAMPLES])
    assert view["predicted"].tolist() == outputs.argmax(dim=1).tolist()
    assert view["true"].tolist() == run.dataset.y_test[:SHOWN_SAMPLES].tolist()
    np.testing.assert_allclose(view["probability"], outputs.softmax(dim=1).max(dim=1).values.detach(), rtol=1e-6)


def test_regression_view_is_in_the_data_s_own_unit() -> None:
    run = make(experiment(dataset="diabetes", loss="MSELoss"))
    view = VIEWS["regression"].arrays(run)
    actual, predicted = view["test"]
    from sklearn.datasets import load_diabetes

    assert set(np.round(actual)) <= set(load_diabetes().target)
    assert len(actual) == min(SCATTER, run.dataset.test_size)
    scaled = run.model(run.x_test[:SCATTER])[:, 0].detach().numpy()
    np.testing.assert_allclose(predicted, scaled * run.dataset.target_std[0] + run.dataset.target_mean[0], rtol=1e-5)
    assert len(view["train"][0]) == min(SCATTER, run.dataset.train_size)


def test_views_are_copies() -> None:
    run = make(experiment(dataset="iris"))
    shown = [VIEWS[name].arrays(run) for name in ("weights", "samples")]
    before = [np.copy(array) for view in shown for array in (view.get("edges") or [view["probability"]])]
    events_of(run, epochs=3)
    after = [array for view in shown for array in (view.get("edges") or [view["probability"]])]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
