"""A class that works on different data: a third each on sets of two features, on tables and on images.

Fashion-MNIST is real: `MLP_DATA_DIR` names its folder, and without it there is nothing to measure.
"""

from __future__ import annotations

import asyncio
import time

from benchmarks.browsers import SETTLE_SECONDS, Span, browsers, ready, settled, updated, warm_up
from benchmarks.elements import POPOVER
from benchmarks.options import Row
from benchmarks.server import Server, server
from benchmarks.summary import percentile
from benchmarks.users import Measured, User, press_seconds
from benchmarks.websocket import SETTINGS, Client
from mlp_core import data
from mlp_core.catalog import DATASETS
from mlp_core.presets import PRESETS

IMAGES = "fashion-mnist-quickstart"
KINDS: dict[str, tuple[str, ...]] = {
    "two_features": ("spiral", "xor", "circle", "moons"),
    "tables": ("two-hidden-relu", "binary-16-12-10-1", "digits"),
    "images": (IMAGES,),
}
"""Kinds of data, and by which preset or data set a browser comes to them; every browser takes the next one."""
EPOCHS = 1_000_000
"""More than any of these sets can be through with in the time of a row."""


def row(count: int, seconds: float, *, streams: bool, speed: str | None, form: str | None) -> Row:
    """One row; the steps of each kind are those of its browsers together."""
    spec = PRESETS[IMAGES].experiment.data
    if not data.is_present(spec):
        return {"skipped": f"{spec.entry.label} is not in {data.data_folder()}; MLP_DATA_DIR names another folder"}
    with server() as running:
        return asyncio.run(_measure(running, count, seconds, streams=streams, speed=speed, form=form))


async def _measure(
    running: Server, count: int, seconds: float, *, streams: bool, speed: str | None, form: str | None
) -> Row:
    await warm_up(running)
    threads, _ = await settled(running)
    measured = Measured()
    async with (
        browsers(running.port, count, streams=streams, speed=None, form=form) as clients,
        updated(clients, measured),
    ):
        kinds = [list(KINDS)[number % len(KINDS)] for number in range(count)]
        for number, (client, kind) in enumerate(zip(clients, kinds, strict=True)):
            await begin(client, KINDS[kind][number // len(KINDS) % len(KINDS[kind])], speed)
        started = await asyncio.gather(*(client.press("Train") for client in clients))
        # Reading images takes long the first time, which is no part of what is measured.
        await asyncio.gather(*(client.until(lambda one: one.sight.steps > 0) for client in clients))
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
    steps = {kind: sum(s for s, its in zip(span.steps, kinds, strict=True) if its == kind) for kind in KINDS}
    left, _ = await settled(running, threads)
    return {
        "kinds": "mixed",
        "tick_p50": percentile(measured.ticks, 50),
        "tick_p95": percentile(measured.ticks, 95),
        "age_p95": percentile(ages, 95),
        "press_p50": percentile(measured.presses, 50),
        "press_p95": percentile(measured.presses, 95),
        "stop_p95": percentile(measured.stops, 95),
        "train_p95": percentile(started, 95),
        **span.row(),
        **{f"{kind}_steps_per_second": round(done / span.seconds) for kind, done in steps.items()},
        **span.cores(),
        "threads_left": left - threads,
    }


async def begin(client: Client, name: str, speed: str | None) -> None:
    """Choose a preset or a data set, let it train for long, and choose the speed, None for the page's own."""
    if name in PRESETS:
        await client.choose("Preset", PRESETS[name].label)
    else:
        options = client.elements.get("selectbox", "Data set").options
        wanted = DATASETS[name].label
        await client.choose("Data set", next(option for option in options if option.startswith(wanted)))
    await ready(client)
    if name in PRESETS and PRESETS[name].experiment.training.epochs is not None:
        await _train_for_long(client)
    if speed is not None:
        await client.set_speed(speed)


async def _train_for_long(client: Client) -> None:
    """Raise the number of epochs: a small set would be through with a preset's before it is measured.

    A number input that has a value cannot be emptied, so the run does not train until it is paused.
    """
    settings = client.elements.get(POPOVER, SETTINGS)
    await client.unfold(settings)
    await client.fill(client.elements.get("number_input", "Epochs"), EPOCHS)
    await client.unfold(settings, is_open=False)
