"""Slow motion is obeyed at once, and can be left at once."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import pytest
from waiting import LIMIT, at_rest, experiment, until, until_step

from mlp_core.training import driver as driver_module
from mlp_core.training.loop import LoopState
from mlp_core.training.session import Session


def loop_of(session: Session) -> LoopState:
    assert session._mail.trainer is not None
    return session._mail.trainer.loop


def short_chunks(session: Session) -> None:
    """Wait until chunks are of one step; a session tells nobody of that, so it is looked at again and again."""
    pause, ends = threading.Event(), time.monotonic() + LIMIT
    while loop_of(session).chunk_steps > 1:
        assert time.monotonic() < ends, session.snapshot()
        pause.wait(0.01)


def test_slow_motion_is_obeyed_at_once_and_can_be_left_at_once(session: Session) -> None:
    session.apply(experiment())
    session.play()
    until_step(session, 500)  # chunks are long now
    session.set_speed(0.001)  # a step takes a quarter of an hour
    short_chunks(session)
    session.pause()
    slow = at_rest(session).step
    session.set_speed(40.0)
    session.play()
    until_step(session, slow + 12)  # ends within the limit only if nobody waits for a long chunk's steps
    assert loop_of(session).chunk_steps <= 16
    session.set_speed(0.001)
    session.set_speed(None)
    until_step(session, session.snapshot().step + 200)


def test_a_chunk_begun_at_full_speed_is_not_waited_for_in_full(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.apply(experiment())
    until(session, "ready")
    at_rest(session)
    mail, waited = session._mail, []
    assert mail.trainer is not None

    def rest(seconds: float) -> None:
        waited.append(seconds)
        mail.orders.steps_per_second = None

    monkeypatch.setattr(mail, "rest", rest)
    mail.orders.steps_per_second = 1.0
    session._driver._throttle(time.monotonic(), 500, mail.trainer, None)
    assert len(waited) == 1
    assert waited[0] <= 1.0
    assert loop_of(session).chunk_steps == 1
    monkeypatch.undo()


def test_what_a_run_had_to_wait_for_others_it_rests_less(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    session.apply(experiment())
    until(session, "ready")
    at_rest(session)
    mail, waited = session._mail, []
    trainer = mail.trainer
    assert trainer is not None

    def rest(seconds: float) -> None:
        waited.append(seconds)
        mail.orders.goal = "play"  # the loop ends

    now = 1000.0
    monkeypatch.setattr(driver_module, "time", SimpleNamespace(monotonic=lambda: now))  # it stands
    monkeypatch.setattr(mail, "rest", rest)
    mail.orders.steps_per_second = 10.0
    late = session._driver._throttle(now - 0.3, 1, trainer, None)
    assert late == pytest.approx(now - 0.2), "when its next steps were due, though that is over"
    assert waited == []
    assert session._driver._throttle(now, 1, trainer, None) == pytest.approx(now + 0.1)
    assert waited == [pytest.approx(0.1)]
    mail.orders.steps_per_second = mail.orders.goal = None
    assert session._driver._throttle(now - 9, 1, trainer, None) >= now, "at full speed nothing is made up for"
    monkeypatch.undo()
