"""A class whose users change their networks while training goes on.

The same browsers at the same server first leave their networks as they are, then edit them; each half is a span of
training and updates, and a span in which everybody also presses buttons. Throughput and ages are those of the first
span, so that no pause counts in them. Steps that no message had shown before an edit ended their run are not counted,
so `of_no_edits` is a little less than what the server did.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

from benchmarks.browsers import SETTLE_SECONDS, Span, browsers, updated, warm_up
from benchmarks.options import Row
from benchmarks.server import Server, server
from benchmarks.summary import percentile, significant
from benchmarks.users import FEW_SESSIONS, Measured, User, press_seconds
from benchmarks.websocket import Client

EDIT_SECONDS = 6.0
"""How often each session's user edits the network."""
LONE_EDIT_SECONDS = 1.0
"""The same where few sessions are open, so that there is something to measure."""
FEWEST_EDITS = 40
"""So many edits at least, in all browsers together: the first span with edits takes as long as that needs."""


def rows(count: int, seconds: float, *, streams: bool, speed: str | None) -> Iterator[Row]:
    """One row without edits and one with them."""
    with server() as running:
        yield from asyncio.run(_measure(running, count, seconds, streams=streams, speed=speed))


async def _measure(running: Server, count: int, seconds: float, *, streams: bool, speed: str | None) -> list[Row]:
    every = LONE_EDIT_SECONDS if count < FEW_SESSIONS else EDIT_SECONDS
    await warm_up(running)
    async with browsers(running.port, count, streams=streams, speed=speed) as clients:
        await asyncio.gather(*(client.press("Train") for client in clients))
        quiet = await _half(running, clients, seconds, None)
        edited = await _half(running, clients, max(seconds, FEWEST_EDITS * every / count), every)
    ratio = edited["steps_per_second"] / quiet["steps_per_second"] if quiet["steps_per_second"] else None
    return [quiet, edited | {"of_no_edits": None if ratio is None else significant(ratio)}]


async def _half(running: Server, clients: list[Client], seconds: float, every: float | None) -> Row:
    """The figures of one half; every browser's user edits the network after so many seconds, None for never."""
    measured, pressed = Measured(), Measured()
    async with updated(clients, measured):
        await asyncio.sleep(SETTLE_SECONDS)
        measured.ticks.clear()
        span = Span(running, clients)
        async with asyncio.TaskGroup() as tasks:
            _edit(tasks, [User(client, measured) for client in clients], seconds, every)
            await asyncio.sleep(seconds)
            span.end()
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
