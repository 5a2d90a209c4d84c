"""How long until something is there: the first page after the server's start, the first point after Train.

Cold is the first browser of a fresh process (the files may lie in the system's cache), warm the next one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from statistics import median

from benchmarks.options import Options, Row
from benchmarks.server import server
from benchmarks.summary import significant
from benchmarks.websocket import browser

ROUNDS = 5


def rows(options: Options) -> Iterator[Row]:
    """Medians, in seconds: cold `page` counts from the start of the process, warm from the browser's connection."""
    measured: dict[str, list[tuple[float, float, float]]] = {"cold": [], "warm": []}
    for _ in range(min(options.rounds, ROUNDS)):
        with server() as running:
            measured["cold"].append(asyncio.run(_visit(running.port, running.started)))
            measured["warm"].append(asyncio.run(_visit(running.port, time.monotonic())))
    for start, visits in measured.items():
        page, ready, point = (significant(median(times)) for times in zip(*visits, strict=True))
        yield {"start": start, "page_s": page, "ready_to_train_s": ready, "train_to_first_point_s": point}


async def _visit(port: int, began: float) -> tuple[float, float, float]:
    """Seconds to the first whole page, from there until Train may be pressed, from its press to the first point."""
    async with browser(port) as client:
        page = time.monotonic()
        ticking = asyncio.create_task(client.update([], 0.0))
        try:
            await client.until(lambda one: "Train" in one.buttons)
            ready = time.monotonic()
            pressing = asyncio.create_task(client.press("Train"))
            await client.until(lambda one: one.sight.steps > 0)
            point = time.monotonic()
            await pressing
            return page - began, ready - page, point - ready
        finally:
            ticking.cancel()
