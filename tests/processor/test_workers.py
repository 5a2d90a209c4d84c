"""The threads that compute for the sessions."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from mlp_core.processor.policy import NICENESS, SWITCH_SECONDS
from mlp_core.processor.workers import Workers

LIMIT = 20


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
    workers = Workers(1, NICENESS, idle_seconds=LIMIT)
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
