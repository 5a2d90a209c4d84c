"""What one open page costs: the app with one browser, updated as the page asks for, against the engine alone.

Rounds of turns; while one trains the other is paused. Also how many updates a second the browser gets. With
`--every-view` there are two rows more: with all tabs of the Playground in turn, and with the Inspect page.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from statistics import median

from benchmarks.cases import PAGE
from benchmarks.options import Options, Row
from benchmarks.server import Server, server
from benchmarks.summary import ratio_of_pairs, significant
from benchmarks.websocket import FULL_SPEED, Client, browser
from benchmarks.worker import Worker, worker

SECONDS = 4.0


PLAYGROUND, TABS_IN_TURN, INSPECT = SCREENS = "Playground", "tabs in turn", "Inspect"
"""What is on screen."""
TABS = ("Overview", "Curves", "Health", "Confusion matrix", "Weights", "Gradients")
"""The tabs of the Playground."""
Look = Callable[[float], Awaitable[None]]
"""What a reader does for so many seconds."""
TAB_SECONDS = 0.5
"""How long each tab is open."""


def rows(options: Options) -> Iterator[Row]:
    """One row, or one for each of `SCREENS`."""
    with worker("headless", PAGE) as headless, server() as running:
        headless.build()
        for screen in SCREENS if options.every_view else [PLAYGROUND]:
            yield asyncio.run(_measure(running, headless, options, screen))


async def _measure(running: Server, headless: Worker, options: Options, screen: str) -> Row:
    pairs, rates, seconds = [], [], options.seconds or SECONDS
    async with browser(running.port, speed=FULL_SPEED, form=options.form) as client:
        ticking = asyncio.create_task(client.update([], 0.0))
        try:
            while "Train" not in client.buttons:
                await asyncio.sleep(0.05)
            if screen == INSPECT:
                await client.visit(INSPECT)
            look = partial(_tabs, client) if screen == TABS_IN_TURN else asyncio.sleep
            await _turn(client, seconds, look)
            headless.train(seconds)
            for _ in range(options.rounds):
                page, updates = await _turn(client, seconds, look)
                steps, spent = headless.train(seconds)
                pairs.append((page, steps / spent))
                rates.append(updates)
        finally:
            ticking.cancel()
    return {
        "network": PAGE,
        "screen": screen,
        "page_steps_per_second": significant(median(page for page, _ in pairs)),
        "headless_steps_per_second": significant(median(alone for _, alone in pairs)),
        "page_over_headless": ratio_of_pairs(pairs),
        "updates_per_second": significant(median(rates)),
    }


async def _tabs(client: Client, seconds: float) -> None:
    """Open one tab after the other for so long, each of them at least once."""
    began = time.monotonic()
    for count, tab in enumerate(itertools.cycle(TABS)):
        if count >= len(TABS) and time.monotonic() - began > seconds:
            return
        await client.open_tab(tab)
        await asyncio.sleep(TAB_SECONDS)


async def _turn(client: Client, seconds: float, look: Look) -> tuple[float, float]:
    """Train for a turn, until a point has come at least: steps and updates per second, counted from the press."""
    await client.press("Train")
    began, steps, sights = time.monotonic(), client.sight.steps, client.sights
    await look(seconds)
    await client.until(lambda one: one.sights > sights and not one.sight.stopped)
    updates = (client.sights - sights) / (time.monotonic() - began)
    while "Pause" not in client.buttons:
        await client.run()
    await client.press("Pause")
    await client.until(lambda one: one.sight.stopped)
    return (client.sight.steps - steps) / (time.monotonic() - began), updates
