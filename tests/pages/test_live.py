"""The page's own ticks, called by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from mlp_core.presets import preset
from mlp_core.training.session import Session
from mlp_core.training.snapshot import Snapshot
from pages.components.part import Part
from pages.shared import live as module
from pages.shared.stream import page_state
from pages.shared.turns import CROWD

LIMIT = 60.0


@pytest.fixture
def session() -> Iterator[Session]:
    made = Session()
    made.apply(preset("spiral").experiment)
    made.play()
    assert made.wait(lambda snapshot: snapshot.status == "running" and snapshot.step > 0, LIMIT)
    yield made
    assert made.close(LIMIT)


@pytest.fixture
def fed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many parts each tick has sent."""
    sent: list[int] = []
    monkeypatch.setattr(module, "offer", lambda stream: "live/token")
    monkeypatch.setattr(module, "feed", lambda moved, **_: sent.append(len(moved)))
    return sent


@pytest.fixture
def ticks(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], None]]:
    """The fragments that were made."""
    made: list[Callable[[], None]] = []

    def fragment(function: Callable[[], None], **_: Any) -> Callable[[], None]:
        made.append(function)
        return function

    monkeypatch.setattr(module.st, "fragment", fragment)
    return made


def parts(snapshot: Snapshot) -> list[Part]:
    return [Part(lambda: None, "curve", {"step": snapshot.step})]


@pytest.mark.parametrize(("in_line", "drawn"), [(CROWD - 1, [1, 1, 1, 1, 1]), (CROWD, [1, 1, 0, 1, 0])])
def test_where_many_wait_to_draw_every_second_tick_draws_nothing(
    session: Session,
    monkeypatch: pytest.MonkeyPatch,
    fed: list[int],
    ticks: list[Callable[[], None]],
    in_line: int,
    drawn: list[int],
) -> None:
    """The first one shows what the buttons show, whoever waits."""
    monkeypatch.setattr(module.st, "session_state", {module._STREAMS: False})
    monkeypatch.setattr(module, "DRAWING", SimpleNamespace(waiting=in_line, turn=lambda urgent: nullcontext()))
    snapshot = session.snapshot()
    module.live(session, page_state(session, snapshot), snapshot, set(), parts)
    for _ in range(4):
        ticks[0]()
    assert fed == drawn


@pytest.mark.parametrize(("rests", "sent"), [(False, [1, 0, 0]), (True, [1, 1, 1])])
def test_every_tick_brings_what_no_stream_does(
    session: Session,
    monkeypatch: pytest.MonkeyPatch,
    fed: list[int],
    ticks: list[Callable[[], None]],
    rests: bool,
    sent: list[int],
) -> None:
    """Streamlit drops the first tick's message where another run of its fragment begins at that moment."""
    monkeypatch.setattr(module.st, "session_state", {})
    if rests:
        session.pause()
        assert session.wait(lambda snapshot: not snapshot.busy, LIMIT)
    snapshot = session.snapshot()
    module.live(session, page_state(session, snapshot), snapshot, set(), parts)
    for _ in range(2):
        ticks[0]()
    assert fed == sent
