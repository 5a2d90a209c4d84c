"""Modules of the pages' own, named in the header of the first answer: browsers fetch them while Streamlit starts.

Each component asks for its module when it is mounted, and that one for others: one after the other, at the very end of
a first visit.
"""

from __future__ import annotations

import functools
import re

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pages.components.assets import STATIC, version

FIRST = ("access.js", "feed.js", "live_plot.js", "network.js", "notice.js", "state_strip.js", "timeline.js")
"""The modules of the components that the first page mounts."""
_ASKED_FOR = re.compile(r'"\./(\w+\.js)"')


class ModulesAhead:
    """Middleware that names the modules in the header of every HTML page."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or not _is_below_root(scope):
            await self._app(scope, receive, send)
            return

        async def send_with_names(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/html"):
                    headers.append("Link", links())
            await send(message)

        await self._app(scope, receive, send_with_names)


def _is_below_root(scope: Scope) -> bool:
    """Whether `app/static` is found from the page's address, behind any proxy: not from a root without a slash."""
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return bool(scope["path"] != f"/{base}" or base == "")


@functools.cache
def links() -> str:
    """The value of a `Link` header that names the modules."""
    return ", ".join(f"<app/static/{name}?v={version()}>; rel=modulepreload" for name in modules())


def modules() -> list[str]:
    """The modules of `FIRST`, and all that they ask for."""
    found: list[str] = []
    left = list(FIRST)
    while left:
        name = left.pop(0)
        if name not in found:
            found.append(name)
            left += _ASKED_FOR.findall((STATIC / name).read_text(encoding="utf-8"))
    return found
