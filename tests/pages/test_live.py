"""A live page's own ticks, called by hand: what each sends, when it asks for another run, and what faults cost."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from mlp_core.catalog.facts import DataFacts
from mlp_core.errors import UserError
from mlp_core.presets import preset
from mlp_core.training.session import Session
from mlp_core.training.snapshot import Snapshot
from pages.components.part import Part, Update
from pages.live import page as module
from pages.live.pace import CROWD
from pages.live.page import BUTTONS, LivePage

LIMIT = 180.0


class RerunError(Exception):
    """What Streamlit raises where a script asks for another run; `args` holds the fragment, if it is one."""


class Curve:
    """A place that shows the number of steps, and can be made to fail."""

    label = "A curve"

    def __init__(self) -> None:
        self.fault: Exception | None = None
        self.bad_key: Exception | None = None
        self.value: object = None

    def views(self, facts: DataFacts) -> tuple[str, ...]:
        if self.bad_key is not None:
            raise self.bad_key
        return ()

    def key(self, snapshot: Snapshot) -> str:
        if self.bad_key is not None:
            raise self.bad_key
        return "curve"

    def part(self, snapshot: Snapshot) -> Part:
        if self.fault is not None:
            raise self.fault
        return Part(nothing, "curve", {"step": snapshot.step, "value": self.value})

    def same(self, before: Snapshot, now: Snapshot) -> bool:
        return False


class Screen:
    """What Streamlit was given: the fragments, the parts of every tick, and what the feed would call."""

    def __init__(self) -> None:
        self.fragments: dict[str, Callable[[], None]] = {}
        self.sent: list[dict[str, Any]] = []
        self.redraw: Callable[[], None] = nothing
        self.buttons = 0

    def fragment(self, function: Callable[[], None], *, key: str, **_: Any) -> Callable[[], None]:
        self.fragments[key] = function
        return function

    def feed(self, update: Update, *, redraw: Callable[[], None], **_: Any) -> None:
        update.message()  # as the real one does: what is no JSON fails here
        self.sent.append({part.key: part.data for part, _ in update.parts})
        self.redraw = redraw

    def tick(self) -> dict[str, Any]:
        """Let the page tick once; gives what it sent."""
        before = len(self.sent)
        self.fragments["live"]()
        assert len(self.sent) == before + 1
        return self.sent[-1]

    def draw_buttons(self, snapshots: module.Snapshots) -> None:
        self.buttons += 1


def nothing(**_: Any) -> None:
    pass


def rerun(*fragment: str) -> None:
    raise RerunError(*fragment)


@pytest.fixture
def session() -> Iterator[Session]:
    made = Session()
    made.apply(preset("spiral").experiment)
    made.play()
    assert made.wait(lambda snapshot: snapshot.status == "running" and snapshot.step > 0, LIMIT)
    yield made
    assert made.close(LIMIT)


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    made = Screen()
    monkeypatch.setattr(module.st, "session_state", {})
    monkeypatch.setattr(module.st, "fragment", made.fragment)
    monkeypatch.setattr(module.st, "container", lambda **_: nullcontext())
    monkeypatch.setattr(module.st, "rerun", rerun)
    monkeypatch.setattr(module, "feed", made.feed)
    monkeypatch.setattr(module, "notice", lambda text, key: Part(nothing, key, {"text": text}))
    return made


def drawn(session: Session, screen: Screen, curve: Curve) -> LivePage:
    """A page with one curve, drawn as a script draws it."""
    page = LivePage({"run": session}, {"run": [curve]}, name="test")
    page.mount(curve)
    page.follow(screen.draw_buttons)
    return page


def pause(session: Session) -> None:
    session.pause()
    assert session.wait(lambda snapshot: not snapshot.busy, LIMIT)


@pytest.mark.parametrize(("in_line", "sent"), [(CROWD - 1, [1, 1, 1, 1, 1]), (CROWD, [1, 1, 0, 1, 0])])
def test_where_many_wait_to_draw_every_second_tick_draws_nothing(
    session: Session, monkeypatch: pytest.MonkeyPatch, screen: Screen, in_line: int, sent: list[int]
) -> None:
    """The first one shows what the buttons show, whoever waits."""
    module.st.session_state[module._STREAMS] = False
    monkeypatch.setattr(module, "DRAWING", SimpleNamespace(waiting=in_line, turn=lambda priority: nullcontext()))
    page = drawn(session, screen, Curve())
    for _ in range(4):
        screen.tick()
    assert ["curve" in parts for parts in screen.sent] == [bool(each) for each in sent]
    assert page.snapshots["run"].trains


@pytest.mark.parametrize(("rests", "sent"), [(False, [1, 0, 0]), (True, [1, 1, 1])])
def test_every_tick_brings_what_no_stream_does(session: Session, screen: Screen, rests: bool, sent: list[int]) -> None:
    """Streamlit drops the first tick's message where another run of its fragment begins at that moment."""
    if rests:
        pause(session)
    drawn(session, screen, Curve())
    for _ in range(2):
        screen.tick()
    assert ["curve" in parts for parts in screen.sent] == [bool(each) for each in sent]


def test_a_tick_whose_buttons_are_old_asks_for_the_page_once(session: Session, screen: Screen) -> None:
    drawn(session, screen, Curve())
    pause(session)
    with pytest.raises(RerunError):
        screen.tick()
    drawn(session, screen, Curve())
    screen.tick()


def test_the_page_is_drawn_again_if_a_tick_follows_an_area_so_soon_that_the_browser_may_not_have_heard_of_its_end(
    session: Session, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    run: list[str] | None = None
    monkeypatch.setattr(module, "get_script_run_ctx", lambda **_: SimpleNamespace(fragment_ids_this_run=run))
    page = LivePage({"run": session}, {"run": []}, name="test")
    page.area("list", lambda: None)
    page.follow(screen.draw_buttons)
    run = ["the feed, after the whole page"]
    screen.tick()
    run = ["an area", "the feed"]
    screen.fragments["list"]()
    screen.tick()
    run = ["the feed, right after"]
    with pytest.raises(RerunError):
        screen.tick()
    screen.tick()
    screen.fragments["list"]()
    monkeypatch.setattr(module, "LOST_SECONDS", 0.0)
    run = ["the feed, long after"]
    screen.tick()


def test_an_area_that_shows_other_places_brings_those_and_asks_for_their_views_alone(
    session: Session, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = Curve(), Curve()
    page = drawn(session, screen, first)
    monkeypatch.setattr(second, "key", lambda snapshot: "other")
    monkeypatch.setattr(second, "part", lambda snapshot: Part(nothing, "other", {}))
    monkeypatch.setattr(first, "views", lambda facts: ("weights",))
    monkeypatch.setattr(second, "views", lambda facts: ("gradients",))
    assert page.exchange("run", [first], [second]) == [second]
    assert list(session._mail.orders.views) == ["gradients"]
    page.mount(second)
    assert json.loads(page.answer())["parts"].keys() == {"other", "notice"}
    screen.tick()
    other = preset("xor").experiment
    session.apply(other)
    assert session.wait(lambda now: now.dataset is not None and now.dataset.spec == other.data, LIMIT)
    page.exchange("run", [second], [first])
    assert json.loads(page.answer())["redraw"], "what else was drawn is still older than that"


def test_the_first_point_of_a_run_comes_before_its_views_and_what_shows_those_waits(
    session: Session, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    strip, weights = Curve(), Curve()
    monkeypatch.setattr(weights, "key", lambda snapshot: "weights")
    monkeypatch.setattr(weights, "part", lambda snapshot: Part(nothing, "weights", {}))
    monkeypatch.setattr(weights, "views", lambda facts: ("weights",))
    monkeypatch.setattr(weights, "same", lambda before, now: before.view("weights") is now.view("weights"))
    page = LivePage({"run": session}, {"run": [strip, weights]}, name="test")
    page.follow(screen.draw_buttons)
    page.answer()
    pause(session)
    assert session.wait(lambda now: now.view("weights") is not None, LIMIT)
    whole = session.snapshot()
    first = replace(whole, status="running", run="another", views={}, computing_views=True)
    for now, shown in (
        (first, {"curve", "notice"}),
        (replace(first, views=whole.views, computing_views=False), {"curve", "weights", "notice"}),
    ):
        monkeypatch.setattr(page, "_now", lambda now=now: {"run": now})
        assert page.seconds_left() == 0.0
        assert json.loads(page.answer())["parts"].keys() == shown


def test_only_what_is_old_is_drawn_again(session: Session, screen: Screen) -> None:
    """The stream has told the browser that the page must be drawn again: of a run that stopped, the buttons are."""
    drawn(session, screen, Curve())
    pause(session)
    with pytest.raises(RerunError) as asked:
        screen.redraw()
    assert asked.value.args == (BUTTONS,)
    session.apply(preset("xor").experiment)
    assert session.wait(lambda snapshot: snapshot.status == "ready" and snapshot.experiment is not None
                        and snapshot.experiment == preset("xor").experiment, LIMIT)  # fmt: skip
    with pytest.raises(RerunError) as asked:
        screen.redraw()
    assert asked.value.args == ()


def test_a_part_that_fails_in_a_tick_costs_itself_only(
    session: Session, screen: Screen, caplog: pytest.LogCaptureFixture
) -> None:
    curve = Curve()
    pause(session)
    drawn(session, screen, curve)
    curve.fault = RuntimeError("no such axis")
    with caplog.at_level(logging.ERROR):
        assert "A curve could not be drawn (RuntimeError)" in screen.tick()["notice"]["text"]
    assert "no such axis" in caplog.text
    curve.fault = None
    assert screen.tick() == {"curve": {"step": session.snapshot().step, "value": None}, "notice": {"text": ""}}


def test_after_a_fault_a_tick_draws_again_what_the_stream_could_not(session: Session, screen: Screen) -> None:
    curve = Curve()
    page = drawn(session, screen, curve)
    assert screen.tick() == {}, "the stream brings them"
    curve.fault = RuntimeError("no such axis")
    assert "A curve could not be drawn" in json.loads(page.answer())["parts"]["notice"]["text"]
    curve.fault = None
    assert screen.tick().keys() == {"curve", "notice"}
    assert screen.sent[-1]["notice"]["text"] == ""
    assert screen.tick() == {}


def test_what_could_not_be_mounted_is_drawn_as_soon_as_it_can_be(session: Session, screen: Screen) -> None:
    curve = Curve()
    curve.fault = RuntimeError("no such axis")
    pause(session)
    drawn(session, screen, curve)
    assert screen.buttons == 1
    assert "A curve" in screen.sent[-1]["notice"]["text"]
    assert screen.tick().keys() == {"notice"}
    curve.fault = None
    with pytest.raises(RerunError) as asked:
        screen.tick()
    assert asked.value.args == (), "it has no place on the page yet"
    drawn(session, screen, curve)
    assert screen.tick()["notice"]["text"] == ""


def test_what_a_part_says_to_people_is_said_and_not_logged(
    session: Session, screen: Screen, caplog: pytest.LogCaptureFixture
) -> None:
    curve = Curve()
    curve.fault = UserError("The curve needs two points. Got 1. Train longer.")
    pause(session)
    drawn(session, screen, curve)
    assert screen.sent[-1]["notice"]["text"] == "The curve needs two points. Got 1. Train longer."
    assert not caplog.records


@pytest.mark.parametrize("when", ["before it is drawn", "afterwards"])
def test_data_that_cannot_be_sent_costs_no_buttons(session: Session, screen: Screen, when: str) -> None:
    curve = Curve()
    pause(session)
    if when == "afterwards":
        drawn(session, screen, curve)
    curve.value = object()
    if when == "before it is drawn":
        drawn(session, screen, curve)
    assert "could not be drawn (TypeError)" in screen.tick()["notice"]["text"]
    assert screen.buttons == 1
    curve.value = 1
    if when == "afterwards":
        assert screen.tick() == {"curve": {"step": session.snapshot().step, "value": 1}, "notice": {"text": ""}}
    else:
        with pytest.raises(RerunError):
            screen.tick()


@pytest.mark.parametrize("when", ["before it is drawn", "afterwards"])
def test_a_place_that_fails_before_it_has_a_part_costs_no_buttons(session: Session, screen: Screen, when: str) -> None:
    curve = Curve()
    pause(session)
    if when == "afterwards":
        drawn(session, screen, curve)
    curve.bad_key = curve.fault = KeyError("classes")
    if when == "before it is drawn":
        drawn(session, screen, curve)
    else:
        with pytest.raises(RerunError):
            screen.tick()
        drawn(session, screen, curve)
    assert "A curve could not be drawn (KeyError)" in screen.tick()["notice"]["text"]
    assert screen.buttons >= 1
    curve.bad_key = curve.fault = None
    with pytest.raises(RerunError):
        screen.tick()
    drawn(session, screen, curve)
    assert screen.tick()["notice"]["text"] == ""
