"""Many sessions in one process: they take turns, come and go in any order, and leave nothing behind."""

from __future__ import annotations

import gc
import random
import threading
import weakref
from collections.abc import Callable, Iterator

import pytest

from mlp_core.presets import PRESETS
from mlp_core.training.session import Session

LIMIT = 180
SPIRAL = PRESETS["spiral"].experiment
AT_REST = ("ready", "finished")


def training_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "mlp-training"]


def opened() -> Session:
    session = Session()
    session.apply(SPIRAL)
    return session


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    yield
    for thread in training_threads():
        thread.join(LIMIT)
    assert not training_threads()


def test_all_of_thirty_sessions_advance_and_each_pauses_while_the_others_train() -> None:
    sessions = [opened() for _ in range(30)]
    try:
        for session in sessions:
            session.play()
        for session in sessions:
            assert session.wait(lambda snapshot: snapshot.step > 0, LIMIT), "everybody has a turn"
        assert any(session.snapshot().others for session in sessions), "a page can say that they share"
        for session in sessions[:5]:
            session.pause()
            assert session.wait(lambda snapshot: snapshot.status in AT_REST, LIMIT)
            stopped = session.snapshot().step
            neighbour = sessions[-1].snapshot().step
            assert sessions[-1].wait(lambda snapshot, past=neighbour: snapshot.step > past, LIMIT)
            assert session.snapshot().step == stopped
    finally:
        assert all(session.close(timeout=LIMIT) for session in sessions)


@pytest.mark.parametrize("seed", range(4))
def test_any_order_of_presses_leaves_every_session_usable(seed: int) -> None:
    choose = random.Random(seed)
    sessions = [opened() for _ in range(6)]
    presses: list[Callable[[Session], object]] = [
        Session.play, Session.pause, Session.step, Session.step_epoch, Session.reset,
        lambda session: session.request_views(["weights", "boundary"]),
        lambda session: session.weights("current", 0.05),
        lambda session: session.set_speed(choose.choice([None, 100.0])),
    ]  # fmt: skip
    try:
        for _ in range(120):
            place = choose.randrange(len(sessions))
            if choose.random() < 0.1:  # killed, and another one comes in its place
                sessions[place].close()
                sessions[place] = opened()
            else:
                choose.choice(presses)(sessions[place])
        for session in sessions:
            session.pause()
            assert session.wait(lambda snapshot: snapshot.status in AT_REST, LIMIT), session.snapshot().status
            before = session.snapshot().step
            session.step()
            assert session.wait(lambda snapshot, past=before: snapshot.step == past + 1, LIMIT)
    finally:
        assert all(session.close(timeout=LIMIT) for session in sessions)


def test_forty_sessions_opened_and_closed_leave_no_run_behind() -> None:
    runs = []
    for _ in range(40):
        session = opened()
        session.play()
        assert session.wait(lambda snapshot: snapshot.step > 0, LIMIT)
        runs.append(weakref.ref(session._mail.trainer.run))  # type: ignore[union-attr]
        assert session.close(timeout=LIMIT)
        del session
    gc.collect()
    assert sum(run() is not None for run in runs) <= 1, "a worker may still hold the very last"
