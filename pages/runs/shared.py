"""Runs that somebody shares by a link: to look at, and to open as one's own. Nothing of theirs can be changed here."""

import streamlit as st

from mlp_core.errors import UserError
from mlp_core.store.keeper import RunKeeper
from mlp_core.store.runs import StoredRun
from pages.live.keeping import QUEUE
from pages.live.runs import BrowserRuns, browser_runs
from pages.runs.comparison import tabs
from pages.runs.details import shown
from pages.runs.opening import open_run
from pages.runs.sharing import SECRET
from pages.shared.layout import as_text
from pages.shared.link import keep_in_address
from pages.shared.verdict import PLAYGROUND_PAGE


def seen(runs: BrowserRuns, secret: str) -> None:
    """What the link shows."""
    from mlp_core.store.shares import shared

    queue = QUEUE if runs.keeper is None else runs.keeper.queue
    found = shared(queue.store, secret)
    theirs = RunKeeper(queue, found.owner)  # only read from
    if len(found.runs) > 1:
        with st.container(border=True, key="runs-comparison"):
            tabs(theirs, found.runs)
        st.caption("One of them")
    run = _chosen(found.runs)
    with st.container(border=True, key="runs-details"):
        with st.container(horizontal=True, key="runs-actions"):
            if st.button("Open", icon=":material/open_in_new:", key="shared-open", type="primary",
                         help="See it in your Playground as it was. What you train on is your own."):  # fmt: skip
                open_run(runs, theirs, run.id, "open")
            if st.button("Fork", icon=":material/fork_right:", key="shared-fork",
                         help="Train a copy of your own on from there."):  # fmt: skip
                open_run(runs, theirs, run.id, "fork")
        shown(theirs, run)


def _chosen(found: tuple[StoredRun, ...]) -> StoredRun:
    if len(found) == 1:
        return found[0]
    labels = [f"{place}. {run.label}" for place, run in enumerate(found, 1)]
    place = st.selectbox("Run", range(len(found)), key="shared_run", format_func=labels.__getitem__,
                         label_visibility="collapsed")  # fmt: skip
    return found[place]


st.subheader("Shared runs", anchor=False)
given = st.query_params.get(SECRET, "")
keep_in_address({SECRET: given} if given else {})
try:
    seen(browser_runs(), given)
except UserError as error:
    st.info(as_text(error), icon=":material/link_off:")
    st.page_link(str(PLAYGROUND_PAGE), label="Go to the Playground", icon=":material/arrow_back:")
