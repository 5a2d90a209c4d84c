"""How long until something is there: the first page after the server's start, the first point after Train.

Cold is the first browser of a fresh process (the files may lie in the system's cache), warm the next one. A person
reads before pressing anything, and the server may use that time: so there is also a Train that comes `READING_SECONDS`
after the page, each time on a server of its own.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from benchmarks.options import Options, Row
from benchmarks.server import server
from benchmarks.summary import significant
from benchmarks.websocket import browser

ROUNDS = 5
READING_SECONDS = 3.0
"""How long a page is read before Train is pressed."""


@dataclass(frozen=True)
class Visit:
    """What one browser saw, in seconds."""

    page: float
    """To the first whole page."""
    ready: float
    """From there until Train may be pressed."""
    point: float
    """From the press to the first point."""


def rows(options: Options) -> Iterator[Row]:
    """Medians, in seconds: cold `page` counts from the start of the process, warm from the browser's connection."""
    cold, warm, read = [], [], []
    for _ in range(min(options.rounds, ROUNDS)):
        with server() as running:
            cold.append(asyncio.run(_visit(running.port, running.started)))
            warm.append(asyncio.run(_visit(running.port, time.monotonic())))
        with server() as running:
            read.append(asyncio.run(_visit(running.port, running.started, READING_SECONDS)))
    after_reading = {"train_after_reading_s": significant(median(visit.point for visit in read))}
    yield {"start": "cold", **_medians(cold), **after_reading}
    yield {"start": "warm", **_medians(warm)}


def _medians(visits: list[Visit]) -> Row:
    return {
        "page_s": significant(median(visit.page for visit in visits)),
        "ready_to_train_s": significant(median(visit.ready for visit in visits)),
        "train_to_first_point_s": significant(median(visit.point for visit in visits)),
    }


async def _visit(port: int, began: float, reading: float = 0.0) -> Visit:
    """Open the page, read it, press Train, and look for the first point."""
    async with browser(port) as client:
        page = time.monotonic()
        ticking = asyncio.create_task(client.update([], 0.0))
        try:
            await client.until(lambda one: "Train" in one.buttons)
            ready = time.monotonic()
            await asyncio.sleep(max(0.0, page + reading - ready))
            pressed = time.monotonic()
            pressing = asyncio.create_task(client.press("Train"))
            await client.until(lambda one: one.sight.steps > 0)
            point = time.monotonic()
            await pressing
            return Visit(page - began, ready - page, point - pressed)
        finally:
            ticking.cancel()
