"""Runs: everything that was trained here, kept by itself, to find, compare and open again."""

import streamlit as st

from mlp_core.errors import UserError
from pages.live.runs import browser_runs
from pages.runs.choice import chosen_query, controls, pager
from pages.runs.comparison import comparison
from pages.runs.details import details
from pages.runs.notes import notes, nothing_kept
from pages.runs.table import MOST, selected, table
from pages.shared.layout import as_text


def listing() -> None:
    """The table with what it is chosen by, and what was pressed in it."""
    assert keeper is not None
    store, query = keeper.queue.store, chosen_query()
    total = store.count(keeper.owner, query)
    first, size = pager(total)
    rows = store.runs(keeper.owner, query, limit=size, offset=first)
    room = store.room(keeper.owner)
    controls(keeper, rows)
    notes(keeper, room, total, query)
    if rows:
        table(rows)
    chosen = store.some(keeper.owner, selected())
    if len(chosen) == 1:
        details(runs, keeper, chosen[0])
    elif chosen:
        comparison(keeper, chosen)
    elif rows:
        st.caption(f"Tick a run to open it, or up to {MOST} to compare them.")


runs = browser_runs()
keeper = runs.keeper
st.subheader("Runs", anchor=False)
if keeper is None:
    nothing_kept("This browser sends no cookies, so nobody could tell whose runs they are: none are kept.")
else:
    try:
        listing()
    except UserError as error:
        nothing_kept(as_text(error))
