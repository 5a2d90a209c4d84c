"""Every press, in any order, leaves one run and a state that makes sense."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from waiting import LIMIT, at_rest, experiment

from mlp_core.spec import LayerSpec
from mlp_core.training.lease import Lease
from mlp_core.training.session import Session

STATES = {"preparing", "needs download", "ready", "running", "pausing", "finished", "diverged", "failed"}

SMALL = experiment("circle", batch_size=50)

CHOICES = {
    "circle": SMALL,
    "other rate": experiment("circle", rate=0.5, batch_size=50),
    "ends": experiment("circle", batch_size=50, epochs=3),
    "plane": experiment("plane", batch_size=100),
    "breaks": experiment("plane", rate=1e10, batch_size=100),
    "refused": experiment("circle", batch_size=5000),
    "not there": experiment("fashion-mnist-quickstart"),
    "dropout": SMALL.updated(layers=(LayerSpec(type="Dropout"), *SMALL.layers)),
}


class Presses(RuleBasedStateMachine):
    """Every button in any order, some of them faster than the thread can follow."""

    def __init__(self) -> None:
        super().__init__()
        self.working = 0
        self.most_working = 0
        self.calls_lock = threading.Lock()

    @initialize()
    def open(self) -> None:
        self.lease = Lease()
        self.session = Session(Path("/nonexistent/mlp-data"), lease=self.lease)
        self.playing = False
        self.generation = 0
        driver = self.session._driver
        for name in ("_prepare", "_train", "_compute_views"):
            setattr(driver, name, self._counted(getattr(driver, name)))

    def _counted(self, job: Any) -> Any:
        def counted() -> None:
            with self.calls_lock:
                self.working += 1
                self.most_working = max(self.most_working, self.working)
            try:
                job()
            finally:
                with self.calls_lock:
                    self.working -= 1

        return counted

    @rule(name=st.sampled_from(list(CHOICES)))
    def apply(self, name: str) -> None:
        self.session.apply(CHOICES[name])
        assert self.session.experiment == CHOICES[name]

    @rule()
    def play(self) -> None:
        self.session.play()
        self.playing = True

    @rule()
    def play_twice(self) -> None:
        self.session.play()
        self.session.play()
        self.playing = True

    @rule()
    def pause(self) -> None:
        self.session.pause()
        self.playing = False

    @rule()
    def step(self) -> None:
        self.session.step()
        self.playing = False

    @rule()
    def step_epoch(self) -> None:
        self.session.step_epoch()
        self.playing = False

    @rule()
    def reset(self) -> None:
        self.session.reset()
        self.playing = False

    @rule()
    def cancel_download(self) -> None:
        self.session.cancel_download()

    @rule(views=st.lists(st.sampled_from(["weights", "gradients", "boundary", "samples", "regression"]), unique=True))
    def watch(self, views: list[str]) -> None:
        self.session.request_views(views)

    @rule(speed=st.sampled_from([None, 100.0, 1000.0]))
    def set_speed(self, speed: float | None) -> None:
        self.session.set_speed(speed)

    @rule()
    def lose_and_find_the_lease(self) -> None:
        self.lease.lose()
        self.session.request_views([])

    @rule(step=st.one_of(st.none(), st.integers(0, 30)))
    def look_at(self, step: int | None) -> None:
        self.session.look_at(step)
        self.playing = self.session._mail.orders.goal == "play"

    @rule(step=st.integers(0, 30))
    def fork(self, step: int) -> None:
        if self.session.fork(step) is not None:
            self.playing = False

    @rule()
    def go_back(self) -> None:
        if self.session.go_back() is not None:
            self.playing = True

    @rule()
    def let_it_work(self) -> None:
        before = self.session.snapshot()
        if self.session.experiment is not None:
            # Either it advances, or it says why it does not.
            assert self.session.wait(
                lambda s: not s.busy or s.step > before.step or s.generation != before.generation, LIMIT
            ), self.session.snapshot()

    @precondition(lambda self: not self.playing)
    @rule()
    def let_it_come_to_rest(self) -> None:
        snapshot = at_rest(self.session)
        chosen = self.session.experiment
        if chosen is None:
            assert snapshot.status == "preparing"
            return
        assert not snapshot.busy, snapshot
        if chosen is CHOICES["refused"]:
            assert snapshot.status == "failed"
        elif chosen is CHOICES["not there"]:
            assert snapshot.status == "needs download"
        else:
            assert snapshot.status in ("ready", "finished", "diverged")
            assert self.session.snapshot().dataset is not None
            assert snapshot.test_loss is not None
        curves = self.session.snapshot().curves(10**6)
        assert (curves is None) == (snapshot.status in ("failed", "needs download"))
        sound = chosen.optimizer.params["lr"] < 1  # 'breaks', and what went back from it
        if curves is not None and snapshot.status != "diverged" and sound:
            assert curves.evaluations[-1][0] == snapshot.run_step

    @precondition(lambda self: not self.playing)
    @rule()
    def one_step_from_rest(self) -> None:
        before = at_rest(self.session)
        self.session.step()
        after = at_rest(self.session)
        if before.status in ("ready", "finished") and after.status != "diverged":
            assert (after.step, after.generation, after.status) == (before.run_step + 1, before.generation, "ready")

    @precondition(lambda self: not self.playing)
    @rule()
    def reset_from_rest(self) -> None:
        at_rest(self.session)
        self.session.reset()
        after = at_rest(self.session)
        assert (after.step, after.epoch, after.train_loss) == (0, 0, None)

    @invariant()
    def the_state_makes_sense(self) -> None:
        session = getattr(self, "session", None)
        if session is None:
            return
        snapshot = session.snapshot()
        assert snapshot.status in STATES
        assert snapshot.generation >= self.generation
        self.generation = snapshot.generation
        assert 0 <= snapshot.batch <= max(1, snapshot.batches_per_epoch)
        assert bool(snapshot.message) or snapshot.status not in ("failed", "diverged", "needs download", "finished")
        assert self.most_working <= 1, "one run, one thread"
        curves = session.snapshot().curves(20)
        assert curves is None or len(curves.train_loss.steps) <= 20

    def teardown(self) -> None:
        session = getattr(self, "session", None)
        if session is None:
            return
        thread = session._driver.thread
        assert session.close(LIMIT)
        assert thread is None or not thread.is_alive()
        assert session._driver.thread is None
        assert session.snapshot().status not in ("running", "pausing")
        assert session.snapshot().curves(10) is None
        assert self.working == 0


TestPresses = Presses.TestCase

TestPresses.settings = settings(
    max_examples=60, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
