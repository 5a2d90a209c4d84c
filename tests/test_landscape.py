"""The loss landscape against independent truths: plain PyTorch loops, norms of rows, scikit-learn's components."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from blocks import NETWORKS
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from strategies import values
from torch import Tensor

from mlp_core import data
from mlp_core.__main__ import main
from mlp_core.catalog import ALL_LAYERS, LOSSES
from mlp_core.catalog.landscape import LANDSCAPE
from mlp_core.engines.eager import EagerEngine
from mlp_core.errors import DataError, SpecError
from mlp_core.landscape import (
    Landscape,
    LandscapeSpec,
    about,
    filter_normalised,
    loss_landscape,
    path_plane,
    random_plane,
    reading,
)
from mlp_core.landscape import losses as module
from mlp_core.landscape.path import MOST_MOMENTS
from mlp_core.landscape.path import Path as WeightsPath
from mlp_core.presets import PRESETS, mlp
from mlp_core.run.build import Run, build
from mlp_core.run.metrics import evaluate
from mlp_core.run.objective import penalty
from mlp_core.spec import DataSpec, Experiment, LayerSpec, LossSpec

SPIRAL = PRESETS["spiral"].experiment
SMALL = LandscapeSpec(size=5)


def trained(experiment: Experiment, steps: int = 5) -> Run:
    run = build(experiment, data.load(experiment.data))
    EagerEngine().run(run, steps)
    return run


def plain(run: Run, tensors: dict[str, Tensor], x: Tensor, y: Tensor) -> float:
    """The loss of a copy of the network with these tensors, as a script would compute it."""
    model = deepcopy(run.model)
    model.load_state_dict(tensors, strict=False)
    model.eval()
    with torch.no_grad():
        return float(run.loss(model(run.scaled(x)), y))


def moved(run: Run, x: float, y: float, seed: int = 0) -> dict[str, Tensor]:
    """The weights at a point of the plane of random directions."""
    named = dict(run.model.named_parameters())
    weights = [parameter.detach() for parameter in named.values()]
    first, second = random_plane(weights, span=1, size=5, seed=seed).directions
    return {n: w + x * a + y * b for n, w, a, b in zip(named, weights, first, second, strict=True)}


def assert_plain(run: Run, part: str = "test", spec: LandscapeSpec = SMALL) -> Landscape:
    """Points of the grid have the loss that a plain loop gives them."""
    found = loss_landscape(run, spec)
    inputs, targets = run.part(part)  # type: ignore[arg-type]
    for row, column in ((0, 0), (1, 4), (2, 2), (4, 1)):
        wanted = plain(run, moved(run, found.x[column], found.y[row]), inputs, targets)
        np.testing.assert_allclose(found.losses[part][row, column], wanted, rtol=1e-4, atol=1e-5, equal_nan=True)
    return found


def experiments_of_the_catalog() -> dict[str, Experiment]:
    """Every layer, networks with layers inside others, and every loss, each in a small network."""
    found = {}
    for name in ALL_LAYERS:
        layer = LayerSpec(type=name, params={"out_features": 5} if name == "Linear" else {})
        hidden = (*mlp((6,), "Tanh")[:2], layer)
        found[name] = SPIRAL.updated(layers=(*hidden, LayerSpec(type="Linear")))
        if name in ("BatchNorm1d", "LayerNorm"):
            found[f"{name} first"] = SPIRAL.updated(layers=(layer, *hidden, LayerSpec(type="Linear")))
    found |= {name: SPIRAL.updated(layers=layers) for name, layers in NETWORKS.items()}
    for name, entry in LOSSES.items():
        dataset = "moons" if "classification" in entry.tasks else "plane"
        end = ("Sigmoid",) if entry.bounded_outputs else ()
        found[name] = SPIRAL.updated(
            data=DataSpec(dataset=dataset), layers=mlp((4,), "ReLU", *end), loss=LossSpec(type=name)
        )
    return found


def test_the_grid_is_that_of_a_plain_loop_for_everything_in_the_catalog() -> None:
    for name, experiment in experiments_of_the_catalog().items():
        try:
            assert_plain(trained(experiment))
        except AssertionError as error:
            raise AssertionError(name) from error


def test_compiled_calls_give_the_same_and_run_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    layers = (LayerSpec(type="BatchNorm1d"), *mlp((6,), "Tanh")[:2], LayerSpec(type="Residual"),
              LayerSpec(type="Dropout"), LayerSpec(type="Linear"))  # fmt: skip
    monkeypatch.setattr(module, "MOST_POINTS", 4)  # so that a call is made often enough to be worth compiling
    monkeypatch.setattr(module, "_plain", None)
    for experiment in (SPIRAL, SPIRAL.updated(layers=layers)):
        assert_plain(trained(experiment))


def test_its_middle_is_the_loss_of_the_run_whatever_batches_it_is_computed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    weighted = LossSpec(type="CrossEntropyLoss", params={"weight": [1.0, 3.0]})
    run = trained(SPIRAL.updated(data=SPIRAL.data.updated(validation_fraction=0.2), loss=weighted))
    wanted = {part: evaluate(run, part).loss for part in ("train", "validation", "test")}  # type: ignore[arg-type]
    monkeypatch.setattr(module, "EVALUATION_BATCH", 24)
    found = loss_landscape(run, LandscapeSpec(size=6, parts=tuple(wanted)))
    assert {part: float(losses[found.centre]) for part, losses in found.losses.items()} == pytest.approx(wanted, 1e-6)
    assert found.x[found.centre[1]] == found.y[found.centre[0]] == 0
    assert found.x.shape == found.y.shape == (6,)


def test_rows_of_a_direction_are_as_long_as_those_of_the_weights_and_biases_stay() -> None:
    run = trained(SPIRAL.updated(layers=(*SPIRAL.layers[:2], LayerSpec(type="BatchNorm1d"), *SPIRAL.layers[2:])))
    weights = [parameter.detach() for parameter in run.model.parameters()]
    found = filter_normalised(weights, torch.Generator().manual_seed(3))
    for weight, direction in zip(weights, found, strict=True):
        if weight.ndim > 1:
            np.testing.assert_allclose(direction.norm(dim=1), weight.norm(dim=1), rtol=1e-5)
        else:
            assert not direction.any()
    again, other = (random_plane(weights, span=2, size=5, seed=seed).directions for seed in (3, 4))
    assert all(map(torch.equal, again[0], found))
    assert not torch.equal(other[0][0], found[0])
    with pytest.raises(DataError, match="All weights"):
        random_plane([torch.zeros(3, 2), torch.ones(3)], span=1, size=5, seed=0)


@settings(max_examples=10)
@given(st.integers(3, 12), st.integers(0, 99))
def test_the_plane_of_a_path_is_that_of_scikit_learn(moments: int, seed: int) -> None:
    drawn = np.random.default_rng(seed).normal(size=(moments, 8)).astype(np.float32)
    drawn = np.cumsum(drawn, axis=0) * np.linspace(1, 3, 8, dtype=np.float32)
    path = [[torch.tensor(row[:6].reshape(2, 3)), torch.tensor(row[6:])] for row in drawn]
    plane = path_plane(path[-1], path, span=1, size=7, seed=0)
    known = PCA(n_components=2).fit(drawn)
    np.testing.assert_allclose(plane.explained, known.explained_variance_ratio_, rtol=1e-3)
    flat = [np.concatenate([part.flatten() for part in direction]) for direction in plane.directions]
    for mine, theirs in zip(flat, known.components_, strict=True):
        assert abs(mine @ theirs) == pytest.approx(1, abs=1e-3)
    signs = np.sign([mine @ theirs for mine, theirs in zip(flat, known.components_, strict=True)])
    wanted = known.transform(drawn) - known.transform(drawn[-1:])
    np.testing.assert_allclose(plane.path, wanted * signs, atol=2e-3 * np.abs(wanted).max())
    assert (plane.x == 0).sum() == (plane.y == 0).sum() == 1
    for line, reached in zip((plane.x, plane.y), plane.path.T, strict=True):
        assert line[0] <= reached.min() + 1e-9
        assert line[-1] >= reached.max() - 1e-9


def test_a_straight_path_gets_a_second_direction_and_one_that_stands_still_has_none() -> None:
    straight = [[torch.full((2, 3), float(step)), torch.full((2,), float(step))] for step in range(4)]
    plane = path_plane(straight[-1], straight, span=1, size=5, seed=0)
    assert plane.explained == pytest.approx((1, 0))
    assert plane.cosine == pytest.approx(0, abs=1e-6)
    with pytest.raises(DataError, match="have not moved"):
        path_plane(straight[0], [straight[0]] * 4, span=1, size=5, seed=0)


def test_a_path_has_its_own_losses_and_stays_bounded() -> None:
    run, path = trained(SPIRAL, 0), WeightsPath()
    path.add(run)
    own = []
    for _ in range(3 * MOST_MOMENTS):
        EagerEngine().run(run, 1)
        path.add(run)
    steps = [moment.step for moment in path.moments]
    assert len(steps) <= MOST_MOMENTS
    assert steps[0] == 0
    assert run.position.step - steps[-1] <= 8
    assert max(np.diff(steps)) <= 8
    found = loss_landscape(run, LandscapeSpec(directions="path", size=7), path.moments)
    for moment in path.moments:
        own.append(plain(run, dict(moment.tensors), *run.part("train")))
    shown = len(own) - (steps[-1] == run.position.step)
    np.testing.assert_allclose(found.path_losses["train"][:shown], own[:shown], rtol=1e-5)
    assert found.path_losses["train"][-1] == found.losses["train"][found.centre]
    assert found.path_steps[-1] == found.step == run.position.step
    assert found.path[-1] == pytest.approx([0, 0], abs=1e-6)
    assert found.explained is not None
    assert 0.5 < sum(found.explained) <= 1.0001
    assert "moved most" in about(found)


def test_large_parts_are_sampled_and_every_condition_is_said() -> None:
    layers = (*SPIRAL.layers[:2], LayerSpec(type="BatchNorm1d"), LayerSpec(type="Dropout"), *SPIRAL.layers[2:])
    training = SPIRAL.training.updated(l1_penalty=0.01, l2_penalty=0.1)
    run = trained(SPIRAL.updated(layers=layers, training=training))
    found, again = (loss_landscape(run, LandscapeSpec(size=5, samples=40, parts=("train",))) for _ in range(2))
    assert found.samples == {"train": (40, 200)}
    np.testing.assert_array_equal(found.losses["train"], again.losses["train"])
    assert "40 of the 200 training samples" in found.notes[0]
    assert [word for word in ("Dropout", "BatchNorm", "penalties") if word in " ".join(found.notes)] == [
        "Dropout", "BatchNorm", "penalties",
    ]  # fmt: skip
    assert found.penalties is not None
    weights = [tensor for tensor in moved(run, found.x[1], found.y[4]).values() if tensor.ndim > 1]
    assert found.penalties[4, 1] == pytest.approx(float(penalty(weights, training)), rel=1e-5)
    np.testing.assert_allclose(found.loss("train", penalised=True), found.losses["train"] + found.penalties)


def test_what_cannot_be_is_refused_in_a_sentence() -> None:
    run = trained(SPIRAL)
    for spec, match in (
        (LandscapeSpec(parts=("validation",)), "no validation part. Choose one of: test, train"),
        (LandscapeSpec(parts=()), "No part"),
        (LandscapeSpec(directions="path"), "at least 3 moments of the run. Got 1"),
    ):
        with pytest.raises(DataError, match=match):
            loss_landscape(run, spec)
    with torch.no_grad():
        next(run.model.parameters()).fill_(float("nan"))
    with pytest.raises(DataError, match="NaN"):
        loss_landscape(run)
    for parameter in LANDSCAPE.parameters:
        for bad in parameter.bad_values():
            with pytest.raises(SpecError, match=parameter.name):
                LandscapeSpec(**{parameter.name: bad})


@settings(max_examples=10)
@given(st.fixed_dictionaries({parameter.name: values(parameter) for parameter in LANDSCAPE.parameters}))
def test_what_follows_the_rules_is_taken(given: dict[str, Any]) -> None:
    assert {name: getattr(LandscapeSpec(**given), name) for name in given} == given


def flat(losses: list[list[float]], **more: Any) -> Any:
    """What words are made of."""
    line = np.linspace(-1, 1, len(losses))
    grid = np.array(losses, dtype=np.float32)
    about_it = {"spec": LandscapeSpec(), "step": 7, "x": line, "y": line, "centre": (1, 1), **more}
    return SimpleNamespace(**about_it, loss=lambda part, penalised: grid)


def test_words_say_what_is_seen() -> None:
    bowl = reading(flat([[3, 2.1, 3], [2.5, 1, 2.5], [3, 2.1, 3]]), "train")
    assert "Training loss of the weights at step 7: 1." in bowl
    assert "at the bottom" in bowl
    assert "twice as high is 1 away" in bowl
    slope = reading(flat([[0.5, 0.5, 0.5], [1, 1, 1], [1.5, 1.5, float("inf")]]), "test")
    assert "goes down to 0.5 at (−1, −1)" in slope
    assert "On 11 % of the plane" in slope
    assert "not a finite number" in reading(flat([[1, 1, 1], [1, float("nan"), 1], [1, 1, 1]]), "test")
    assert "flat region" in reading(flat([[1, 1, 1]] * 3), "test")


def test_the_command_prints_words_or_numbers_and_writes_a_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, run = tmp_path / "plane.html", build(SPIRAL, data.load(SPIRAL.data))
    steps = 3 * run.batches.per_epoch
    common = ["landscape", "spiral", "--epochs", "3", "--size", "5", "--part", "test"]
    assert main([*common, "--directions", "path", "--figure", str(page)]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"Test loss of the weights at step {steps}:")
    html = page.read_text(encoding="utf-8")
    assert "<title>Loss landscape</title>" in html
    assert '"surface"' in html
    assert "moved most" in html
    assert main([*common, "--seed", "3", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    EagerEngine().run(run, steps)
    wanted = loss_landscape(run, LandscapeSpec(size=5, seed=3, parts=("test",)))
    np.testing.assert_allclose(found["parts"]["test"]["losses"], wanted.losses["test"], rtol=1e-3)
    assert (found["step"], found["seed"], found["parts"]["test"]["of"]) == (steps, 3, 200)
    assert main([*common, "--span", "0"]) == 2
    assert "'span' parameter" in capsys.readouterr().err
