"""A bar that shows how far a file has been read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from mlp_core.data import Progress
from mlp_core.data.waiting import Report
from pages.shared.layout import as_text


@contextmanager
def progress_bar(name: str) -> Iterator[Report]:
    """A bar for as long as the file of that name is read, and the function that moves it."""
    bar = st.progress(0.0, text=as_text(f"Reading {name}"))

    def show(progress: Progress) -> None:
        share = min(1.0, progress.done_bytes / progress.total_bytes) if progress.total_bytes else 0.0
        bar.progress(share, text=as_text(progress.what))

    try:
        yield show
    finally:
        bar.empty()
