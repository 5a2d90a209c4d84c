"""What ends a session's thread: a lost lease, nobody who looks, and closing."""

from __future__ import annotations

from pathlib import Path

import pytest
from waiting import LIMIT, at_rest, experiment, until_step

from mlp_core.training import control as control_module
from mlp_core.training.session import Session


def test_a_lost_lease_ends_the_thread(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_module, "LOST_LEASE_SECONDS", 0.0)
    session.apply(experiment())
    session.play()
    until_step(session, 20)
    session.lease_lost()
    snapshot = at_rest(session)
    assert snapshot.status == "ready"
    session.play()
    assert until_step(session, snapshot.step + 20).generation == snapshot.generation, "the run is kept"


def test_nobody_looking_ends_the_thread(tmp_path: Path) -> None:
    session = Session(tmp_path, lease_seconds=0.05)
    session.apply(experiment())
    session.play()
    assert at_rest(session).status == "ready"
    assert session.close(LIMIT)


def test_looking_prolongs_the_lease(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr(control_module.time, "monotonic", lambda: clock[0])
    session._lease_ends = clock[0] + control_module.LEASE_SECONDS
    session.lease_lost()
    assert session._lease_ends == clock[0] + control_module.LOST_LEASE_SECONDS
    session.watch([])
    assert session._lease_ends == clock[0] + control_module.LEASE_SECONDS
    clock[0] += control_module.LEASE_SECONDS + 1
    assert not session._leased()
    session.play()
    assert session._leased()


def test_close_ends_the_thread_and_drops_the_run(tmp_path: Path) -> None:
    session = Session(tmp_path)
    session.apply(experiment())
    session.play()
    until_step(session, 20)
    thread = session._thread
    assert session.close(LIMIT)
    assert thread is None or not thread.is_alive()
    assert session.curves(10) is None
    assert session.snapshot().status != "running"
    for press in (session.play, session.step, session.reset, session.pause, session.download):
        press()
        assert session._thread is None
    session.apply(experiment("xor"))
    session.watch(["weights"])
    assert session._thread is None
    assert session.close(LIMIT)


def test_close_before_anything(tmp_path: Path) -> None:
    assert Session(tmp_path).close()
