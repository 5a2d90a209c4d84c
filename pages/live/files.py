"""Scripts and style sheets of the page, packed once per server and kept by browsers for good.

Streamlit sends its own scripts unpacked, and packs the app's anew for every browser, Plotly too, without a word on how
long they may be kept. Names of Streamlit's files, and the version in the addresses of ours, change with the content.
"""

from __future__ import annotations

import functools
import re
import zlib
from pathlib import Path
from urllib.parse import parse_qs

import streamlit as st
from anyio import to_thread
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from pages.components.assets import STATIC, version

KINDS = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
"""What is packed; fonts and pictures are packed in themselves."""
LEVEL = 6
"""Of the packing: the highest one, 9, takes longer and saves less than a hundredth."""
FOR_GOOD = "public, max-age=31536000, immutable"
"""A browser may keep the file for a year and need not ask whether it has changed."""
_OURS, _THEIRS = "app/static", "static"
_ADDRESS = re.compile(rf"/(?P<folder>{_OURS}|{_THEIRS}/(?:js|css))/(?P<name>[\w.-]+)")


class PackedFiles:
    """Middleware that answers for these files, where a browser takes gzip; all else is Streamlit's."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        path = asked_for(scope) if scope["type"] == "http" and scope["method"] == "GET" else None
        if path is None:
            await self._app(scope, receive, send)
            return
        content = await to_thread.run_sync(packed, path)
        headers = {
            "Content-Encoding": "gzip",
            "Vary": "Accept-Encoding",
            "Cache-Control": FOR_GOOD,
            "Access-Control-Allow-Origin": "*",
            "X-Content-Type-Options": "nosniff",
            "Content-Type": KINDS[path.suffix],
        }
        await Response(content, headers=headers)(scope, receive, send)


def asked_for(scope: Scope) -> Path | None:
    """The file that a request is for, if it may be sent packed and kept."""
    headers = Headers(scope=scope)
    if "gzip" not in headers.get("accept-encoding", "") or "range" in headers:
        return None
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    inner = scope["path"].removeprefix(scope.get("root_path", "")).removeprefix(f"/{base}" if base else "")
    found = _ADDRESS.fullmatch(inner)
    if found is None:
        return None
    if found["folder"] == _OURS:
        if parse_qs(scope["query_string"].decode("latin-1")).get("v") != [version()]:
            return None  # a page of another release asks, which must not keep this file under that address
        path = STATIC / found["name"]
    else:
        path = _streamlit() / found["folder"] / found["name"]
    return path if path.suffix in KINDS and path.is_file() else None


@functools.cache
def packed(path: Path) -> bytes:
    """A file as gzip; the same bytes from then on."""
    packer = zlib.compressobj(LEVEL, wbits=16 + zlib.MAX_WBITS)
    return packer.compress(path.read_bytes()) + packer.flush()


@functools.cache
def _streamlit() -> Path:
    """The folder of Streamlit's own files."""
    return Path(st.__file__).parent / "static"
