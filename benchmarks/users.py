"""What the users of browsers do at random moments: press buttons, and edit networks."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field

from benchmarks.network import network
from benchmarks.websocket import PATIENCE, Client

PRESS_SECONDS = 10.0
"""How often each session's user presses something; a full run of the page is a tenth of a second of the server."""
LONE_PRESS_SECONDS = 2.0
"""The same where few sessions are open, so that there is something to measure."""
FEW_SESSIONS = 5
PAUSED_SECONDS = 1.5
LOOK_SECONDS = 0.02
"""How often it is looked whether a button has come."""


@dataclass
class Measured:
    """Seconds that things took, in all browsers together."""

    ticks: list[float] = field(default_factory=list)
    """Of every update."""
    presses: list[float] = field(default_factory=list)
    """Of every press of a button, until what it has changed is there."""
    stops: list[float] = field(default_factory=list)
    """From Pause until the page says that the run stands still."""
    edits: list[float] = field(default_factory=list)
    """Of every edit of the network, until the page is there again."""
    first_points: list[float] = field(default_factory=list)
    """From an edit until the page shows a point of the run that it has begun."""


@dataclass(frozen=True)
class User:
    """One browser's user, who does one thing at a time."""

    client: Client
    """The browser."""
    measured: Measured
    """What it takes is put in here."""
    hands: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while something is done: a pause is over before the network is edited."""

    async def press_buttons(self, every: float, end: float) -> None:
        """New weights, or a pause that ends by Train, at random moments until `end` (`time.monotonic`)."""
        wait = random.uniform(0, every)
        while time.monotonic() + wait < end:
            await asyncio.sleep(wait)
            async with self.hands:
                await (self._press("New weights") if random.random() < 0.5 else self._pause())
            wait = random.uniform(0.5, 1.5) * every

    async def edit_network(self, every: float, end: float) -> None:
        """Any edit of the network at random moments until `end`; the next one waits for the last one's first point."""
        due = time.monotonic() + random.uniform(0, every)
        while due < end and time.monotonic() < end:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            async with self.hands:
                await self._edit()
            due += random.uniform(0.5, 1.5) * every

    async def _edit(self) -> None:
        await train(self.client)
        edit = network(self.client.elements).any_edit()
        point = self.client.points.next(another_run=True)
        began = time.monotonic()
        self.measured.edits.append(await edit(self.client))
        self.measured.first_points.append(await seconds_until(point, began))

    async def _pause(self) -> None:
        pressed = time.monotonic()
        await self._press("Pause")
        await self.client.until(lambda one: one.sight.stopped)
        self.measured.stops.append(time.monotonic() - pressed)
        await asyncio.sleep(PAUSED_SECONDS)
        await self._press("Train")

    async def _press(self, label: str) -> None:
        """One that never comes took all patience."""
        here = await button(self.client, label)
        self.measured.presses.append(await self.client.press(label) if here else PATIENCE)


def press_seconds(sessions: int) -> float:
    """How often a user presses something where so many sessions are open."""
    return LONE_PRESS_SECONDS if sessions < FEW_SESSIONS else PRESS_SECONDS


async def button(client: Client, label: str) -> bool:
    """Wait for a button on a page that may be being drawn anew; whether it has come."""
    deadline = time.monotonic() + PATIENCE
    while label not in client.buttons and time.monotonic() < deadline:
        await asyncio.sleep(LOOK_SECONDS)
    return label in client.buttons


async def train(client: Client) -> None:
    """Press Train if the run stands still and can go on."""
    if client.sight.stopped and "Train" in client.buttons:
        await client.press("Train")


async def seconds_until(point: asyncio.Future[None], began: float) -> float:
    """The seconds from `began` until the point comes; all patience for one that does not."""
    done, _ = await asyncio.wait([point], timeout=max(0.0, began + PATIENCE - time.monotonic()))
    return time.monotonic() - began if done else PATIENCE
