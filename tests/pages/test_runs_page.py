"""The Runs page without a browser: what was trained is there, is found, changed, opened, deleted and brought back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from mlp_core.presets import preset
from mlp_core.store.archive import write_runs
from mlp_core.store.keeper import RunKeeper, SaveQueue
from mlp_core.store.opening import StoreError, open_store
from mlp_core.store.runs import RunStore
from mlp_core.training.session import Session
from pages.playground.time_travel import TimeSlot
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
    assert session.settle(LIMIT)
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
    step = int(stored.figures["step"])
    said = TimeSlot().part(session.snapshot()).data["before"]
    assert said.startswith(f"Before step {step} only the curve is kept")

    app.switch_page(str(RUNS)).run()
    app.button(key="runs-delete").click().run()
    assert first not in {run.id for run in keeper.queue.store.runs(ME)}
    app.button(key="runs-undo").click().run()
    assert first in {run.id for run in keeper.queue.store.runs(ME)}
    assert not app.exception


def charts(app: AppTest) -> dict[str, Any]:
    given = [json.loads(bytes(element.proto.bytes)) for element in app.get("bidi_component") if element.proto.bytes]
    return {part["slot"]: part for part in given if part.get("slot", "").startswith("runs-")}


def test_runs_are_compared_and_passed_on(session: Session, keeper: RunKeeper) -> None:
    runs = [train(session, 1), train(session, 2, seed=7), train(session, 1, batch_size=10)]
    assert keeper.flush(LIMIT)
    app = opened()
    app.session_state["runs_selected"] = runs
    app.run()
    assert "runs-curves" in charts(app)
    for tab, part in (("Scatter", "runs-scatter"), ("Parallel", "runs-parallel"), ("Confusion", "runs-confusion"),
                      ("Output", "runs-output-2")):  # fmt: skip
        app.session_state["runs_tab"] = tab
        app.run()
        assert not app.exception
        assert charts(app)[part]["alt"]
    app.session_state["runs_tab"] = "Settings"
    app.run()
    table = app.dataframe[1].value
    assert list(table[""])[:2] == ["Batch size", "Seed"]

    store = keeper.queue.store
    content = write_runs(store, ME, runs)
    app.button(key="runs-delete").click().run()
    assert store.count(ME) == 0
    uploader = next(field for field in app.get("file_uploader") if field.key.startswith("runs-upload"))
    uploader.upload("runs.zip", content, "application/zip").run()
    assert {run.id for run in store.runs(ME)} == set(runs)
    app.session_state["runs_selected"] = [runs[1]]
    app.run()
    session.reset()
    app.button(key="runs-open").click().run()
    assert session.wait(lambda now: now.status == "ready" and now.experiment is not None, LIMIT)
    assert session.snapshot().experiment.training.seed == 7
    assert not app.exception


def test_what_is_wrong_with_the_store_is_said_and_the_app_works(session: Session, keeper: RunKeeper) -> None:
    def gone() -> Any:
        raise StoreError("The store is of a newer version. Update the program.")

    keeper.queue = SaveQueue(gone)
    train(session, 1)
    assert not keeper.flush(LIMIT)
    app = opened()
    assert not app.exception
    assert "newer version" in messages(app)
    assert any("Not saved" in link.proto.label for link in app.get("page_link"))


def shared_page(secret: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "pages" / "entry" / "main.py"), default_timeout=LIMIT)
    app.session_state["experiment"] = preset("spiral").experiment
    app.run()
    app.query_params["runs"] = secret
    return app.switch_page(str(RUNS.parent / "shared.py")).run()


def test_a_link_shows_runs_to_others_until_it_is_revoked(
    session: Session, keeper: RunKeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [train(session, 1), train(session, 1, seed=7)]
    assert keeper.flush(LIMIT)
    app = opened()
    app.session_state["runs_selected"] = runs
    app.session_state["runs-share"] = True
    app.run()
    app.button(key="runs-share-make").click().run()
    assert not app.exception
    secret = app.code[0].value.partition("/shared?runs=")[2]
    assert len(secret) == 43

    visitor = Session(keeper=RunKeeper(keeper.queue, "a visitor"))
    use(monkeypatch, visitor).keeper = visitor_keeper = RunKeeper(keeper.queue, "a visitor")
    seen = shared_page(secret)
    assert not seen.exception
    assert "runs-curves" in charts(seen)
    pressed = {button.key for button in seen.button} - {"undo", "redo"}
    assert pressed == {"shared-open", "shared-fork"}, "nothing to change, star or delete with"
    assert not seen.dataframe
    assert not seen.text_input
    assert seen.query_params["runs"] in (secret, [secret])
    assert "experiment" not in seen.query_params
    seen.selectbox(key="shared_run").set_value(1).run()
    seen.button(key="shared-open").click().run()
    assert visitor.wait(lambda now: now.status == "ready" and now.experiment is not None, LIMIT)
    assert visitor.snapshot().experiment.training.seed == 7
    assert "runs" not in seen.query_params, "an address that is copied from another page shows nobody's runs"
    assert visitor_keeper.queue.store.count("a visitor") == 0
    assert visitor.close(timeout=LIMIT)

    (link,) = (button for button in app.button if (button.key or "").startswith("runs-revoke"))
    link.click().run()
    assert not app.exception
    for wrong in (secret, "", "../../etc", "x" * 5000):
        assert "shows no runs" in messages(shared_page(wrong))


def test_the_playground_says_what_is_not_saved_yet(session: Session, keeper: RunKeeper) -> None:
    store, gone = keeper.queue.store, True

    def opened_store() -> Any:
        if gone:
            raise StoreError("The store in PostgreSQL cannot be reached.")
        return store

    keeper.queue = SaveQueue(opened_store)
    train(session, 1)
    assert not keeper.flush(LIMIT)
    app = AppTest.from_file(str(ROOT / "pages" / "entry" / "main.py"), default_timeout=LIMIT)
    app.session_state["experiment"] = preset("spiral").experiment
    app.run()
    page = app.session_state["live_page"]
    assert "1 run is not saved yet: The store in PostgreSQL cannot be reached." in page.answer().decode()
    assert page.follows
    gone = False
    assert keeper.flush(LIMIT)
    assert "not saved yet" not in page.answer().decode()
