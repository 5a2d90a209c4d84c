"""Several runs side by side: one tab for each way to look at them, of which only the open one is computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import streamlit as st

from mlp_core.store.keeper import RunKeeper
from mlp_core.store.runs import StoredRun
from pages.runs.differences import confusions, outputs, settings
from pages.runs.drawing import curves, parallel, scatter
from pages.runs.files import download
from pages.runs.notes import delete
from pages.runs.sharing import share_menu
from pages.runs.table import forget_table, select

Draw = Callable[[RunKeeper, Sequence[StoredRun]], None]
TABS: Mapping[str, Draw] = {
    "Curves": curves,
    "Settings": settings,
    "Scatter": scatter,
    "Parallel": parallel,
    "Confusion": confusions,
    "Output": outputs,
}


def comparison(keeper: RunKeeper, chosen: Sequence[StoredRun]) -> None:
    """Draw it."""
    with st.container(border=True, key="runs-comparison"):
        with st.container(horizontal=True, vertical_alignment="center", key="runs-actions"):
            st.markdown(f"**{len(chosen)} runs side by side**")
            download(keeper, [run.id for run in chosen])
            share_menu(keeper, [run.id for run in chosen])
            st.button("Clear", key="runs-clear", icon=":material/close:", on_click=_clear,
                      help="Select no run any more.")  # fmt: skip
            st.button("Delete", key="runs-delete", icon=":material/delete:",
                      on_click=partial(_delete, keeper, [run.id for run in chosen]))  # fmt: skip
        tabs(keeper, chosen)


def tabs(keeper: RunKeeper, chosen: Sequence[StoredRun]) -> None:
    """The ways to look at them; nothing here changes a run."""
    for tab, draw in zip(st.tabs(list(TABS), key="runs_tab", on_change="rerun"), TABS.values(), strict=True):
        if tab.open:
            with tab:
                draw(keeper, chosen)


def _clear() -> None:
    select([])
    forget_table()


def _delete(keeper: RunKeeper, runs: list[str]) -> None:
    delete(keeper, runs)
    _clear()
