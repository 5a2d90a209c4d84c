"""The record of layers along a run: bounded, cheap, and true to what the run was at each moment."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from small_runs import HIDDEN, events_of, experiment, layer, make

from mlp_core.evaluation.slices import finish
from mlp_core.figures.matrix import blocks
from mlp_core.processor import BackgroundWork
from mlp_core.processor.processor import Processor
from mlp_core.run.layer_statistics import layer_statistics
from mlp_core.training import layer_history
from mlp_core.training.layer_history import CAPACITY, SHARE, LayerHistory
from mlp_core.views import VIEWS, Options, draw
from mlp_core.views.layers import principal_components
from mlp_core.views.moments import SPREADS, Histograms, Moment, Moments
from mlp_core.views.space import INPUT, METHODS, UMAP, Space, methods
from mlp_core.views.umap import UmapError, embedding


def test_a_moment_holds_what_the_layers_were(monkeypatch: pytest.MonkeyPatch) -> None:
    run = make(experiment(*HIDDEN, layer("Linear")))
    kept = LayerHistory(run)
    kept.look(0.0)
    first = {name: value.clone() for name, value in run.model.state_dict().items()}
    random = run.stream.state()[0].clone()
    events_of(run, epochs=3)
    kept.look(9.0, now=True)
    found = kept.moments
    assert found.names == ("0", "1", "2")
    assert found.steps.tolist() == [0, run.position.step]
    assert found.has("weights") == [0, 2]
    assert found.has("activations") == [0, 1, 2]
    weights = found.kept[0].spreads["weights"]
    assert weights.counts.sum(axis=1).tolist() == [12, 0, 12]
    np.testing.assert_allclose(weights.ranges[0], [first["0.weight"].min(), first["0.weight"].max()])
    statistics = layer_statistics(run)
    assert found.kept[1].lines["gradient_norm"][0] == pytest.approx(statistics[0].gradient_norm)
    assert np.isnan(found.kept[1].lines["gradient_norm"][1])
    other = make(run.experiment)
    events_of(other, epochs=3)
    assert all(torch.equal(a, b) for a, b in zip(run.model.parameters(), other.model.parameters(), strict=True)), (
        "looking draws nothing and changes nothing"
    )
    assert not torch.equal(random, run.stream.state()[0])


def fake(monkeypatch: pytest.MonkeyPatch, seconds: float) -> tuple[LayerHistory, Any]:
    """A history whose moments are empty, and take so long."""
    clock = SimpleNamespace(now=0.0)
    run = SimpleNamespace(plan=SimpleNamespace(walk=list), position=SimpleNamespace(step=0))

    def take(run: Any) -> Moment:
        clock.now += seconds
        return Moment(run.position.step, {}, {})

    monkeypatch.setattr(layer_history, "take", take)
    monkeypatch.setattr(layer_history.time, "perf_counter", lambda: clock.now)
    return LayerHistory(run), run  # type: ignore[arg-type]


def test_moments_are_bounded_and_lie_evenly_along_a_long_run(monkeypatch: pytest.MonkeyPatch) -> None:
    kept, run = fake(monkeypatch, 0.0)
    for step in range(0, 200_000, 7):
        run.position.step = step
        kept.look(step / 1000)
        assert len(kept.moments.kept) <= CAPACITY
    steps = kept.moments.steps
    assert steps[0] == 0
    gaps = np.diff(steps)
    assert len(steps) > CAPACITY // 3
    assert gaps.max() < 5 * np.median(gaps)
    run.position.step = 100_000
    kept.look(300.0)
    assert 90_000 < kept.moments.steps[-1] <= 100_000, "the run went back"
    kept.forget_from(50)
    assert kept.moments.steps[-1] < 50


def test_moments_take_their_share_of_the_time_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    kept, run = fake(monkeypatch, 0.01)
    for step in range(1, 20_001):
        run.position.step = step
        kept.look(step / 1000)  # a thousand steps a second
    spent = 0.01 * len(kept.moments.kept)
    early = 0.01 * layer_history.EARLY
    assert spent <= SHARE * 20 + early
    assert kept.moments.steps[:3].tolist() == [1, 10, 100]


def test_in_a_crowd_the_early_moments_have_to_be_earned_too(monkeypatch: pytest.MonkeyPatch) -> None:
    kept, run = fake(monkeypatch, 0.01)
    for step in range(0, 20_001):
        run.position.step = step
        kept.look(step / 1000, crowded=True)
        assert 0.01 * len(kept.moments.kept) <= SHARE * step / 1000
    assert len(kept.moments.kept) > 10
    run.position.step = 20_002
    kept.look(20.0, now=True, crowded=True)
    assert kept.moments.steps[-1] == 20_002


@settings(max_examples=15)
@given(
    st.lists(
        st.tuples(
            arrays.arrays(np.int32, 8, elements=st.integers(0, 50)), st.floats(-1e6, 1e6), st.floats(1e-3, 1e6)
        ),
        min_size=1, max_size=5,
    )
)  # fmt: skip
def test_histograms_are_brought_to_one_range(drawn: list[tuple[Any, float, float]]) -> None:
    kept = tuple(
        Moment(step, {"weights": Histograms(counts[None], np.array([[low, low + span]]))}, {})
        for step, (counts, low, span) in enumerate(drawn)
    )
    edges, shares = Moments(("0",), ("0",), kept).evened("weights", 0, bins=20)
    assert (np.diff(edges) > 0).all()
    for row, (counts, low, span) in zip(shares, drawn, strict=True):
        assert row.sum() == pytest.approx(1.0 if counts.sum() else 0.0)
        assert (row >= -1e-12).all()
        inside = low >= edges[0] and low + span <= edges[-1]
        if counts.sum() and inside:  # the mean is that of the values, but for the width of a bin
            mean = ((np.arange(8) + 0.5) / 8 * span + low) @ counts / counts.sum()
            assert row @ (edges[:-1] + edges[1:]) / 2 == pytest.approx(mean, abs=1.01 * (edges[1] - edges[0]))


def test_components_are_those_of_scikit_learn() -> None:
    from sklearn.decomposition import PCA

    for shape in ((50, 7), (20, 60), (5, 1)):
        values = np.random.default_rng(1).normal(size=shape) * np.arange(1, shape[1] + 1)
        points, explained = principal_components(torch.tensor(values))
        count = min(2, shape[1])
        theirs = PCA(count).fit(values)
        np.testing.assert_allclose(explained[:count], theirs.explained_variance_ratio_, rtol=1e-9)
        np.testing.assert_allclose(np.abs(points[:, :count]), np.abs(theirs.transform(values)), atol=1e-9)


def test_hidden_space_is_what_the_layer_puts_out() -> None:
    run = make(experiment(*HIDDEN, layer("Dropout"), layer("Linear")))
    events_of(run, epochs=1)
    run.model.eval()
    x, y = run.x_test, run.dataset.y_test
    view = VIEWS["hidden_space"].arrays(run, Space("1", "test", "neurons", (3, 1)).write())
    np.testing.assert_array_equal(view["points"], run.model[:2](x)[:, [3, 1]].detach().numpy())
    np.testing.assert_array_equal(view["wrong"], run.model(x).argmax(dim=1).numpy() != y)
    assert (view["layer"], view["axes"]) == ("2 Tanh", (3, 1))
    view = VIEWS["hidden_space"].arrays(run, Space(INPUT, "test", "neurons", (0, 9)).write())
    np.testing.assert_array_equal(view["points"], x[:, [0, 1]].numpy())
    run.model[0].weight.data.fill_(np.nan)
    assert np.isnan(VIEWS["hidden_space"].arrays(run, Space("1").write())["points"]).all()
    regression = make(experiment(dataset="diabetes", loss="MSELoss"))
    view = VIEWS["hidden_space"].arrays(regression, Space().write())
    assert view["wrong"].mean() == pytest.approx(0.1, abs=0.02)
    assert view["targets"].max() > 100, "in the unit of the data"


STAND_IN = """
import json, sys, time
class UMAP:
    def __init__(self, **given):
        self.given = given
    def fit_transform(self, values):
        if len(values) == 5:
            raise ValueError("five are too few")
        while len(values) == 6:
            time.sleep(0.01)
        assert self.given["n_components"] == 2 and self.given["random_state"] == 0, "the same picture again"
        return values[:, :2] + self.given["n_neighbors"]
"""
"""UMAP as it is called: the first two columns of what it gets; of six samples it never comes to an end."""


def test_umap_is_a_package_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("mlp_core.views.space.find_spec", lambda name: None)
    assert UMAP not in methods()
    monkeypatch.setattr("mlp_core.views.space.find_spec", lambda name: name)
    assert UMAP in methods()
    (tmp_path / "umap.py").write_text(STAND_IN)
    monkeypatch.syspath_prepend(tmp_path)
    run = make(experiment(*HIDDEN, layer("Linear")))
    view = VIEWS["hidden_space"].arrays(run, Space("1", "train", UMAP).write())
    run.model.eval()
    x = run.part("train")[0]
    assert (view["method"], view["axes"], view["points"]) == (UMAP, None, None), "it is computed when it is asked for"
    np.testing.assert_allclose(view["values"], run.model[:2](x).detach().numpy(), atol=1e-6)
    processor = Processor(2)
    work = BackgroundWork(processor, lambda: embedding(view["values"]))
    endless = BackgroundWork(processor, lambda: embedding(view["values"][:6]))
    assert work.wait(60)
    assert work.result is not None
    np.testing.assert_allclose(work.result, view["values"][:, :2] + 15, atol=1e-6)
    assert endless.running
    endless.cancel()
    assert endless.wait(60)
    assert (endless.result, endless.error) == (None, None)
    with pytest.raises(UmapError, match="five are too few"):
        finish(embedding(view["values"][:5]))
    with pytest.raises(UmapError, match="Got 3"):
        finish(embedding(view["values"][:3]))
    assert np.isnan(finish(embedding(np.full((9, 2), np.nan)))).all()


@settings(max_examples=10)
@given(st.builds(Space, st.from_regex(r"[0-9.]{0,9}", fullmatch=True), st.sampled_from(["train", "test"]),
                 st.sampled_from(list(METHODS)), st.tuples(st.integers(0, 10**6), st.integers(0, 10**6))))  # fmt: skip
def test_a_space_is_read_as_it_was_written(space: Space) -> None:
    assert Space.read(space.write()) == space


@settings(max_examples=20)
@given(st.text(max_size=30) | st.just("0|train|pca|²|1"))
def test_any_text_gives_some_space(text: str) -> None:
    assert Space.read(text).method in METHODS


def test_matrices_are_the_model_s_own() -> None:
    others = layer("FeatureAttention"), layer("BatchNorm1d"), layer("Linear")
    run = make(experiment(layer("Linear", out_features=3), *others))
    assert VIEWS["gradient_matrix"].arrays(run, "0")["values"] is None
    events_of(run, steps=1)
    found = VIEWS["weight_matrix"].arrays(run, "3")
    np.testing.assert_array_equal(found["values"], run.model[3].weight.detach())
    np.testing.assert_array_equal(found["bias"], run.model[3].bias.detach())
    assert (found["layer"], found["parameter"]) == ("4 Linear", "3.weight")
    np.testing.assert_array_equal(VIEWS["gradient_matrix"].arrays(run, "0")["values"], run.model[0].weight.grad)
    assert VIEWS["weight_matrix"].arrays(run, "2")["values"].shape == (1, 3)
    assert VIEWS["weight_matrix"].arrays(run, "1")["parameter"] == "1.scale"
    assert VIEWS["weight_matrix"].arrays(run, "no such layer")["layer"] == "1 Linear"
    rows = VIEWS["parameters"].arrays(run)["rows"]
    named = dict(run.model.named_parameters())
    assert [row["name"] for row in rows] == list(named)
    for row in rows:
        assert row["grad_norm"] == pytest.approx(named[row["name"]].grad.norm().item())
        assert row["first"] == named[row["name"]].flatten()[:5].tolist()


@settings(max_examples=15)
@given(st.integers(1, 300), st.integers(1, 300), st.integers(20, 500))
def test_a_large_matrix_is_drawn_in_blocks(rows: int, columns: int, most: int) -> None:
    values = np.random.default_rng(0).normal(size=(rows, columns))
    shown, down, across = blocks(values, most)
    assert shown.size <= 2 * most
    assert shown.shape == (-(-rows // down), -(-columns // across))
    assert shown[0, 0] == pytest.approx(values[:down, :across].mean())
    last = values[(shown.shape[0] - 1) * down :, (shown.shape[1] - 1) * across :]
    assert shown[-1, -1] == pytest.approx(last.mean())


def test_every_spread_is_drawn_in_words_too() -> None:
    run = make(experiment(*HIDDEN, layer("Linear")))
    kept = LayerHistory(run)
    kept.look(0.0)
    events_of(run, epochs=1)
    kept.look(0.0, now=True)
    source: Any = SimpleNamespace(
        run="r", dataset=run.dataset, moments=kept.moments, step=run.position.step, view=lambda name: None
    )
    for name in SPREADS:
        said = draw(VIEWS[f"{name}_ridge"], source, Options(layer="2", moment=0.0)).alt
        assert "3 Linear" in said
        assert "Chosen, step 0" in said
    said = draw(VIEWS["update_size"], source, Options()).alt
    assert "1 Linear" in said
    assert "Tanh" not in said
