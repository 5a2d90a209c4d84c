"""How a browser keeps a page up to date by itself: the timers that the page has set, and its stream."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.messages import component_state, component_trigger

if TYPE_CHECKING:
    from benchmarks.websocket import Client

GLANCE_SECONDS = 0.05
"""How often a client looks whether the page has set another timer."""
DRAWN_SECONDS = 0.035
"""How long a fast browser draws an answer before it asks again: two pictures of its screen."""


@dataclass(frozen=True)
class Timer:
    """The page wants a fragment to run again and again."""

    interval: float
    """Seconds from one run to the next."""
    began: float
    """When the page said so (`time.monotonic`)."""


@dataclass(frozen=True)
class Feed:
    """The component that hands on what moves."""

    id: str
    """Its identity as a widget."""
    fragment: str
    """The fragment that it stands in."""
    stream: str | None
    """The address, below the app's own, that newer data come from; None where there are none to come."""


async def update(client: Client, answers: list[float], at_least: float) -> None:
    """Keep the page up to date as a browser does, for as long as the task lives.

    Adds the seconds of every answer that brings what moves: the stream's, asked when it says, or those of the
    page's timers, asked every `at_least` seconds, more seldom where the page says so.
    """
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_tick(client, answers, at_least))
        tasks.create_task(_follow(client, answers, tasks) if client.streams else _refuse(client))


async def _tick(client: Client, answers: list[float], at_least: float) -> None:
    """Do what the page's timers do in a browser: it asks when it is time to, answered before or not."""
    timer, due = Timer(0.0, 0.0), 0.0
    async with asyncio.TaskGroup() as asking:
        while True:
            fragment, now = next(iter(client.timers.items()), ("", timer))
            if now is not timer:
                timer, due = now, now.began + max(now.interval, at_least)
            if fragment and time.monotonic() >= due:
                asking.create_task(_ask(client, fragment, due, answers))
                due += max(timer.interval, at_least)
            wait = due - time.monotonic() if fragment else GLANCE_SECONDS
            await asyncio.sleep(min(max(0.0, wait), GLANCE_SECONDS))


async def _ask(client: Client, fragment: str, due: float, answers: list[float]) -> None:
    await client.run(fragment, timer=True)
    if not client.streams:
        answers.append(time.monotonic() - due)


async def _refuse(client: Client) -> None:
    """Say once that the stream cannot be reached."""
    await client.until(lambda one: one.feed is not None and one.feed.stream is not None)
    if (feed := client.feed) is not None:
        client.elements.set(component_state(feed.id, {"streams": False}))
        await client.run(feed.fragment)


async def _follow(client: Client, answers: list[float], asking: asyncio.TaskGroup) -> None:
    """Read one stream after the other as the pages name them, one request at a time."""
    while True:
        feed = client.feed
        if feed is None or feed.stream is None:
            await client.until(lambda one, before=feed: one.feed != before)
            continue
        while client.feed == feed:
            began = time.monotonic()
            status, fields, content = await client.connection.get(feed.stream)
            if client.feed != feed:
                break
            if status != 200:
                raise RuntimeError(f"the page's stream answered with status {status}")
            answers.append(time.monotonic() - began - held_seconds(fields))
            answer = json.loads(content)
            await client.take(content)
            if answer["redraw"]:
                client.leave_stream()
                asking.create_task(client.run(feed.fragment, component_trigger(feed.id, "redraw")))
                break
            await client.until(lambda one, now=feed: one.feed != now, DRAWN_SECONDS)  # another feed is asked at once


def held_seconds(fields: Mapping[str, str]) -> float:
    """How long the server held an answer back until there was something to say, as its `Server-Timing` tells."""
    return float(fields["server-timing"].partition("dur=")[2]) / 1000
