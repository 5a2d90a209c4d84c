"""Tabs of a page that does not move by itself: an area of its own, which a press runs alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st


def tabs(key: str, drawn: Mapping[str, Callable[[], None]]) -> None:
    """Draw tabs, each with what draws its content; only the open one's is drawn.

    A widget inside runs the tabs alone as well: a callback that changes what else the page shows ends with
    `st.rerun()`.
    """

    def draw() -> None:
        for tab, content in zip(st.tabs(list(drawn), key=key, on_change="rerun"), drawn.values(), strict=True):
            if tab.open:
                with tab:
                    content()

    st.fragment(draw, key=f"{key}-area")()
