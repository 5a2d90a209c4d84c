"""What a page must not do to a run, to its buttons, or to another run of its browser: through AppTest."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import pytest
import streamlit as st
import test_pages
from streamlit.testing.v1 import AppTest
from test_pages import LIMIT, ROOT, settled

from mlp_core.presets import PRESETS
from mlp_core.training import lease as lease_module
from mlp_core.training.lease import LEASE_SECONDS, Lease
from mlp_core.training.session import Session
from mlp_core.training.snapshot import Snapshot
from mlp_core.views import VIEWS, Options
from pages.live import runs as runs_module
from pages.live.page import LivePage
from pages.live.runs import PLAYGROUND, BrowserRuns

MAIN = ROOT / "pages" / "entry" / "main.py"
OTHERS = {"inspect": "../inspect/page.py", "export": "../export/page.py"}
STILL = ["export"]  # pages that do not move by themselves
"""Pages that do not move by themselves."""


class Clock:
    """The time that leases see: it stands until a test moves it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@dataclass
class Browser:
    """A browser with the app on its screen, its runs, and the time of its lease."""

    app: AppTest
    """The app."""
    runs: BrowserRuns
    """Its runs."""
    clock: Clock
    """The time of its lease."""
    timers: dict[str, tuple[Callable[[], None], float]]
    """The fragments of the last run of the app that run by themselves: each with the seconds between two runs."""

    @property
    def session(self) -> Session:
        """The run that the Playground shows."""
        return self.runs.session

    def run(self) -> AppTest:
        """Run the app, as when the browser asks for the page."""
        self.timers.clear()
        self.app.run()
        assert not self.app.exception
        return self.app

    def show(self, page: str) -> AppTest:
        """Go to another page."""
        self.timers.clear()
        self.app.switch_page(page).run()
        assert not self.app.exception
        return self.app

    def train(self) -> None:
        """Press Train, and see it go."""
        self.app.button(key="train").click()
        self.run()
        self.goes_on()

    def goes_on(self) -> None:
        """The run does some more steps."""
        step = self.session.snapshot().step
        assert self.session.wait(lambda now: now.status == "running" and now.step > step + 1, LIMIT)

    def stops(self) -> Snapshot:
        """The run stops, and is kept."""
        assert self.session.wait(lambda now: not now.busy, LIMIT)
        return self.session.snapshot()

    def component(self, key: str) -> dict[str, Any] | None:
        """The data of a component on the page; None if it is not there."""
        found = [each.proto for each in self.app.get("bidi_component") if each.proto.id.endswith(f"-{key}")]
        return json.loads(found[0].bytes) if found else None

    @property
    def notice(self) -> str:
        """What the page says of what could not be drawn."""
        shown = self.component("notice")
        assert shown is not None
        return shown["text"]


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Iterator[Browser]:
    """The Playground with the default preset, ready."""
    clock = Clock()
    monkeypatch.setattr(lease_module, "time", SimpleNamespace(monotonic=clock.monotonic))
    runs = BrowserRuns(Lease())
    monkeypatch.setattr(runs_module, "browser_runs", lambda: runs)
    monkeypatch.chdir(ROOT)
    timers: dict[str, tuple[Callable[[], None], float]] = {}
    fragment = st.fragment

    def record(function: Callable[[], None], *, key: str, run_every: float | None = None) -> Callable[[], None]:
        if run_every is not None:
            timers[key] = function, run_every
        return fragment(function, key=key, run_every=run_every)

    monkeypatch.setattr(st, "fragment", record)
    app = AppTest.from_file(str(MAIN), default_timeout=LIMIT).run()
    made = Browser(app, runs, clock, timers)
    app.session = made.session  # type: ignore[attr-defined]
    settled(app)
    assert not app.exception
    yield made
    for session in runs.values():
        assert session.close(timeout=LIMIT)


# The lease


@pytest.mark.parametrize("page", STILL)
def test_a_run_goes_on_beyond_the_lease_on_a_page_that_does_not_move(browser: Browser, page: str) -> None:
    browser.train()
    run = browser.session.snapshot().run
    browser.show(OTHERS[page])
    beat, seconds = browser.timers["heartbeat"]
    begun = browser.clock.now
    while browser.clock.now < begun + 3 * LEASE_SECONDS:
        browser.clock.now += seconds
        beat()
        browser.goes_on()
    assert browser.session.snapshot().run == run


@pytest.mark.parametrize("page", ["", *STILL])
def test_without_a_sign_of_the_browser_its_run_stops_and_is_kept(browser: Browser, page: str) -> None:
    browser.train()
    if page:
        browser.show(OTHERS[page])
    run = browser.session.snapshot().run
    browser.clock.now += LEASE_SECONDS - 1
    browser.goes_on()
    browser.clock.now += 2
    stopped = browser.stops()
    assert stopped.run == run
    assert stopped.step > 0


def test_a_heartbeat_lasts_as_long_as_a_run_of_the_browser_trains(browser: Browser) -> None:
    browser.show(OTHERS["export"])
    assert "heartbeat" not in browser.timers
    other = browser.runs.open("other")
    other.apply(PRESETS["xor"].experiment)
    other.play()
    assert other.wait(lambda now: now.status == "running" and now.step > 0, LIMIT)
    links = browser.run().get("page_link")
    assert [link.proto.label for link in links] == ["Training"], "the page says that a run goes on"
    assert "heartbeat" in browser.timers, "the Playground does not show it, but it trains"
    other.pause()
    assert other.wait(lambda now: not now.busy, LIMIT)
    assert not browser.run().get("page_link")
    assert "heartbeat" not in browser.timers


def test_the_page_moves_by_itself_or_gets_a_heartbeat_never_both(browser: Browser) -> None:
    browser.train()
    assert set(browser.timers) == {"live"}
    browser.show(OTHERS["export"])
    assert set(browser.timers) == {"heartbeat"}
    browser.show("../playground/page.py")
    assert set(browser.timers) == {"live"}


# An experiment with errors


def choose_a_wrong_loss(app: AppTest) -> None:
    """The loss wants counts, and the spiral has classes."""
    test_pages.field(app, "selectbox", "loss").set_value("PoissonNLLLoss")


def compose_a_wrong_network(app: AppTest) -> None:
    """There is no plan of it: only the last Linear may leave its width to the data."""
    test_pages.field(app, "menu_button", "layer-6-menu").click("Duplicate")


@pytest.mark.layer_list
@pytest.mark.parametrize("page", OTHERS)
@pytest.mark.parametrize("make_an_error", [choose_a_wrong_loss, compose_a_wrong_network])
def test_an_experiment_with_an_error_leaves_the_run_as_it_is_on_every_page(
    browser: Browser, page: str, make_an_error: Callable[[AppTest], None]
) -> None:
    browser.train()
    good, before = browser.session.experiment, browser.session.snapshot()
    make_an_error(browser.app)
    browser.run()
    assert browser.app.button(key="train").disabled
    kept = browser.stops()
    assert (kept.run, kept.generation) == (before.run, before.generation)
    browser.show(OTHERS[page])
    assert browser.session.experiment == good
    browser.run()
    after = browser.session.snapshot()
    assert (after.run, after.step, after.status) == (kept.run, kept.step, "ready")
    assert after.dataset is kept.dataset
    assert browser.app.error, "it says what is wrong, instead of what would fail"
    assert browser.app.get("page_link")[0].proto.label == "Mend it in the Playground"
    assert not browser.app.code


def test_an_error_is_mended_and_the_run_goes_on(browser: Browser) -> None:
    browser.train()
    test_pages.field(browser.app, "selectbox", "loss").set_value("PoissonNLLLoss")
    browser.run()
    kept = browser.stops()
    browser.show(OTHERS["inspect"])
    browser.show("../playground/page.py")
    test_pages.field(browser.app, "selectbox", "loss").set_value("CrossEntropyLoss")
    browser.run()
    browser.train()
    assert browser.session.snapshot().run == kept.run
    assert browser.session.snapshot().step > kept.step


# A view that fails


class Faulty:
    """A figure that raises while `fails` is more than 0, so many times."""

    def __init__(self, name: str) -> None:
        self.fails = 0
        self._view = VIEWS[name]

    def __call__(self, snapshot: Snapshot, options: Options) -> Any:
        if self.fails:
            self.fails -= 1
            raise LookupError("no <such> colour")
        return self._view.figure(snapshot, options)


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> Faulty:
    """The figure of loss and accuracy."""
    figure = Faulty("progress")
    monkeypatch.setitem(VIEWS, "progress", replace(VIEWS["progress"], figure=figure))
    return figure


def on_screen(browser: Browser) -> LivePage:
    return browser.app.session_state["live_page"]


def assert_usable(browser: Browser) -> None:
    """The page has its buttons, its tabs and the other views."""
    assert not browser.app.exception
    assert not browser.app.button(key="train").disabled
    assert {"step", "epoch", "reset", "new_weights"} <= {button.key for button in browser.app.button}
    assert "Overview" in [tab.label for tab in browser.app.tabs]
    assert browser.component("overview-weights") is not None
    assert browser.component("strip") is not None


def test_a_view_that_fails_is_logged_and_said_and_the_page_stays(
    faulty: Faulty, browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    faulty.fails = 1000
    browser.run()
    assert_usable(browser)
    assert browser.component("overview-loss") is None
    assert browser.notice == "Loss and accuracy could not be drawn (LookupError); the next update tries again."
    assert "no <such> colour" in caplog.text
    faulty.fails = 0
    browser.run()
    assert_usable(browser)
    assert browser.component("overview-loss") is not None
    assert browser.notice == ""


def test_a_view_that_fails_once_is_drawn_by_the_next_tick(
    faulty: Faulty, browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    """The tick that ends the same run of the page finds that it can be drawn, and asks for the page again."""
    faulty.fails = 1
    browser.run()
    assert faulty.fails == 0
    assert "no <such> colour" in caplog.text
    assert_usable(browser)
    assert browser.component("overview-loss") is not None
    assert browser.notice == ""


def test_a_view_that_fails_in_a_tick_is_said_by_it_and_drawn_by_the_next(
    faulty: Faulty, browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    browser.run()
    mount = LivePage.mount

    def fail_after(page: LivePage, slot: Any) -> None:
        faulty.fails = 0
        mount(page, slot)
        faulty.fails = 1

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LivePage, "mount", fail_after)
        browser.run()
    assert_usable(browser)
    assert browser.component("overview-loss") is not None, "it keeps what it showed"
    sent = browser.component("live_feed")["parts"]
    assert "overview-loss" not in sent
    assert "Loss and accuracy could not be drawn" in sent["notice"]["text"]
    assert "no <such> colour" in caplog.text
    browser.run()
    sent = browser.component("live_feed")["parts"]
    assert "overview-loss" in sent
    assert sent["notice"]["text"] == ""


def test_a_view_that_fails_in_an_answer_is_said_by_it_and_drawn_by_the_next(faulty: Faulty, browser: Browser) -> None:
    browser.run()
    page = on_screen(browser)
    faulty.fails = 1
    told = json.loads(page.answer())
    assert "Loss and accuracy could not be drawn" in told["parts"]["notice"]["text"]
    assert "overview-loss" not in told["parts"]
    assert "overview-weights" in told["parts"]
    assert told["redraw"] is False, "the page keeps what it showed"
    told = json.loads(page.answer())
    assert told["parts"]["notice"]["text"] == ""
    assert "overview-loss" in told["parts"]


def test_an_answer_asks_for_the_page_once_it_can_be_drawn(faulty: Faulty, browser: Browser) -> None:
    faulty.fails = 1000
    browser.run()
    page = on_screen(browser)
    assert json.loads(page.answer())["redraw"] is False
    faulty.fails = 0
    assert json.loads(page.answer())["redraw"] is True
    browser.run()
    assert browser.component("overview-loss") is not None
    assert json.loads(on_screen(browser).answer())["redraw"] is False


# Another run of the browser


SWITCH = f"""
import runpy
import streamlit as st
from pages.live import runs
from pages.shared.verdict import show_run
for name in ("other", "playground"):
    st.button(name, key=f"show-{{name}}", on_click=show_run, args=(runs.browser_runs(), name))
runpy.run_path({str(MAIN)!r})
"""
"""The app with a button for each run, as a page that lists runs has it."""


def test_the_playground_shows_another_run_with_its_experiment(
    browser: Browser, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser.train()
    first = browser.session
    other = browser.runs.open("other")
    other.apply(PRESETS["two-hidden-relu"].experiment)
    assert other.wait(lambda now: now.status == "ready", LIMIT)
    other.step()
    assert other.wait(lambda now: now.step == 1 and not now.busy, LIMIT)
    run = other.snapshot().run

    script = tmp_path / "switch.py"
    script.write_text(SWITCH)
    monkeypatch.syspath_prepend(str(ROOT))
    browser.app = AppTest.from_file(str(script), default_timeout=LIMIT)
    browser.run()
    assert test_pages.field(browser.app, "selectbox", "dataset").value == "spiral"
    assert browser.app.button(key="pause")

    browser.app.button(key="show-other").click()
    browser.run()
    assert browser.runs.current == "other"
    assert test_pages.field(browser.app, "selectbox", "dataset").value == "iris"
    assert test_pages.preset(browser.app).value == "two-hidden-relu"
    assert not browser.app.button(key="train").disabled
    assert any("1 steps" in cell["note"] for cell in browser.component("strip")["cells"])
    assert other.snapshot().run == run, "showing a run does not start it over"
    assert other.snapshot().step == 1
    step = first.snapshot().step
    assert first.wait(lambda now: now.status == "running" and now.step > step, LIMIT), "and the other trains on"
    assert first.experiment == PRESETS["spiral"].experiment

    browser.app.button(key="show-playground").click()
    browser.run()
    assert browser.runs.current == PLAYGROUND
    assert test_pages.field(browser.app, "selectbox", "dataset").value == "spiral"
    assert browser.app.button(key="pause")
    assert other.experiment == PRESETS["two-hidden-relu"].experiment
