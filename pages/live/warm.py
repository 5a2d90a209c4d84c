"""What the first page and the first run need is loaded as soon as the server starts."""

from __future__ import annotations

import gc
import threading
import time
from importlib import import_module

from mlp_core import data
from mlp_core.presets import DEFAULT, PRESETS
from mlp_core.processor import PROCESSOR, Priority

COLLECT_AFTER = 5_000, 10, 10
"""New objects after which those are looked through, and after how many times the older and the oldest ones are. With
Python's own 700, collections take a tenth of the time of a start, and in a class the GIL for a quarter of a second."""


def collect_seldom() -> None:
    """Set up the garbage collector of a process that serves the app."""
    gc.set_threshold(*COLLECT_AFTER)


FIRST_PAGE = "pages.live.page", "pages.live.runs", "pages.playground.screen", "pages.playground.network_panel"
"""Modules that import what the first page needs, without drawing anything."""


FIRST_COMES_SECONDS = 1.5
"""A browser that is opened together with the server gets its page first; later ones find everything loaded."""


def load() -> None:
    """Begin to load what the first page needs, and then what a first press of Train does. Call once per process.

    The thread has the priority of all others: importing holds the GIL, and a thread of low priority that holds it keeps
    everybody waiting.
    """
    threading.Thread(target=_load, name="mlp-load", daemon=False).start()


def _load() -> None:
    for name in FIRST_PAGE:
        import_module(name)
    time.sleep(FIRST_COMES_SECONDS)
    trainer = import_module("mlp_core.training.trainer")
    native = import_module("mlp_core.engines.native.engine")
    threading.Thread(target=native.kernel_compiler(), name="mlp-compile", daemon=False).start()
    # A step of a run imports, meanwhile, what the first one of any run needs.
    experiment = PRESETS[DEFAULT].experiment
    with PROCESSOR.preparations.turn(Priority.WATCHED):
        first = trainer.Trainer(experiment, data.load(experiment.data), processor=PROCESSOR)
    next(first.train(steps=1))
    first.release()
    # What that left behind is taken out of garbage collection: a full collection walks through it for 150 ms with the
    # GIL held, and every session waits.
    del first
    import_module("mlp_core.store.runs")  # before a first run is kept
    gc.freeze()
