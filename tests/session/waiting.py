"""Experiments for a session, and waits for what it does next."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlp_core.presets import preset
from mlp_core.spec import Experiment
from mlp_core.training.session import Session
from mlp_core.training.snapshot import Snapshot

LIMIT = 180.0
"""Seconds after which a wait has failed. No test waits for time to pass, only for things to happen."""


def experiment(name: str = "spiral", rate: float | None = None, **training: Any) -> Experiment:
    """That preset with some settings of the training; the spiral in batches of 10, which fit small sets too."""
    found = preset(name).experiment
    if name == "spiral":
        training = {"batch_size": 10, **training}
    optimizer = found.optimizer
    if rate is not None:
        optimizer = optimizer.updated(params={**optimizer.params, "lr": rate})
    return found.updated(optimizer=optimizer, training=found.training.updated(**training))


def until(session: Session, *statuses: str) -> Snapshot:
    assert session.wait(lambda s: s.status in (*statuses, "failed"), LIMIT), session.snapshot()
    assert session.snapshot().status in statuses, session.snapshot()
    return session.snapshot()


def until_step(session: Session, step: int) -> Snapshot:
    assert session.wait(lambda s: s.step >= step, LIMIT), session.snapshot()
    return session.snapshot()


def at_rest(session: Session) -> Snapshot:
    """The state once the thread has nothing left to do."""
    while (thread := session._driver.thread) is not None:
        thread.join(LIMIT)
        assert not thread.is_alive(), session.snapshot()
    return session.snapshot()


def losses(session: Session) -> np.ndarray:
    curves = session.snapshot().curves(10**6)
    assert curves is not None
    return curves.train_loss.mean
