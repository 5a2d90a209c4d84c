"""The band around a noisy curve, a scale that spikes do not set, and what a browser draws a smooth plane from."""

from __future__ import annotations

import numpy as np
import pytest

from mlp_core import figures
from mlp_core.figures.boundary import LOG_ODDS
from mlp_core.figures.curve import Curve
from mlp_core.figures.curves import robust_top
from mlp_core.figures.encode import decode
from mlp_core.training.history import KEPT, MOST, StepSeries


@pytest.mark.parametrize("points", [None, 4])
def test_few_values_have_the_exact_quantiles(points: int | None) -> None:
    values = np.random.default_rng(0).normal(size=44).astype(np.float32)
    series = StepSeries(64)
    series.extend(values)
    found = series.buckets(points)
    assert found.tenth is not None
    assert found.ninetieth is not None
    pieces = np.split(values, 4) if points else np.split(values, 44)
    for piece, low, high in zip(pieces, found.tenth, found.ninetieth, strict=True):
        expected = np.quantile(piece, MOST, method="nearest")
        assert abs(np.searchsorted(np.sort(piece), low) - np.searchsorted(np.sort(piece), expected[0])) <= 1
        assert abs(np.searchsorted(np.sort(piece), high) - np.searchsorted(np.sort(piece), expected[1])) <= 1


def test_merged_buckets_keep_about_four_fifths_of_the_values_in_the_band() -> None:
    values = np.random.default_rng(1).exponential(size=100_000).astype(np.float32)
    series = StepSeries(64)
    for piece in np.array_split(values, 37):
        series.extend(piece)
    found = series.buckets(16)
    edges = np.concatenate([[0], found.steps]).astype(int)
    shares = [
        ((values[start:end] >= low) & (values[start:end] <= high)).mean()
        for start, end, low, high in zip(edges, edges[1:], found.tenth, found.ninetieth, strict=False)
    ]
    assert 0.7 < np.mean(shares) < 0.9
    assert series._kept.shape == (64, KEPT), "bounded, whatever the number of steps"
    assert series.first(5000).buckets().tenth is not None


def test_a_spike_is_marked_and_does_not_set_the_scale() -> None:
    losses = np.full(200, 0.5)
    losses[70] = 40.0
    train = Curve.of(np.arange(200), losses)
    top = robust_top(train)
    assert top == pytest.approx(0.575)
    figure = figures.loss_curves(train, Curve.of([], []), steps_per_epoch=10)
    spikes = next(trace for trace in figure["data"] if trace["uid"] == "spikes")
    assert spikes["text"] == ["train 40, above the scale"]
    assert figure["layout"]["yaxis"]["autorangeoptions"] == {"clipmax": top}
    assert robust_top(Curve.of(np.arange(200), np.linspace(1, 0, 200))) is None
    assert robust_top(Curve.of([], [])) is None


def test_a_plane_is_sent_as_log_odds_and_wrong_points_have_rings() -> None:
    points = np.array([[0.0, 0.0], [0.5, 0.5], [-0.5, 0.5]])
    given = {"train_points": points, "train_labels": np.array([0, 1, 1]),
             "test_points": points[:1], "test_labels": np.array([1]), "class_names": ("a", "b")}  # fmt: skip
    grid = np.array([[0.0, 0.5], [0.9, 1.0]])
    wrong = {"train": np.array([False, True, False]), "test": np.array([True])}
    figure = figures.decision_boundary(grid, (-1, 1, -1, 1), wrong=wrong, **given)
    sent = decode(figure["data"][0]["meta"]["smooth"]["z"]) / 255 * 2 * LOG_ODDS - LOG_ODDS
    assert sent[0, 0] == -LOG_ODDS
    assert sent[1, 1] == LOG_ODDS
    assert sent[1, 0] == pytest.approx(np.log(9), abs=0.05)
    rings = next(trace for trace in figure["data"] if trace["uid"] == "wrong")
    assert decode(rings["x"]).tolist() == [0.5, 0.0]
