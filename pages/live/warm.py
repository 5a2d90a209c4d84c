"""PyTorch is loaded while the first page is being read."""

from __future__ import annotations

import gc
import threading
from importlib import import_module

import streamlit as st


@st.cache_resource(show_spinner=False)
def load_pytorch() -> None:
    """Begin to load what a first press of Train needs, once per process. Call when a page has been drawn.

    The thread has the priority of all others: importing holds the GIL, and a thread of low priority that holds it keeps
    everybody waiting.
    """
    threading.Thread(target=_load, name="mlp-load", daemon=True).start()


def _load() -> None:
    import_module("mlp_core.training.trainer")
    # What the imports left behind is taken out of garbage collection: a full collection walks through it for 150 ms
    # with the GIL held, and every session waits.
    gc.collect()
    gc.freeze()
