"""What a person at the Playground feels of a sweep that another browser has running on the same server.

One browser trains and presses buttons, in turns without the sweep and beside it. Each turn's ratio is of two spans
that follow one another.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from statistics import median

from benchmarks.browsers import SETTLE_SECONDS, Span, browsers, updated, warm_up
from benchmarks.options import Options, Row
from benchmarks.server import Server, server
from benchmarks.summary import percentile, ratio_of_pairs
from benchmarks.users import LONE_PRESS_SECONDS, Measured, User, button
from benchmarks.websocket import FULL_SPEED, Client, browser
from mlp_core.limits import MAX_SWEEP_TRIALS

SECONDS = 12.0
"""Length of each span of training, and of the presses after it."""
EPOCHS = 1_000
"""Of each trial: as many trials as there may be are then more than can end meanwhile."""


def rows(options: Options) -> Iterator[Row]:
    """One row; times are seconds."""
    with server() as running:
        speed = None if options.usual_speed else FULL_SPEED
        yield asyncio.run(_measure(running, options.rounds, options.seconds or SECONDS, speed))


async def _measure(running: Server, rounds: int, seconds: float, speed: str | None) -> Row:
    await warm_up(running)
    alone, beside, speeds = Measured(), Measured(), []
    async with browsers(running.port, 1, streams=True, speed=speed) as [one], browser(running.port) as other:
        await begin_sweep(other)
        async with updated([other]):
            await one.press("Train")
            await asyncio.sleep(SETTLE_SECONDS)
            for _ in range(rounds):
                await _press(other, "Pause")
                before = await _span(running, one, seconds, alone)
                await _press(other, "Resume")
                speeds.append((await _span(running, one, seconds, beside), before))
            assert "Pause" in other.buttons, "the sweep goes on to the end"
    return {
        "steps_per_second_alone": round(median(before for _, before in speeds)),
        "steps_per_second_beside": round(median(while_swept for while_swept, _ in speeds)),
        "of_speed_alone": ratio_of_pairs(speeds),
        **_seconds("alone", alone),
        **_seconds("beside", beside),
    }


def _seconds(name: str, measured: Measured) -> Row:
    found = {"tick": measured.ticks, "press": measured.presses, "stop": measured.stops}
    return {f"{name}_{kind}_p95": percentile(values, 95) for kind, values in found.items()}


async def begin_sweep(client: Client) -> None:
    """Begin a long sweep of what the Sweep page proposes, the learning rate."""
    await client.visit("Sweep")
    for name, number in (("Trials", MAX_SWEEP_TRIALS), ("Epochs of a trial", EPOCHS)):
        await client.fill(client.elements.get("number_input", name), number)
    await _press(client, "Begin")
    await client.until(lambda one: "Pause" in one.buttons)


async def _press(client: Client, label: str) -> None:
    assert await button(client, label), f"'{label}' comes"
    await client.press(label)


async def _span(running: Server, client: Client, seconds: float, measured: Measured) -> float:
    """Train for a while, then press buttons for as long; the steps per second of the first half."""
    ticks = Measured()
    async with updated([client], ticks):
        await asyncio.sleep(1.0)
        ticks.ticks.clear()
        span = Span(running, [client])
        await asyncio.sleep(seconds)
        span.end()
        measured.ticks += ticks.ticks
        await User(client, measured).press_buttons(LONE_PRESS_SECONDS, time.monotonic() + seconds)
        if client.sight.stopped:
            await _press(client, "Train")
    return span.steps_per_second
