"""A session shows earlier moments of its run, goes on from them as forks, and goes back from a loss that broke."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from waiting import LIMIT, at_rest, until
from waiting import experiment as chosen

from mlp_core.errors import SpecError
from mlp_core.spec import Experiment
from mlp_core.training.session import Session


def experiment(name: str = "spiral", **changes: Any) -> Experiment:
    """One whose epochs have twenty steps."""
    return chosen(name, **{"batch_size": 10, **changes})


def epochs(session: Session, count: int) -> None:
    for _ in range(count):
        session.step_epoch()
        at_rest(session)


def test_every_view_is_of_the_moment_that_is_looked_at(session: Session) -> None:
    session.apply(experiment())
    assert session.look_at(10) is None, "there is no run yet"
    assert until(session, "ready").checkpoints == (0,)
    session.request_views(["boundary", "weights"])
    epochs(session, 3)
    now = at_rest(session)
    assert now.checkpoints[-1] == 60
    assert not now.looks_back
    assert session.look_at(45) in now.checkpoints
    assert session.look_at(20) == 20
    back = at_rest(session)
    assert (back.step, back.epoch, back.run_step, back.looks_back, back.status) == (20, 1, 60, True, "ready")
    assert {name: view.step for name, view in back.views.items()} == {"boundary": 20, "weights": 20}
    assert back.test_loss != now.test_loss
    assert back.run == now.run
    weights = session.weights("current", LIMIT)
    assert weights is not None
    assert weights.step == 20
    assert session.look_at(None) is None
    again = at_rest(session)
    assert (again.step, again.test_loss, again.train_loss) == (now.step, now.test_loss, now.train_loss)
    session.look_at(20)
    at_rest(session)
    epochs(session, 1)
    assert (at_rest(session).step, at_rest(session).looks_back) == (80, False), "it trains on from now"


def test_looking_pauses_and_playing_comes_back_to_now(session: Session) -> None:
    session.apply(experiment(epochs=None))
    session.play()
    assert session.wait(lambda now: now.status == "running" and len(now.checkpoints) > 2, LIMIT)
    session.look_at(1)
    back = at_rest(session)
    assert back.status == "ready"
    assert back.looks_back
    session.play()
    assert session.wait(lambda now: now.step > back.run_step, LIMIT)
    session.pause()
    assert not at_rest(session).looks_back


def test_a_target_is_counted_from_now(session: Session) -> None:
    session.apply(experiment(epochs=2))
    session.play()
    until(session, "finished")
    at_rest(session)
    session.look_at(0)
    session.play()
    assert session.wait(lambda now: now.epoch == 4 and now.status == "finished", LIMIT), session.snapshot()


def test_a_fork_is_the_original_continuation_and_keeps_its_curves(session: Session) -> None:
    session.apply(experiment())
    epochs(session, 4)
    original, weights, run = session.record(), session.weights("current", LIMIT), session.snapshot().run
    assert session.fork(20) == 20
    made = at_rest(session)
    assert (made.step, made.run_step, made.status) == (20, 20, "ready")
    assert made.run != run
    assert made.origin is not None
    assert (made.origin.run, made.origin.step) == (run, 20)
    assert made.checkpoints[-1] == 20
    assert made.curves(10**6).train_loss.steps[-1] == 20  # type: ignore[union-attr]
    assert made.origin_curves(10**6).train_loss.steps[-1] == 80  # type: ignore[union-attr]
    epochs(session, 3)
    again, record = session.weights("current", LIMIT), session.record()
    assert weights is not None
    assert again is not None
    assert all(torch.equal(value, again.tensors[name]) for name, value in weights.tensors.items())
    assert original is not None
    assert record is not None
    assert record.last == original.last
    assert record.inexact == original.inexact == ()
    session.reset()
    assert until(session, "ready").origin is None


def test_a_fork_may_have_other_live_settings_and_nothing_else(session: Session) -> None:
    session.apply(experiment())
    epochs(session, 2)
    with pytest.raises(SpecError, match="run of its own"):
        session.fork(20, experiment("moons"))
    slower = experiment(rate=0.001)
    assert session.fork(20, slower) == 20
    assert session.experiment == slower
    epochs(session, 1)
    record = session.record()
    assert record is not None
    assert [(change.step, change.setting, change.after) for change in record.changes] == [(20, "optimizer.lr", 0.001)]
    assert record.inexact == ("Its learning rate was changed by hand while it was trained.",)


def test_a_weight_that_is_set_in_the_past_makes_a_fork(session: Session) -> None:
    session.apply(experiment())
    epochs(session, 2)
    run = session.snapshot().run
    session.look_at(20)
    at_rest(session)
    session.set_weight((0,), (0, 0), 0.25)
    made = at_rest(session)
    assert made.run != run
    assert (made.step, made.looks_back) == (20, False)
    found = session.weights("current", LIMIT)
    assert found is not None
    assert float(found.tensors["0.weight"][0, 0]) == 0.25


def test_back_from_a_loss_that_broke(session: Session) -> None:
    session.apply(experiment())
    assert session.go_back() is None
    until(session, "ready")
    epochs(session, 2)
    session.apply(experiment(rate=1e10, epochs=4))
    session.play()
    broken = until(session, "diverged")
    at_rest(session)
    slower = session.go_back(1e-13)
    assert slower == session.experiment
    assert slower is not None
    assert slower.optimizer.params["lr"] == pytest.approx(1e-3)
    finished = until(session, "finished")
    assert finished.run != broken.run
    assert finished.origin is not None
    assert 20 <= finished.origin.step <= broken.step
    assert finished.epoch == 4
    assert finished.train_loss is not None
    assert finished.train_loss < 1
    assert at_rest(session).status == "finished"


def test_without_checkpoints_the_run_itself_goes_on(session: Session) -> None:
    session.apply(experiment())
    until(session, "ready")
    trainer = session._mail.trainer
    assert trainer is not None
    trainer.timeline._most_bytes = 10
    epochs(session, 1)
    now = at_rest(session)
    assert now.checkpoints == ()
    assert now.no_checkpoints
    assert session.look_at(0) is None
    assert session.fork(0) is None
    session.apply(experiment(rate=1e10, epochs=3))
    session.play()
    broken = until(session, "diverged")
    session.go_back(1e-13)
    finished = until(session, "finished")
    assert finished.run == broken.run
    assert finished.epoch == 3
