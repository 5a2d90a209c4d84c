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
    """A component with what it shows now."""

    renderer: Callable[..., Any]
    """What Streamlit mounts it with."""
    key: str
    """Its key on the page, and its address for the feed."""
    data: dict[str, Any]
    """What it shows."""
    options: dict[str, Any] = field(default_factory=dict)
    """More arguments of the renderer."""
    first: Callable[[], None] | None = None
    """What the browser has to be given before it is mounted."""

    def mount(self, version: int) -> None:
        """Put it on the page, or bring it up to date where it is, with data of this version."""
        if self.first is not None:
            self.first()
        self.renderer(key=self.key, data=packed({**self.data, "slot": self.key, "version": version}), **self.options)


@dataclass(frozen=True, eq=False)
class Update:
    """New data for the parts of a page.

    What a part was mounted with and what updates bring arrive in any order, so each part keeps the data of the highest
    version.
    """

    parts: Iterable[tuple[Part, int]]
    """Each part with the version of its data; one that is not on the page is passed over."""
    version: int
    """The highest version of the runs that the page shows."""
    at: float
    """When the data was as the parts show it, in Unix seconds."""
    run: str
    """The identity of the run; of the first one on a page that shows several."""

    def message(self, **more: Any) -> bytes:
        """The update as components read it, with more keys."""
        parts = {part.key: {**part.data, "version": version} for part, version in self.parts}
        return packed({"parts": parts, "version": self.version, "at": self.at, "run": self.run, **more})


def feed(update: Update, *, stream: str | None, redraw: Callable[[], None], key: str) -> bool | None:
    """Give the parts on the page their new data, in one message.

    `stream` is an address, below the app's own, where the browser may ask for newer data by itself; None ends that.
    `redraw` is called when an answer from there says that the page must be drawn again. Returns whether the browser can
    follow the stream; None if it has not said.
    """
    state = _FEED(key=key, data=update.message(stream=stream), on_streams_change=_nothing, on_redraw_change=redraw)
    streams: bool | None = getattr(state, "streams", None)
    return streams


def _nothing() -> None:
    """Streamlit takes values of a component with a callback only; the run that follows is all that is wanted."""
