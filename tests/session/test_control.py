"""Every button alone: play, pause and step, from a new session to the end of its epochs."""

from __future__ import annotations

import threading

import pytest
from waiting import LIMIT, at_rest, experiment, losses, until, until_step

from mlp_core.training.driver import Driver
from mlp_core.training.session import Session


def test_a_new_session_has_nothing_and_says_so(session: Session) -> None:
    assert session.experiment is None
    assert session.snapshot().dataset is None
    assert session.snapshot().curves(100) is None
    assert session.snapshot().status == "preparing"
    session.pause()
    session.reset()
    session.request_views(["weights"])
    session.cancel_download()
    assert session._driver.thread is None, "there is nothing to work on"


def test_prepares_then_waits_without_a_thread(session: Session) -> None:
    session.apply(experiment())
    snapshot = until(session, "ready")
    assert (snapshot.step, snapshot.epoch, snapshot.batch) == (0, 0, 0)
    assert snapshot.batches_per_epoch == 20
    assert snapshot.train_loss is None
    assert snapshot.test_loss is not None
    assert snapshot.confusion is not None
    assert snapshot.confusion.sum() == 200
    assert snapshot.learning_rate == 0.03
    assert snapshot.device == "CPU"
    assert "cpu" in snapshot.devices
    assert snapshot.engine
    assert not snapshot.busy
    assert session.experiment == experiment()
    assert session.snapshot().dataset is not None
    assert session.snapshot().dataset.spec == experiment().data
    at_rest(session)
    assert session._driver.thread is None


def test_play_pause_play(session: Session) -> None:
    session.apply(experiment())
    session.play()
    assert until_step(session, 50).status in ("running", "pausing")
    assert session.snapshot().busy
    session.pause()
    assert session.snapshot().status != "running"
    paused = at_rest(session)
    assert paused.status == "ready"
    assert len(losses(session)) > 0
    curves = session.snapshot().curves(10**6)
    assert curves is not None
    assert curves.train_loss.steps[-1] == paused.step == curves.evaluations[-1][0]
    session.play()
    again = until_step(session, paused.step + 1)
    assert again.generation == paused.generation


def test_step_is_one_batch_and_epoch_ends_at_the_epoch(session: Session) -> None:
    session.apply(experiment())
    until(session, "ready")
    for expected in (1, 2, 3):
        session.step()
        assert at_rest(session).step == expected
    session.step_epoch()
    snapshot = at_rest(session)
    assert (snapshot.step, snapshot.epoch, snapshot.batch, snapshot.status) == (20, 1, 0, "ready")
    session.step_epoch()
    assert at_rest(session).step == 40
    assert session.wait(lambda s: s.test_loss is not None, LIMIT)
    assert len(losses(session)) == 40


def test_step_while_preparing_is_one_batch(session: Session) -> None:
    session.apply(experiment())
    session.step()
    at_rest(session)
    assert session.snapshot().step == 1


def test_finish_and_play_for_as_many_more(session: Session) -> None:
    session.apply(experiment(epochs=2))
    session.play()
    snapshot = until(session, "finished")
    assert snapshot.epoch == 2
    assert "Finished 2 epochs" in snapshot.message
    session.play()
    assert session.wait(lambda s: s.status == "finished" and s.epoch == 4, LIMIT)


def test_pause_just_as_the_thread_begins_to_train(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    train = Driver._train

    def pause_first(self: Driver) -> None:
        session.pause()
        train(self)

    session.apply(experiment())
    until(session, "ready")
    at_rest(session)
    monkeypatch.setattr(Driver, "_train", pause_first)
    session.play()
    snapshot = at_rest(session)
    assert snapshot.status == "ready"
    assert snapshot.step == 0


def test_what_is_prepared_tells_whether_it_will_train_then(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the buttons need not change twice while new weights are drawn."""
    go_on = threading.Event()
    prepare = Driver._prepare

    def wait_first(self: Driver) -> None:
        assert go_on.wait(LIMIT)
        prepare(self)

    monkeypatch.setattr(Driver, "_prepare", wait_first)
    session.apply(experiment())
    assert not session.snapshot().trains
    session.play()
    assert session.snapshot().trains
    session.pause()
    assert not session.snapshot().trains
    session.play()
    session.apply(experiment(seed=1))
    assert (session.snapshot().status, session.snapshot().trains) == ("preparing", True)
    session.reset()
    assert not session.snapshot().trains
    session.play()
    go_on.set()
    assert until(session, "running").trains
    session.pause()
    assert not session.snapshot().trains
