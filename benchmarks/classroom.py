"""Many browsers at once, all training and receiving live ticks.

Real browsers would measure the browsers, so each is a websocket that speaks Streamlit's protocol. Clients and server
share the machine's cores: what the clients use is stated as `client_cores`. Every row has a server of its own.

A row's first half is training and ticks alone, and its throughput is that half's; in the second half everybody also
presses buttons at random moments. With `--edits` the users also change their networks (`classroom_edits`), with
`--mixed` they have different data (`classroom_mixed`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

from benchmarks import classroom_edits, classroom_mixed
from benchmarks.browsers import SETTLE_SECONDS, Span, browsers, settled, updated, warm_up
from benchmarks.options import Options, Row
from benchmarks.server import Server, server
from benchmarks.summary import percentile
from benchmarks.users import Measured, User, press_seconds
from benchmarks.websocket import FULL_SPEED

SECONDS = 15.0
"""Length of each half."""


def rows(options: Options) -> Iterator[Row]:
    """One row per number of sessions, two with edits; times are seconds."""
    seconds, speed = options.seconds or SECONDS, None if options.usual_speed else FULL_SPEED
    for count in options.sessions:
        for streams in (True, False) if options.ticks else (True,):
            start: Row = {"sessions": count, "updates_by": "stream" if streams else "ticks"}
            if options.mixed:
                yield start | classroom_mixed.row(count, seconds, streams=streams, speed=speed, form=options.form)
            if options.edits:
                for row in classroom_edits.rows(count, seconds, streams=streams, speed=speed, form=options.form):
                    yield start | row
            if not (options.mixed or options.edits):
                with server() as running:
                    measuring = _measure(running, count, seconds, streams=streams, speed=speed, form=options.form)
                    yield start | asyncio.run(measuring)


async def _measure(
    running: Server, count: int, seconds: float, *, streams: bool, speed: str | None, form: str | None
) -> Row:
    await warm_up(running)
    threads, megabytes = await settled(running)
    measured = Measured()
    opening = time.monotonic()
    async with browsers(running.port, count, streams=streams, speed=speed, form=form) as clients:
        opened = time.monotonic() - opening
        started = await asyncio.gather(*(client.press("Train") for client in clients))
        async with updated(clients, measured):
            await asyncio.sleep(SETTLE_SECONDS)
            measured.ticks.clear()
            span = Span(running, clients)
            await asyncio.sleep(seconds)
            span.end()
            end, every = time.monotonic() + seconds, press_seconds(count)
            await asyncio.gather(*(User(client, measured).press_buttons(every, end) for client in clients))
            for client in clients:
                client.points.note_age()
        ages = [age for client in clients for age in client.points.ages]
        row = {
            "tick_p50": percentile(measured.ticks, 50),
            "tick_p95": percentile(measured.ticks, 95),
            "age_p50": percentile(ages, 50),
            "age_p95": percentile(ages, 95),
            "age_from": "message" if all(client.points.exact_ages for client in clients) else "request",
            "presses": len(measured.presses),
            "press_p50": percentile(measured.presses, 50),
            "press_p95": percentile(measured.presses, 95),
            "stop_p95": percentile(measured.stops, 95),
            "train_p95": percentile(started, 95),
            **span.row(),
            "updates_per_second": round(sum(client.points.count for client in clients) / count / (2 * seconds), 2),
            "tick_kb": round(max(client.tick_bytes for client in clients) / 1e3, 1),
            "all_open_s": round(opened, 2),
            **span.cores(),
            "mb_per_session": round((running.megabytes - megabytes) / count, 2),
            "server_mb": round(running.megabytes),
        }
    left, left_megabytes = await settled(running, threads)
    return row | {"threads_left": left - threads, "mb_left": round(left_megabytes - megabytes, 1)}
