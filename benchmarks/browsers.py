"""Many browsers at one server: opened together, kept up to date, and gone again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from benchmarks.options import Row
from benchmarks.server import Server
from benchmarks.users import Measured
from benchmarks.websocket import FULL_SPEED, Client, browser

TICK_SECONDS = 1.0
"""How often a browser asks; more seldom where the page itself sets a longer interval."""
SETTLE_SECONDS = 3.0
"""After everybody's first Train, before anything is measured."""
WARM_UP_SECONDS = 1.5
VISITORS = 4
STEADY_LOOKS = 12
"""How often in a row the same number of threads must be seen, half a second apart."""
LEFTOVER_SECONDS = 30.0
"""How long sessions may take to be gone after their browsers are."""


async def warm_up(running: Server) -> None:
    """Visitors before everybody, so that imports and the threads of libraries count as the server's."""
    async with browsers(running.port, VISITORS, streams=True, speed=FULL_SPEED) as clients, updated(clients):
        await asyncio.gather(*(client.press("Train") for client in clients))
        await asyncio.gather(*(client.until(lambda one: one.sight.steps > 0) for client in clients))
        await asyncio.sleep(WARM_UP_SECONDS)


@asynccontextmanager
async def browsers(
    port: int, count: int, *, streams: bool, speed: str | None, form: str | None = None
) -> AsyncIterator[list[Client]]:
    """So many browsers whose pages can be trained on, as `websocket.browser` makes one."""
    async with AsyncExitStack() as open_ones:
        visits = (browser(port, streams=streams, speed=speed, form=form) for _ in range(count))
        clients = await asyncio.gather(*map(open_ones.enter_async_context, visits))
        await asyncio.gather(*(ready(client) for client in clients))
        yield list(clients)


async def ready(client: Client) -> None:
    """Wait for Train: the page is drawn while the data are still being prepared."""
    while "Train" not in client.buttons:
        await client.run(next(iter(client.timers), ""), timer=bool(client.timers))


@asynccontextmanager
async def updated(
    clients: Sequence[Client], measured: Measured | None = None, at_least: float | None = None
) -> AsyncIterator[None]:
    """Keep the pages up to date; what that takes is added to the ticks of `measured`."""
    ticks = [] if measured is None else measured.ticks
    every = TICK_SECONDS if at_least is None else at_least
    tasks = [asyncio.create_task(client.update(ticks, every)) for client in clients]
    try:
        yield
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()


async def settled(running: Server, threads: int = 0) -> tuple[int, float]:
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


class Span:
    """From its making until `end`: the steps that pages have shown, and the processor time used."""

    def __init__(self, running: Server, clients: Sequence[Client]) -> None:
        for client in clients:
            client.points.forget()
        self._running, self._clients = running, clients
        self._began, self._own, self._used = time.monotonic(), time.process_time(), running.cpu_seconds
        self._before = [client.points.steps for client in clients]
        self.seconds = self.client_cores = self.server_cores = 0.0
        self.steps: list[int] = []

    def end(self) -> None:
        """Count up to now."""
        self.seconds = time.monotonic() - self._began
        self.steps = [client.points.steps - was for client, was in zip(self._clients, self._before, strict=True)]
        self.client_cores = (time.process_time() - self._own) / self.seconds
        self.server_cores = (self._running.cpu_seconds - self._used) / self.seconds

    @property
    def steps_per_second(self) -> float:
        """Of all pages together."""
        return sum(self.steps) / self.seconds

    def row(self) -> Row:
        """The figures of throughput."""
        return {
            "steps_per_second": round(self.steps_per_second),
            "slowest_session": round(min(self.steps) / self.seconds),
            "advanced": sum(done > 0 for done in self.steps),
        }

    def cores(self) -> Row:
        """What the clients and the server took of the machine."""
        return {"client_cores": round(self.client_cores, 2), "server_cores": round(self.server_cores, 2)}
