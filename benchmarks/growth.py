"""Whether a long run costs more than a short one: memory of its history, bytes and seconds of a live tick.

The history is fed with losses and test passes in the proportion of a real run. The ticks are those of the app with
one browser, which trains on from one mark to the next; numbers of some more digits are some more bytes.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from statistics import median
from typing import Any

import numpy as np

from benchmarks.options import Options, Row
from benchmarks.server import Server, server
from benchmarks.summary import percentile, significant
from benchmarks.websocket import FULL_SPEED, Client, browser
from mlp_core.training.events import Chunk, Evaluation
from mlp_core.training.history import History

CHUNK = 500
CHUNKS_PER_EVALUATION = 2
TICKS = 30
LONGEST_RUN = 900.0
"""Seconds that a browser waits for the next mark."""


def rows(options: Options) -> Iterator[Row]:
    """One row per number of steps; every figure also as a multiple of that at the first."""
    steps_marked = tuple(sorted(options.steps))
    with server() as running:
        ticks = asyncio.run(_ticks(running, steps_marked))
    marks = [
        {"history_kb": significant(kept / 1e3)} | shown
        for kept, shown in zip(history_bytes(steps_marked), ticks, strict=True)
    ]
    for steps, mark in zip(steps_marked, marks, strict=True):
        ratios = {f"{name}_ratio": significant(value / marks[0][name]) for name, value in mark.items() if value}
        yield {"steps": steps, **mark, **ratios}


def history_bytes(marks: tuple[int, ...]) -> Iterator[int]:
    """Bytes of a history after about so many steps, for marks that rise."""
    history, chance, step = History(), np.random.default_rng(0), 0
    for mark in marks:
        while step < mark:
            step += CHUNK
            history.add_chunk(
                Chunk(step, 0, chance.random(CHUNK, dtype=np.float32), 10 * CHUNK, 0.05, 0.03, np.empty((0, 2)))
            )
            if step % (CHUNK * CHUNKS_PER_EVALUATION) == 0:
                history.add_evaluation(Evaluation(step, 0, 0.5, float(chance.random()), 0.5, None))
        yield size(history)


def size(thing: Any, seen: set[int] | None = None) -> int:
    """Bytes of an object and all that it holds, each once."""
    seen = set() if seen is None else seen
    if id(thing) in seen:
        return 0
    seen.add(id(thing))
    total = sys.getsizeof(thing)
    if isinstance(thing, np.ndarray):
        return total if thing.base is None else total + size(thing.base, seen)
    if isinstance(thing, dict):
        return total + sum(size(key, seen) + size(value, seen) for key, value in thing.items())
    if isinstance(thing, list | tuple | set):
        return total + sum(size(item, seen) for item in thing)
    return total + (size(vars(thing), seen) if hasattr(thing, "__dict__") else 0)


async def _ticks(running: Server, marks: tuple[int, ...]) -> list[dict[str, Any]]:
    async with browser(running.port, speed=FULL_SPEED) as client:
        answers: list[float] = []
        ticking = asyncio.create_task(client.update(answers, 0.0))
        try:
            while "Train" not in client.buttons:
                await asyncio.sleep(0.05)
            await client.press("Train")
            return [await _at(client, answers, steps) for steps in marks]
        finally:
            ticking.cancel()


async def _at(client: Client, answers: list[float], steps: int) -> dict[str, Any]:
    """The size and the seconds of the first ticks after so many steps."""
    deadline = time.monotonic() + LONGEST_RUN
    while client.sight.steps < steps:
        if time.monotonic() > deadline:
            raise RuntimeError(f"the run had not reached {steps:,} steps after {LONGEST_RUN:.0f} s")
        await asyncio.sleep(0.05)
    first, sizes = len(answers), []
    while len(answers) < first + TICKS:
        sizes.append(client.tick_bytes)
        await client.until(lambda one, before=client.sights: one.sights > before)
    return {
        "tick_kb": significant(median(sizes) / 1e3),
        "tick_p50": percentile(answers[first:], 50),
        "tick_p95": percentile(answers[first:], 95),
    }
