"""Sessions beside one another: each has its turns, and none sees the others."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from waiting import LIMIT, at_rest, experiment, losses, until, until_step

from mlp_core.processor import PROCESSOR, Priority, Turn
from mlp_core.processor.policy import cores
from mlp_core.training import driver as driver_module
from mlp_core.training.mailbox import Mailbox
from mlp_core.training.session import Session


def test_a_run_that_was_just_started_does_not_wait_behind_the_others(tmp_path: Path) -> None:
    """And its first turn is a whole one: the page shows many steps at once."""
    others = [Session(tmp_path) for _ in range(2 * cores() + 2)]
    asked = []

    def noted(ask: Callable[[Priority], Turn]) -> Callable[[Priority], Turn]:
        def note(priority: Priority = Priority.WATCHED) -> Turn:
            asked.append((threading.current_thread(), priority == Priority.PRESSED))
            return ask(priority)

        return note

    with pytest.MonkeyPatch.context() as patch:
        for turns in (PROCESSOR.preparations, PROCESSOR.turns):
            patch.setattr(turns, "ask", noted(turns.ask))
        for other in others:
            other.play()  # before there is anything to train, so that one thread does it all
            other.apply(experiment())
        for other in others:
            until_step(other, 2000)
    for thread in {thread for thread, _ in asked}:
        urgent = [urgency for owner, urgency in asked if owner is thread]
        assert urgent[:2] == [True, True], "preparing, then the first chunk"
        assert True not in urgent[2:]
    for other in others:
        assert other.close(LIMIT)


def test_the_first_turn_of_a_run_is_many_steps(session: Session) -> None:
    session.apply(experiment())
    session.play()
    until_step(session, 1)  # the engine is built, which takes longer than a turn
    session.reset()
    at_rest(session)
    steps: list[int] = []
    publish = Mailbox.publish

    def note(self: Mailbox, *arguments: Any) -> None:
        publish(self, *arguments)
        steps.append(self.snapshot.step)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Mailbox, "publish", note)
        # A clock of its own: on a busy machine one step may take as long as a turn.
        clock = itertools.count(1000.0, 0.001)
        patch.setattr(driver_module, "time", SimpleNamespace(monotonic=lambda: next(clock)))
        session.play()
        until_step(session, 100)
    assert next(step for step in steps if step) > 1


def test_two_sessions_do_not_see_each_other(session: Session, tmp_path: Path) -> None:
    other = Session(tmp_path)
    session.apply(experiment(epochs=5))
    session.play()
    alone = until(session, "finished")
    expected = losses(session)
    session.reset()
    other.apply(experiment("plane"))
    other.play()
    session.play()
    both = until(session, "finished")
    assert np.array_equal(losses(session), expected)
    assert both.test_loss == alone.test_loss
    other.pause()
    assert at_rest(other).test_accuracy is None
    assert other.experiment == experiment("plane")
    other.reset()
    assert until(other, "ready").step == 0
    assert session.snapshot().step == 100
    assert other.close(LIMIT)
    session.play()
    until_step(session, 150)


def test_ten_sessions_train_at_once_and_all_advance(tmp_path: Path) -> None:
    sessions = [Session(tmp_path) for _ in range(10)]
    for seed, made in enumerate(sessions):
        made.apply(experiment(seed=seed))
        made.play()
    for _ in range(2):
        for made in sessions:
            until_step(made, made.snapshot().step + 20)
    assert all(made.snapshot().status == "running" for made in sessions)
    assert len({made.snapshot().test_loss for made in sessions}) > 5
    for made in sessions:
        made.close()
    assert all(made.close(LIMIT) for made in sessions)


def test_a_run_is_prepared_while_others_have_all_turns(session: Session) -> None:
    """What the page shows until its first steps is the run before, as one that goes on."""
    session.apply(experiment())
    at_rest(session)
    before = session.snapshot().run
    turns = [PROCESSOR.turns.ask() for _ in range(PROCESSOR.cores)]
    try:
        session.play()
        session.apply(experiment("xor"))
        assert session.wait(lambda _: session._mail.up_to_date, LIMIT)
        waiting = session.snapshot()
        assert (waiting.status, waiting.trains, waiting.run) == ("preparing", True, before)
    finally:
        for turn in turns:
            turn.end()
    assert until_step(session, 1).run != before


def test_a_run_that_is_paused_before_its_first_steps_is_ready(session: Session) -> None:
    session.apply(experiment())
    at_rest(session)
    turns = [PROCESSOR.turns.ask() for _ in range(PROCESSOR.cores)]
    try:
        session.play()
        session.apply(experiment("xor"))
        assert session.wait(lambda _: session._mail.up_to_date, LIMIT)
        session.pause()
    finally:
        for turn in turns:
            turn.end()
    shown = at_rest(session)
    assert (shown.status, shown.step) == ("ready", 0)
    assert shown.experiment == experiment("xor")
