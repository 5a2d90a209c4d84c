"""Test samples of a table, one a row, with what the network says about each."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.components.assets import loader
from pages.components.image_grid import Item
from pages.components.part import Part

_MOUNT = st.components.v2.component("sample_rows", js=loader("sample_rows.js"))


def sample_rows(items: Sequence[Item], *, alt: str, height: int, key: str) -> Part:
    """One row per item, at most `height` pixels high; `alt` says in words what is seen."""
    return Part(_MOUNT, key, {"items": list(items), "alt": alt, "height": height})
