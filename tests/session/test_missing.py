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


def test_a_load_is_given_up_and_the_run_before_it_goes_on(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    load, given_up, asked = data.load, threading.Event(), threading.Event()

    def read(spec: DataSpec, *arguments: Any, **keywords: Any) -> Any:
        if spec.dataset != "moons":
            return load(spec, *arguments, **keywords)
        keywords["progress"](data.Progress("Reading", 5, 10))
        assert given_up.wait(LIMIT)
        assert keywords["cancelled"]()
        asked.set()
        raise data.DataCancelled("Reading was stopped.")

    monkeypatch.setattr(data, "load", read)
    assert not session.keep_run()
    first = experiment("spiral")
    session.apply(first)
    session.step()
    before = session.wait(lambda s: s.step == 1 and not s.busy, LIMIT) and session.snapshot()
    assert before
    assert not session.keep_run()
    session.apply(first.updated(data=DataSpec(dataset="moons")))
    assert session.wait(lambda s: s.progress == ("Reading", 0.5), LIMIT)
    assert session.keep_run()
    snapshot = session.snapshot()
    assert (snapshot.status, snapshot.run, snapshot.step, snapshot.progress) == ("ready", before.run, 1, None)
    assert session.experiment == first
    given_up.set()
    assert asked.wait(LIMIT)
    session.step()
    assert session.wait(lambda s: s.step == 2 and not s.busy, LIMIT)
    assert session.snapshot().run == before.run


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_cuda_where_there_is_none_runs_on_the_cpu_and_says_so(session: Session) -> None:
    session.apply(experiment(device="cuda", epochs=1))
    session.play()
    snapshot = until(session, "finished")
    assert snapshot.device == "CPU"
    assert "This machine has no CUDA device, so the run is on the CPU." in snapshot.notes
    assert "cuda" not in snapshot.devices
