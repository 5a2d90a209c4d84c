"""What a machine does not have: a set that is not there yet, and a device."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import torch
from waiting import LIMIT, at_rest, experiment, until

from mlp_core import data
from mlp_core.spec import DataSpec
from mlp_core.training.session import Session


def test_a_set_that_is_not_there_needs_a_download(session: Session) -> None:
    session.apply(experiment("fashion-mnist-quickstart"))
    snapshot = until(session, "needs download")
    assert "Fashion-MNIST" in snapshot.message
    session.play()
    assert at_rest(session).status == "needs download"
    assert session.snapshot().curves(10) is None
    session.apply(experiment("circle"))
    assert until(session, "ready").message == ""


def test_a_copy_with_fewer_samples_than_a_batch_is_known_with_the_reason(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = data.load(DataSpec(dataset="iris"))
    monkeypatch.setattr(data, "load", lambda spec, *arguments, **keywords: few)
    large = experiment("fashion-mnist-quickstart")
    session.apply(large.updated(training=large.training.updated(batch_size=few.train_size + 1)))
    snapshot = until(session, "failed")
    assert "'batch_size'" in snapshot.message
    assert (snapshot.unfit, snapshot.dataset) == (few, None)
    monkeypatch.undo()
    session.apply(experiment("circle"))
    assert until(session, "ready").unfit is None


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


def test_reading_is_given_up_and_the_run_at_hand_stays(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    load, given_up = data.load, threading.Event()

    def read(spec: DataSpec, *arguments: Any, **keywords: Any) -> Any:
        if spec.dataset != "circle":
            return load(spec, *arguments, **keywords)
        keywords["progress"](data.Progress("Reading", 5, 10))
        assert given_up.wait(LIMIT)
        assert keywords["cancelled"]()
        keywords["progress"](data.Progress("Reading", 6, 10))
        raise data.DataCancelled("Reading was stopped.")

    monkeypatch.setattr(data, "load", read)
    session.apply(experiment("circle"))
    assert session.wait(lambda s: s.progress is not None, LIMIT)
    session.cancel_download()
    assert until(session, "failed").message.startswith("The data were not read to the end")
    given_up.set()
    session.apply(experiment())
    session.step()
    before = until(session, "ready")
    given_up.clear()
    session.apply(experiment("circle"))
    assert session.wait(lambda s: s.progress is not None, LIMIT)
    session.cancel_download()
    after = session.snapshot()
    assert (after.status, after.run, after.step, session.experiment) == ("ready", before.run, before.step, experiment())
    given_up.set()
    session.cancel_download()  # nothing is on its way any more
    session.step()
    assert session.wait(lambda s: s.step == before.step + 1, LIMIT)
    assert session.snapshot().progress is None
    assert session.snapshot().run == before.run


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_cuda_where_there_is_none_runs_on_the_cpu_and_says_so(session: Session) -> None:
    session.apply(experiment(device="cuda", epochs=1))
    session.play()
    snapshot = until(session, "finished")
    assert snapshot.device == "CPU"
    assert "This machine has no CUDA device, so the run is on the CPU." in snapshot.notes
    assert "cuda" not in snapshot.devices
