"""The stream of a page: its answers, its pace, and who may ask."""

from __future__ import annotations

import asyncio
import gc
import json
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
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
from mlp_core.views import VIEWS, Options
from pages.live import pace
from pages.live import page as page_module
from pages.live import stream as stream_module
from pages.live.page import LivePage, leave, on_screen
from pages.live.stream import GONE, routes
from pages.playground.screen import OVERVIEW, Screen
from pages.shared.editor import NETWORK

LIMIT = 180
OVERVIEW_PARTS = {"overview-confusion", "overview-weights", "overview-learning_rate"}
PARTS = {"strip", "network-picture", "overview-loss", "notice"} | OVERVIEW_PARTS


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
    made.request_views(["weights", "neurons"])
    assert made.wait(lambda snapshot: not snapshot.busy, LIMIT)
    yield made
    assert made.close(timeout=LIMIT)


def page_of(session: Session, name: str = "test") -> LivePage:
    """A page with the strip and the Overview, which its browser has on screen."""
    slots = Screen(Options(), OVERVIEW, output=False, views=True).slots()
    made = [*slots["strip"], *slots[NETWORK], *slots["curve"], *slots["tab"]]
    page = LivePage({"run": session}, {"run": made}, name=name)
    assert session.wait(lambda snapshot: not snapshot.computing_views, LIMIT)
    return page


def ask(page: LivePage | str, *, gone: bool = False) -> Response:
    """The answer to whoever asks for the stream of that page, or with that token; `gone`, and does not wait for it."""
    token = page if isinstance(page, str) else page._token
    scope = {"type": "http", "method": "GET", "headers": [], "path_params": {"token": token}}

    async def receive() -> dict[str, Any]:
        if gone:
            return {"type": "http.disconnect"}
        await asyncio.Event().wait()  # the browser says nothing more
        return {}

    return asyncio.run(routes()[0].endpoint(Request(scope, receive)))


def held(answer: Response) -> float:
    """The seconds that an answer waited for something new."""
    return float(answer.headers["server-timing"].partition("dur=")[2]) / 1000


@contextmanager
def waiting(page: LivePage) -> Iterator[Callable[[], Response]]:
    """A request of the page's stream that waits by the time that the block begins; what is given waits for it."""
    token = page._token
    del page
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(ask, token)
        deadline = time.monotonic() + LIMIT
        while token not in stream_module._WAITING and time.monotonic() < deadline:
            assert not answer.done()
        yield lambda: answer.result(LIMIT)


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


def test_a_part_is_sent_again_only_where_what_it_is_drawn_from_has_changed(session: Session) -> None:
    page = page_of(session)
    told(page)
    session.play()
    assert session.wait(lambda snapshot: snapshot.status == "running" and snapshot.step > 0, LIMIT)
    told(page)
    session.pause()
    assert session.wait(lambda snapshot: not snapshot.busy, LIMIT)
    told(page)
    before = session.snapshot()
    session.step()
    assert session.wait(lambda snapshot: snapshot.step > before.step and not snapshot.busy, LIMIT)
    after = session.snapshot()
    assert after.view("weights") is not before.view("weights")
    assert after.confusion is not before.confusion
    assert set(told(page)["parts"]) == PARTS, "a step changes all of it, and a run that stands still shows all of it"
    page._sent = {"run": replace(after, views=before.views)}
    assert set(told(page)["parts"]) == PARTS - {"overview-confusion"}
    page._sent = {"run": replace(after, confusion=before.confusion)}
    assert set(told(page)["parts"]) == PARTS - {"overview-weights", "network-picture"}
    page._sent = {"run": replace(after, run="another")}
    assert set(told(page)["parts"]) == PARTS, "another run's"


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
        assert page.seconds_left() > 0, "it is tried again at the page's pace, not at once"
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
    [(0, 0.075), (1, 0.075), (3, 0.25), (9, 0.5), (16, 1.0), (31, 1.0), (59, 2.0), (99, 4.0), (999, 4.0)],
)
def test_the_pace_follows_how_many_share_the_machine(
    monkeypatch: pytest.MonkeyPatch, others: int, seconds: float
) -> None:
    monkeypatch.setattr(pace.PROCESSOR, "cores", 2)
    monkeypatch.setattr(Turns, "others", lambda turns, **_: others)
    assert pace.interval() == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("since", "period", "seconds"),
    [
        (0.2, 0.0, 0.8),  # how long a turn takes to come round is not known yet
        (0.5, 0.3, 0.5),  # there will be newer ones in time,
        (0.8, 0.3, 0.0),  # or only after a pace,
        (0.1, 9.0, 0.0),
        (1.1, 0.0, 0.0),
    ],
)
def test_new_numbers_wait_for_newer_ones_for_a_pace_at_most(
    monkeypatch: pytest.MonkeyPatch, since: float, period: float, seconds: float
) -> None:
    monkeypatch.setattr(pace, "interval", lambda: 1.0)
    assert pace.seconds_left(since, period) == pytest.approx(seconds)


def test_an_answer_waits_for_news_and_tells_how_long(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    page = page_of(session)
    assert held(ask(page)) == 0, "everything is new to it"
    monkeypatch.setattr(page_module, "HOLD_SECONDS", LIMIT)
    with waiting(page) as answer:
        session.step()
        found = answer()
    assert json.loads(bytes(found.body))["parts"]
    assert 0 < held(found) < LIMIT / 2
    monkeypatch.setattr(page_module, "HOLD_SECONDS", 0.2)
    assert session.wait(lambda snapshot: not snapshot.busy, LIMIT)
    told(page)
    nothing = ask(page)
    assert 0.1 < held(nothing) < LIMIT / 2
    assert json.loads(bytes(nothing.body))["parts"] == {}


def test_the_first_point_of_a_new_run_does_not_wait_for_the_pace(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.play()
    assert session.wait(lambda snapshot: snapshot.status == "running" and snapshot.step > 0, LIMIT)
    monkeypatch.setattr(page_module, "seconds_left", lambda since, period: LIMIT)
    monkeypatch.setattr(page_module, "HOLD_SECONDS", LIMIT)
    page = page_of(session)
    before = told(page)["run"]
    with waiting(page) as answer:
        preset = PRESETS["spiral"].experiment
        session.apply(preset.updated(training=preset.training.updated(seed=7)))
        found = answer()
    assert json.loads(bytes(found.body))["run"] != before
    assert held(found) < LIMIT / 2


def test_a_request_that_waits_is_answered_by_the_page_that_is_drawn_anew(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_module, "HOLD_SECONDS", LIMIT)
    page = page_of(session)
    told(page)
    with waiting(page) as answer:
        again = page_of(session)
        assert set(json.loads(bytes(answer().body))["parts"]) == PARTS
    with waiting(again) as answer:
        page_of(session, "other")
        assert answer().status_code == GONE


def test_a_request_that_waits_keeps_neither_the_page_nor_the_lease(
    session: Session, lease: Lease, state: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_module, "HOLD_SECONDS", 0.2)
    page = page_of(session)
    told(page)
    lease.lose()
    ends = lease._ends
    assert ask(page, gone=True).status_code == GONE
    assert lease._ends == ends, "a browser that is gone gives no sign"
    monkeypatch.setattr(page_module, "HOLD_SECONDS", LIMIT)
    with waiting(page) as answer:
        token, kept = page._token, weakref.ref(page)
        state.clear()
        del page
        gc.collect()
        assert kept() is None, token
        session.step()
        assert answer().status_code == GONE


def test_answers_are_json_without_numpy(session: Session) -> None:
    assert json.loads(page_of(session).answer())["redraw"] is False


def test_the_address_is_below_the_apps_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "get_option", lambda name: "class/a" if name == "server.baseUrlPath" else None)
    assert routes()[0].path == "/class/a/live/{token}"
