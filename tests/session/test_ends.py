"""What ends a session's thread: a lost lease, nobody who looks, and closing."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import pytest
from waiting import LIMIT, at_rest, experiment, until, until_step

from mlp_core.training import lease as lease_module
from mlp_core.training.lease import Lease
from mlp_core.training.session import Session


def test_a_lost_lease_ends_the_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease_module, "LOST_LEASE_SECONDS", 0.0)
    lease = Lease()
    session = Session(tmp_path, lease=lease)
    session.apply(experiment())
    session.play()
    until_step(session, 20)
    lease.lose()
    snapshot = at_rest(session)
    assert snapshot.status == "ready"
    session.play()
    assert until_step(session, snapshot.step + 20).generation == snapshot.generation, "the run is kept"
    assert session.close(LIMIT)


def test_a_lease_ends_all_runs_of_a_browser(tmp_path: Path) -> None:
    lease = Lease(seconds=0.05)
    sessions = [Session(tmp_path, lease=lease) for _ in range(2)]
    for session in sessions:
        session.apply(experiment())
        session.play()
    for session in sessions:
        assert at_rest(session).status == "ready"
        assert session.close(LIMIT)


def test_a_session_without_a_lease_goes_on(session: Session) -> None:
    session.apply(experiment(epochs=50))
    session.play()
    assert until(session, "finished").epoch == 50


def test_any_sign_of_the_browser_prolongs_the_lease(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr(lease_module.time, "monotonic", lambda: clock[0])
    lease = Lease()
    session = Session(tmp_path, lease=lease)
    lease.lose()
    clock[0] += lease_module.LOST_LEASE_SECONDS
    assert not lease.holds
    for sign in (lease.renew, lambda: session.request_views([]), session.play):
        clock[0] += lease_module.LEASE_SECONDS + 1
        assert not lease.holds
        sign()
        assert lease.holds


def test_close_ends_the_thread_and_drops_the_run(tmp_path: Path) -> None:
    session = Session(tmp_path)
    session.apply(experiment())
    session.play()
    until_step(session, 20)
    thread = session._driver.thread
    assert session.close(LIMIT)
    assert thread is None or not thread.is_alive()
    assert session.snapshot().curves(10) is None
    assert session.snapshot().status != "running"
    for press in (session.play, session.step, session.reset, session.pause, session.download):
        press()
        assert session._driver.thread is None
    session.apply(experiment("xor"))
    session.request_views(["weights"])
    assert session._driver.thread is None
    assert session.close(LIMIT)


def test_close_before_anything(tmp_path: Path) -> None:
    assert Session(tmp_path).close()


def test_a_run_that_was_given_up_is_freed_without_the_garbage_collector(session: Session) -> None:
    """A class that edits large networks would fill the memory before that comes."""
    gc.disable()
    try:
        session.apply(experiment())
        session.play()
        until_step(session, 1)
        assert session._mail.trainer is not None
        given_up = weakref.ref(session._mail.trainer.run)
        for name in ("xor", "circle"):
            session.apply(experiment(name))
            assert session.wait(lambda now, name=name: now.experiment == experiment(name) and now.step > 0, LIMIT)
        assert given_up() is None
    finally:
        gc.enable()


def test_what_was_under_way_when_the_connection_was_lost_is_no_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(lease_module.time, "monotonic", lambda: clock[0])
    lease = Lease()
    lease.lose()
    clock[0] += lease_module.STRAGGLER_SECONDS / 2
    lease.renew()
    clock[0] += lease_module.LOST_LEASE_SECONDS
    assert not lease.holds, "nobody has come back"
    lease.lose()
    lease.regain()
    clock[0] += lease_module.LEASE_SECONDS - 1
    assert lease.holds, "somebody has, at once"
    lease.renew()
    clock[0] += lease_module.LEASE_SECONDS - 1
    assert lease.holds
