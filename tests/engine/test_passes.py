"""Compiled test passes and views give the plain ones' numbers, for everything in the catalog."""

from __future__ import annotations

import pytest
import torch
from blocks import NETWORKS
from hypothesis import given, settings
from hypothesis import strategies as st

from mlp_core import data
from mlp_core.catalog import ALL_LAYERS, LOSSES
from mlp_core.engines import passes as module
from mlp_core.engines.cache import BuildCache
from mlp_core.engines.eager import EagerEngine
from mlp_core.engines.passes import PASSES, CompiledPasses
from mlp_core.presets import PRESETS, mlp
from mlp_core.run.build import Run, build
from mlp_core.run.metrics import PlainPasses, evaluate, histogram
from mlp_core.spec import DataSpec, Experiment, LayerSpec, LossSpec
from mlp_core.views import VIEWS

SPIRAL = PRESETS["spiral"].experiment


def trained(experiment: Experiment, steps: int = 5) -> Run:
    run = build(experiment, data.load(experiment.data))
    EagerEngine().run(run, steps)
    return run


def compiles(run: Run) -> bool:
    """Whether every pass of the run is a compiled one, by making the plain ones unusable."""
    compiled = CompiledPasses(run)
    del compiled._plain
    compiled.outputs(run.x_test)
    compiled.tested(run.x_test, run.y_test)
    return True


def assert_same(run: Run) -> None:
    plain, compiled = PlainPasses(run), CompiledPasses(run)
    with torch.no_grad():
        for rows in (slice(None), slice(0, 1), slice(0, 7)):
            x, y = run.x_test[rows], run.y_test[rows]
            assert torch.equal(plain.outputs(x), compiled.outputs(x))
            torch.testing.assert_close(compiled.tested(x, y), plain.tested(x, y), rtol=0, atol=0)
            if run.dataset.facts.class_names:
                torch.testing.assert_close(compiled.classified(x), plain.classified(x), rtol=0, atol=0)


@pytest.mark.parametrize("name", ALL_LAYERS)
def test_every_layer(name: str) -> None:
    params = {"out_features": 5} if name == "Linear" else {}
    hidden = (*mlp((6,), "Tanh")[:2], LayerSpec(type=name, params=params))
    run = trained(SPIRAL.updated(layers=(*hidden, LayerSpec(type="Linear"))))
    assert compiles(run)
    assert_same(run)


@pytest.mark.parametrize("name", NETWORKS)
def test_layers_inside_others(name: str) -> None:
    run = trained(SPIRAL.updated(layers=NETWORKS[name]))
    assert compiles(run)
    assert_same(run)


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss(name: str) -> None:
    entry = LOSSES[name]
    dataset = "moons" if "classification" in entry.tasks else "plane"
    end = ("Sigmoid",) if entry.bounded_outputs else ()
    run = trained(
        SPIRAL.updated(data=DataSpec(dataset=dataset), layers=mlp((4,), "ReLU", *end), loss=LossSpec(type=name))
    )
    assert compiles(run)
    assert_same(run)


@pytest.mark.parametrize("name", ["spiral", "plane", "two-hidden-relu", "binary-16-12-10-1", "batchnorm-block"])
def test_evaluation_and_views_of_a_preset(name: str) -> None:
    run = trained(PRESETS[name].experiment)
    facts = run.experiment.data.facts
    usable = ["weights", "gradients", *(["boundary"] if facts.plane else [])]
    usable.append("samples" if facts.task == "classification" else "regression")
    plain = [evaluate(run), *(VIEWS[view].arrays(run) for view in usable)]
    run.passes = CompiledPasses(run)
    assert str(plain) == str([evaluate(run), *(VIEWS[view].arrays(run) for view in usable)])


def test_images_of_bytes_are_scaled() -> None:
    digits = trained(PRESETS["two-hidden-relu"].experiment.updated(data=DataSpec(dataset="digits")))
    assert_same(digits)


def test_runs_of_one_structure_share_passes_and_not_weights() -> None:
    first = trained(SPIRAL)
    CompiledPasses(first).outputs(first.x_test)
    kept = len(PASSES._found)
    other = trained(SPIRAL.updated(training=SPIRAL.training.updated(seed=7)))
    assert_same(other)
    assert not torch.equal(CompiledPasses(other).outputs(first.x_test), CompiledPasses(first).outputs(first.x_test))
    CompiledPasses(other).outputs(first.x_test)
    assert len(PASSES._found) <= kept + 2  # `tested` and `classified`, which `assert_same` asked for


def test_a_network_that_cannot_be_traced_is_passed_through_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(torch.jit, "trace", refuse)
    monkeypatch.setattr(module, "PASSES", BuildCache(2))
    assert_same(trained(SPIRAL))


@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(st.floats(width=32, allow_subnormal=False), max_size=12), min_size=1, max_size=3))
def test_histograms_of_anything(rows: list[list[float]]) -> None:
    tensors = [torch.tensor(row, dtype=torch.float32) for row in rows]
    compiled = CompiledPasses(trained(SPIRAL, 0)).histograms(tensors, 8)
    for (counts, low, high), tensor in zip(compiled, tensors, strict=True):
        plain = histogram(tensor, 8)
        assert torch.equal(counts, plain[0])
        assert (low, high) == plain[1:]
        assert counts.sum() == torch.isfinite(tensor).sum()
