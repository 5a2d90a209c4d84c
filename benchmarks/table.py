"""A large table beside a class: how long it takes, what memory, and what the others' pages feel of it.

One browser more than the class uploads a CSV file as a browser does (a PUT of its bytes, then a run of the page),
sees it looked through and read, and trains on it. The others train and are kept up to date all the time; their ticks
before, while it is read, and while it trains are compared within the one run.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.browsers import SETTLE_SECONDS, Span, browsers, updated, warm_up
from benchmarks.messages import file_state
from benchmarks.options import Options, Row
from benchmarks.server import Server, server
from benchmarks.summary import percentile
from benchmarks.users import Measured
from benchmarks.websocket import FULL_SPEED, Client, browser

NAME = "large.csv"
ROWS = 1_000_000
"""Rows of the table."""
NUMBERS, COLOURS = 8, ("red", "green", "blue", "grey", "black")
"""Its columns of numbers, and the texts of its category; the target is one column more."""
SMALL_BYTES = 100_000
"""Bytes of the beginning of it that is brought first, as a table of its own."""
PHASES = ("upload", "preview", "reading")
"""What happens to a table, one after the other: it is sent, looked through, and read."""
SESSIONS = (30,)
"""Browsers that train meanwhile, where the command line chooses none."""
SECONDS = 8.0
"""How long the class is measured before, and while the table is trained on."""
LOOK_SECONDS = 0.02
"""Between two looks at the server's memory."""
LOAD_SECONDS = 120.0
"""After so long, a table that is not there counts as not coming."""
CANCEL_SHARE = 0.2
"""Cancel is pressed when the first reading has come so far."""


def rows(options: Options) -> Iterator[Row]:
    """One row per number of sessions; times are seconds, memory is in multiples of the table's numbers as float32."""
    chosen = options.sessions if options.sessions != Options().sessions else SESSIONS
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / NAME
        write_table(path, ROWS)
        for count in chosen:
            with server(data_dir=Path(folder) / f"data-{count}") as running:
                yield {"sessions": count} | asyncio.run(_measure(running, count, path, options.seconds or SECONDS))


def write_table(path: Path, rows: int) -> None:
    """A CSV file of numbers, one category and a target of two classes that depends on them; about 92 bytes a row."""
    import pandas as pd

    generator = np.random.default_rng(0)
    for start in range(0, rows, 100_000):
        size = min(100_000, rows - start)
        columns = {f"x{n}": generator.normal(size=size) * 10.0 ** (n % 4) for n in range(NUMBERS)}
        frame = pd.DataFrame(columns)
        frame["colour"] = generator.choice(COLOURS, size)
        frame["label"] = np.where(columns["x0"] + columns["x1"] * columns["x4"] / 10 > 0, "yes", "no")
        frame.to_csv(path, index=False, float_format="%.6f", header=start == 0, mode="a")


def number_bytes(rows: int) -> int:
    """Bytes of the table's cells as float32: numbers, category and target."""
    return 4 * rows * (NUMBERS + 2)


async def _measure(running: Server, count: int, path: Path, seconds: float) -> Row:
    await warm_up(running)
    measured = Measured()
    content = await asyncio.to_thread(path.read_bytes)
    async with browsers(running.port, count, streams=True, speed=FULL_SPEED) as clients, browser(running.port) as one:
        await asyncio.gather(*(client.press("Train") for client in clients))
        async with updated(clients, measured):
            await asyncio.sleep(SETTLE_SECONDS)
            row = await _span(running, clients, measured, "before", asyncio.sleep(seconds))
            await one.visit("Data")
            found: Row = {}
            small = content[: content.index(b"\n", SMALL_BYTES) + 1]
            await _bring(one, running.port, small, found, _Peaks(running))  # imports count as the server's
            async with (peaks := _Peaks(running)):
                found["cancel"] = round(await _cancel(one, running.port, content), 2)
                bringing = _bring(one, running.port, content, found, peaks)
                row |= await _span(running, clients, measured, "reading", bringing)
            row |= await _span(running, clients, measured, "training", _train(one, seconds, found))
            row |= found | peaks.row()
    for figure in ("tick_p95", "steps_per_second"):  # what the class feels of it
        row[f"{figure}_ratio"] = round(row[f"reading_{figure}"] / max(row[f"before_{figure}"], 1e-9), 2)
    return row


async def _span(running: Server, clients: list[Client], measured: Measured, name: str, work: object) -> Row:
    """The others' ticks and steps while something is done."""
    measured.ticks.clear()
    span = Span(running, clients)
    await work  # type: ignore[misc]
    span.end()
    return {
        f"{name}_tick_p50": percentile(measured.ticks, 50),
        f"{name}_tick_p95": percentile(measured.ticks, 95),
        f"{name}_tick_max": percentile(measured.ticks, 100),
        f"{name}_steps_per_second": round(span.steps_per_second),
        f"{name}_advanced": sum(done > 0 for done in span.steps),
        f"{name}_server_cores": round(span.server_cores, 2),
    }


class _Peaks:
    """The most megabytes of the server in each phase, looked at all the time while it is entered."""

    def __init__(self, running: Server) -> None:
        self.phase = PHASES[0]
        self.before = running.own_megabytes
        self.most = dict.fromkeys(PHASES, self.before)
        self._running = running

    async def __aenter__(self) -> None:
        self._task = asyncio.create_task(self._look())

    async def __aexit__(self, *ended: object) -> None:
        self._task.cancel()

    async def _look(self) -> None:
        while True:
            self.most[self.phase] = max(self.most[self.phase], self._running.own_megabytes)
            await asyncio.sleep(LOOK_SECONDS)

    def row(self) -> Row:
        """Above what it was before, in multiples of the table's numbers; and what is kept of it now."""
        most = {f"peak_{name}_of_numbers": peak for name, peak in self.most.items()}
        most["kept_of_numbers"] = self._running.own_megabytes
        return {
            name: round(1e6 * (megabytes - self.before) / number_bytes(ROWS), 2) for name, megabytes in most.items()
        }


async def _upload(one: Client, port: int, content: bytes) -> asyncio.Task[float]:
    """Send the file, as a browser sends it; the run of the page that takes it is under way then."""
    uploader = next(element for element in one.elements if element.kind == "file_uploader")
    file_id, url = await one.place_for(NAME)
    await asyncio.to_thread(_put, f"http://127.0.0.1:{port}", url, content)
    one.elements.set(file_state(uploader.id, file_id, NAME, len(content)))
    return asyncio.create_task(one.run())


def _put(server: str, url: str, content: bytes) -> None:
    """As a browser does it: with the token against forged requests that the server gives out."""
    with urllib.request.urlopen(f"{server}/_stcore/health", timeout=LOAD_SECONDS) as answer:
        cookie = str(answer.headers["Set-Cookie"]).partition(";")[0]
    mark = "benchmark-of-a-large-table"
    head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{NAME}"\r\n\r\n'
    request = urllib.request.Request(
        server + url, method="PUT", data=head.encode() + content + f"\r\n--{mark}--\r\n".encode(),
        headers={"Content-Type": f"multipart/form-data; boundary={mark}", "Cookie": cookie,
                 "X-Xsrftoken": cookie.partition("=")[2].strip('"')},
    )  # fmt: skip
    urllib.request.urlopen(request, timeout=LOAD_SECONDS).close()


class _Shown:
    """What a page shows of a table on its way: bars of progress, and texts."""

    def __init__(self) -> None:
        self.bars: list[float] = []
        self.texts: list[str] = []

    def __call__(self, delta: Any) -> None:
        element = delta.new_element
        if element.WhichOneof("type") == "progress":
            self.bars.append(element.progress.value / 100)
        elif element.WhichOneof("type") == "markdown":
            self.texts.append(element.markdown.body)


async def _cancel(one: Client, port: int, content: bytes) -> float:
    """Bring the file and press Cancel on the way; the seconds until the page is there without it."""
    one.onlookers[:] = [shown := _Shown()]
    task = await _upload(one, port, content)
    await one.until(lambda client: any(CANCEL_SHARE <= bar < 1 for bar in shown.bars[-2:]), LOAD_SECONDS)
    began = time.monotonic()
    await one.press("Cancel")
    await task
    return time.monotonic() - began


async def _bring(one: Client, port: int, content: bytes, found: Row, peaks: _Peaks) -> None:
    """Bring the file until it is the page's data."""
    one.onlookers[:] = [shown := _Shown()]
    began = time.monotonic()
    peaks.phase = "upload"
    task = await _upload(one, port, content)
    peaks.phase = "preview"
    found["upload"] = round(time.monotonic() - began, 1)
    lines = content.count(b"\n")
    inspected = f": {lines - 1:,} rows, "
    await one.until(lambda client: any(inspected in text for text in shown.texts), LOAD_SECONDS)
    found["preview"] = round(time.monotonic() - began, 1)
    peaks.phase = "reading"
    await task
    async with updated([one]):
        await one.until(lambda client: any(" training samples" in text for text in shown.texts), LOAD_SECONDS)
    found["usable"] = round(time.monotonic() - began, 1)
    found["reports"] = len(shown.bars)


async def _train(one: Client, seconds: float, found: Row) -> None:
    """Train on it and pause, as anybody would."""
    await one.visit("Playground")
    await one.until(lambda client: "Train" in client.buttons)
    async with updated([one]):
        began = time.monotonic()
        await one.press("Train")
        await one.until(lambda client: client.sight.steps > 0)
        found["first_point"] = round(time.monotonic() - began, 2)
        await asyncio.sleep(seconds)
        began = time.monotonic()
        await one.press("Pause")
        await one.until(lambda client: client.sight.stopped)
        found["pause"] = round(time.monotonic() - began, 2)
