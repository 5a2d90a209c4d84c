"""A table of figures that move: one row per class or target, each cell with a note under it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.components.assets import loader
from pages.components.part import Part

_MOUNT = st.components.v2.component("figure_table", js=loader("figure_table.js"))

Cell = tuple[str, str, str]
"""What is shown, a note under it, and a sentence for who hovers; each may be ''."""


def figure_table(
    columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[Cell]], *, alt: str, height: int, key: str
) -> Part:
    """Columns with a label and a help; rows with a cell per column, the first being the row's name.

    At most `height` pixels high; `alt` says in words what is seen.
    """
    return Part(_MOUNT, key, {"columns": list(columns), "rows": list(rows), "alt": alt, "height": height})
