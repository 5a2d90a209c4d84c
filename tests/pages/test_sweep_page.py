"""The Sweep page without a browser: a space is chosen and searched, and the best trial is opened."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from mlp_core.presets import preset
from mlp_core.store.keeper import RunKeeper, SaveQueue
from mlp_core.store.opening import open_store
from mlp_core.store.runs import RunStore
from mlp_core.training.session import Session
from pages.sweep.work import Sweeps, sweeps_of
from tests.pages.test_pages import LIMIT, ROOT, messages, use

SWEEP = ROOT / "pages" / "sweep" / "page.py"


@pytest.fixture
def sweeps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Sweeps]:
    engine = open_store(f"sqlite:///{tmp_path / 'runs.sqlite'}")
    store = RunStore(engine)
    keeper = RunKeeper(SaveQueue(lambda: store), "me")
    session = Session(keeper=keeper)
    use(monkeypatch, session).keeper = keeper
    monkeypatch.chdir(ROOT)
    found = sweeps_of(keeper)
    yield found
    while (running := found.running) is not None:
        running.sweep.cancel()
        assert running.sweep.wait(LIMIT)
    assert keeper.flush(LIMIT)
    assert session.close(timeout=LIMIT)
    engine.dispose()


def opened(**state: Any) -> AppTest:
    app = AppTest.from_file(str(ROOT / "pages" / "entry" / "main.py"), default_timeout=LIMIT)
    app.session_state["experiment"] = preset("spiral").experiment
    for name, value in state.items():
        app.session_state[name] = value
    return app.run().switch_page(str(SWEEP)).run()


def test_a_space_is_searched_and_the_best_trial_opened(sweeps: Sweeps) -> None:
    app = opened(sweep_options={"trials": 5, "epochs": 2})
    assert not app.exception
    assert app.session_state["sweep_space"] == {"optimizer.lr": {"low": 0.003, "high": 0.3, "log": True}}
    app.number_input(key="sweep-optimizer.lr-low--1").set_value(0.5).run()
    app.button(key="sweep-begin").click().run()
    assert "is empty: 'low' must be below 'high'" in messages(app)
    app.number_input(key="sweep-optimizer.lr-low--1").set_value(0.01).run()
    app.selectbox(key="sweep-add--1").set_value("hidden.activation").run()
    assert set(app.session_state["sweep_space"]) == {"optimizer.lr", "hidden.activation"}
    app.button(key="sweep-begin").click().run()
    assert not app.exception
    kept = sweeps.open(sweeps.listed()[0].id)
    assert kept.sweep.wait(LIMIT)
    app.run()
    assert not app.exception
    assert len(app.dataframe[0].value) == 5
    assert "no validation part" in " ".join(caption.value for caption in app.caption)
    # Another visit finds it, and opens its best trial.
    assert sweeps.keeper.flush(LIMIT)
    again = opened()
    assert len(again.dataframe[0].value) == 5
    again.button(key="sweep-open").click().run()
    assert not again.exception
    best = min(kept.sweep.results, key=lambda result: result.objectives)
    assert again.session_state["experiment"].optimizer.params["lr"] == best.values["optimizer.lr"]
    assert sweeps.keeper.queue.store.count("me") == 5
    # A press on a trial in a chart opens that one.
    other = next(result for result in kept.sweep.results if result.counts and result is not best)
    pressed = opened(sweep_trial=(kept.id, other.number), sweep_trial_opened=True)
    assert not pressed.exception
    assert pressed.session_state["experiment"].optimizer.params["lr"] == other.values["optimizer.lr"]
    assert "sweep_trial_opened" not in pressed.session_state


def test_a_cluster_that_does_not_answer_is_named(sweeps: Sweeps, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:  # tests/sweep/test_ray.py is about those that do
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("MLP_RAY_ADDRESS", f"127.0.0.1:{closed.getsockname()[1]}")
        app = opened(sweep_options={"trials": 5, "epochs": 2})
        app.button(key="sweep-begin").click().run()
        kept = sweeps.open(sweeps.listed()[0].id)
        assert kept.sweep.wait(LIMIT)
        app.run()
    assert not app.exception
    assert kept.sweep.progress.status == "paused"
    assert "Ray" in messages(app)
    assert app.button(key="sweep-resume")


def test_a_control_of_the_playground_is_searched(sweeps: Sweeps) -> None:
    app = AppTest.from_file(str(ROOT / "pages" / "entry" / "main.py"), default_timeout=LIMIT)
    app.session_state["experiment"] = preset("spiral").experiment
    app.session_state["sweep_space"] = {"layers.77.type": {"choices": ["Tanh"]}}
    app.run().switch_page(str(SWEEP)).run()
    assert "layers.77.type" in messages(app)
    assert app.session_state["sweep_space"] == {}
    app.session_state["sweep_space"] = {}
    app.selectbox(key="sweep-add--0").set_value("training.batch_size").run()
    assert app.session_state["sweep_space"] == {"training.batch_size": {"low": 10, "high": 40}}
    app.button(key="sweep-remove-training.batch_size").click().run()
    app.button(key="sweep-begin").click().run()
    assert "Nothing is searched yet" in messages(app)
