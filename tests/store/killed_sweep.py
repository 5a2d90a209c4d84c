"""Ends processes at random moments while they train a sweep, and compares it with one that was left alone.

    python tests/store/killed_sweep.py URL KILLS

Prints one JSON object: how many were killed, after how many trials each, how often one was refused because the process
before it might still have trained, whether the results are those of a sweep that was left alone, and how many trials
are kept whose run was not saved yet when its process ended: these are opened with their settings.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
import traceback
from typing import Any

from mlp_core.errors import SpecError
from mlp_core.presets import preset
from mlp_core.store import sweeps as store_of_sweeps
from mlp_core.store.keeper import RunKeeper, SaveQueue
from mlp_core.store.opening import open_store
from mlp_core.store.runs import RunStore
from mlp_core.store.sweeps import SweepStore
from mlp_core.sweep.keeping import KeptSweep, reopened
from mlp_core.sweep.space import space_of
from mlp_core.sweep.spec import SweepSpec
from mlp_core.sweep.sweep import Sweep

ME = "me"
HOLD_SECONDS = 1.0
"""How long a killed process still counts as one that trains."""
LONGEST_SECONDS = 0.1
"""From a trial that is kept to the end of its process at most."""
LIMIT = 120.0
SPEC = SweepSpec(
    space=space_of({"optimizer.lr": {"low": 1e-3, "high": 1.0, "log": True}}, preset("spiral").experiment),
    trials=10, epochs=5, pruner="median",
)  # fmt: skip


def begin(url: str) -> tuple[KeptSweep, SweepStore, SaveQueue]:
    """The sweep of the store as it is there, or a new one."""
    store_of_sweeps.HOLD_SECONDS = HOLD_SECONDS
    store = RunStore(open_store(url))
    sweeps, queue = SweepStore(store.engine), SaveQueue(lambda: store)
    runs, found = RunKeeper(queue, ME), sweeps.sweeps(ME)
    if found:
        return reopened(lambda: sweeps, ME, found[0].id, runs=runs), sweeps, queue
    return KeptSweep(lambda: sweeps, ME, SPEC, runs=runs), sweeps, queue


def start(kept: KeptSweep) -> int:
    """Train it as soon as it may be trained; how often that was refused."""
    refused, ends = 0, time.monotonic() + LIMIT
    while time.monotonic() < ends:
        try:
            kept.start()
        except SpecError:
            refused += 1
            time.sleep(0.05)
        else:
            return refused
    raise SystemExit("nobody may train it")


def killed(url: str, before: int) -> tuple[int, int]:
    """Train it in a process that is killed after more trials than there were before; how many are kept then, and how
    often it was refused before it began."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            kept, _, _ = begin(url)
            kept.flush()
            os.write(writing, bytes([min(255, start(kept))]))
            kept.sweep.wait()
            time.sleep(LIMIT)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    os.close(writing)
    refused = os.read(reading, 1)[0]
    os.close(reading)
    engine = open_store(url)
    sweeps = SweepStore(engine)
    ends = time.monotonic() + LIMIT
    while sweeps.sweeps(ME)[0].done <= before and time.monotonic() < ends:
        time.sleep(0.01)
    time.sleep(random.uniform(0, LONGEST_SECONDS))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    done = sweeps.sweeps(ME)[0].done
    engine.dispose()
    return done, refused


def main(url: str, kills: int) -> dict[str, Any]:
    """Kill so many processes, one after the other; the last one trains to the end."""
    found: list[tuple[int, int]] = []
    for _ in range(kills):
        found.append(killed(url, found[-1][0] if found else 0))
    kept, sweeps, queue = begin(url)
    refused = start(kept)
    assert kept.sweep.wait(LIMIT)
    kept.flush()
    assert queue.flush(LIMIT)
    alone = Sweep(SPEC)
    alone.start()
    assert alone.wait(LIMIT)
    stored, trials = sweeps.find(ME, kept.id)
    runs = {run.id for run in queue.store.runs(ME)}
    return {
        "kills": kills, "done": [done for done, _ in found], "refused": [*(each for _, each in found), refused],
        "status": stored.status, "holder": stored.holder,
        "same": [(each.values, each.state, each.objectives, each.reports) for each in kept.sweep.results]
        == [(each.values, each.state, each.objectives, each.reports) for each in alone.results],
        "kept": len(trials), "without_run": sum(bool(each["run"]) and each["run"] not in runs for each in trials),
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]))))
