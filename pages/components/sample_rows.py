"""Test samples of a table, one a row, with what the network says about each."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.components.assets import loader
from pages.components.image_grid import Item
from pages.components.part import Part

_MOUNT = st.components.v2.component("sample_rows", js=loader("sample_rows.js"))


def sample_rows(
    items: Sequence[Item], *, alt: str, height: int, key: str, names: Sequence[str] = (),
    inputs: Sequence[Sequence[str]] = (), more: int = 0,
) -> Part:  # fmt: skip
    """One row per item, at most `height` pixels high; `alt` says in words what is seen.

    Behind each stand its `inputs`, under their `names`; `more` says how many others there are.
    """
    data = {"items": list(items), "names": list(names), "inputs": list(map(list, inputs)), "more": more}
    return Part(_MOUNT, key, {**data, "alt": alt, "height": height})
