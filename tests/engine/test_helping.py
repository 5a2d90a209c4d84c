"""Steps that several threads share: the same numbers, and help only where it pays."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
import torch
from comparing import assert_same, assert_same_losses, experiment, layer, make

from mlp_core.engines.eager import EagerEngine
from mlp_core.engines.native import helping
from mlp_core.engines.native.engine import NativeEngine
from mlp_core.engines.native.functions import vector_width
from mlp_core.engines.native.helping import FIRST_PAUSE, LONGEST_PAUSE, Helping
from mlp_core.engines.native.program import Program
from mlp_core.engines.native.sharing import _DONE, _INSIDE
from mlp_core.engines.tracing import UnsupportedError
from mlp_core.processor import Processor
from mlp_core.processor.workers import Workers
from mlp_core.run.build import Run
from mlp_core.spec import OptimizerSpec

LIMIT = 180.0
PROCESSOR = Processor()

two_cores = pytest.mark.skipif(helping.THREADS == 1, reason="there is one core, so nobody can help")

try:
    WIDTH = vector_width()
except UnsupportedError as error:
    pytest.skip(f"no native code here: {error}", allow_module_level=True)


def wide(optimizer: str = "Adam", batch: int = 10, hidden: int = 400) -> Run:
    """A run with a layer of many weights."""
    described = experiment(
        [layer("Linear", out_features=hidden), layer("ReLU"), layer("Linear", out_features=hidden), layer("ReLU"),
         layer("Linear")],
        dataset="blobs16", points=200, batch_size=batch, optimizer=OptimizerSpec(type=optimizer),
    )  # fmt: skip
    return make(described)


def prepared(run: Run) -> tuple[NativeEngine, Program, np.ndarray]:
    """An engine for the run, its program, which has work for several threads, and its board."""
    engine = NativeEngine(PROCESSOR)
    engine.prepare(run)
    assert engine._prepared is not None
    program = engine._prepared.program
    assert program is not None
    assert program.shares
    return engine, program, program.board


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Help with every chunk, from workers of its own."""
    monkeypatch.setattr(PROCESSOR, "_workers", Workers(3, 0, idle_seconds=0.2))
    monkeypatch.setattr(Helping, "wanted", lambda _: True)


@two_cores
@pytest.mark.parametrize(("optimizer", "batch"), [("Adam", 10), ("SGD", 20), ("RMSprop", 40)])
def test_shared_steps_are_the_reference_engines_bit_for_bit(optimizer: str, batch: int, always: None) -> None:
    eager, native = wide(optimizer, batch), wide(optimizer, batch)
    engine, _, board = prepared(native)
    ends, helped = time.monotonic() + LIMIT, 0
    while not helped and time.monotonic() < ends:
        expected, result = EagerEngine().run(eager, 40), engine.run(native, 40)
        assert_same_losses(expected.losses, result.losses)
        assert_same(eager, native)
        helped = int(board[_DONE])  # parts of the last offer that were done by helpers
    assert helped, "no helper has done anything"


@two_cores
def test_a_helper_calculates_in_its_callers_way_and_leaves_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers below 1e-38 count as zero in a session's threads, but not in a plain one, as this helper is."""
    monkeypatch.setattr(Helping, "wanted", lambda _: False)
    eager, native = wide(), wide()
    engine, program, board = prepared(native)
    done, kept = threading.Event(), []

    def help_plainly() -> None:
        torch.set_num_threads(1)
        while not done.is_set():
            program.help(board.ctypes.data)
            kept.append(float(torch.tensor([1e-39]) * 0.5))

    thread = threading.Thread(target=help_plainly)
    thread.start()
    torch.set_flush_denormal(True)
    ends, helped = time.monotonic() + LIMIT, 0
    try:
        while helped < 20 and time.monotonic() < ends:
            for run in (eager, native):
                for state in run.optimizer.state.values():
                    state["exp_avg"].fill_(1.2e-38)  # fades below 1e-38 in a step, where a gradient is zero
            EagerEngine().run(eager, 1)
            engine.run(native, 1)
            assert_same(eager, native)
            helped += int(board[_DONE] > 0)
    finally:
        torch.set_flush_denormal(False)
        done.set()
        thread.join(LIMIT)
    assert helped, "the helper has done nothing"
    assert kept
    assert all(value > 0 for value in kept)


def test_a_helper_that_comes_when_nothing_runs_leaves_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Helping, "wanted", lambda _: False)  # or one of the trial's may still be on its way out
    _, program, board = prepared(wide())
    program.help(board.ctypes.data)
    assert board[_INSIDE] == 0


def test_small_networks_are_not_shared() -> None:
    run = make(experiment([layer("Linear", out_features=8), layer("Tanh"), layer("Linear")]))
    engine = NativeEngine(PROCESSOR)
    engine.prepare(run)
    assert engine._prepared is not None
    assert engine._prepared.program is not None
    assert not engine._prepared.program.shares


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def chunks(helping: Helping, clock: Clock, cost: dict[bool, float], seconds: float) -> float:
    """Run chunks of 100 steps for so long; gives the share of them that had help."""
    ends, ways = clock.now + seconds, []
    while clock.now < ends:
        ways.append(helping.wanted())
        took = 100 * cost[ways[-1]]
        clock.now += took
        helping.measured(ways[-1], took, 100)
    return sum(ways) / len(ways)


def test_the_faster_way_is_found_kept_and_left() -> None:
    clock = Clock()
    helping = Helping(PROCESSOR, clock)
    assert helping.wanted(), "help comes first"
    assert chunks(helping, clock, {True: 0.0005, False: 0.0008}, 60.0) > 0.95
    assert chunks(helping, clock, {True: 0.0020, False: 0.0008}, 60.0) < 0.05, "somebody else uses the other core"
    chunks(helping, clock, {True: 0.0005, False: 0.0008}, LONGEST_PAUSE)
    assert chunks(helping, clock, {True: 0.0005, False: 0.0008}, 60.0) > 0.95, "the core is free again"


def test_one_disturbed_chunk_changes_nothing() -> None:
    clock = Clock()
    helping = Helping(PROCESSOR, clock)
    chunks(helping, clock, {True: 0.0005, False: 0.0008}, 5.0)
    clock.now = helping._again_at - FIRST_PAUSE / 2  # the other way is not due
    helping.measured(True, 0.5, 100)
    assert helping.wanted()
    helping.measured(True, 0.5, 100)
    clock.now += FIRST_PAUSE / 2
    assert not helping.wanted()


def test_chunks_too_short_to_be_measured_do_not_count() -> None:
    helping = Helping(PROCESSOR, Clock())
    for _ in range(10):
        helping.measured(True, 0.001, 1)
    assert helping.wanted()
