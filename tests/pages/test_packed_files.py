"""Scripts and style sheets come packed, and are kept by browsers only under an address that changes with them."""

from __future__ import annotations

import asyncio
import gzip
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import streamlit as st
from starlette.responses import FileResponse, PlainTextResponse
from starlette.types import Receive, Scope, Send

from pages.components.assets import STATIC, version
from pages.live.ahead import ELEMENTS, FIRST, ModulesAhead, elements, modules
from pages.live.files import FOR_GOOD, PackedFiles, packed

THEIRS = next((Path(st.__file__).parent / "static" / "static" / "js").glob("index.*.js"))


async def streamlit(scope: Scope, receive: Receive, send: Send) -> None:
    """The app behind the middleware."""
    await PlainTextResponse("Streamlit")(scope, receive, send)


def ask(address: str, method: str = "GET", **more: str) -> tuple[dict[str, str], bytes]:
    """The header fields and the content of the answer to a browser; `more` are fields that it sends."""
    path, _, query = address.partition("?")
    fields = {"accept-encoding": "gzip, deflate", **more}
    scope = {
        "type": "http", "method": method, "path": unquote(path), "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in fields.items()],
    }  # fmt: skip
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(PackedFiles(streamlit)(scope, receive, send))
    return {name.decode(): value.decode() for name, value in sent[0]["headers"]}, sent[-1]["body"]


@pytest.mark.parametrize(
    ("address", "file"),
    [
        (f"/app/static/shared.js?v={version()}", STATIC / "shared.js"),
        (f"/app/static/network.css?v={version()}", STATIC / "network.css"),
        (f"/static/js/{THEIRS.name}", THEIRS),
    ],
)
def test_a_file_comes_packed_and_may_be_kept_for_good(address: str, file: Path) -> None:
    headers, content = ask(address)
    assert gzip.decompress(content) == file.read_bytes()
    assert headers["content-encoding"] == "gzip"
    assert headers["cache-control"] == FOR_GOOD
    assert headers["content-type"].startswith("text/javascript" if file.suffix == ".js" else "text/css")
    assert int(headers["content-length"]) == len(content) < 0.6 * file.stat().st_size
    assert packed(file) is packed(file), "it is packed once"


@pytest.mark.parametrize(
    "address",
    [
        "/app/static/shared.js",
        "/app/static/shared.js?v=another",
        f"/app/static/icon.png?v={version()}",
        f"/app/static/absent.js?v={version()}",
        f"/app/static/..%2f..%2fshared%2faccess.css?v={version()}",
        f"/app/static/../static/shared.js?v={version()}",
        "/static/js/..%2findex.html",
        "/static/media/font.woff2",
        "/",
        "/live/token",
    ],
)
def test_all_else_is_left_to_streamlit(address: str) -> None:
    assert ask(address)[1] == b"Streamlit"


def test_who_takes_no_gzip_or_wants_a_part_gets_what_streamlit_gives() -> None:
    address = f"/app/static/shared.js?v={version()}"
    assert ask(address, **{"accept-encoding": "identity"})[1] == b"Streamlit"
    assert ask(address, range="bytes=0-9")[1] == b"Streamlit"
    assert ask(address, method="POST")[1] == b"Streamlit"


def test_it_answers_below_the_base_path_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "get_option", lambda name: "class" if name == "server.baseUrlPath" else None)
    assert ask(f"/class/app/static/shared.js?v={version()}")[0]["cache-control"] == FOR_GOOD


@pytest.mark.parametrize(
    ("path", "base", "named"),
    [("/", "", True), ("/evaluate", "", True), ("/teach/mlp/", "teach/mlp", True), ("/teach/mlp", "teach/mlp", False)],
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_page_names_its_modules_and_each_is_there(
    monkeypatch: pytest.MonkeyPatch, path: str, base: str, named: bool, packed: bool
) -> None:
    monkeypatch.setattr(st, "get_option", lambda name: base)
    headers, body = page_of(path, accept="text/html,*/*", packed=packed)
    assert ("etag" in headers) is not named
    text = (gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body).decode()
    assert (headers.get("content-encoding") == "gzip") is (packed and named)
    assert int(headers["content-length"]) == len(body)
    found = re.findall(r'<link rel="modulepreload" crossorigin href="\./([^"]+)">', text)
    assert len(found) == len(set(found))
    ours = {one for one in found if one.startswith("app/static/")}
    if named:
        assert ours == {f"app/static/{name}?v={version()}" for name in modules()}
        assert {*FIRST, "quick_chart.js", "shared.js"} <= set(modules())
        theirs = re.findall(r'"\./static/js/([\w.-]+\.js)"', text)
        assert len(theirs) == len(set(theirs)) > len(INDEX.read_text(encoding="utf-8").split("modulepreload"))
        assert set(theirs) >= set(elements(set()))
    else:
        assert text == INDEX.read_text(encoding="utf-8")
    assert all((STATIC / name).is_file() for name in modules())
    assert "plotly.min.js" not in modules()


def test_streamlits_elements_are_found_in_its_release() -> None:
    for name in ELEMENTS:
        assert any(one.startswith(f"{name}.") for one in elements(set())), name


def test_what_is_no_page_goes_through_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "get_option", lambda name: "")
    headers, body = page_of("/", accept="*/*", packed=True)
    assert "etag" in headers
    assert body == INDEX.read_bytes()
    assert page_of("/", accept="text/html", packed=True, status=404)[1] == INDEX.read_bytes()


INDEX = Path(st.__file__).parent / "static" / "index.html"


def page_of(path: str, accept: str, packed: bool, status: int = 200) -> tuple[dict[str, str], bytes]:
    """Headers and body of the answer to a request for Streamlit's page."""

    async def page(scope: Scope, receive: Receive, send: Send) -> None:
        await FileResponse(INDEX, status_code=status)(scope, receive, send)

    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"accept", accept.encode()), *([(b"accept-encoding", b"gzip")] if packed else [])]
    scope = {"type": "http", "method": "GET", "path": path, "headers": headers}

    async def receive() -> Any:
        await asyncio.Event().wait()  # a browser that stays says nothing more

    asyncio.run(ModulesAhead(page)(scope, receive, send))
    found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return found, b"".join(message.get("body", b"") for message in sent[1:])
