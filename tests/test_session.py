"""Whole sessions without a page: every press, in any order, leaves one run and a state that makes sense."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mlp_core import data
from mlp_core.presets import preset
from mlp_core.spec import DataSpec, Experiment, LayerSpec
from mlp_core.training import control as control_module
from mlp_core.training.bench import Bench
from mlp_core.training.session import Session
from mlp_core.training.slots import SLOTS, Turn, cores
from mlp_core.training.snapshot import Snapshot

LIMIT = 60.0
"""Seconds after which a wait has failed. No test waits for time to pass, only for things to happen."""

STATES = {"preparing", "needs download", "ready", "running", "pausing", "finished", "diverged", "failed"}


def experiment(name: str = "spiral", rate: float | None = None, **training: Any) -> Experiment:
    found = preset(name).experiment
    optimizer = found.optimizer
    if rate is not None:
        optimizer = optimizer.updated(params={**optimizer.params, "lr": rate})
    return found.updated(optimizer=optimizer, training=found.training.updated(**training))


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    made = Session(tmp_path)
    yield made
    assert made.close(LIMIT), "the thread has ended"


def until(session: Session, *statuses: str) -> Snapshot:
    assert session.wait(lambda s: s.status in statuses, LIMIT), session.snapshot()
    return session.snapshot()


def until_step(session: Session, step: int) -> Snapshot:
    assert session.wait(lambda s: s.step >= step, LIMIT), session.snapshot()
    return session.snapshot()


def at_rest(session: Session) -> Snapshot:
    """The state once the thread has nothing left to do."""
    while (thread := session._thread) is not None:
        thread.join(LIMIT)
        assert not thread.is_alive(), session.snapshot()
    return session.snapshot()


def losses(session: Session) -> np.ndarray:
    curves = session.curves(10**6)
    assert curves is not None
    return curves.train_loss.mean


def test_a_new_session_has_nothing_and_says_so(session: Session) -> None:
    assert session.experiment is None
    assert session.dataset is None
    assert session.curves(100) is None
    assert session.snapshot().status == "preparing"
    session.pause()
    session.reset()
    session.watch(["weights"])
    session.cancel_download()
    assert session._thread is None, "there is nothing to work on"


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
    assert session.dataset is not None
    assert session.dataset.spec == experiment().data
    at_rest(session)
    assert session._thread is None


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
    curves = session.curves(10**6)
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


def test_reset_goes_back_to_the_same_weights(session: Session) -> None:
    session.apply(experiment(epochs=3))
    session.play()
    first = until(session, "finished")
    expected = losses(session)
    session.reset()
    assert session.snapshot().status == "preparing"
    reset = until(session, "ready")
    assert reset.step == 0
    assert reset.generation > first.generation
    assert len(losses(session)) == 0
    session.play()
    second = until(session, "finished")
    assert np.array_equal(losses(session), expected)
    assert (second.test_loss, second.train_loss) == (first.test_loss, first.train_loss)


def test_another_seed_gives_new_weights(session: Session) -> None:
    results = []
    for seed in (1, 2, 1):
        session.apply(experiment(epochs=1, seed=seed))
        session.play()
        assert session.wait(lambda s: s.status == "finished" and s.epoch == 1, LIMIT)
        results.append(losses(session))
        session.reset()
    assert np.array_equal(results[0], results[2])
    assert not np.array_equal(results[0], results[1])


def test_a_session_gives_the_numbers_of_the_loop(session: Session) -> None:
    from mlp_core.build import build
    from mlp_core.training.engine.eager import EagerEngine
    from mlp_core.training.events import Chunk
    from mlp_core.training.loop import train

    drawn = experiment("moons", epochs=4)
    events = list(train(build(drawn, data.load(drawn.data)), EagerEngine(), epochs=4))
    session.watch(["weights", "gradients", "boundary", "samples"])
    session.apply(drawn)
    session.play()
    snapshot = until(session, "finished")
    expected = np.concatenate([e.losses for e in events if isinstance(e, Chunk)])
    assert np.array_equal(losses(session), expected)
    assert snapshot.test_loss == events[-1].test_loss
    assert snapshot.test_accuracy == events[-1].test_accuracy


def test_finish_and_play_for_as_many_more(session: Session) -> None:
    session.apply(experiment(epochs=2))
    session.play()
    snapshot = until(session, "finished")
    assert snapshot.epoch == 2
    assert "Finished 2 epochs" in snapshot.message
    session.play()
    assert session.wait(lambda s: s.status == "finished" and s.epoch == 4, LIMIT)


def test_epochs_can_be_changed_while_it_runs(session: Session) -> None:
    session.apply(experiment())
    session.play()
    running = until_step(session, 100)
    session.apply(experiment(epochs=10**6))
    assert until_step(session, running.step + 500).generation == running.generation
    session.apply(experiment(epochs=3))
    finished = until(session, "finished")
    assert finished.generation == running.generation
    assert finished.epoch >= 3


def test_applying_the_same_changes_nothing(session: Session) -> None:
    session.apply(experiment())
    before = until(session, "ready")
    session.step_epoch()
    at_rest(session)
    session.apply(Experiment.from_json(experiment().to_json()))
    after = at_rest(session)
    assert (after.generation, after.step) == (before.generation, 20)


def test_learning_rate_changes_live(session: Session) -> None:
    session.apply(experiment())
    session.play()
    before = until_step(session, 20)
    session.apply(experiment(rate=0.001))
    assert session.wait(lambda s: s.learning_rate == 0.001, LIMIT)
    after = until_step(session, session.snapshot().step + 50)
    assert after.generation == before.generation
    session.pause()
    at_rest(session)
    curves = session.curves(1000)
    assert curves is not None
    assert curves.learning_rates[:, 1].tolist()[:2] == [0.03, 0.001]


def test_a_new_experiment_goes_on_training_if_the_old_one_was(session: Session) -> None:
    session.apply(experiment())
    session.play()
    first = until_step(session, 10)
    session.apply(experiment("plane"))
    assert session.wait(lambda s: s.generation > first.generation and s.step > 10, LIMIT)
    assert session.snapshot().test_accuracy is None
    session.pause()
    at_rest(session)
    session.apply(experiment("xor"))
    third = until(session, "ready")
    assert third.step == 0, "a paused one stays paused"
    assert session.dataset is not None
    assert session.dataset.spec.dataset == "xor"


def test_divergence_is_told_and_training_can_go_on(session: Session) -> None:
    session.apply(experiment(rate=1e10))
    session.play()
    snapshot = until(session, "diverged")
    assert "at step 2" in snapshot.message
    assert "1e+10" in snapshot.message
    assert snapshot.test_loss is not None
    assert np.isfinite(snapshot.test_loss)
    assert at_rest(session).status == "diverged"
    session.watch(["weights"])
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
    assert session.curves(10**6).train_loss.steps[-1] in (snapshot.step, snapshot.step + 1)  # type: ignore[union-attr]
    assert snapshot.train_loss is not None
    assert np.isfinite(snapshot.train_loss)


# Faults


class FailingEngine:
    """Works for some steps, then raises."""

    name = "failing"

    def __init__(self, inner: Any, after: int, error: Exception) -> None:
        self.inner, self.after, self.error = inner, after, error

    def run(self, run: Any, steps: int) -> Any:
        if run.position.step >= self.after:
            raise self.error
        return self.inner.run(run, min(steps, self.after - run.position.step))


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> list[Exception]:
    """Every bench made while this list has an error in it fails with it after 30 steps."""
    errors: list[Exception] = [RuntimeError("out of luck\nsecond line")]
    made = Bench.__init__

    def init(bench: Bench, *arguments: Any, **keywords: Any) -> None:
        made(bench, *arguments, **keywords)
        if errors:
            bench.engine = FailingEngine(bench.engine, 30, errors[0])

    monkeypatch.setattr(Bench, "__init__", init)
    return errors


def test_an_exception_in_the_thread_is_shown_and_training_can_start_again(
    session: Session, failing: list[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    session.apply(experiment(epochs=5))
    session.play()
    snapshot = until(session, "failed")
    assert "unexpected error (RuntimeError: out of luck)" in snapshot.message
    assert "second line" not in snapshot.message
    assert "Reset" in snapshot.message
    assert snapshot.step == 30
    assert at_rest(session).status == "failed"
    assert session._thread is None
    assert "training failed" in caplog.text, "the operator sees the traceback"
    session.watch(["weights"])
    assert at_rest(session).status == "failed", "looking does not hide it"
    session.play()
    assert at_rest(session).status == "failed"
    failing.clear()
    session.reset()
    until(session, "ready")
    session.play()
    assert until(session, "finished").epoch == 5


def test_other_sessions_go_on_when_one_fails(session: Session, failing: list[Exception], tmp_path: Path) -> None:
    session.apply(experiment())
    until(session, "ready")
    failing.clear()
    other = Session(tmp_path)
    other.apply(experiment("moons"))
    other.play()
    session.play()
    until(session, "failed")
    until_step(other, other.snapshot().step + 200)
    assert other.snapshot().status == "running"
    assert other.close(LIMIT)


def test_an_experiment_that_does_not_fit_is_refused_in_a_sentence(session: Session) -> None:
    good = experiment()
    session.apply(good.updated(training=good.training.updated(batch_size=201)))
    session.play()
    snapshot = until(session, "failed")
    assert "'batch_size'" in snapshot.message
    assert snapshot.step == 0
    assert session.curves(10) is None
    session.play()
    assert at_rest(session).status == "failed"
    session.apply(good)
    assert until(session, "ready").message == ""


def test_an_exception_while_preparing(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    load = data.load

    def fail(*arguments: Any, **keywords: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(data, "load", fail)
    session.apply(experiment())
    session.play()
    assert "MemoryError" in until(session, "failed").message
    assert session._goal is None or at_rest(session)
    monkeypatch.setattr(data, "load", load)
    session.play()
    until_step(session, 10)


def test_an_exception_in_a_view(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(run: Any) -> Any:
        raise ZeroDivisionError("in a view")

    monkeypatch.setitem(session_module_views(), "weights", fail)
    session.apply(experiment())
    until(session, "ready")
    session.watch(["weights"])
    assert "ZeroDivisionError" in until(session, "failed").message
    session.watch([])
    session.reset()
    until(session, "ready")
    session.play()
    until_step(session, 10)


def session_module_views() -> dict[str, Any]:
    from mlp_core.statistics import VIEWS

    return VIEWS


def test_an_error_while_telling_of_an_error_does_not_lock_the_session(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.apply(experiment())
    until(session, "ready")
    at_rest(session)

    def fail(*arguments: Any) -> Any:
        raise RuntimeError("no snapshot")

    monkeypatch.setattr(threading, "excepthook", lambda caught: None)
    with monkeypatch.context() as patch:
        patch.setattr(Bench, "snapshot", fail)
        session.play()
        at_rest(session)
    session.reset()
    until(session, "ready")
    session.play()
    until_step(session, 10)


def test_a_fault_of_a_run_that_was_given_up_is_nobodys(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    load = data.load

    def slow(spec: DataSpec, *arguments: Any, **keywords: Any) -> Any:
        if spec.dataset != "xor":
            return load(spec, *arguments, **keywords)
        began.set()
        assert given_up.wait(LIMIT)
        assert keywords["cancelled"]()
        raise data.DataCancelled("The download was stopped.")

    began, given_up = threading.Event(), threading.Event()
    monkeypatch.setattr(data, "load", slow)
    session.apply(experiment("xor"))
    session.play()
    assert began.wait(LIMIT)
    session.apply(experiment("circle"))
    given_up.set()
    until_step(session, 10)  # it was playing, so it goes on playing
    assert session.snapshot().status == "running"


def test_a_set_that_is_not_there_needs_a_download(session: Session) -> None:
    session.apply(experiment("fashion-mnist-quickstart"))
    snapshot = until(session, "needs download")
    assert "Fashion-MNIST" in snapshot.message
    session.play()
    assert at_rest(session).status == "needs download"
    assert session.curves(10) is None
    session.apply(experiment("circle"))
    assert until(session, "ready").message == ""


def test_cancelling_a_download(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    load = data.load

    def fetch(spec: DataSpec, *arguments: Any, **keywords: Any) -> Any:
        if not keywords["download"]:
            return load(spec, *arguments, **keywords)
        keywords["progress"](data.Progress("Fetching", 5, 10))
        assert given_up.wait(LIMIT)
        assert keywords["cancelled"]()
        raise data.DataCancelled("The download was stopped.")

    given_up = threading.Event()
    monkeypatch.setattr(data, "load", fetch)
    session.apply(experiment("fashion-mnist-quickstart"))
    until(session, "needs download")
    session.download()
    assert session.wait(lambda s: s.progress == ("Fetching", 0.5), LIMIT)
    assert session.snapshot().busy
    session.cancel_download()
    given_up.set()
    snapshot = until(session, "needs download")
    assert snapshot.progress is None


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_cuda_where_there_is_none_runs_on_the_cpu_and_says_so(session: Session) -> None:
    session.apply(experiment(device="cuda", epochs=1))
    session.play()
    snapshot = until(session, "finished")
    assert snapshot.device == "CPU"
    assert "This machine has no CUDA device, so the run is on the CPU." in snapshot.notes
    assert "cuda" not in snapshot.devices


# Time and ends


def test_a_lost_lease_ends_the_thread(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_module, "LOST_LEASE_SECONDS", 0.0)
    session.apply(experiment())
    session.play()
    until_step(session, 20)
    session.lease_lost()
    snapshot = at_rest(session)
    assert snapshot.status == "ready"
    session.play()
    assert until_step(session, snapshot.step + 20).generation == snapshot.generation, "the run is kept"


def test_nobody_looking_ends_the_thread(tmp_path: Path) -> None:
    session = Session(tmp_path, lease_seconds=0.05)
    session.apply(experiment())
    session.play()
    assert at_rest(session).status == "ready"
    assert session.close(LIMIT)


def test_looking_prolongs_the_lease(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr(control_module.time, "monotonic", lambda: clock[0])
    session._lease_ends = clock[0] + control_module.LEASE_SECONDS
    session.lease_lost()
    assert session._lease_ends == clock[0] + control_module.LOST_LEASE_SECONDS
    session.watch([])
    assert session._lease_ends == clock[0] + control_module.LEASE_SECONDS
    clock[0] += control_module.LEASE_SECONDS + 1
    assert not session._leased()
    session.play()
    assert session._leased()


def test_close_ends_the_thread_and_drops_the_run(tmp_path: Path) -> None:
    session = Session(tmp_path)
    session.apply(experiment())
    session.play()
    until_step(session, 20)
    thread = session._thread
    assert session.close(LIMIT)
    assert thread is None or not thread.is_alive()
    assert session.curves(10) is None
    assert session.snapshot().status != "running"
    for press in (session.play, session.step, session.reset, session.pause, session.download):
        press()
        assert session._thread is None
    session.apply(experiment("xor"))
    session.watch(["weights"])
    assert session._thread is None
    assert session.close(LIMIT)


def test_close_before_anything(tmp_path: Path) -> None:
    assert Session(tmp_path).close()


def test_slow_motion_is_obeyed_at_once_and_can_be_left_at_once(session: Session) -> None:
    session.apply(experiment())
    session.play()
    until_step(session, 500)  # chunks are long now
    session.set_speed(0.001)  # a step takes a quarter of an hour
    assert session.wait(lambda s: session._bench is not None and session._bench.progress.chunk_steps <= 1, LIMIT)
    session.pause()
    slow = at_rest(session).step
    session.set_speed(40.0)
    session.play()
    until_step(session, slow + 12)  # ends within the limit only if nobody waits for a long chunk's steps
    assert session._bench is not None
    assert session._bench.progress.chunk_steps <= 16
    session.set_speed(0.001)
    session.set_speed(None)
    until_step(session, session.snapshot().step + 200)


def test_a_chunk_begun_at_full_speed_is_not_waited_for_in_full(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.apply(experiment())
    until(session, "ready")
    at_rest(session)
    bench, waited = session._bench, []
    assert bench is not None

    def wait(seconds: float) -> None:
        waited.append(seconds)
        session._steps_per_second = None

    monkeypatch.setattr(session._changed, "wait", wait)
    session._steps_per_second = 1.0
    session._throttle(time.monotonic(), 500, bench, None)
    assert len(waited) == 1
    assert waited[0] <= 1.0
    assert bench.progress.chunk_steps == 1
    monkeypatch.undo()


def test_pause_just_as_the_thread_begins_to_train(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    train = Session._train

    def pause_first(self: Session) -> None:
        self.pause()
        train(self)

    session.apply(experiment())
    until(session, "ready")
    at_rest(session)
    monkeypatch.setattr(Session, "_train", pause_first)
    session.play()
    snapshot = at_rest(session)
    assert snapshot.status == "ready"
    assert snapshot.step == 0


def test_pause_just_as_the_loss_breaks(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    record = Session._record

    def pause_on_fault(self: Session, event: Any) -> None:
        record(self, event)
        if event.name == "diverged":
            self.pause()

    monkeypatch.setattr(Session, "_record", pause_on_fault)
    session.apply(experiment(rate=1e10))
    session.play()
    assert until(session, "diverged").message
    at_rest(session)
    session.apply(experiment(rate=0.03, epochs=1))
    session.play()
    assert until(session, "finished").epoch == 1


def test_what_is_prepared_tells_whether_it_will_train_then(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the buttons need not change twice while new weights are drawn."""
    go_on = threading.Event()
    prepare = Session._prepare

    def wait_first(self: Session) -> None:
        assert go_on.wait(LIMIT)
        prepare(self)

    monkeypatch.setattr(Session, "_prepare", wait_first)
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


def test_every_snapshot_has_a_higher_version(session: Session, tmp_path: Path) -> None:
    """A page keeps what has the highest, also if the server begins anew with another session."""
    seen = [session.snapshot()]
    session.apply(experiment())
    seen.append(until(session, "ready"))
    session.play()
    seen.append(until_step(session, 5))
    session.pause()
    seen.append(until(session, "ready"))
    session.reset()
    seen.append(session.snapshot())
    versions = [snapshot.version for snapshot in seen]
    assert versions == sorted(set(versions))
    following = Session(tmp_path)
    following.apply(experiment())
    assert until(following, "ready").version > session.snapshot().version
    assert following.close(LIMIT)


def test_a_run_that_was_just_started_does_not_wait_behind_the_others(tmp_path: Path) -> None:
    """And its first turn is a whole one: the page shows many steps at once."""
    others = [Session(tmp_path) for _ in range(2 * cores() + 2)]
    asked = []
    ask = SLOTS.ask

    def note(*, urgent: bool = False) -> Turn:
        asked.append((threading.current_thread(), urgent))
        return ask(urgent=urgent)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SLOTS, "ask", note)
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
    publish = Session._publish

    def note(self: Session, *arguments: Any) -> None:
        publish(self, *arguments)
        steps.append(self.snapshot().step)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Session, "_publish", note)
        session.play()
        until_step(session, 100)
    assert next(step for step in steps if step) > 1


def test_watched_views_are_computed_and_others_are_not(session: Session) -> None:
    session.apply(experiment())
    assert not until(session, "ready").views
    session.watch(["weights", "regression", "no such view"])
    assert session.wait(lambda s: "weights" in s.views, LIMIT)
    at_rest(session)
    assert set(session.snapshot().views) == {"weights"}, "a classification has no regression view"
    session.watch(["boundary"])
    assert session.wait(lambda s: "boundary" in s.views, LIMIT)
    session.watch(["boundary"])
    session.step_epoch()
    snapshot = at_rest(session)
    assert snapshot.views["boundary"].step == snapshot.step == 20
    assert snapshot.views["weights"].step == 0, "what is not looked at is not computed"


# Many sessions


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


# Any order of presses

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
        self.session = Session(Path("/nonexistent/mlp-data"))
        self.playing = False
        self.generation = 0
        for name in ("_prepare", "_train", "_look"):
            setattr(self.session, name, self._counted(getattr(self.session, name)))

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
        self.session.watch(views)

    @rule(speed=st.sampled_from([None, 100.0, 1000.0]))
    def set_speed(self, speed: float | None) -> None:
        self.session.set_speed(speed)

    @rule()
    def lose_and_find_the_lease(self) -> None:
        self.session.lease_lost()
        self.session.watch([])

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
            assert self.session.dataset is not None
            assert snapshot.test_loss is not None
        curves = self.session.curves(10**6)
        assert (curves is None) == (snapshot.status in ("failed", "needs download"))
        if curves is not None and snapshot.status != "diverged" and chosen is not CHOICES["breaks"]:
            assert curves.evaluations[-1][0] == snapshot.step

    @precondition(lambda self: not self.playing)
    @rule()
    def one_step_from_rest(self) -> None:
        before = at_rest(self.session)
        self.session.step()
        after = at_rest(self.session)
        if before.status in ("ready", "finished") and after.status != "diverged":
            assert (after.step, after.generation, after.status) == (before.step + 1, before.generation, "ready")

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
        curves = session.curves(20)
        assert curves is None or len(curves.train_loss.steps) <= 20

    def teardown(self) -> None:
        session = getattr(self, "session", None)
        if session is None:
            return
        thread = session._thread
        assert session.close(LIMIT)
        assert thread is None or not thread.is_alive()
        assert session._thread is None
        assert session.snapshot().status not in ("running", "pausing")
        assert session.curves(10) is None
        assert self.working == 0


TestPresses = Presses.TestCase
TestPresses.settings = settings(
    max_examples=60, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
