"""The way of a browser to the newest numbers that does not run the page: `GET live/<token>` answers in JSON.

A tick of Streamlit makes the browser go through every element of the page; that costs a slow machine more than drawing
the charts, and at ten updates a second leaves it no time to take a press. So the feed asks here while a run goes on,
and the page's own tick becomes a heartbeat. Where the feed cannot reach this address (a proxy that knows Streamlit's
own paths only), it says so, and the ticks carry the numbers as before.
"""

from __future__ import annotations

import functools
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


class Source(Protocol):
    """A page that has answers for its browser."""

    def answer(self) -> bytes:
        """What is new on the page, as JSON. Called from any thread, outside of Streamlit's runs."""


_SOURCES: WeakValueDictionary[str, Source] = WeakValueDictionary()


def offer(token: str, source: Source) -> str:
    """Have the page answer under this token for as long as somebody holds it; gives the address below the app's."""
    _SOURCES[token] = source
    return f"live/{token}"


def withdraw(token: str) -> None:
    """Nobody answers under this token any more."""
    _SOURCES.pop(token, None)


@functools.cache
def _limiter() -> CapacityLimiter:
    """Python makes one answer at a time, whatever the number of threads; one may have to wait for its session."""
    return CapacityLimiter(AT_ONCE)


async def _live(request: Request) -> Response:
    source = _SOURCES.get(request.path_params["token"])
    if source is None:
        return Response(status_code=GONE)
    content = await to_thread.run_sync(source.answer, limiter=_limiter())
    # Packed answers would be half as long, and cost more time than they save on any network with a classroom on it.
    headers = {"Cache-Control": "no-store", "Content-Encoding": "identity"}
    return Response(content, media_type="application/json", headers=headers)


def routes() -> list[Route]:
    """For the app: the address of all streams."""
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return [Route(f"{'/' if base else ''}{base}/live/{{token}}", _live)]
