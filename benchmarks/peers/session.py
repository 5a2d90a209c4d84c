"""The app's own session, with an open page: every tick it asks for the views that are on screen, and for the curves."""

from __future__ import annotations

import time

from benchmarks.cases import WARM_UP, Case
from benchmarks.peers.headless import warm_up
from mlp_core.training.session import Session

TICK_SECONDS = 0.25
CURVE_POINTS = 250
PATIENCE = 60.0


class Trainer:
    """A session that is paused between turns."""

    def __init__(self, case: Case) -> None:
        warm_up(WARM_UP)
        case.dataset()
        self._case = case
        self._session = Session()
        two_features = case.experiment.data.facts.plane
        self._views = {"weights", "boundary" if two_features else "samples"}

    def build(self) -> None:
        """Apply the experiment and wait until it is ready to train."""
        self._session.request_views(self._views)
        self._session.apply(self._case.experiment)
        if not self._session.wait(lambda snapshot: snapshot.status in ("ready", "failed"), PATIENCE):
            raise RuntimeError("the session did not get ready")

    def train(self, seconds: float) -> tuple[int, float]:
        """Press Train, look on as a page does, press Pause."""
        session = self._session
        before, began = session.snapshot().step, time.perf_counter()
        session.play()
        while (left := began + seconds - time.perf_counter()) > 0:
            session.request_views(self._views)
            session.snapshot()
            session.snapshot().curves(CURVE_POINTS)
            time.sleep(min(left, TICK_SECONDS))
        session.pause()
        session.wait(lambda snapshot: not snapshot.busy, PATIENCE)
        return session.snapshot().step - before, time.perf_counter() - began
