"""Whatever goes wrong in the thread is said in a sentence, and the session stays usable."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from waiting import LIMIT, at_rest, experiment, until, until_step

from mlp_core import data
from mlp_core.spec import DataSpec
from mlp_core.training.session import Session
from mlp_core.training.trainer import Trainer
from mlp_core.views import VIEWS


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
    """Every run made while this list has an error in it fails with it after 30 steps."""
    errors: list[Exception] = [RuntimeError("out of luck\nsecond line")]
    made = Trainer.__init__

    def init(trainer: Trainer, *arguments: Any, **keywords: Any) -> None:
        made(trainer, *arguments, **keywords)
        if errors:
            trainer._engine = FailingEngine(trainer._engine, 30, errors[0])  # type: ignore[assignment]

    monkeypatch.setattr(Trainer, "__init__", init)
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
    assert session._driver.thread is None
    assert "training failed" in caplog.text, "the operator sees the traceback"
    session.request_views(["weights"])
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
    assert session.snapshot().curves(10) is None
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
    assert session._mail.orders.goal is None or at_rest(session)
    monkeypatch.setattr(data, "load", load)
    session.play()
    until_step(session, 10)


def test_an_exception_in_a_view(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(run: Any) -> Any:
        raise ZeroDivisionError("in a view")

    monkeypatch.setitem(VIEWS, "weights", replace(VIEWS["weights"], compute=fail))
    session.apply(experiment())
    until(session, "ready")
    session.request_views(["weights"])
    assert "ZeroDivisionError" in until(session, "failed").message
    session.request_views([])
    session.reset()
    until(session, "ready")
    session.play()
    until_step(session, 10)


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
        patch.setattr(Trainer, "snapshot", fail)
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
