"""Early stopping in a session: the numbers of the loop, the weights of the best epoch, and what is said of it."""

from __future__ import annotations

import pytest
import torch
from waiting import LIMIT, at_rest, experiment, losses, until

from mlp_core import data
from mlp_core.spec import Experiment
from mlp_core.training.session import Session


def stopping(share: float | None = 0.25, **training: object) -> Experiment:
    found = experiment("spiral", rate=0.3, **{"epochs": 200, "patience": 4, **training})
    params = {**found.data.params, "points": 60, "noise": 0.4}
    return found.updated(data=found.data.updated(params=params, validation_fraction=share))


@pytest.mark.parametrize("share", [None, 0.25])
@pytest.mark.parametrize("restore", [True, False])
def test_a_session_stops_where_the_loop_does(session: Session, share: float | None, restore: bool) -> None:
    from mlp_core.engines.eager import EagerEngine
    from mlp_core.run.build import build
    from mlp_core.training.events import EarlyStop
    from mlp_core.training.loop import train

    drawn = stopping(share, restore_best_weights=restore)
    run = build(drawn, data.load(drawn.data))
    events = list(train(run, EagerEngine(), epochs=200))
    (stop,) = (event for event in events if isinstance(event, EarlyStop))
    assert stop.epoch < 200
    session.request_views(["weights", "boundary"])
    session.apply(drawn)
    session.play()
    snapshot = until(session, "finished")
    last = events[-1]
    assert snapshot.message == f"{stop.message} Press Train to go on."
    for name in ("epoch", "step", "train_loss", "test_loss", "test_accuracy", "validation_loss", "validation_accuracy"):
        assert getattr(snapshot, name) == getattr(last, name), name
    assert len(losses(session)) == stop.step
    weights = session.weights("current", LIMIT)
    assert weights is not None
    for name, value in run.model.state_dict().items():
        assert torch.equal(weights.tensors[name], value)
    assert (weights.test_loss, weights.validation_loss) == (last.test_loss, last.validation_loss)  # type: ignore[attr-defined]
    record = session.record()
    assert record is not None
    assert record.end == "early stopping"
    assert record.inexact == ()
    assert record.last is not None
    assert record.last.validation_loss == last.validation_loss  # type: ignore[attr-defined]


def test_views_show_the_restored_weights(session: Session) -> None:
    session.request_views(["weights"])
    session.apply(stopping(restore_best_weights=True))
    session.play()
    until(session, "finished")
    session.request_views(["weights"])
    assert session.wait(lambda s: not s.busy, LIMIT)
    view, weights = session.snapshot().view("weights"), session.weights("current", LIMIT)
    assert view is not None
    assert weights is not None
    first = next(value for name, value in weights.tensors.items() if name.endswith("weight"))
    assert view["edges"][0][0] == pytest.approx(float(first.min()))
    assert view["edges"][0][-1] == pytest.approx(float(first.max()))


def test_train_goes_on_after_it_and_says_that_a_script_would_not(session: Session) -> None:
    session.apply(stopping(min_delta=50.0))
    session.play()
    first = until(session, "finished")
    assert first.epoch == 5
    session.play()
    assert session.wait(lambda s: s.status == "finished" and s.epoch > first.epoch, LIMIT)
    second = at_rest(session)
    assert second.epoch == 9
    assert any("stopped early" in sentence for sentence in second.inexact)
    session.reset()
    assert until(session, "ready").inexact == ()


def test_single_epochs_stop_there_too(session: Session) -> None:
    session.apply(stopping(min_delta=50.0))
    for epoch in range(1, 6):
        session.step_epoch()
        assert session.wait(lambda s, epoch=epoch: s.epoch == epoch and not s.busy, LIMIT)
    assert at_rest(session).status == "finished"
    assert "Stopped early at epoch 5" in session.snapshot().message


def test_the_best_weights_are_those_of_the_lowest_validation_loss(session: Session) -> None:
    session.apply(stopping())
    session.play()
    snapshot = until(session, "finished")
    best = session.weights("best", LIMIT)
    assert best is not None
    assert best.validation_loss == snapshot.best_validation_loss
    assert best.test_loss == snapshot.best_test_loss
    assert best.step == snapshot.best_step
    curves = snapshot.curves(10**6)
    assert curves is not None
    assert snapshot.best_validation_loss == curves.validations[:, 1].min()
