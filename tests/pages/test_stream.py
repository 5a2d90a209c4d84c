"""The stream of a page: its answers, its pace, and who may ask."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import streamlit as st
from starlette.requests import Request
from starlette.responses import Response

from mlp_core.presets import PRESETS
from mlp_core.processor.turns import Turns
from mlp_core.training import lease as lease_module
from mlp_core.training.lease import LOST_LEASE_SECONDS, Lease
from mlp_core.training.session import Session
from mlp_core.training.snapshot import Snapshot
from mlp_core.views import VIEWS, Options
from pages.live import pace
from pages.live import page as page_module
from pages.live.page import LivePage, leave, on_screen
from pages.live.stream import GONE, routes
from pages.playground.screen import OVERVIEW, Screen

LIMIT = 60
PARTS = {"strip", "overview-loss", "overview-confusion", "overview-weights", "notice"}


@pytest.fixture(autouse=True)
def state(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What Streamlit keeps for this browser."""
    kept: dict[str, Any] = {}
    monkeypatch.setattr(page_module.st, "session_state", kept)
    return kept


@pytest.fixture
def lease() -> Lease:
    return Lease()


@pytest.fixture
def session(lease: Lease) -> Iterator[Session]:
    made = Session(lease=lease)
    made.apply(PRESETS["spiral"].experiment)
    assert made.wait(lambda snapshot: snapshot.status == "ready", LIMIT)
    made.request_views(["weights"])
    assert made.wait(lambda snapshot: not snapshot.busy, LIMIT)
    yield made
    assert made.close(timeout=10)


def page_of(session: Session, name: str = "test") -> LivePage:
    """A page with the strip and the Overview, which its browser has on screen."""
    slots = Screen(Options(), OVERVIEW, output=False, views=True).slots()
    page = LivePage({"run": session}, {"run": [*slots["strip"], *slots["tab"]]}, name=name)
    assert session.wait(lambda snapshot: not snapshot.computing_views, LIMIT)
    return page


def ask(page: LivePage | str) -> Response:
    """The answer to whoever asks for the stream of that page, or with that token."""
    token = page if isinstance(page, str) else page._token
    scope = {"type": "http", "method": "GET", "headers": [], "path_params": {"token": token}}
    return asyncio.run(routes()[0].endpoint(Request(scope)))


def told(page: LivePage) -> Any:
    return json.loads(bytes(ask(page).body))


def test_an_answer_holds_what_moved_and_no_more_until_something_new_happens(session: Session) -> None:
    page = page_of(session)
    first = ask(page)
    assert first.headers["cache-control"] == "no-store"
    found = json.loads(bytes(first.body))
    assert set(found["parts"]) == PARTS
    assert found["redraw"] is False
    assert told(page)["parts"] == {}
    session.step()
    assert session.wait(lambda snapshot: snapshot.step == 1 and not snapshot.busy, LIMIT)
    found = told(page)
    assert any("1 steps" in cell["note"] for cell in found["parts"]["strip"]["cells"])
    assert found["redraw"] is False, "it stands still, as its buttons say"


def test_a_changed_state_asks_for_a_new_page(session: Session) -> None:
    page = page_of(session)
    assert told(page)["redraw"] is False
    session.play()
    assert session.wait(lambda snapshot: snapshot.status == "running" and snapshot.step > 0, LIMIT)
    assert told(page)["redraw"] is True
    assert told(page_of(session))["redraw"] is False, "the page has been drawn again"


def test_other_data_ask_for_a_new_page(session: Session) -> None:
    page = page_of(session)
    wanted = PRESETS["xor"].experiment
    session.apply(wanted)
    assert session.wait(lambda snapshot: snapshot.experiment == wanted and not snapshot.busy, LIMIT)
    assert told(page)["redraw"] is True


def test_asking_keeps_the_lease_and_an_answer_stays_small(
    session: Session, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = page_of(session)
    session.play()
    assert session.wait(lambda snapshot: snapshot.step > 2000, LIMIT)
    lease.lose()
    later = lease_module.time.monotonic() + LOST_LEASE_SECONDS + 1
    monkeypatch.setattr(lease_module, "time", SimpleNamespace(monotonic=lambda: later))
    assert not lease.holds
    answer = ask(page)
    assert lease.holds
    assert set(json.loads(bytes(answer.body))["parts"]) == PARTS
    assert len(answer.body) < 50_000


def test_nobody_else_has_an_answer_and_none_outlives_its_page(session: Session, state: dict[str, Any]) -> None:
    page = page_of(session)
    token = page._token
    assert ask("guessed").status_code == GONE == 410
    assert ask(token).status_code == 200
    state.clear()  # the browser is gone
    del page
    gc.collect()
    assert ask(token).status_code == GONE


def test_the_address_stays_where_a_page_is_drawn_again_and_ends_where_another_is(session: Session) -> None:
    first = page_of(session)
    again = page_of(session)
    assert first._token == again._token
    assert ask(again).status_code == 200
    other = page_of(session, "other")
    assert ask(again).status_code == GONE
    assert ask(other).status_code == 200


def test_a_page_that_is_left_has_no_more_answers(session: Session) -> None:
    """After a run of the app that drew no live page."""
    page = page_of(session)
    assert leave(None) is False, "it was drawn in this run"
    assert ask(page).status_code == 200
    before = on_screen()
    assert before is page
    assert leave(before) is True
    assert on_screen() is None
    assert ask(page).status_code == GONE


def test_a_view_that_fails_costs_an_answer_nothing_else(
    session: Session, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    page = page_of(session)

    def broken(*arguments: object) -> None:
        raise ZeroDivisionError("no axis")

    with monkeypatch.context() as patch:
        patch.setitem(VIEWS, "weights", replace(VIEWS["weights"], figure=broken))
        found = told(page)
    assert set(found["parts"]) == PARTS - {"overview-weights"}
    assert "Weights could not be drawn (ZeroDivisionError)" in found["parts"]["notice"]["text"]
    assert "no axis" in caplog.text
    assert found["redraw"] is False
    found = told(page)
    assert set(found["parts"]) == PARTS, "though nothing new has happened"
    assert found["parts"]["notice"]["text"] == ""
    assert told(page)["parts"] == {}


@pytest.mark.parametrize(
    ("others", "seconds"),
    [(0, 0.09), (1, 0.09), (3, 0.25), (9, 0.5), (16, 1.0), (31, 1.0), (59, 2.0), (99, 4.0), (999, 4.0)],
)
def test_the_pace_follows_how_many_share_the_machine(
    monkeypatch: pytest.MonkeyPatch, others: int, seconds: float
) -> None:
    monkeypatch.setattr(pace.PROCESSOR, "cores", 2)
    monkeypatch.setattr(Turns, "others", lambda turns, **_: others)
    assert pace.interval() == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("age", "period", "new", "seconds"),
    [
        (0.0, 0.0, True, 0.05),  # it has just begun
        (0.0, 0.1, True, 1.0),  # there will be newer ones at any time
        (0.1, 0.9, True, 0.8),  # when the next are due,
        (0.7, 0.9, True, 1.1),  # or those after the next, if that is too soon,
        (0.1, 9.0, True, 1.5),  # but a page that shows nothing new looks dead
        (0.1, 0.9, False, 0.05),
    ],
)
def test_a_browser_asks_when_the_next_numbers_are_due(
    monkeypatch: pytest.MonkeyPatch, age: float, period: float, new: bool, seconds: float
) -> None:
    monkeypatch.setattr(pace, "interval", lambda: 1.0)
    monkeypatch.setattr(pace.time, "time", lambda: 100.0)
    wait = pace.seconds_to_next(Snapshot(status="running", at=100.0 - age, period=period), new)
    assert wait == pytest.approx(seconds, abs=pace.MARGIN_SECONDS + 1e-9)
    monkeypatch.setattr(pace, "interval", lambda: 0.01)
    soon = pace.seconds_to_next(Snapshot(status="running", at=100.0), new=False)
    assert soon == 0.01, "never more seldom than the pace"


def test_answers_are_json_without_numpy(session: Session) -> None:
    answer = json.loads(page_of(session).answer())
    assert answer["next"] == pytest.approx(pace.interval())


def test_the_address_is_below_the_apps_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "get_option", lambda name: "class/a" if name == "server.baseUrlPath" else None)
    assert routes()[0].path == "/class/a/live/{token}"
