"""A chunk runs without the interpreter lock, and a network of one structure is built once."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator

import pytest
import torch
from comparing import assert_same, experiment, layer, make

from mlp_core.engines import fast as module
from mlp_core.engines.cache import BuildCache
from mlp_core.engines.eager import EagerEngine
from mlp_core.engines.fast import FastEngine
from mlp_core.engines.native.engine import NativeEngine
from mlp_core.engines.tracing import UnsupportedError
from mlp_core.run.nogil import copies
from mlp_core.spec import OptimizerSpec

PATIENCE = 60.0
"""Seconds until a chunk that waits for the lock counts as stuck."""


@pytest.fixture
def never_switch() -> Iterator[None]:
    """No thread is made to hand the interpreter lock over: it keeps the lock until it waits or lets it go."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(10 * PATIENCE)
    yield
    sys.setswitchinterval(before)


@pytest.mark.parametrize("dropout", [False, True])
def test_a_chunk_completes_while_another_thread_keeps_the_lock(never_switch: None, dropout: bool) -> None:
    """The other thread watches, by reading memory alone, the optimizer's step counter that a chunk writes last."""
    layers = [layer("Linear", out_features=8), layer("Dropout" if dropout else "Tanh"), layer("Linear")]
    run, engine = make(experiment(layers, optimizer=OptimizerSpec(type="Adam"))), FastEngine()
    engine.run(run, 1)
    counter = run.optimizer.state[next(run.model.parameters())]["step"].numpy()
    begins = threading.Event()

    def train() -> None:
        begins.set()
        engine.run(run, 500)

    thread = threading.Thread(target=train)
    thread.start()
    begins.wait()  # the thread goes on with the lock until its chunk lets it go, and only then is this one here
    deadline = time.monotonic() + PATIENCE
    while counter[()] != 501 and time.monotonic() < deadline:
        pass
    steps = counter[()]
    thread.join()
    assert steps == 501
    assert run.position.step == 501


def test_native_steps_complete_while_another_thread_keeps_the_lock(never_switch: None) -> None:
    """The other thread watches the step counter in the numbers that a native chunk is given."""
    layers = [layer("Linear", out_features=8), layer("Tanh"), layer("Linear")]
    run, engine = make(experiment(layers, optimizer=OptimizerSpec(type="Adam"))), NativeEngine()
    try:
        engine.run(run, 1)
    except UnsupportedError as error:
        pytest.skip(f"no native code here: {error}")
    assert engine._prepared is not None
    assert engine._prepared.program is not None
    numbers, begins = engine._prepared.program.numbers, threading.Event()

    def train() -> None:
        begins.set()
        engine.run(run, 5000)

    thread = threading.Thread(target=train)
    thread.start()
    begins.wait()
    deadline = time.monotonic() + PATIENCE
    while numbers[-1] != 5001 and time.monotonic() < deadline:
        pass
    steps = numbers[-1]
    thread.join()
    assert steps == 5001


def test_threads_with_the_same_network_build_it_once_and_get_the_same_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    programs = BuildCache(4)
    monkeypatch.setattr(module, "PROGRAMS", programs)
    built = []
    trace = module.trace

    def counting(run: module.Run, size: int) -> torch.fx.GraphModule:
        built.append(size)
        return trace(run, size)

    monkeypatch.setattr(module, "trace", counting)
    described = experiment([layer("Linear", out_features=6), layer("Dropout"), layer("BatchNorm1d"), layer("Linear")],
                           batch_size=10)  # fmt: skip
    runs = [make(described) for _ in range(6)]
    start = threading.Barrier(len(runs))
    failed = []

    def train(run: module.Run) -> None:
        try:
            engine = FastEngine()
            start.wait()
            for _ in range(8):
                engine.run(run, 100)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=train, args=(run,)) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert sorted(built) == [5, 10]
    expected = make(described)
    EagerEngine().run(expected, 800)
    for run in runs:
        assert_same(expected, run)


def test_copies_are_detached_and_of_their_own(never_switch: None) -> None:
    originals = [
        torch.ones(2, requires_grad=True),
        torch.zeros((), dtype=torch.int64),
        torch.arange(6.0).view(2, 3).t(),
    ]
    made = copies(originals)
    for original, copy in zip(originals, made, strict=True):
        assert torch.equal(original, copy)
        assert (original.dtype, original.stride()) == (copy.dtype, copy.stride())
        assert not copy.requires_grad
        assert original.data_ptr() != copy.data_ptr()
        copy.add_(1)  # an ordinary tensor, which may be changed
    assert copies([]) == []


def test_programs_are_kept_by_structure_and_the_oldest_dropped() -> None:
    programs = BuildCache(2)
    built: list[str] = []

    def get(key: str) -> object:
        return programs.get(key, lambda: built.append(key) or key)  # type: ignore[arg-type,func-returns-value,return-value]

    for key in ("a", "b", "a", "c", "a", "b"):
        assert get(key) == key
    assert built == ["a", "b", "c", "b"]
