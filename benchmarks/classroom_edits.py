"""A class whose users change their networks while training goes on.

The same browsers at the same server by turns leave their networks as they are and edit them. Throughput and ages are
those of these turns, in which nobody presses a button, so that no pause counts in them. Presses are measured at the
end, without edits and with them.

Edits make networks that take other steps, and the machine is not always equally fast. So what the server does while all
edit is compared with the mean of what it does in the turns before and after, turn by turn.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise

from benchmarks.browsers import SETTLE_SECONDS, Span, browsers, updated, warm_up
from benchmarks.http import Connection
from benchmarks.options import Row
from benchmarks.server import Server, server
from benchmarks.summary import percentile, significant
from benchmarks.users import FEW_SESSIONS, Measured, User, press_seconds
from benchmarks.websocket import Client

APP = "benchmarks/counting_app.py"
"""What the server runs: the app, and how many steps it has done."""
EDIT_SECONDS = 6.0
"""How often each session's user edits the network."""
LONE_EDIT_SECONDS = 1.0
"""The same where few sessions are open, so that there is something to measure."""
FEWEST_EDITS = 40
"""So many edits at least, in all browsers together: turns with edits take as long as that needs."""
ROUNDS = 4
"""Turns with edits; one without them comes before each, and one at the end."""


def rows(count: int, seconds: float, *, streams: bool, speed: str | None, form: str | None) -> Iterator[Row]:
    """One row without edits and one with them."""
    with server(app=APP) as running:
        yield from asyncio.run(_measure(running, count, seconds, streams=streams, speed=speed, form=form))


async def _measure(
    running: Server, count: int, seconds: float, *, streams: bool, speed: str | None, form: str | None
) -> list[Row]:
    every = LONE_EDIT_SECONDS if count < FEW_SESSIONS else EDIT_SECONDS
    await warm_up(running)
    updates = Measured()
    async with browsers(running.port, count, streams=streams, speed=speed, form=form) as clients:
        alone, edited = Part(running, clients, updates, None), Part(running, clients, updates, every)
        await asyncio.gather(*(client.press("Train") for client in clients))
        async with updated(clients, updates):
            await asyncio.sleep(SETTLE_SECONDS)
            turn = seconds / ROUNDS
            await alone.train(turn)
            for _ in range(ROUNDS):
                await edited.train(max(turn, FEWEST_EDITS * every / count / ROUNDS))
                await alone.train(turn)
            for part in (alone, edited):
                await part.press(seconds)
    return [alone.row(), edited.row() | {"of_no_edits": of_no_edits(alone.done, edited.done)}]


def of_no_edits(alone: Sequence[float], edited: Sequence[float]) -> float | None:
    """Steps a second that the server did while all edited, of those that it did while nobody did.

    The median of the turns; each is compared with the turns of `alone` before and after it.
    """
    without = [(before + after) / 2 for before, after in pairwise(alone)]
    if not all(without):
        return None
    return significant(statistics.median(done / other for done, other in zip(edited, without, strict=True)))


class Part:
    """What is measured without edits, or with them: in turns of training, and at last of presses too."""

    def __init__(self, running: Server, clients: list[Client], updates: Measured, every: float | None) -> None:
        """Each browser's user edits the network every so many seconds, None for never; `updates` holds all ticks."""
        self._running, self._clients, self._updates, self._every = running, clients, updates, every
        self._measured, self._pressed = Measured(), Measured()
        self._spans: list[Span] = []
        self._ages: list[float] = []
        self.done: list[float] = []
        """Steps a second that the server has done in each turn, of all runs together, shown or not."""

    async def train(self, seconds: float) -> None:
        """A turn of training and updates, and edits where there are any."""
        ticks, done = len(self._updates.ticks), await self._steps()
        span = Span(self._running, self._clients)
        async with asyncio.TaskGroup() as tasks:
            self._edit(tasks, [User(client, self._measured) for client in self._clients], seconds)
            await asyncio.sleep(seconds)
            span.end()
            self.done.append((await self._steps() - done) / span.seconds)
            for client in self._clients:
                client.points.note_age()
                self._ages += client.points.ages
            self._measured.ticks += self._updates.ticks[ticks:]
        self._spans.append(span)

    async def press(self, seconds: float) -> None:
        """The same, while everybody also presses buttons."""
        users, end = [User(client, self._pressed) for client in self._clients], time.monotonic() + seconds
        async with asyncio.TaskGroup() as tasks:
            self._edit(tasks, users, seconds)
            for user in users:
                tasks.create_task(user.press_buttons(press_seconds(len(users)), end))

    def _edit(self, tasks: asyncio.TaskGroup, users: list[User], seconds: float) -> None:
        if self._every is not None:
            for user in users:
                tasks.create_task(user.edit_network(self._every, time.monotonic() + seconds))

    async def _steps(self) -> int:
        async with Connection(self._running.port) as connection:
            return int((await connection.get("steps"))[2])

    def row(self) -> Row:
        """The figures of all turns; times are seconds."""
        seconds = sum(span.seconds for span in self._spans)
        steps = [sum(each) for each in zip(*(span.steps for span in self._spans), strict=True)]
        measured, pressed = self._measured, self._pressed
        return {
            "edits": len(measured.edits),
            "steps_per_second": round(sum(steps) / seconds),
            "done_per_second": round(statistics.mean(self.done)),
            "slowest_session": round(min(steps) / seconds),
            "advanced": sum(done > 0 for done in steps),
            "age_p50": percentile(self._ages, 50),
            "age_p95": percentile(self._ages, 95),
            "edit_p50": percentile(measured.edits, 50),
            "edit_p95": percentile(measured.edits, 95),
            "first_point_p50": percentile(measured.first_points, 50),
            "first_point_p95": percentile(measured.first_points, 95),
            "tick_p95": percentile(measured.ticks, 95),
            "press_p95": percentile(pressed.presses, 95),
            "stop_p95": percentile(pressed.stops, 95),
            "client_cores": round(sum(span.client_cores * span.seconds for span in self._spans) / seconds, 2),
            "server_cores": round(sum(span.server_cores * span.seconds for span in self._spans) / seconds, 2),
        }
