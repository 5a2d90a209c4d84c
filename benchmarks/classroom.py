"""Many browsers at once, all training and receiving live ticks.

Real browsers would measure the browsers, so each is a websocket that speaks Streamlit's protocol. Clients and server
share the machine's cores: what the clients use is stated as `client_cores`. Every row has a server of its own.

A row's first half is training and ticks alone, and its throughput is that half's; in the second half everybody also
presses buttons at random moments.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from benchmarks.options import Options, Row
from benchmarks.server import Server, server
from benchmarks.summary import percentile
from benchmarks.websocket import FULL_SPEED, PATIENCE, Client, browser

SECONDS = 15.0
"""Length of each half."""
TICK_SECONDS = 1.0
"""How often a browser asks; more seldom where the page itself sets a longer interval."""
PRESS_SECONDS = 10.0
"""How often each session's user does something; a full run of the page is a tenth of a second of the server's time."""
LONE_PRESS_SECONDS = 2.0
"""The same where few sessions are open, so that there is something to measure."""
FEW_SESSIONS = 5
PAUSED_SECONDS = 1.5
WARM_UP_SECONDS = 1.5
VISITORS = 4
SETTLE_SECONDS = 3.0
"""After everybody's first Train, which `train_p95` tells of, before the rest is measured."""
STEADY_LOOKS = 12
"""How often in a row the same number of threads must be seen, half a second apart."""
LEFTOVER_SECONDS = 30.0
"""How long sessions may take to be gone after their browsers are."""


@dataclass
class Measured:
    """Seconds of every tick, press and stop, in all sessions together."""

    ticks: list[float] = field(default_factory=list)
    presses: list[float] = field(default_factory=list)
    stops: list[float] = field(default_factory=list)


def rows(options: Options) -> Iterator[Row]:
    """One row per number of sessions; times are seconds."""
    for count in options.sessions:
        for streams in (True, False) if options.ticks else (True,):
            with server() as running:
                speed = None if options.usual_speed else FULL_SPEED
                measured = asyncio.run(_measure(running, count, options.seconds or SECONDS, streams, speed))
                yield {"sessions": count, "updates_by": "stream" if streams else "ticks", **measured}


async def _measure(running: Server, count: int, seconds: float, streams: bool, speed: str | None) -> Row:
    await _warm_up(running)
    threads, megabytes = await _settled(running)
    measured = Measured()
    opening = time.monotonic()
    async with _browsers(running.port, count, streams, speed) as clients:
        opened = time.monotonic() - opening
        started = await asyncio.gather(*(client.press("Train") for client in clients))
        async with _ticking(clients, measured):
            await asyncio.sleep(SETTLE_SECONDS)
            measured.ticks.clear()
            for client in clients:
                client.ages.clear()
                client.sights = 0
            own, used, began = _own_cpu(), running.cpu_seconds, time.monotonic()
            before = [client.steps_trained for client in clients]
            await asyncio.sleep(seconds)
            spent = time.monotonic() - began
            steps = [client.steps_trained - was for client, was in zip(clients, before, strict=True)]
            own, used = (_own_cpu() - own) / spent, (running.cpu_seconds - used) / spent
            end = time.monotonic() + seconds
            every = LONE_PRESS_SECONDS if count < FEW_SESSIONS else PRESS_SECONDS
            await asyncio.gather(*(_press_buttons(client, every, end, measured) for client in clients))
            for client in clients:
                client.note_age()
        ages = [age for client in clients for age in client.ages]
        row = {
            "tick_p50": percentile(measured.ticks, 50),
            "tick_p95": percentile(measured.ticks, 95),
            "age_p50": percentile(ages, 50),
            "age_p95": percentile(ages, 95),
            "age_from": "message" if all(client.exact_ages for client in clients) else "request",
            "presses": len(measured.presses),
            "press_p50": percentile(measured.presses, 50),
            "press_p95": percentile(measured.presses, 95),
            "stop_p95": percentile(measured.stops, 95),
            "train_p95": percentile(started, 95),
            "steps_per_second": round(sum(steps) / spent),
            "slowest_session": round(min(steps) / spent),
            "advanced": sum(done > 0 for done in steps),
            "updates_per_second": round(sum(client.sights for client in clients) / count / (2 * seconds), 2),
            "tick_kb": round(max(client.tick_bytes for client in clients) / 1e3, 1),
            "all_open_s": round(opened, 2),
            "client_cores": round(own, 2),
            "server_cores": round(used, 2),
            "mb_per_session": round((running.megabytes - megabytes) / count, 2),
            "server_mb": round(running.megabytes),
        }
    left, left_megabytes = await _settled(running, threads)
    return row | {"threads_left": left - threads, "mb_left": round(left_megabytes - megabytes, 1)}


async def _warm_up(running: Server) -> None:
    """Visitors before everybody, so that imports and the threads of libraries count as the server's."""
    async with _browsers(running.port, VISITORS, True, FULL_SPEED) as clients, _ticking(clients, Measured()):
        await asyncio.gather(*(client.press("Train") for client in clients))
        await asyncio.gather(*(client.until(lambda one: one.sight.steps > 0) for client in clients))
        await asyncio.sleep(WARM_UP_SECONDS)


@asynccontextmanager
async def _browsers(port: int, count: int, streams: bool, speed: str | None) -> AsyncIterator[list[Client]]:
    async with AsyncExitStack() as open_ones:
        visits = (browser(port, streams=streams, speed=speed) for _ in range(count))
        clients = await asyncio.gather(*map(open_ones.enter_async_context, visits))
        await asyncio.gather(*(_ready(client) for client in clients))
        yield list(clients)


async def _ready(client: Client) -> None:
    while "Train" not in client.buttons:  # the page is drawn while the data are still being prepared
        await client.run(next(iter(client.timers), ""))


@asynccontextmanager
async def _ticking(clients: list[Client], measured: Measured) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(client.update(measured.ticks, TICK_SECONDS)) for client in clients]
    try:
        yield
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()


async def _press_buttons(client: Client, every: float, end: float, measured: Measured) -> None:
    """New weights, or a pause that ends by Train, at random moments."""
    wait = random.uniform(0, every)
    while time.monotonic() + wait < end:
        await asyncio.sleep(wait)
        if random.random() < 0.5:
            await _press(client, "New weights", measured)
        else:
            pressed = time.monotonic()
            await _press(client, "Pause", measured)
            await client.until(lambda one: one.sight.stopped)
            measured.stops.append(time.monotonic() - pressed)
            await asyncio.sleep(PAUSED_SECONDS)
            await _press(client, "Train", measured)
        wait = random.uniform(0.5, 1.5) * every


async def _press(client: Client, button: str, measured: Measured) -> None:
    """Press it once it is on the page, which may be being drawn anew; one that never comes took all patience."""
    deadline = time.monotonic() + PATIENCE
    while button not in client.buttons and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    measured.presses.append(await client.press(button) if button in client.buttons else PATIENCE)


async def _settled(running: Server, threads: int = 0) -> tuple[int, float]:
    """Threads and MB of the server once its sessions are gone: no more than `threads`, or the same for a while."""
    deadline, same, last = time.monotonic() + LEFTOVER_SECONDS, 0, -1
    while time.monotonic() < deadline:
        now = running.threads
        same, last = (same + 1 if now == last else 0), now
        if now <= threads or (not threads and same == STEADY_LOOKS):
            break
        async with browser(running.port):  # Streamlit clears expired sessions away when somebody comes
            await asyncio.sleep(0.5)
    return running.threads, running.megabytes


def _own_cpu() -> float:
    return time.process_time()
