"""What one open page costs: the app with one browser, ticking as the page asks for, against the engine alone.

Rounds of turns; while one trains the other is paused. Also how many updates a second the browser gets, by the page's
own timer and when each tick is asked for as soon as the one before is answered.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from statistics import median

from benchmarks.options import Options, Row
from benchmarks.server import Server, server
from benchmarks.summary import ratio_of_pairs, significant
from benchmarks.websocket import Client, browser
from benchmarks.worker import Worker, worker

SECONDS = 4.0
CASE = "2-8-8-8-2"
"""The network that the app shows first."""


def rows(options: Options) -> Iterator[Row]:
    """A single row."""
    with worker("headless", CASE) as headless, server() as running:
        headless.build()
        yield asyncio.run(_measure(running, headless, options.rounds, options.seconds or SECONDS))


async def _measure(running: Server, headless: Worker, rounds: int, seconds: float) -> Row:
    pairs, by_timer, back_to_back = [], [], []
    async with browser(running.port) as client:
        ticking = asyncio.create_task(client.tick([], 0.0))
        try:
            while "Train" not in client.buttons:
                await asyncio.sleep(0.05)
            await _turn(client, seconds)
            headless.train(seconds)
            interval = 0.0
            for _ in range(rounds):
                page, updates, interval = await _turn(client, seconds)
                steps, spent = headless.train(seconds)
                pairs.append((page, steps / spent))
                by_timer.append(updates)
        finally:
            ticking.cancel()
        for _ in range(rounds):
            back_to_back.append((await _turn(client, seconds, hurry=True))[1])
    return {
        "network": CASE,
        "page_steps_per_second": significant(median(page for page, _ in pairs)),
        "headless_steps_per_second": significant(median(alone for _, alone in pairs)),
        "page_over_headless": ratio_of_pairs(pairs),
        "updates_per_second": significant(median(by_timer)),
        "page_interval_s": significant(interval),
        "updates_per_second_back_to_back": significant(median(back_to_back)),
    }


async def _turn(client: Client, seconds: float, hurry: bool = False) -> tuple[float, float, float]:
    """Train for a turn: steps and updates per second, and the page's interval. Steps are counted from the press."""
    await client.press("Train")
    began, steps, sights = time.monotonic(), client.sight.steps, client.sights
    interval = next((timer.interval for timer in client.timers.values()), 0.0)
    while time.monotonic() - began < seconds:
        if hurry and client.timers:
            await client.run(next(iter(client.timers)))
        else:
            await asyncio.sleep(0.02)
    updates = (client.sights - sights) / (time.monotonic() - began)
    while "Pause" not in client.buttons:
        await client.run()
    await client.press("Pause")
    await client.until(lambda one: one.sight.stopped)
    return (client.sight.steps - steps) / (time.monotonic() - began), updates, interval
