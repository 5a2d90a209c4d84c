"""A loss that breaks is told, with the way to it, and training can go on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from waiting import at_rest, experiment, until

from mlp_core.training.session import Session
from mlp_core.training.trainer import Trainer


def test_divergence_is_told_and_training_can_go_on(session: Session) -> None:
    session.apply(experiment(rate=1e10))
    session.play()
    snapshot = until(session, "diverged")
    assert "at step 2" in snapshot.message
    assert "1e+10" in snapshot.message
    assert snapshot.test_loss is not None
    assert np.isfinite(snapshot.test_loss)
    assert at_rest(session).status == "diverged"
    session.request_views(["weights"])
    assert at_rest(session).message == snapshot.message, "looking changes nothing"
    session.apply(experiment(rate=0.03, epochs=2))
    session.play()
    finished = until(session, "finished")
    assert finished.epoch == 2
    assert finished.generation == snapshot.generation
    session.reset()
    assert until(session, "ready").step == 0


def test_divergence_while_stepping(session: Session) -> None:
    session.apply(experiment("plane", rate=1e10))
    until(session, "ready")
    session.step()
    assert at_rest(session).step == 1
    session.step()
    snapshot = at_rest(session)
    assert snapshot.status == "diverged"
    assert snapshot.step == 0


def test_the_curve_shows_the_way_to_the_fault(session: Session) -> None:
    session.apply(experiment("plane", rate=3.0))
    session.play()
    snapshot = until(session, "diverged")
    assert snapshot.step > 3
    assert session.snapshot().curves(10**6).train_loss.steps[-1] in (snapshot.step, snapshot.step + 1)  # type: ignore[union-attr]
    assert snapshot.train_loss is not None
    assert np.isfinite(snapshot.train_loss)


def test_pause_just_as_the_loss_breaks(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    take = Trainer.take

    def pause_on_fault(self: Trainer, event: Any) -> None:
        take(self, event)
        if event.name == "diverged":
            session.pause()

    monkeypatch.setattr(Trainer, "take", pause_on_fault)
    session.apply(experiment(rate=1e10))
    session.play()
    assert until(session, "diverged").message
    at_rest(session)
    session.apply(experiment(rate=0.03, epochs=1))
    session.play()
    assert until(session, "finished").epoch == 1
