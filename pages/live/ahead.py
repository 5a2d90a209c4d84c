"""What the first page needs of scripts, named in its HTML: browsers fetch them while Streamlit's main script starts.

Else each element asks for its script when it is to be drawn, and that one for others, one after the other. Until they
are there React shows nothing in the element's place, and waits 0.3 s more from then on so that the page does not
flicker.
"""

from __future__ import annotations

import functools
import re
import zlib
from pathlib import Path

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pages.components.assets import STATIC, version
from pages.live.files import LEVEL

FIRST = ("access.js", "feed.js", "live_plot.js", "network.js", "notice.js", "state_strip.js", "timeline.js")
"""The modules of the components that the first page mounts."""
ELEMENTS = (
    "BidiComponent", "Button", "ButtonGroup", "Checkbox", "Html", "MenuButton", "NumberInput", "Selectbox",
)  # fmt: skip
"""Streamlit's elements on the first page, as their scripts are named. One that a release names otherwise comes when it
is asked for."""
_ASKED_FOR = re.compile(r'"\./(\w+\.js)"')
_IMPORTED = re.compile(r'(?:\bfrom|\bimport)"\./([\w.-]+\.js)"')
_NAMED = re.compile(r'(?:src|href)="\./static/js/([\w.-]+\.js)"')


class ModulesAhead:
    """Middleware that names the modules in every HTML page."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        headers = Headers(scope=scope) if scope["type"] == "http" else None
        if headers is None or "text/html" not in headers.get("accept", "") or not _is_below_root(scope):
            await self._app(scope, receive, send)
            return
        packs = "gzip" in headers.get("accept-encoding", "")
        asked = [one for one in scope["headers"] if one[0] not in (b"accept-encoding", b"if-none-match", b"range")]
        start: Message | None = None
        body = b""

        async def send_with_names(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start" and _is_page(message):
                start = message
            elif start is None:
                await send(message)
            else:
                body += message.get("body", b"")
                if not message.get("more_body"):
                    content = named(body, packs)
                    _describe(start, content, packs)
                    await send(start)
                    await send({"type": "http.response.body", "body": content})

        await self._app({**scope, "headers": asked}, receive, send_with_names)


def _is_page(start: Message) -> bool:
    kind = Headers(raw=start["headers"]).get("content-type", "")
    return start["status"] == 200 and kind.startswith("text/html")


def _describe(start: Message, content: bytes, packed: bool) -> None:
    """Have the headers fit the content. Streamlit's mark of its file would stay the same where our modules change."""
    headers = MutableHeaders(scope=start)
    for name in ("etag", "last-modified", "accept-ranges"):
        del headers[name]
    headers["content-length"] = str(len(content))
    headers["vary"] = "Accept-Encoding"
    if packed:
        headers["content-encoding"] = "gzip"


def _is_below_root(scope: Scope) -> bool:
    """Whether `app/static` is found from the page's address, behind any proxy: not from a root without a slash."""
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return bool(scope["path"] != f"/{base}" or base == "")


@functools.lru_cache(maxsize=4)
def named(page: bytes, packed: bool) -> bytes:
    """A page of Streamlit's with the names of the modules, as it is sent."""
    links = "".join(f'<link rel="modulepreload" crossorigin href="./{one}">' for one in addresses(page))
    content = page.replace(b"</head>", links.encode() + b"</head>", 1)
    if not packed:
        return content
    packer = zlib.compressobj(LEVEL, wbits=16 + zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()


def addresses(page: bytes) -> list[str]:
    """Where the modules are that the page does not name itself, seen from it: Streamlit's, then ours."""
    theirs = [f"static/js/{name}" for name in elements(set(_NAMED.findall(page.decode())))]
    return [*theirs, *(f"app/static/{name}?v={version()}" for name in modules())]


def elements(known: set[str], folder: Path = Path(st.__file__).parent / "static" / "static" / "js") -> list[str]:
    """The scripts of `ELEMENTS` and all that they import, but for those that are known."""
    first = [path.name for name in ELEMENTS for path in sorted(folder.glob(f"{name}.*.js"))]
    return _with_all_that(first, _IMPORTED, folder, known)


def modules() -> list[str]:
    """The modules of `FIRST`, and all that they ask for."""
    return _with_all_that(list(FIRST), _ASKED_FOR, STATIC, set())


def _with_all_that(first: list[str], asks: re.Pattern[str], folder: Path, known: set[str]) -> list[str]:
    """Files of a folder and all that they ask for, each once, but for those that are known."""
    found: list[str] = []
    left = list(first)
    while left:
        name = left.pop(0)
        if name not in found and name not in known and (folder / name).is_file():
            found.append(name)
            left += asks.findall((folder / name).read_text(encoding="utf-8"))
    return found
