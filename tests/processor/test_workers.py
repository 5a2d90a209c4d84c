"""The threads that compute for the sessions."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mlp_core.processor.policy import NICENESS, SWITCH_SECONDS
from mlp_core.processor.workers import Workers

LIMIT = 180
ROOT = Path(__file__).resolve().parents[2]


def workers_alive() -> int:
    return sum(thread.name == "mlp-compute" for thread in threading.enumerate())


def test_work_is_done_elsewhere_and_its_result_comes_back() -> None:
    workers = Workers(2, NICENESS)
    assert workers.run(threading.get_ident) != threading.get_ident()
    with pytest.raises(KeyError, match="lost"):
        workers.run(lambda: {}["lost"])
    assert workers.run(lambda: 1) == 1, "an error must not cost a worker"


@pytest.mark.skipif(not hasattr(os, "setpriority"), reason="this system has no priorities of processes")
def test_workers_have_a_lower_priority_than_whoever_asks() -> None:
    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    assert Workers(1, NICENESS).run(niceness) == min(19, niceness() + NICENESS) or niceness() > 0


def test_where_workers_run_nobody_keeps_the_gil_for_long() -> None:
    before = sys.getswitchinterval()
    try:
        for set_before, wanted in ((0.005, SWITCH_SECONDS), (SWITCH_SECONDS / 2, SWITCH_SECONDS / 2)):
            sys.setswitchinterval(set_before)
            assert Workers(1, NICENESS).run(sys.getswitchinterval) == pytest.approx(wanted)
    finally:
        sys.setswitchinterval(before)


def test_the_worker_that_has_just_worked_works_again() -> None:
    """Work never goes round, however quickly it is asked for."""
    workers = Workers(4, NICENESS)
    assert len({workers.run(threading.get_ident) for _ in range(200)}) == 1


def test_no_more_threads_than_allowed_and_none_after_a_while() -> None:
    workers, before = Workers(2, NICENESS, idle_seconds=0.01), workers_alive()
    at_work, most, lock = [0], [0], threading.Lock()
    gate = threading.Barrier(2)

    def work() -> None:
        with lock:
            at_work[0] += 1
            most[0] = max(most[0], at_work[0])
        gate.wait(LIMIT)  # two at once, or nobody goes on
        with lock:
            at_work[0] -= 1

    callers = [threading.Thread(target=workers.run, args=(work,)) for _ in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(LIMIT)
    assert most[0] == 2
    for thread in threading.enumerate():
        if thread.name == "mlp-compute" and workers_alive() > before:
            thread.join(LIMIT)
    assert workers_alive() <= before
    assert workers.run(lambda: "again") == "again"


def test_work_is_started_and_not_waited_for_while_a_worker_is_free() -> None:
    workers = Workers(1, NICENESS, idle_seconds=20)
    begun, go_on = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        assert go_on.wait(LIMIT)

    assert workers.start(work)
    assert begun.wait(LIMIT)
    assert not workers.start(work), "the only worker is at work"
    go_on.set()
    assert workers.run(lambda: 7) == 7


def test_queued_work_is_done_some_time_and_its_error_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    workers = Workers(1, NICENESS)
    go_on, done = threading.Event(), threading.Event()

    def fail() -> None:
        assert go_on.wait(LIMIT)
        raise KeyError("lost")

    workers.queue(fail)
    workers.queue(done.set)
    assert not done.is_set(), "the only worker is at work"
    go_on.set()
    assert done.wait(LIMIT)
    assert workers.run(lambda: 1) == 1
    assert "lost" in caplog.text


def test_what_is_at_work_ends_before_it_is_closed_and_nothing_else_begins() -> None:
    workers = Workers(1, NICENESS)
    at_work, goes_on, begun = threading.Event(), threading.Event(), []

    def work() -> None:
        at_work.set()
        goes_on.wait(LIMIT)

    workers.queue(work)
    assert at_work.wait(LIMIT)
    workers.queue(lambda: begun.append(1))
    assert not workers.close(0.01), "it is still at work"
    goes_on.set()
    assert workers.close(LIMIT)
    assert not begun
    with pytest.raises(RuntimeError, match="process ends"):
        workers.run(lambda: None)


def test_what_work_held_is_let_go_of_before_it_is_closed() -> None:
    """Letting go of tensors takes PyTorch, too."""
    workers, begins, released = Workers(1, NICENESS), threading.Event(), threading.Event()

    class Held:
        def __del__(self) -> None:
            released.wait(LIMIT)

    def start() -> None:
        held = Held()
        workers.queue(lambda: held and begins.wait(LIMIT) and None)

    start()
    begins.set()  # now the worker alone holds it
    assert not workers.close(0.05)
    released.set()
    assert workers.close(LIMIT)


def test_who_waits_in_the_queue_is_told_that_it_is_closed() -> None:
    workers, at_work, goes_on, told = Workers(1, NICENESS), threading.Event(), threading.Event(), []

    def work() -> None:
        at_work.set()
        goes_on.wait(LIMIT)

    def wait() -> None:
        try:
            workers.run(lambda: None)
        except RuntimeError as error:
            told.append(str(error))

    workers.queue(work)
    assert at_work.wait(LIMIT)
    waits = threading.Thread(target=wait)
    waits.start()
    while not workers._jobs:
        assert waits.is_alive()
    workers.close(0)
    waits.join(LIMIT)
    assert told
    goes_on.set()


ENDS_WHILE_SOMETHING_COMPUTES = {
    "in the background": """
import threading, torch
from mlp_core.processor import PROCESSOR
matrix, begun = torch.rand(1000, 1000), threading.Event()
def work():
    begun.set()
    for _ in range(20):
        matrix @ matrix
PROCESSOR.later(work)
begun.wait()
""",
    "a session": """
import torch
from mlp_core.presets import preset
from mlp_core.training.session import Session
sessions = [Session() for _ in range(4)]
for session in sessions:
    session.apply(preset("spiral").experiment)
    session.play()
assert sessions[0].wait(lambda snapshot: snapshot.step > 0, 120)
""",
}


@pytest.mark.parametrize("script", ENDS_WHILE_SOMETHING_COMPUTES.values(), ids=ENDS_WHILE_SOMETHING_COMPUTES)
def test_a_process_that_ends_while_something_computes_does_not_abort(script: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, text=True, timeout=LIMIT, cwd=ROOT
    )
    assert (done.returncode, done.stderr) == (0, "")
