"""Which browser asks: a random token in a cookie, by which a page that is loaded again finds its run.

It is no login: whoever has it can see and change that browser's runs, so it is random, out of reach of scripts, and in
no link.
"""

from __future__ import annotations

import re
import secrets

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "mlp_browser"
KEPT_SECONDS = 31_536_000
"""How long a browser keeps its token: a year."""
_TOKEN = re.compile(r"[0-9a-f]{64}")


class BrowserTokens:
    """Middleware that gives every browser without a token one, with the page."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or _valid(cookie_parser(Headers(scope=scope).get("cookie", "")).get(COOKIE)):
            await self._app(scope, receive, send)
            return

        async def send_with_token(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/html"):
                    headers.append("Set-Cookie", _cookie(secure=scope["scheme"] == "https"))
            await send(message)

        await self._app(scope, receive, send_with_token)


def _cookie(*, secure: bool) -> str:
    parts = [f"{COOKIE}={secrets.token_hex(32)}", f"Max-Age={KEPT_SECONDS}", "Path=/", "HttpOnly", "SameSite=Lax"]
    return "; ".join([*parts, "Secure"] if secure else parts)


def browser_token() -> str:
    """The token of the browser that a script runs for; '' where it has none, as where it refuses cookies."""
    return _valid(st.context.cookies.get(COOKIE))


def _valid(token: str | None) -> str:
    return token if token is not None and _TOKEN.fullmatch(token) else ""
