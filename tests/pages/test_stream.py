"""The stream of a page: its answers, its pace, and who may ask."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from mlp_core.presets import PRESETS
from mlp_core.processor.turns import Turns
from mlp_core.training.session import Session
from mlp_core.training.snapshot import Snapshot
from pages.components.part import Part
from pages.shared import stream as module
from pages.shared.shown import Shown
from pages.shared.status import strip
from pages.shared.stream import Stream, interval, page_state, routes
from pages.shared.tabs import tab_parts

LIMIT = 60
SHOWN = Shown("light", "Overview", False, 0.0, False, "both", False, True, True, True)


@pytest.fixture
def session() -> Iterator[Session]:
    made = Session()
    made.apply(PRESETS["spiral"].experiment)
    assert made.wait(lambda snapshot: snapshot.status == "ready", LIMIT)
    made.request_views(["weights"])
    assert made.wait(lambda snapshot: not snapshot.busy, LIMIT)
    yield made
    assert made.close(timeout=10)


def ask(token: str) -> Response:
    """The answer to whoever asks for the stream of that token."""
    scope = {"type": "http", "method": "GET", "headers": [], "path_params": {"token": token}}
    return asyncio.run(routes()[0].endpoint(Request(scope)))


def told(token: str) -> Any:
    return json.loads(bytes(ask(token).body))


def parts_of(session: Session) -> Any:
    from pages.shared.live import curves

    def parts(snapshot: Snapshot) -> list[Part]:
        drawn = curves(session)
        return [strip(snapshot, SHOWN, drawn), *tab_parts(session, snapshot, SHOWN, drawn)]

    return parts


def new_stream(session: Session, views: set[str]) -> Stream:
    snapshot = session.snapshot()
    return Stream(session, page_state(session, snapshot), snapshot, views, parts_of(session))


def stream_of(session: Session, token: str) -> Stream:
    made = new_stream(session, {"weights"})
    module._STREAMS[token] = made
    return made


def test_an_answer_holds_what_moved_and_no_more_until_something_new_happens(session: Session) -> None:
    kept = stream_of(session, "one")
    first = ask("one")
    assert first.headers["cache-control"] == "no-store"
    found = json.loads(bytes(first.body))
    assert set(found["parts"]) == {"strip", "overview-loss", "overview-middle", "overview-weights"}
    assert found["redraw"] is False
    assert told("one")["parts"] == {}
    session.step()
    assert session.wait(lambda snapshot: snapshot.step == 1 and not snapshot.busy, LIMIT)
    cells = told("one")["parts"]["strip"]["cells"]
    assert any("1 steps" in cell["note"] for cell in cells)
    assert kept is not None


def test_a_changed_state_asks_for_a_new_page(session: Session) -> None:
    kept = stream_of(session, "two")
    session.play()
    assert session.wait(lambda snapshot: snapshot.status == "running" and snapshot.step > 0, LIMIT)
    assert told("two")["redraw"] is True
    assert kept.follows(session.snapshot()) is False


def test_asking_keeps_the_lease_and_an_answer_stays_small(session: Session) -> None:
    kept = stream_of(session, "three")
    session.play()
    assert session.wait(lambda snapshot: snapshot.step > 2000, LIMIT)
    session.lease_lost()
    before = session._lease_ends
    answer = ask("three")
    assert session._lease_ends > before
    assert len(answer.body) < 50_000
    assert kept is not None


def test_nobody_else_has_an_answer_and_none_outlives_its_page(session: Session) -> None:
    kept = stream_of(session, "four")
    assert ask("guessed").status_code == 404
    assert ask("four").status_code == 200
    assert kept is not None
    del kept
    gc.collect()
    assert ask("four").status_code == 404


@pytest.mark.parametrize(
    ("others", "seconds"),
    [(0, 0.09), (1, 0.09), (3, 0.25), (9, 0.5), (16, 1.0), (31, 1.0), (59, 2.0), (99, 4.0), (999, 4.0)],
)
def test_the_pace_follows_how_many_share_the_machine(
    monkeypatch: pytest.MonkeyPatch, others: int, seconds: float
) -> None:
    monkeypatch.setattr(module.PROCESSOR, "cores", 2)
    monkeypatch.setattr(Turns, "others", lambda turns, **_: others)
    assert interval() == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("age", "period", "new", "seconds"),
    [
        (0.0, 0.0, True, 0.1),  # it has just begun
        (0.0, 0.1, True, 1.0),  # there will be newer ones at any time
        (0.1, 0.9, True, 0.8),  # when the next are due,
        (0.7, 0.9, True, 1.1),  # or those after the next, if that is too soon,
        (0.1, 9.0, True, 1.5),  # but a page that shows nothing new looks dead
        (0.1, 0.9, False, 0.1),
    ],
)
def test_a_browser_asks_when_the_next_numbers_are_due(
    monkeypatch: pytest.MonkeyPatch, age: float, period: float, new: bool, seconds: float
) -> None:
    monkeypatch.setattr(module, "interval", lambda: 1.0)
    monkeypatch.setattr(module.time, "time", lambda: 100.0)
    wait = module._wait(Snapshot(status="running", at=100.0 - age, period=period), new)
    assert wait == pytest.approx(seconds, abs=module.MARGIN_SECONDS + 1e-9)
    monkeypatch.setattr(module, "interval", lambda: 0.01)
    assert module._wait(Snapshot(status="running", at=100.0), new=False) == 0.01, "never more seldom than the pace"


def test_answers_are_json_without_numpy(session: Session) -> None:
    answer = json.loads(new_stream(session, set()).answer())
    assert answer["next"] == pytest.approx(interval())


def test_the_address_is_below_the_apps_own(monkeypatch: pytest.MonkeyPatch) -> None:
    import streamlit as st

    monkeypatch.setattr(st, "get_option", lambda name: "class/a" if name == "server.baseUrlPath" else None)
    assert routes()[0].path == "/class/a/live/{token}"
