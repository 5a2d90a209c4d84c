"""The data: choose a set or bring a table, see what it holds, and say what is learned from what."""

import streamlit as st

from mlp_core.catalog.tables import table_of
from pages.data.choice import choice_area
from pages.data.columns import columns_area, reading_area, refused_fixes
from pages.data.holdings import holdings
from pages.data.upload import inspection_of, upload_area
from pages.live.runs import browser_runs
from pages.playground.status import download_progress
from pages.shared import editor
from pages.shared.layout import as_text
from pages.shared.link import hidden
from pages.shared.own_table import failure_fix
from pages.shared.verdict import PLAYGROUND_PAGE, apply_experiment

LOAD_SECONDS = 2
"""How long the page waits for the data of a small set; a larger one is waited for with progress."""

st.subheader("Data", anchor=False)
if not hidden("data", "dataset"):
    choice_area()
    upload_area()
if message := editor.refusal("data"):
    st.error(as_text(message), icon=":material/block:")
    refused_fixes()
current = editor.experiment()
session = browser_runs().session
verdict = apply_experiment(session, LOAD_SECONDS)
snapshot = session.snapshot()
download_progress(session, snapshot, still=True)
if current.data.dataset == "table":
    table = table_of(current.data.params)
    inspection = None if table is None else inspection_of(table)
    if table is None:
        st.info("No table is chosen yet. Bring one above, or use another set.")
    elif inspection is not None:
        columns_area(table, inspection)
        reading_area(table, inspection)
else:
    st.markdown(f"**{as_text(current.data.entry.label)}**")
    st.caption(current.data.entry.summary)
st.page_link(str(PLAYGROUND_PAGE), label="Train on it in the Playground", icon=":material/play_circle:")
if verdict.error:
    st.warning(as_text(verdict.error), icon=":material/warning:")
elif snapshot.dataset is not None and snapshot.dataset.spec == current.data and not verdict.error:
    holdings(snapshot.dataset)
elif snapshot.message:
    st.info(as_text(snapshot.message), icon=":material/info:")
    failure_fix(current.data)
