"""Parts of a page that move: mounted once, then given new data by one message for all of them.

Every message to a component makes the browser go through the whole page once more, which on a slow machine costs more
than drawing the charts. So a live tick sends a single hidden component, the feed, and that hands each part its data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from pages.components.assets import loader, packed

_FEED = st.components.v2.component("live_feed", js=loader("feed.js"))


@dataclass(frozen=True, eq=False)
class Part:
    """A component with what it shows now. `key` is its key on the page and its address for the feed."""

    renderer: Callable[..., Any]
    key: str
    data: dict[str, Any]
    options: dict[str, Any] = field(default_factory=dict)

    def mount(self, version: int) -> None:
        """Put it on the page, or bring it up to date where it is, with data of this version."""
        self.renderer(key=self.key, data=packed({**self.data, "slot": self.key, "version": version}), **self.options)


def feed(parts: Iterable[Part], *, version: int, at: float, stream: str | None, key: str) -> bool | None:
    """Give the parts on the page their new data, in one message; a part that is not there is passed over.

    What a part was mounted with and what the feed brings arrive in any order, so each part keeps the data of the
    highest `version`. `at` is when the data was as they show it, in Unix seconds. `stream` is an address, below the
    app's own, where the browser may ask for newer data by itself; None ends that. Returns whether it can; None if it
    has not said.
    """
    data = {"parts": {part.key: part.data for part in parts}, "version": version, "at": at, "stream": stream}
    state = _FEED(key=key, data=packed(data), on_streams_change=_nothing, on_redraw_change=_nothing)
    streams: bool | None = getattr(state, "streams", None)
    return streams


def _nothing() -> None:
    """Streamlit takes values of a component with a callback only; the run that follows is all that is wanted."""
