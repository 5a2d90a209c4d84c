"""A weight that is set by hand, in a run that stands still and in one that trains."""

from __future__ import annotations

import pytest
from waiting import LIMIT, at_rest, experiment, until, until_step

from mlp_core.training.recorder import WEIGHT_SET
from mlp_core.training.session import Session


def weight_of(session: Session, name: str, *index: int) -> float:
    found = session.weights("current", LIMIT)
    assert found is not None
    return float(found.tensors[name][index])


def test_a_run_that_stands_still_shows_it_at_once(session: Session) -> None:
    session.apply(experiment())
    before = until(session, "ready")
    session.request_views(["neurons", "boundary"])
    session.set_weight((0,), (3, 1), 2.5)
    session.set_weight((2,), (7,), -1.25)
    after = at_rest(session)
    assert after.status == "ready"
    assert weight_of(session, "0.weight", 3, 1) == 2.5
    assert weight_of(session, "2.bias", 7) == -1.25
    assert after.test_loss != before.test_loss
    assert after.generation == before.generation
    neurons = after.view("neurons")
    assert neurons is not None
    assert neurons["columns"][1]["weights"][3, 1] == 2.5
    assert WEIGHT_SET in after.inexact
    record = session.record()
    assert record is not None
    changes = [(change.setting, change.after) for change in record.changes]
    assert changes == [("0.weight[3][1]", 2.5), ("2.bias[7]", -1.25)]


def test_a_run_that_trains_goes_on_from_there(session: Session) -> None:
    session.apply(experiment(rate=1e-9))
    session.play()
    running = until_step(session, 50)
    session.set_weight((0,), (0, 0), 9.0)
    assert session.wait(lambda now: WEIGHT_SET in now.inexact, LIMIT)
    assert until_step(session, session.snapshot().step + 50).generation == running.generation
    session.pause()
    at_rest(session)
    assert weight_of(session, "0.weight", 0, 0) == pytest.approx(9.0, abs=1e-3)


def test_what_the_network_has_not_is_passed_over(session: Session) -> None:
    session.apply(experiment())
    until(session, "ready")
    for path, index in (((9,), (0, 0)), ((0,), (8, 0)), ((0,), (0, 2)), ((1,), (0, 0)), ((0,), (0, 0, 0)), ((0,), ())):
        session.set_weight(path, index, 1.0)
    assert at_rest(session).inexact == ()


def test_a_new_run_does_not_get_it(session: Session) -> None:
    session.apply(experiment())
    until(session, "ready")
    first = weight_of(session, "0.weight", 0, 0)
    session.set_weight((0,), (0, 0), 5.0)
    at_rest(session)
    session.reset()
    until(session, "ready")
    assert weight_of(session, "0.weight", 0, 0) == first
    assert at_rest(session).inexact == ()
