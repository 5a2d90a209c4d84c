"""Ends processes at random moments while they save runs, and looks whether what they said they had saved is whole.

    python tests/store/killed.py URL KILLS

Each process is a fork of this one, so that hundreds take little time. It says in a pipe what it has saved, after that
was done. Prints one JSON object: how many were killed, how much was said to be saved, what of it is missing or torn.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import sys
import time
from typing import Any

import numpy as np

from mlp_core.presets import preset
from mlp_core.store.opening import open_store
from mlp_core.store.runs import Files, RunStore
from mlp_core.training.history import Buckets, Curves
from mlp_core.training.record import RunRecord

ME = "me"
LONGEST_SECONDS = 0.25
"""From the first saved run of a process to its end at most."""
REPLACED = "replaced"
"""A run that is saved again and again."""


def files_at(run: str, step: int) -> Files:
    """What the files of a run at a step hold: bytes that only they have."""
    seed = hashlib.sha256(f"{run} {step}".encode()).digest()
    return {"best": (step, seed * 200), "last": (step, seed * 2_000), "state": (step, seed * 5_000)}


def record_at(run: str, step: int) -> RunRecord:
    """A record whose numbers are all its step."""
    values = np.full(100, step, dtype=np.float32)
    curves = Curves(Buckets(np.arange(1.0, 101.0), values, values, values), np.empty((0, 3)), np.empty((0, 2)))
    return RunRecord(id=run, experiment=preset("spiral").experiment, started=1.0, step=step, curves=curves)


def save_on(url: str, pipe: int, name: str, first: int) -> None:
    """Save runs until somebody ends the process."""
    store = RunStore(open_store(url))
    for step in range(first, first + 1_000_000):
        for run in (f"{name}-{step}", REPLACED):
            store.save(ME, record_at(run, step), files_at(run, step))
            os.write(pipe, f"{run} {step}\n".encode())


def killed(url: str, name: str, first: int) -> list[tuple[str, int]]:
    """What a process said that it had saved, before it was killed."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        try:
            save_on(url, writing, name, first)
        finally:
            os._exit(1)
    os.close(writing)
    said = os.read(reading, 1 << 16)  # the first run is saved
    time.sleep(random.uniform(0, LONGEST_SECONDS))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while more := os.read(reading, 1 << 16):
        said += more
    os.close(reading)
    whole = said.decode().split("\n")[:-1]
    return [(run, int(step)) for run, step in (line.split() for line in whole)]


def faults(store: RunStore, said: dict[str, int]) -> tuple[list[str], list[str]]:
    """The runs that are missing or older than was said, and those of which parts do not belong together."""
    missing, torn = [], []
    for stored in store.runs(ME):
        step = int(stored.figures["step"] or 0)
        record = store.record(ME, stored.id)
        whole = record.to_json() == record_at(stored.id, step).to_json() and all(
            store.file(ME, stored.id, which) == content for which, (_, content) in files_at(stored.id, step).items()
        )
        if not whole:
            torn.append(stored.id)
        if step < said.pop(stored.id, 0):
            missing.append(stored.id)
    missing += said
    return missing, torn


def main(url: str, kills: int) -> dict[str, Any]:
    """Kill so many processes, one after the other, and look after each at what was said since the one before."""
    told, missing, torn, first = 0, [], [], 1
    for number in range(kills):
        said = dict(killed(url, f"run-{number}", first))
        told, first = told + len(said), max(said.values(), default=first) + 2
        engine = open_store(url)
        store = RunStore(engine)
        lost, parts = faults(store, said)
        missing, torn = missing + lost, torn + parts
        store.delete(ME, [run.id for run in store.runs(ME) if run.id != REPLACED])
        engine.dispose()
    return {"kills": kills, "said": told, "missing": missing, "torn": torn}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]))))
