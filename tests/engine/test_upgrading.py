"""Runs start at once; what takes long is built later, and changes no number."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable

import pytest
import torch
from comparing import assert_same, assert_same_losses, experiment, layer, make

from mlp_core.engines import fast, passes
from mlp_core.engines.cache import BuildCache
from mlp_core.engines.choose import engine_for
from mlp_core.engines.eager import EagerEngine
from mlp_core.engines.fast import FastEngine
from mlp_core.engines.native import engine as native
from mlp_core.engines.native import layers, library
from mlp_core.engines.passes import CompiledPasses
from mlp_core.engines.tracing import UnsupportedError
from mlp_core.engines.verdicts import Verdicts
from mlp_core.run.metrics import PlainPasses
from mlp_core.spec import Experiment, OptimizerSpec

Queue = list[Callable[[], None]]


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Queue:
    """Takes what is to be built later; nothing has been built before, and BatchNorm has no native code."""
    monkeypatch.setattr(fast, "PROGRAMS", BuildCache(4))
    monkeypatch.setattr(passes, "NETWORKS", BuildCache(4))
    monkeypatch.delitem(layers.RULES, torch.nn.BatchNorm1d)
    for module in (native, passes):
        monkeypatch.setattr(module, "VERDICTS", Verdicts(4, passed=True))
    return []


def described() -> Experiment:
    """A network that has no native code here."""
    hidden = [layer("Linear", out_features=6), layer("BatchNorm1d"), layer("Tanh"), layer("Linear")]
    return experiment(hidden, optimizer=OptimizerSpec(type="Adam"), batch_size=10)


def test_the_engine_changes_between_two_chunks_and_no_number_does(queue: Queue) -> None:
    plain, run = make(described()), make(described())
    engine, why = engine_for(run, build_later=queue.append)
    assert (engine.name, why) == ("eager", "")
    assert not queue, "nothing is built for a run that does not train"
    for expected_name in ("eager", "eager", "fast", "fast"):
        assert_same_losses(EagerEngine().run(plain, 7).losses, engine.run(run, 7).losses)
        assert_same(plain, run)
        assert engine.name == expected_name
        if expected_name == "eager" and len(queue) == 1 and run.position.step == 14:
            queue.pop()()
    assert not queue, "built once"
    assert engine_for(make(described()), build_later=queue.append)[0].name == "fast"


def test_a_run_that_was_given_up_is_not_built(queue: Queue) -> None:
    run = make(described())
    engine, _ = engine_for(run, build_later=queue.append)
    engine.run(run, 1)
    gone = weakref.ref(run)
    del run, engine
    gc.collect()
    assert gone() is None
    queue.pop()()
    assert not fast.PROGRAMS._found


def test_what_cannot_be_built_stays_on_the_plain_engine(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(run: object) -> None:
        raise UnsupportedError("it does not want to")

    monkeypatch.setattr(FastEngine, "build", refuse)
    run = make(described())
    engine, _ = engine_for(run, build_later=queue.append)
    for _ in range(3):
        engine.run(run, 1)
        while queue:
            queue.pop()()
    assert engine.name == "eager"


def test_passes_are_plain_until_they_are_built(queue: Queue) -> None:
    run = make(described())
    EagerEngine().run(run, 5)
    compiled = CompiledPasses(run, build_later=queue.append)
    expected = PlainPasses(run).outputs(run.x_test)
    assert compiled._traced is None
    assert torch.equal(compiled.outputs(run.x_test), expected)
    queue.pop()()
    assert compiled._traced is not None
    assert torch.equal(compiled.outputs(run.x_test), expected)


def test_another_structure_of_known_kinds_compiles_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def network(width: int, name: str) -> Experiment:
        return experiment([layer("Linear", out_features=width), layer(name), layer("Linear")])

    def prepare(chosen: Experiment) -> str:
        run = make(chosen)
        engine, _ = engine_for(run)
        CompiledPasses(run).prepare()
        return engine.name

    if prepare(network(5, "Tanh")) != "native":
        pytest.skip("no native code here")

    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("something is compiled")

    monkeypatch.setattr(native, "VERDICTS", Verdicts(4, passed=True))
    monkeypatch.setattr(library, "_compile", refuse)
    monkeypatch.setattr(fast, "trace", refuse)
    monkeypatch.setattr(torch.jit, "trace", refuse)
    assert prepare(network(11, "ReLU")) == "native"
