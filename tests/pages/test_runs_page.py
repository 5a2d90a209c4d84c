"""The Runs page without a browser: what was trained is there, is found, changed, opened, deleted and brought back."""

from __future__ import annotations

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
from tests.pages.test_pages import LIMIT, ROOT, messages, use

RUNS = ROOT / "pages" / "runs" / "page.py"
ME = "me"


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[RunKeeper]:
    engine = open_store(f"sqlite:///{tmp_path / 'runs.sqlite'}")
    store = RunStore(engine)
    yield RunKeeper(SaveQueue(lambda: store), ME)
    engine.dispose()


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch, keeper: RunKeeper) -> Iterator[Session]:
    made = Session(keeper=keeper)
    use(monkeypatch, made).keeper = keeper
    monkeypatch.chdir(ROOT)
    yield made
    assert made.close(timeout=LIMIT)


def train(session: Session, epochs: int, **training: Any) -> str:
    """Train a run of the spiral; gives its identity."""
    found = preset("spiral").experiment
    session.apply(found.updated(training=found.training.updated(**training)))
    for _ in range(epochs):
        before = session.snapshot()
        session.step_epoch()
        assert session.wait(
            lambda now, before=before: not now.busy and (now.run, now.epoch) != (before.run, before.epoch), LIMIT
        )
    return session.snapshot().run


def opened() -> AppTest:
    app = AppTest.from_file(str(ROOT / "pages" / "entry" / "main.py"), default_timeout=LIMIT)
    app.session_state["experiment"] = preset("spiral").experiment
    return app.run().switch_page(str(RUNS)).run()


def shown(app: AppTest) -> list[str]:
    return list(app.dataframe[0].value["name"]) if app.dataframe else []


def test_runs_are_listed_described_opened_deleted_and_brought_back(session: Session, keeper: RunKeeper) -> None:
    app = opened()
    assert not app.exception
    assert "Every run that trains is kept" in messages(app)
    first, second = train(session, 2), train(session, 1, seed=7)
    assert keeper.flush(LIMIT)
    app.run()
    assert not app.exception
    assert len(shown(app)) == 2
    assert any("2 runs" in caption.value for caption in app.caption)

    app.session_state["runs_selected"] = [first]
    app.run()
    app.text_input(key=f"runs-name--{first}").set_value("<b>bold</b> run").run()
    app.button(key="runs-star").click().run()
    stored = keeper.queue.store.find(ME, first)
    assert (stored.name, stored.starred) == ("<b>bold</b> run", True)
    app.text_input(key="runs_words").set_value("BOLD").run()
    assert shown(app) == ["<b>bold</b> run"]
    app.text_input(key="runs_words").set_value("").run()

    app.button(key="runs-fork").click().run()
    assert not app.exception
    assert session.wait(lambda now: now.run not in ("", first, second) and now.step > stored.figures["step"], LIMIT)
    session.pause()
    assert session.wait(lambda now: not now.busy, LIMIT)
    record = session.record()
    assert record is not None
    assert record.parent == first

    app.switch_page(str(RUNS)).run()
    app.button(key="runs-delete").click().run()
    assert first not in {run.id for run in keeper.queue.store.runs(ME)}
    app.button(key="runs-undo").click().run()
    assert first in {run.id for run in keeper.queue.store.runs(ME)}
    assert not app.exception
