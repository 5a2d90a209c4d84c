"""Tune: which learning rate, batch size and width to take, and whether a difference is larger than that of seeds."""

import streamlit as st

from pages.live.runs import browser_runs
from pages.playground.control_bar import SOON_SECONDS
from pages.shared.editor import refusal as edit_refusal
from pages.shared.layout import as_text
from pages.shared.loading import loading
from pages.shared.verdict import PLAYGROUND_PAGE, apply_experiment, show_error
from pages.tune.finder import finder
from pages.tune.parameters import refusal
from pages.tune.scans import batch_scan, width_scan
from pages.tune.seeds import seeds

TABS = {"Learning rate": finder, "Batch size": batch_scan, "Width": width_scan, "Seeds": seeds}

runs = browser_runs()
session = runs.session
found = apply_experiment(session, SOON_SECONDS)
st.subheader("Tune", anchor=False)
if found.error:
    show_error(found.error)
else:
    snapshot = session.snapshot()
    loading(session, snapshot, redraws=True)
    if snapshot.dataset is None:
        if snapshot.status != "preparing":
            st.info(as_text(snapshot.message) or "There is no run yet.", icon=":material/info:")
            st.page_link(str(PLAYGROUND_PAGE), label="Go to the Playground", icon=":material/arrow_back:")
    else:
        for tab, draw in zip(st.tabs(list(TABS), key="tune_tab", on_change="rerun"), TABS.values(), strict=True):
            if tab.open:
                with tab:
                    refusal()
                    if message := edit_refusal("tune") or edit_refusal("controls") or edit_refusal("data"):
                        st.error(as_text(message), icon=":material/block:")
                    draw(runs)
