"""A class whose users change their networks while training goes on.

The same browsers at the same server first leave their networks as they are, then edit them, then leave them as they
have become. A part is a span of training and updates, and a span in which everybody also presses buttons. Throughput
and ages are those of the first span, so that no pause counts in them.

Edits make networks that take other steps, and the machine is not always equally fast. So what the server does while all
edit is compared with the mean of what it does before and after.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

from benchmarks.browsers import SETTLE_SECONDS, Span, browsers, updated, warm_up
from benchmarks.http import Connection
from benchmarks.options import Row
from benchmarks.server import Server, server
from benchmarks.summary import percentile, significant
from benchmarks.users import FEW_SESSIONS, Measured, User, press_seconds
from benchmarks.websocket import Client

APP = "benchmarks/counting_app.py"
EDIT_SECONDS = 6.0
"""How often each session's user edits the network."""
LONE_EDIT_SECONDS = 1.0
"""The same where few sessions are open, so that there is something to measure."""
FEWEST_EDITS = 40
"""So many edits at least, in all browsers together: the first span with edits takes as long as that needs."""


def rows(count: int, seconds: float, *, streams: bool, speed: str | None) -> Iterator[Row]:
    """One row without edits, one with them, and one without them again."""
    with server(app=APP) as running:
        yield from asyncio.run(_measure(running, count, seconds, streams=streams, speed=speed))


async def _measure(running: Server, count: int, seconds: float, *, streams: bool, speed: str | None) -> list[Row]:
    every = LONE_EDIT_SECONDS if count < FEW_SESSIONS else EDIT_SECONDS
    await warm_up(running)
    async with browsers(running.port, count, streams=streams, speed=speed) as clients:
        await asyncio.gather(*(client.press("Train") for client in clients))
        before = await _part(running, clients, seconds, None)
        edited = await _part(running, clients, max(seconds, FEWEST_EDITS * every / count), every)
        after = await _part(running, clients, seconds, None)
    return [before, edited | {"of_no_edits": of_no_edits(before, edited, after)}, after]


def of_no_edits(before: Row, edited: Row, after: Row) -> float | None:
    """The steps that the server did while all edited, of those that it did while nobody did."""
    without = (before["done_per_second"] + after["done_per_second"]) / 2
    return significant(edited["done_per_second"] / without) if without else None


async def _steps(running: Server) -> int:
    """How many steps the server has done, of all runs together, shown or not."""
    async with Connection(running.port) as connection:
        return int((await connection.get("steps"))[2])


async def _part(running: Server, clients: list[Client], seconds: float, every: float | None) -> Row:
    """The figures of one part; every browser's user edits the network after so many seconds, None for never."""
    measured, pressed = Measured(), Measured()
    async with updated(clients, measured):
        await asyncio.sleep(SETTLE_SECONDS)
        measured.ticks.clear()
        done, span = await _steps(running), Span(running, clients)
        async with asyncio.TaskGroup() as tasks:
            _edit(tasks, [User(client, measured) for client in clients], seconds, every)
            await asyncio.sleep(seconds)
            span.end()
            done = await _steps(running) - done
            ages = _ages(clients)
        ticks = [*measured.ticks]
        users, end = [User(client, pressed) for client in clients], time.monotonic() + seconds
        async with asyncio.TaskGroup() as tasks:
            _edit(tasks, users, seconds, every)
            for user in users:
                tasks.create_task(user.press_buttons(press_seconds(len(clients)), end))
    return {
        "edits": len(measured.edits),
        **span.row(),
        "done_per_second": round(done / span.seconds),
        "age_p50": percentile(ages, 50),
        "age_p95": percentile(ages, 95),
        "edit_p50": percentile(measured.edits, 50),
        "edit_p95": percentile(measured.edits, 95),
        "first_point_p50": percentile(measured.first_points, 50),
        "first_point_p95": percentile(measured.first_points, 95),
        "tick_p95": percentile(ticks, 95),
        "press_p95": percentile(pressed.presses, 95),
        "stop_p95": percentile(pressed.stops, 95),
        **span.cores(),
    }


def _edit(tasks: asyncio.TaskGroup, users: list[User], seconds: float, every: float | None) -> None:
    if every is not None:
        for user in users:
            tasks.create_task(user.edit_network(every, time.monotonic() + seconds))


def _ages(clients: list[Client]) -> list[float]:
    for client in clients:
        client.points.note_age()
    return [age for client in clients for age in client.points.ages]
