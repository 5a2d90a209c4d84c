"""The way of a browser to the newest numbers that does not run the page: `GET live/<token>` answers in JSON.

A tick of Streamlit makes the browser go through every element of the page; that costs a slow machine more than drawing
the charts, and at ten updates a second leaves it no time to take a press. So the feed asks here while a run goes on,
and the page's own tick becomes a heartbeat. Where the feed cannot reach this address (a proxy that knows Streamlit's
own paths only), it says so, and the ticks carry the numbers as before.
"""

from __future__ import annotations

import functools
import math
import secrets
import time
from collections.abc import Callable, Iterable
from typing import Any
from weakref import WeakValueDictionary

import streamlit as st
from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mlp_core.processor import PROCESSOR
from mlp_core.training.session import Session
from mlp_core.training.snapshot import Snapshot
from pages.components.assets import packed
from pages.components.part import Part
from pages.shared.output import as_table
from pages.shared.turns import AT_ONCE

PACES = (0.09, 0.25, 0.5, 1.0, 2.0, 4.0)
"""Seconds between two updates of a page, from when it is alone to when many share the machine."""
UPDATES_PER_CORE = 16
"""A second, of all pages together: what leaves a core with time for presses."""
SOONEST, LATEST = 0.3, 1.5
"""An update is asked for when the next numbers are due, so many paces away."""
RETRY, RETRY_SECONDS = 0.1, 0.1
"""If they are not there yet, it is asked for again after so many paces or seconds, whichever is longer."""
MARGIN_SECONDS = 0.03
"""How long after numbers are due they may come."""
STILL = ("preparing", "pausing", "ready")
_KEY = "stream"


PageState = tuple[Any, ...]


def page_state(session: Session, snapshot: Snapshot) -> PageState:
    """What the areas of a page depend on; a table of samples ticks by itself, but only where it was drawn busy."""
    dataset = snapshot.dataset
    moves = dataset is not None and as_table(dataset) and snapshot.busy
    return snapshot.message, snapshot.notes, snapshot.devices, snapshot.progress is not None, id(dataset), moves


def bar_state(snapshot: Snapshot) -> str:
    """What the buttons depend on. While a run is got ready to stand still, or stops, they are as when it stands."""
    if snapshot.trains:
        return "running"
    return "still" if snapshot.status in STILL else snapshot.status


class Stream:
    """What one page shows now. It lives as long as the page's session state holds it."""

    def __init__(
        self,
        session: Session,
        page: PageState,
        bar: Snapshot,
        views: Iterable[str],
        parts: Callable[[Snapshot], list[Part]],
    ) -> None:
        self._session, self._views, self._parts = session, frozenset(views), parts
        self._page, self._bar = page, bar_state(bar)
        self._sent: Snapshot | None = None

    def follows(self, snapshot: Snapshot) -> bool:
        """Whether buttons and areas, as they were drawn, still belong to the session's state."""
        return (page_state(self._session, snapshot), bar_state(snapshot)) == (self._page, self._bar)

    def answer(self) -> bytes:
        """The parts of the page if something is new, whether the page must be drawn again, and when to ask again."""
        self._session.request_views(self._views)
        snapshot = self._session.snapshot()
        new = snapshot is not self._sent
        self._sent = snapshot
        found: dict[str, Any] = {
            "parts": {part.key: part.data for part in self._parts(snapshot)} if new else {},
            "version": snapshot.version,
            "at": snapshot.at,
            "redraw": not self.follows(snapshot),
            "next": _wait(snapshot, new),
        }
        return packed(found)


_STREAMS: WeakValueDictionary[str, Stream] = WeakValueDictionary()


def interval() -> float:
    """Seconds between two updates of a page: one of `PACES`, the more sessions share the processor, the longer."""
    wanted = (PROCESSOR.turns.others() + 1) / (UPDATES_PER_CORE * PROCESSOR.cores)
    return next((pace for pace in PACES if pace >= wanted), PACES[-1])


def _wait(snapshot: Snapshot, new: bool) -> float:
    """Seconds until a browser that has this snapshot should ask again."""
    pace = interval()
    begun = snapshot.trains and not snapshot.period  # how long a turn takes to come round is not known yet
    if begun or not new:
        return min(pace, max(RETRY * pace, RETRY_SECONDS))
    if snapshot.period < SOONEST * pace:
        return pace  # there will be new ones at any time
    age = time.time() - snapshot.at
    periods = math.ceil((age + SOONEST * pace) / snapshot.period)
    return min(periods * snapshot.period - age + MARGIN_SECONDS, LATEST * pace)


def offer(stream: Stream) -> str:
    """Make this the stream of the browser that a script runs for; gives its address below the app's own."""
    token: str = st.session_state.setdefault(f"{_KEY}_token", secrets.token_urlsafe(18))
    st.session_state[_KEY] = stream
    _STREAMS[token] = stream
    return f"live/{token}"


@functools.cache
def _limiter() -> CapacityLimiter:
    """Python makes one answer at a time, whatever the number of threads; one may have to wait for its session."""
    return CapacityLimiter(AT_ONCE)


async def _live(request: Request) -> Response:
    stream = _STREAMS.get(request.path_params["token"])
    if stream is None:
        return Response(status_code=404)
    content = await to_thread.run_sync(stream.answer, limiter=_limiter())
    # Packed answers would be half as long, and cost more time than they save on any network with a classroom on it.
    headers = {"Cache-Control": "no-store", "Content-Encoding": "identity"}
    return Response(content, media_type="application/json", headers=headers)


def routes() -> list[Route]:
    """For the app: the address of all streams."""
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return [Route(f"{'/' if base else ''}{base}/live/{{token}}", _live)]
