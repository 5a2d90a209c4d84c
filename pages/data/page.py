"""The data: choose a set or bring a table, see what it holds, and say what is learned from what."""

import streamlit as st

from mlp_core.catalog.images import archive_of
from mlp_core.catalog.tables import table_of
from mlp_core.data.reading import is_large
from pages.data import images
from pages.data.choice import choice_area
from pages.data.columns import columns_area, reading_area, refused_fixes
from pages.data.holdings import holdings
from pages.data.upload import inspection_of, upload_area
from pages.live.runs import browser_runs
from pages.shared import editor
from pages.shared.layout import as_text
from pages.shared.link import hidden
from pages.shared.loading import loading
from pages.shared.own_file import read_button
from pages.shared.own_table import failure_fix
from pages.shared.verdict import PLAYGROUND_PAGE, apply_experiment

LOAD_SECONDS, LONG_SECONDS = 20.0, 1.0
"""How long the page waits for the data of a small set, and of one that takes long, whose progress it shows then."""

st.subheader("Data", anchor=False)
session = browser_runs().session
if not hidden("data", "dataset"):
    choice_area()
    upload_area(session)
if message := editor.refusal("data"):
    st.error(as_text(message), icon=":material/block:")
    refused_fixes()
current = editor.experiment()
said = False  # why there is no data yet
if current.data.dataset == "table":
    table = table_of(current.data.params)
    inspection = None if table is None else inspection_of(table)
    said = inspection is None
    if table is None:
        st.info("No table is chosen yet. Bring one above, or use another set.")
    elif inspection is not None:
        columns_area(table, inspection)
        reading_area(table, inspection)
elif current.data.dataset == "images":
    archive = archive_of(current.data.params)
    found = None if archive is None else images.inspection_of(archive)
    said = found is None
    if archive is None:
        st.info("No images are chosen yet. Bring a zip above, or use another set.")
    elif found is not None:
        images.images_area(archive, found)
else:
    st.markdown(f"**{as_text(current.data.entry.label)}**")
    st.caption(current.data.entry.summary)
st.page_link(str(PLAYGROUND_PAGE), label="Train on it in the Playground", icon=":material/play_circle:")
verdict = apply_experiment(session, LONG_SECONDS if is_large(current.data) else LOAD_SECONDS)
snapshot = session.snapshot()
if verdict.error:
    st.warning(as_text(verdict.error), icon=":material/warning:")
elif snapshot.status == "preparing":
    loading(session, snapshot, redraws=True)
elif snapshot.dataset is not None and snapshot.dataset.spec == current.data:
    holdings(snapshot.dataset)
elif snapshot.message:
    if not said:
        st.info(as_text(snapshot.message), icon=":material/info:")
        failure_fix(current.data)
    read_button(session, snapshot)
