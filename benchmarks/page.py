"""What one open page costs: the app with one browser, updated as the page asks for, against the engine alone.

Rounds of turns; while one trains the other is paused. Also how many updates a second the browser gets.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from statistics import median

from benchmarks.options import Options, Row
from benchmarks.server import Server, server
from benchmarks.summary import ratio_of_pairs, significant
from benchmarks.websocket import FULL_SPEED, Client, browser
from benchmarks.worker import Worker, worker

SECONDS = 4.0
CASE = "2-8-8-8-2"
"""The network that the app shows first."""


def rows(options: Options) -> Iterator[Row]:
    """A single row."""
    with worker("headless", CASE) as headless, server() as running:
        headless.build()
        yield asyncio.run(_measure(running, headless, options))


async def _measure(running: Server, headless: Worker, options: Options) -> Row:
    pairs, rates, seconds = [], [], options.seconds or SECONDS
    async with browser(running.port, speed=FULL_SPEED, form=options.form) as client:
        ticking = asyncio.create_task(client.update([], 0.0))
        try:
            while "Train" not in client.buttons:
                await asyncio.sleep(0.05)
            await _turn(client, seconds)
            headless.train(seconds)
            for _ in range(options.rounds):
                page, updates = await _turn(client, seconds)
                steps, spent = headless.train(seconds)
                pairs.append((page, steps / spent))
                rates.append(updates)
        finally:
            ticking.cancel()
    return {
        "network": CASE,
        "page_steps_per_second": significant(median(page for page, _ in pairs)),
        "headless_steps_per_second": significant(median(alone for _, alone in pairs)),
        "page_over_headless": ratio_of_pairs(pairs),
        "updates_per_second": significant(median(rates)),
    }


async def _turn(client: Client, seconds: float) -> tuple[float, float]:
    """Train for a turn, until a point has come at least: steps and updates per second, counted from the press."""
    await client.press("Train")
    began, steps, sights = time.monotonic(), client.sight.steps, client.sights
    await asyncio.sleep(seconds)
    await client.until(lambda one: one.sights > sights and not one.sight.stopped)
    updates = (client.sights - sights) / (time.monotonic() - began)
    while "Pause" not in client.buttons:
        await client.run()
    await client.press("Pause")
    await client.until(lambda one: one.sight.stopped)
    return (client.sight.steps - steps) / (time.monotonic() - began), updates
