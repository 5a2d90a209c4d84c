"""The training session of the browser that a script runs for."""

from __future__ import annotations

import gc
import sys

import streamlit as st

from mlp_core.training.lease import Lease
from mlp_core.training.session import Session


@st.cache_resource(scope="session", show_spinner=False, on_release=Lease.lose)
def current_lease() -> Lease:
    """This browser's lease; when its connection is lost, its runs go on for a while and then end."""
    return Lease()


@st.cache_resource(scope="session", show_spinner=False)
def current_session() -> Session:
    """This browser's session."""
    return Session(lease=current_lease())


@st.cache_resource(show_spinner=False)
def freeze_heavy_modules() -> None:
    """Take what PyTorch's import left behind out of garbage collection, once per process.

    A full collection walks through it for 150 ms with the interpreter lock held, and every session waits.
    """
    gc.collect()
    gc.freeze()


def settle() -> None:
    """Call on a page run; does `freeze_heavy_modules` when the imports are through."""
    if "mlp_core.training.trainer" in sys.modules:
        freeze_heavy_modules()
