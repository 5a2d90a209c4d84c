"""A table of figures that move: one row per class, target or sample, sorted by the column that is pressed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from pages.components.assets import loader
from pages.components.part import Part

_MOUNT = st.components.v2.component("figure_table", js=loader("figure_table.js"))

Cell = tuple[str, str, str] | str
"""What is shown, a note under it, and a sentence for who hovers; each may be ''. A text alone has neither."""


def figure_table(
    columns: Sequence[tuple[str, str]],
    rows: Sequence[Sequence[Cell]],
    *,
    alt: str,
    height: int,
    key: str,
    foot: Sequence[Sequence[Cell]] = (),
    caption: str = "",
) -> Part:
    """Columns with a label and a help; rows with a cell per column, the first being the row's name.

    At most `height` pixels high; `alt` says in words what is seen. `foot` are rows that stay at the end; `caption`
    stands above the table, and alone where there are no rows.
    """
    data = {"columns": list(columns), "rows": list(rows), "foot": list(foot), "alt": alt, "height": height}
    return Part(_MOUNT, key, {**data, "caption": caption})


def with_pick(part: Part, picks: Sequence[Any], picked: Callable[[], None]) -> Part:
    """The table with rows that can be pressed: `picked` is called then, and `picked_row` gives the row's one of
    `picks`."""
    return replace(part, data={**part.data, "picks": list(picks)}, options={"on_pick_change": picked})


def picked_row(key: str) -> Any:
    """What stands for the row that was pressed in the table of that key, as the browser sent it."""
    return getattr(st.session_state.get(key), "pick", None)
