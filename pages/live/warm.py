"""PyTorch is loaded while the first page is being read."""

from __future__ import annotations

import gc
import threading
from importlib import import_module

import streamlit as st

from mlp_core import data
from mlp_core.presets import DEFAULT, PRESETS
from mlp_core.processor import PROCESSOR, Priority

COLLECT_AFTER = 5_000, 10, 10
"""New objects after which those are looked through, and after how many times the older and the oldest ones are. With
Python's own 700, collections take a tenth of the time of a start, and in a class the GIL for a quarter of a second."""


def collect_seldom() -> None:
    """Set up the garbage collector of a process that serves the app."""
    gc.set_threshold(*COLLECT_AFTER)


@st.cache_resource(show_spinner=False)
def load_pytorch() -> None:
    """Begin to load what a first press of Train needs, once per process. Call when a page has been drawn.

    The thread has the priority of all others: importing holds the GIL, and a thread of low priority that holds it keeps
    everybody waiting.
    """
    threading.Thread(target=_load, name="mlp-load", daemon=False).start()


def _load() -> None:
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
