"""The way of a browser to the newest numbers that does not run the page: `GET live/<token>` answers in JSON.

A tick of Streamlit makes the browser go through every element of the page; that costs a slow machine more than drawing
the charts, and at ten updates a second leaves it no time to take a press. So the feed asks here while a run goes on,
and the page's own tick becomes a heartbeat. The server answers when there is something to say, and the browser asks
again at once. Where the feed cannot reach this address (a proxy that knows Streamlit's own paths only), it says so, and
the ticks carry the numbers as before.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import Protocol
from weakref import WeakValueDictionary

import streamlit as st
from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pages.live.pace import AT_ONCE

GONE = 410
"""The answer's status where the page is not on a screen any more: its browser must not ask again."""

Wake = Callable[[], None]
"""Tells a request that waits to look again; may be called from any thread."""


class Source(Protocol):
    """A page that has answers for its browser."""

    @property
    def urgent(self) -> bool:
        """Whether somebody waits for the next answer. Waits for nobody."""

    def seconds_left(self) -> float:
        """Seconds until an answer is due if nothing more happens on the page; 0 for now. Waits for nobody."""

    def waking(self, wake: Wake) -> AbstractContextManager[None]:
        """The block in which `wake` is called when something has happened that makes an answer due.

        It does not keep the page.
        """

    def answer(self) -> bytes:
        """What is new on the page, as JSON. Called from any thread, outside of Streamlit's runs."""


_SOURCES: WeakValueDictionary[str, Source] = WeakValueDictionary()
_WAITING: dict[str, set[Wake]] = {}


def offer(token: str, source: Source) -> str:
    """Have the page answer under this token for as long as somebody holds it; gives the address below the app's."""
    _SOURCES[token] = source
    _wake(token)
    return f"live/{token}"


def withdraw(token: str) -> None:
    """Nobody answers under this token any more."""
    _SOURCES.pop(token, None)
    _wake(token)


def _wake(token: str) -> None:
    """Have requests that wait see that another page answers now, or none."""
    for wake in tuple(_WAITING.get(token, ())):
        wake()


@functools.cache
def _limiter(urgent: bool) -> CapacityLimiter:
    """Python makes one answer at a time, whatever the number of threads; one may have to wait for its session.

    Urgent answers do not wait behind the others.
    """
    return CapacityLimiter(AT_ONCE)


async def _live(request: Request) -> Response:
    source, held = await _due(request.path_params["token"])
    if source is None or await request.is_disconnected():  # an answer would count as a sign of the browser
        return Response(status_code=GONE)
    content = await to_thread.run_sync(source.answer, limiter=_limiter(source.urgent))
    # Packed answers would be half as long, and cost more time than they save on any network with a classroom on it.
    headers = {
        "Cache-Control": "no-store",
        "Content-Encoding": "identity",
        "Server-Timing": f"held;dur={1000 * held:.1f}",  # what a browser's tools show, in milliseconds
    }
    return Response(content, media_type="application/json", headers=headers)


async def _due(token: str) -> tuple[Source | None, float]:
    """The page that answers under the token once its answer is due, and the seconds until then; None for no page."""
    loop, looks = asyncio.get_running_loop(), asyncio.Event()
    asked = due = time.monotonic()
    woken = False

    def wake() -> None:
        nonlocal due, woken
        if woken:
            return  # it is due since the first call
        due, woken = time.monotonic(), True
        with suppress(RuntimeError):  # the server has ended
            loop.call_soon_threadsafe(looks.set)

    waiting = _WAITING.setdefault(token, set())
    waiting.add(wake)
    try:
        while (source := _SOURCES.get(token)) is not None:
            woken = False
            looks.clear()
            with source.waking(wake):
                seconds = source.seconds_left()
                if seconds <= 0:
                    break
                in_time = time.monotonic() + seconds
                del source  # one that is left meanwhile goes, though somebody waits for its answer
                try:
                    async with asyncio.timeout(seconds):
                        await looks.wait()
                except TimeoutError:
                    due = in_time
        return source, due - asked
    finally:
        waiting.discard(wake)
        if not waiting:
            _WAITING.pop(token, None)


def routes() -> list[Route]:
    """For the app: the address of all streams."""
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return [Route(f"{'/' if base else ''}{base}/live/{{token}}", _live)]
