"""The Race page without a browser: begun from a control, put together, raced to the winner's sentence, kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from mlp_core.presets import preset
from mlp_core.race.race import Race
from mlp_core.training.keeping import Draft
from mlp_core.training.session import Session
from pages.live.runs import BrowserRuns
from tests.pages.test_pages import LIMIT, ROOT, field, messages, use

RACE = ROOT / "pages" / "race" / "page.py"


class Kept:
    """A keeper that remembers names."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}

    def due(self, run: str) -> bool:
        return False

    def keep(self, draft: Draft) -> None:
        self.names[draft.record.id] = draft.name

    def flush(self, seconds: float) -> bool:
        return True


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Iterator[BrowserRuns]:
    session = Session()
    made = use(monkeypatch, session)
    for module in ("pages.race.setup", "pages.race.controls"):
        monkeypatch.setattr(f"{module}.browser_runs", lambda: made)
    monkeypatch.chdir(ROOT)
    yield made
    assert session.close(timeout=LIMIT)
    assert made.race is None or made.race.close(LIMIT)


def parts(app: AppTest) -> dict[str, Any]:
    given = [json.loads(bytes(element.proto.bytes)) for element in app.get("bidi_component") if element.proto.bytes]
    return {part["slot"]: part for part in given if part.get("slot", "").startswith("race-")}


def race_of(runs: BrowserRuns) -> Race:
    assert runs.race is not None
    return runs.race


def names(runs: BrowserRuns) -> list[str]:
    return [lane.name for lane in race_of(runs).lanes]


def begin(app: AppTest, runs: BrowserRuns, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a layer's menu, then from that of all settings."""
    gone_to: list[str] = []
    monkeypatch.setattr("streamlit.switch_page", gone_to.append)  # without a browser, callbacks know no pages
    field(app, "menu_button", "layer-0-menu").click("Race against…").run()
    assert app.session_state["race_setup"].names == ["layer 1 neurons 8", "layer 1 neurons 16"]
    app.menu_button(key="settings-race").click("hidden.activation").run()
    assert gone_to == [str(RACE)] * 2
    app.switch_page(str(RACE)).run()
    assert not app.exception
    assert names(runs) == ["Tanh", "ReLU"]
    assert race_of(runs).wait(LIMIT)
    app.run()
    shown = parts(app)
    assert "Press Start" in shown["race-verdict"]["text"]
    assert shown["race-picture-1"]["figure"]["data"], "what the network makes of the plane before it trains"
    assert [row[0][0] for row in shown["race-table"]["rows"]] == ["Tanh", "ReLU"]


def put_together(app: AppTest, runs: BrowserRuns) -> None:
    """Another variant, another value, one less, another length; what is refused leaves all as it was."""
    field(app, "selectbox", "race-setting-hidden.activation").set_value("optimizer.lr").run()
    app.button(key="race-add-variant").click().run()
    assert names(runs) == ["as it is", "ReLU", "learning rate 0.3"]
    field(app, "number_input", "race-2-optimizer.lr").set_value(-1.0).run()
    assert "Learning rate must be a number" in messages(app)
    assert names(runs)[2] == "learning rate 0.3"
    field(app, "number_input", "race-2-optimizer.lr").set_value(0.1).run()
    assert names(runs)[2] == "learning rate 0.1"
    assert not app.error
    app.button(key="race-remove-0").click().run()
    assert len(names(runs)) == 2
    field(app, "number_input", "race-length-epochs").set_value(0.5).run()
    assert "must be a whole number of epochs of at least 1" in messages(app)
    field(app, "number_input", "race-length-epochs").set_value(3.0).run()
    field(app, "toggle", "race-full-speed").set_value(True).run()
    assert not app.error


@pytest.mark.layer_list
def test_a_race_is_begun_from_a_control_raced_and_kept(runs: BrowserRuns, monkeypatch: pytest.MonkeyPatch) -> None:
    app = AppTest.from_file(str(ROOT / "pages" / "entry" / "main.py"), default_timeout=LIMIT)
    app.session_state["experiment"] = preset("spiral").experiment
    app.session_state["more"] = True
    app.run()
    assert not app.exception
    begin(app, runs, monkeypatch)
    put_together(app, runs)

    kept, race = Kept(), race_of(runs)
    race._keeper = kept  # type: ignore[assignment]
    app.button(key="race-start").click().run()
    assert race.wait(LIMIT)
    app.run()
    assert not app.exception
    assert race.over
    shown = parts(app)
    assert shown["race-verdict"]["text"] == race.verdict
    assert race.verdict.endswith("after 3 epochs.")
    assert shown["race-verdict"]["said"]
    assert sorted(kept.names.values()) == ["ReLU (race)", "learning rate 0.1 (race)"]
    assert len(shown["race-curves"]["figure"]["data"]) == 2

    # The experiment is edited elsewhere: the race that was trained stays until somebody wants another.
    other = preset("moons").experiment
    app.session_state["experiment"] = other
    app.run()
    assert runs.race is race
    assert "was changed since this race began" in messages(app)
    app.button(key="race-rebase").click().run()
    assert runs.race is not race
    assert race_of(runs).lanes[0].experiment == other
    assert not app.exception
